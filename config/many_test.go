package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestManyUnknownKeys: however many keys are unknown, wherever they stand, they
// are refused at once, in few lines.
func TestManyUnknownKeys(t *testing.T) {
	keys := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	const many = 100_000
	for what, src := range map[string]struct {
		text string
		Source
		want string
	}{
		"top":      {keys(many, "key_%d: 1\n"), Source{}, "bad.yaml:1001: more than 1000 keys"},
		"section":  {"optimize:\n" + keys(many, "  key_%d: 1\n"), Source{}, "bad.yaml:1002: more than 1000 keys"},
		"item":     {"optimize:\n  bounds:\n    - name: a\n" + keys(many, "      key_%d: 1\n"), Source{}, "bad.yaml:1003: more than 1000 keys"},
		"some":     {keys(900, "key_%d: 1\n"), Source{}, "and 880 more unknown keys"},
		"one over": {keys(21, "key_%d: 1\n"), Source{}, "and 1 more unknown key"},
		"in item":  {"optimize:\n  bounds:\n    - name: a\n" + keys(900, "      key_%d: 1\n"), Source{}, "optimize.bounds[0]: and 880 more unknown keys"},
		"variable": {"", Source{Env: strings.Fields(keys(many, "ALLOCATE_KEY_%d=1 "))}, "and 99980 more unknown keys"},
		"set":      {"", Source{Sets: strings.Fields(keys(many, "key_%d=1 "))}, "and 99980 more unknown keys"},
		"long":     {"", Source{Sets: []string{strings.Repeat("x", 1<<20) + "=1"}}, "unknown key xxx"},
	} {
		began := time.Now()
		if src.text != "" {
			src.File = filepath.Join(t.TempDir(), "bad.yaml")
			if err := os.WriteFile(src.File, []byte(src.text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		_, _, err := Load(src.Source)
		if err == nil || !strings.Contains(err.Error(), src.want) || len(err.Error()) > 4000 || strings.Count(err.Error(), "\n") > 25 {
			t.Errorf("%s: %.300v", what, err)
		}
		if took := time.Since(began); took > 5*time.Second { // quadratic: minutes
			t.Errorf("%s took %v", what, took)
		}
	}
	// A long list is no crowded section.
	if line := crowded("optimize:\n  bounds:\n" + keys(3000, "    - name: s%d\n      max: 0.1\n")); line != 0 {
		t.Errorf("a list of 3000 items is refused at line %d", line)
	}
	if line := crowded("optimize:\n  bounds:\n" + keys(3000, "  - {name: s%d, max: 0.1}\n")); line != 0 {
		t.Errorf("a list of 3000 items is refused at line %d", line)
	}
}
