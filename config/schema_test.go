package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"allocate/bayes"
	"allocate/returns"
)

// TestSchema expects every key of the configuration, and the numbers that a
// reader of the results looks for, in the schemas.
func TestSchema(t *testing.T) {
	for kind, wanted := range map[string][]string{
		"config":   {`"optimize"`, `"max_turnover"`, `"backtest"`, "confidence level of the CVaR", `"hurdle_student_t",`, `"bayes.Override"`, `"additionalProperties": false`},
		"summary":  {`"cvar"`, `"certificate"`, `"strategies"`, `"probability_mean_above_0"`, `"sensitivity"`, `"type": "null"`},
		"backtest": {`"rebalances"`, `"metrics"`, `"acerbi_szekely"`},
	} {
		var b bytes.Buffer
		if err := WriteSchema(&b, kind); err != nil {
			t.Fatal(err)
		}
		if !json.Valid(b.Bytes()) {
			t.Errorf("%s: not JSON", kind)
		}
		for _, part := range wanted {
			if !strings.Contains(b.String(), part) {
				t.Errorf("schema of %s lacks %s", kind, part)
			}
		}
		if strings.Contains(b.String(), "http://") || strings.Count(b.String(), "https://") > 1 {
			t.Errorf("schema of %s points elsewhere than to the draft", kind)
		}
	}
	if err := WriteSchema(&bytes.Buffer{}, "weights"); err == nil {
		t.Error("a schema of nothing")
	}
}

// The models that may be named are those that are registered, in every key that
// names one; what another key sets is none.
func TestModelsAreTheRegistered(t *testing.T) {
	var schema, docs, template bytes.Buffer
	if err := errors.Join(WriteSchema(&schema, "config"), WriteDocs(&docs), WriteTemplate(&template, Static, nil)); err != nil {
		t.Fatal(err)
	}
	var s struct {
		Defs map[string]struct {
			Properties map[string]struct {
				Enum        []string
				Description string
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal(schema.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	want := []string{"auto"}
	for _, f := range bayes.Families() {
		want = append(want, f.Name)
		if !strings.Contains(docs.String(), "| `"+f.Name+"` | "+sentence(f.About)) {
			t.Errorf("the manual lacks %s", f.Name)
		}
	}
	for _, section := range []string{"bayes.Options", "bayes.Override"} {
		model := s.Defs[section].Properties["model"]
		if !slices.Equal(model.Enum, want) || section == "bayes.Options" && !strings.HasSuffix(model.Description, "skew_t or student_t") {
			t.Errorf("%s: %v %q", section, model.Enum, model.Description)
		}
		if _, has := s.Defs[section].Properties["horizon"]; has {
			t.Errorf("%s has a key that scenarios.horizon sets", section)
		}
	}
	if text := "skew_t or student_t"; !strings.Contains(strings.ReplaceAll(template.String(), "\n  # ", " "), text) || !strings.Contains(docs.String(), text) {
		t.Errorf("template or manual lack %q", text)
	}
}

// The horizon of the losses that models judge is that of the scenarios.
func TestHorizonOfModels(t *testing.T) {
	c := Default()
	if got := c.For(returns.Weekly).Bayes.Horizon; got != 4 {
		t.Errorf("%d weeks", got)
	}
	c.Scenarios.Horizon = 7
	if got := c.For(returns.Daily).Bayes.Horizon; got != 7 {
		t.Errorf("%d days", got)
	}
}

func TestDocs(t *testing.T) {
	var b bytes.Buffer
	if err := WriteDocs(&b); err != nil {
		t.Fatal(err)
	}
	for _, f := range Fields() {
		if !strings.Contains(b.String(), "| `"+f.Key+"` |") {
			t.Errorf("%s is not in the manual", f.Key)
		}
	}
}
