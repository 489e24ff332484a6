package pipeline

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/store"
	"allocate/returns"
	"allocate/returns/columnar"
	"allocate/scenarios"
)

// coverageOf does the holdout action for a series.
func coverageOf(t *testing.T, s *returns.Series, c config.Config) *scenarios.Coverage {
	t.Helper()
	table, err := s.Table()
	if err != nil {
		t.Fatal(err)
	}
	b, err := columnar.EncodeIPC(table)
	if err != nil {
		t.Fatal(err)
	}
	files, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	id, err := files.Put(b)
	if err != nil {
		t.Fatal(err)
	}
	o, err := engine.Canonical(heldOut(c.Scenarios, c.Bayes))
	if err != nil {
		t.Fatal(err)
	}
	stages := Stages(1)
	a := engine.Action{Stage: "holdout", Version: stages["holdout"].Version, Unit: s.Strategy.Name, Options: o, Inputs: []engine.Input{{Name: "series", Content: id}}, Seed: engine.SeedFor(1, "holdout", s.Strategy.Name), Arch: engine.Arch()}
	content, err := engine.Local{Stages: stages}.Execute(t.Context(), a, files, &engine.Memory{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := files.Get(content)
	if err != nil {
		t.Fatal(err)
	}
	var coverage *scenarios.Coverage
	if err := json.Unmarshal(out, &coverage); err != nil {
		t.Fatal(err)
	}
	return coverage
}

// Days held out of independent simulated strategies lie below a predicted
// quantile as often as it says: binomial, but for the error of the fit, which
// 1,500 days keep below a tenth of the binomial's. A change of regime in the
// held-out year is noticed.
func TestHoldoutCoverage(t *testing.T) {
	const n = 40
	c := config.Default()
	panel, _, err := returns.Simulate(returns.Simulation{Strategies: n, Days: 1752, Start: returns.NewDate(2015, 1, 1)}, engine.Streams(3, "holdout"))
	if err != nil {
		t.Fatal(err)
	}
	var all []*scenarios.Coverage
	for j := range n {
		all = append(all, coverageOf(t, panel.Series(j), c))
	}
	found := scenarios.JudgeHoldout(all)
	summary := found[len(found)-1]
	if summary.Code != "scenarios.holdout" || summary.Numbers["days"] != 252*n || summary.Numbers["strategies"] != n {
		t.Fatalf("findings %v", found)
	}
	for name, p := range map[string]float64{"below_1": 0.01, "below_5": 0.05, "above_95": 0.05, "above_99": 0.01} {
		se := math.Sqrt(p * (1 - p) / (252 * n))
		if got := summary.Numbers[name]; math.Abs(got-p) > 3.3*se {
			t.Errorf("%s: share %.4f, want %.2f within %.4f", name, got, p, 3.3*se)
		}
	}
	if len(found) > 1 {
		t.Errorf("strategies of the model do not fit it: %v", found)
	}

	shifted := panel.Series(0)
	for i := shifted.Len() - 252; i < shifted.Len(); i++ {
		shifted.Returns[i] *= 3
	}
	c3 := coverageOf(t, shifted, c)
	var codes []string
	for _, f := range c3.Findings {
		codes = append(codes, f.Code+" "+f.Severity.String())
	}
	if got := strings.Join(codes, ", "); got != "scenarios.holdout_pit warn, scenarios.holdout_tail warn" {
		t.Errorf("a year of three times the volatility: %s", got)
	}

	// A history of 99 days has no fifth of 20 days to spare.
	short := panel.Series(1)
	short.Dates, short.Returns = short.Dates[:99], short.Returns[:99]
	if got := coverageOf(t, short, c); got != nil {
		t.Errorf("coverage of a short history: %+v", got)
	}
	if found := scenarios.JudgeHoldout([]*scenarios.Coverage{nil}); found != nil {
		t.Errorf("findings about nothing: %v", found)
	}
}
