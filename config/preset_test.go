package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPreset: keys of a source take precedence over those of the preset, and where they
// are others it is told; the preset over the defaults.
func TestPreset(t *testing.T) {
	dir := t.TempDir()
	load := func(text string, sets ...string) (*Config, map[string]Origin) {
		t.Helper()
		path := filepath.Join(dir, "a.yaml")
		if err := os.WriteFile(path, []byte("returns: {path: x.csv}\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, origins, err := Load(Source{File: path, Sets: sets})
		if err != nil {
			t.Fatal(err)
		}
		return c, origins
	}
	for _, x := range []struct {
		text, sets, model, refit, dependence, notice string
	}{
		{"", "", "student_t", "always", "t_copula", ""},
		{"preset: static", "", "student_t", "always", "t_copula", ""},
		{"preset: adaptive", "", "auto", "monthly", "dcc_t_copula", ""},
		{"", "preset=adaptive", "auto", "monthly", "dcc_t_copula", ""},
		{"preset: static\nbayes: {model: auto}", "", "auto", "always", "t_copula", ""},
		{"preset: adaptive\nbayes: {model: auto}", "", "auto", "monthly", "dcc_t_copula", ""},
		{"preset: adaptive\nbayes: {model: gjr_t}", "", "gjr_t", "monthly", "dcc_t_copula", "bayes.model: gjr_t"},
		{"preset: adaptive", "scenarios.dependence=t_copula", "auto", "monthly", "t_copula", "scenarios.dependence: t_copula (set"},
		{"bayes: {model: auto}", "", "student_t", "always", "t_copula", "a.yaml: bayes.model: auto is student_t"},
		{"", "bayes.model=auto", "auto", "always", "t_copula", ""}, // no file of an earlier version
	} {
		var sets []string
		if x.sets != "" {
			sets = []string{x.sets}
		}
		c, origins := load(x.text, sets...)
		if c.Bayes.Model != x.model || c.Bayes.Refit != x.refit || c.Scenarios.Dependence != x.dependence {
			t.Errorf("%q %q: %s, %s, %s", x.text, x.sets, c.Bayes.Model, c.Bayes.Refit, c.Scenarios.Dependence)
		}
		if told := strings.Join(c.Notices, "\n"); (told == "") != (x.notice == "") || !strings.Contains(told, x.notice) {
			t.Errorf("%q %q: notices %q", x.text, x.sets, told)
		}
		if from := origins["bayes.refit"].String(); (x.refit == "monthly") != (from == "preset adaptive") {
			t.Errorf("%q: bayes.refit is from %s", x.text, from)
		}
	}
	c, _ := load("bayes: {of: [{name: a, model: auto}, {name: b, model: normal}]}")
	if len(c.Notices) != 1 || *c.Bayes.Of[0].Model != "student_t" || *c.Bayes.Of[1].Model != "normal" {
		t.Errorf("overrides: %v, %v", *c.Bayes.Of[0].Model, c.Notices)
	}
	if c, _ = load("preset: static\nbayes: {of: [{name: a, model: auto}]}"); *c.Bayes.Of[0].Model != "auto" || len(c.Notices) > 0 {
		t.Errorf("overrides of a preset: %v, %v", *c.Bayes.Of[0].Model, c.Notices)
	}
	if _, _, err := Load(Source{Sets: []string{"returns.path=x.csv", "preset=new"}}); err == nil || !strings.Contains(err.Error(), "expected static or adaptive") {
		t.Errorf("an unknown preset: %v", err)
	}
}

// TestAdaptiveTemplate loads to the preset, without notices.
func TestAdaptiveTemplate(t *testing.T) {
	var b bytes.Buffer
	if err := WriteTemplate(&b, Adaptive, map[string]any{"returns.path": "x.csv"}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := Load(Source{File: path})
	if err != nil {
		t.Fatal(err)
	}
	if c.Preset != Adaptive || c.Bayes.Model != "auto" || len(c.Notices) > 0 {
		t.Errorf("%s, %s, %v", c.Preset, c.Bayes.Model, c.Notices)
	}
	if err := WriteTemplate(&b, "new", nil); err == nil {
		t.Error("an unknown preset has a template")
	}
}
