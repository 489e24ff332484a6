package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func loadText(t *testing.T, text string, sets ...string) (*Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := Load(Source{File: file, Sets: sets})
	return c, err
}

// TestPercent reads 20% as 0.2 wherever a fraction is expected, in a file and
// in --set, in sections and in lists of them.
func TestPercent(t *testing.T) {
	c, err := loadText(t, `
returns: {path: x.csv, max_median_abs: 3%}
optimize:
  max_weight: 20%
  alpha: "97.5 %"
  max_turnover: 12.5%
  bounds: [{name: a, max: 5%}]
  groups: [{name: g, strategies: [a], max: 40%}]
gates: {max_change: 7%}
`, "optimize.min_weight=-10%", "optimize.max_cvar=4%", "optimize.objective=utility")
	if err != nil {
		t.Fatal(err)
	}
	o := c.Optimize
	if o.MaxWeight != 0.2 || o.Alpha != 0.975 || *o.MaxTurnover != 0.125 || *o.Bounds[0].Max != 0.05 || *o.Groups[0].Max != 0.4 || o.MinWeight != -0.1 || *o.MaxCVaR != 0.04 || c.Gates.MaxChange != 0.07 || c.Returns.MaxMedianAbs != 0.03 {
		t.Errorf("%+v", o)
	}
}

// TestErrorsOfWrongKind refuses values of the wrong kind with key, place and remedy,
// and without a word of the language or of a library.
func TestErrorsOfWrongKind(t *testing.T) {
	library := regexp.MustCompile(`yaml: line|yaml: unm|mapstructure|float64|unmarshal|\[\]interface|expected type|map\[`)
	for _, c := range []struct{ text, want string }{
		{"optimize:\n  cost_bp: 20%\n", `c.yaml:2: optimize.cost_bp: "20%" has a percent sign, but the key is not a fraction`},
		{"optimize:\n  max_weight: twenty\n", `optimize.max_weight: "twenty" is not a number`},
		{"optimize:\n  max_weight: \"0.2\"\n", `optimize.max_weight: "0.2" is a string; remove the quotes`},
		{"optimize:\n  max_weight: [0.2]\n", "optimize.max_weight"},
		{"returns:\n  strategies: a,b\n", "returns.strategies: a,b is not a list; write [a,b]"},
		{"optimize:\n  bounds: a\n", "optimize.bounds: a is not a list; write [{name: …}]"},
		{"optimize:\n  bounds: [a]\n", "optimize.bounds[0]: a is not a section; write {name: …, min: …, max: …}"},
		{"optimize:\n  bounds: [{name: a, maxx: 0.2}]\n", "optimize.bounds[0]: unknown key maxx; did you mean max?"},
		{"optimize:\n  bounds: [{name: 7, max: 0.2}]\n", `optimize.bounds[0].name: 7 must be a string; write it in quotes, "7"`},
		{"returns:\n  strategies: [a, 10]\n", `returns.strategies[1]: 10 must be a string; write it in quotes, "10"`},
		{"as_of: 20221228\n", `as_of: 20221228 must be a string; write it in quotes, "20221228"`},
		{"gates:\n  severity: [{code: data.gapp, severity: warn}]\n", `gates.severity[0].code: "data.gapp" is not the code of a finding; did you mean data.gap?`},
		{"gates:\n  severity: [{code: optimize.gapp, severity: warn}]\n", "did you mean optimize.gap?"},
		{"gates:\n  severity: [{code: bayes.rhatt, severity: warn}]\n", "did you mean bayes.rhat?"},
		{"gates:\n  degraded: [bayes., optimise.]\n", `gates.degraded[1]: no code of a finding begins with "optimise."`},
		{"gates:\n  degraded: [\"\"]\n", `gates.degraded[0]: no code of a finding begins with ""`},
		{"optimize:\n  max_weight: 0.2\n bad: 1\n", "invalid YAML"},
		{"optimize: {max_weight: 0.2\n", "invalid YAML"},
		{"a: b: c\n", "c.yaml:1: invalid YAML: a colon where none is expected"},
		{"optimize:\n\tmax_weight: 0.2\n", "invalid YAML: a tab or a special character"},
		{"returns:\n  path: s3://bucket/returns.parquet\n", `returns.path: "s3://bucket/returns.parquet" is a URL; expected a local file or folder`},
		{"returns:\n  path: postgres://db/returns\n", `returns.path: "postgres://db/returns" is a URL`},
		{"out: http://x/out\n", `out: "http://x/out" is a URL`},
		{"returns:\n  frequency: hourly\n", `returns.frequency: "hourly" is not one of auto, daily, seven_day, weekly, monthly, quarterly`},
		{"returns:\n  path: x\n---\noptimize:\n  max_weight: 0.3\n", "c.yaml:3: the file has a second YAML document; merge the two"},
		{"returns:\n  path: x\n...\nseed: 4\n", "c.yaml:3: the file has a second YAML document"},
		{"optimize:\n  max_weight: 0.2\nOptimize:\n  max_weight: 0.7\n", "c.yaml:3: write the key Optimize in lower case: optimize"},
		{"optimize:\n  Max_Weight: 0.7\n", "c.yaml:2: write the key Max_Weight in lower case"},
		{"optimize.max_weight: 0.5\n", "c.yaml:1: write the key optimize.max_weight as a section, with its keys indented below it"},
		{"null:\n  max_weight: 0.5\n", "c.yaml:1: a key without a name"},
		{"optimize:\n  max_positions: 0.5\n", "optimize.max_positions: 0.5 is not a whole number"},
		{"optimize:\n  max_positions: 2.9\n", "optimize.max_positions: 2.9 is not a whole number"},
		{"bayes:\n  draws: 99999999999999999999\n", "bayes.draws: 1e+20 is not a whole number, or is too large"},
		{"seed: 1.9\n", "seed: 1.9 is not a whole number"},
		{"optimize: 5\n", "c.yaml:1: optimize is a section; indent its keys below it"},
		{"returns: x.csv\n", "returns is a section"},
		{"optimize:\n  max_weight: 2022-01-01\n", "optimize.max_weight: 2022-01-01 is not a number"},
		{"gates:\n  severity: {data.gap: warn}\n", "gates.severity"},
		{"scenarios:\n  horizon: -1\n", "scenarios.horizon: is -1; expected 1 to 366 periods, or 0 for a month"},
	} {
		_, err := loadText(t, c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q:\n%v\nwant %s", c.text, err, c.want)
			continue
		}
		if library.MatchString(err.Error()) {
			t.Errorf("%q: a library speaks: %v", c.text, err)
		}
	}
	if _, err := loadText(t, "returns: {path: x.csv}\n", "optimize.max_weight=0.2]"); err == nil || library.MatchString(err.Error()) {
		t.Errorf("--set: %v", err)
	}
}

// TestSweepNumbers takes the values of a sweep with and without quotes.
func TestSweepNumbers(t *testing.T) {
	c, err := loadText(t, "returns: {path: x.csv}\nbacktest:\n  sweep: [{key: optimize.alpha, values: [0.9, \"0.95\"]}, {key: optimize.cash, values: [true, false]}]\n")
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Backtest.Sweep; strings.Join(s[0].Values, " ") != "0.9 0.95" || strings.Join(s[1].Values, " ") != "true false" {
		t.Errorf("%+v", s)
	}
}

// TestManualListsFindings expects every code with its sizes in the manual.
func TestManualListsFindings(t *testing.T) {
	var b strings.Builder
	if err := WriteDocs(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| `data.missing_session` | Sessions of the calendar, or weeks or months, without a row. | info; warn from 0.25; hold from 3 | longest run, in months |",
		"| `scenarios.pit` |", "| `bayes.rhat` |", "| `optimize.gap` |", "| `run.turnover` | Turnover against the previous weights. | info; hold above gates.max_turnover |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the manual lacks %s", want)
		}
	}
}

// TestEmptySections loads a file whose sections are commented out, and one that
// begins with the mark of a document.
func TestEmptySections(t *testing.T) {
	c, err := loadText(t, "%YAML 1.1\n---\n# a comment\nreturns: {path: x.csv}\noptimize:\n  # max_weight: 0.2\nbayes: {draws: 1e3}\n")
	if err != nil || c.Optimize.MaxWeight != 1 || c.Bayes.Draws != 1000 {
		t.Errorf("%v", err)
	}
}
