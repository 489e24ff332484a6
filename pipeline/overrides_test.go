package pipeline

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"allocate/bayes"
	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/reports"
)

// fittedUnits lists the strategies that a run has fitted anew, sorted.
func fittedUnits(m *engine.Memory) (names []string) {
	for _, e := range m.Events() {
		if e.Kind == engine.ActionFinished && e.Stage == "bayes" {
			names = append(names, e.Unit)
		}
	}
	slices.Sort(names)
	return names
}

// Options of one strategy or group fit that one again and no other, and so does
// an option that only some family reads.
func TestOverridesRefitOnlyTheirStrategies(t *testing.T) {
	c := cold(t, tinyConfig(t))
	about := filepath.Join(t.TempDir(), "about.csv")
	if err := os.WriteFile(about, []byte("strategy,group\nstrategy_02,trend\nstrategy_05,trend\nstrategy_03,carry\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Returns.Metadata = about
	if _, m := run(t, c); len(fittedUnits(m)) != sampled() {
		t.Fatalf("first run: %v", fittedUnits(m))
	}
	normal, prior := "normal", bayes.Prior("normal(0, 0.5)")
	c.Bayes.Of = []bayes.Override{{Name: "strategy_04", Model: &normal}}
	o, m := run(t, c)
	if got := fittedUnits(m); !slices.Equal(got, []string{"strategy_04"}) {
		t.Errorf("an override of strategy_04 fits %v", got)
	}
	text, err := os.ReadFile(filepath.Join(o.Dir, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s reports.Summary
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	for _, x := range s.Strategies {
		if own := x.Name == "strategy_04"; own != (x.Model == "normal") {
			t.Errorf("%s is fitted by %s", x.Name, x.Model)
		}
	}
	page, err := os.ReadFile(filepath.Join(o.Dir, "tearsheet.html"))
	if err != nil || !strings.Contains(string(page), "<dt>Return model of strategy_04</dt><dd>model normal</dd>") {
		t.Errorf("the settings of the page lack the override: %v", err)
	}
	c.Bayes.Of = append(c.Bayes.Of, bayes.Override{Group: "trend", PriorSharpe: &prior})
	if _, m := run(t, c); !slices.Equal(fittedUnits(m), []string{"strategy_02", "strategy_05"}) {
		t.Errorf("an override of the group fits %v", fittedUnits(m))
	}
	c.Bayes.PriorNu = "gamma(2, 0.2)"
	if _, m := run(t, c); len(fittedUnits(m)) != sampled()-1 || slices.Contains(fittedUnits(m), "strategy_04") {
		t.Errorf("a prior of nu, which a normal model does not have, fits %v", fittedUnits(m))
	}
	c.Scenarios.Horizon = 5 // of no importance to a model without memory
	if _, m := run(t, c); len(fittedUnits(m)) != 0 {
		t.Errorf("another horizon fits %v", fittedUnits(m))
	}
}

// A backtest that was remembered with other overrides is made again.
func TestOverridesInABacktest(t *testing.T) {
	c := cold(t, tinyConfig(t))
	c.Backtest.Start, c.Backtest.Replicates = "2022-11-20", 0
	made := func() []string {
		var m engine.Memory
		if _, err := Backtest(t.Context(), c, nil, &m, time.Now); err != nil {
			t.Fatal(err)
		}
		entries, err := filepath.Glob(filepath.Join(c.Cache, "index", "*", "*"))
		if err != nil || len(entries) == 0 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		return entries
	}
	first := len(made())
	if again := len(made()); again != first {
		t.Errorf("the same backtest adds %d results", again-first)
	}
	normal := "normal"
	c.Bayes.Of = []bayes.Override{{Name: "strategy_04", Model: &normal}}
	if more := len(made()) - first; more == 0 {
		t.Error("a backtest with another model of a strategy is the one before")
	}
}

// What the models believe beforehand is said of the models that are fitted.
func TestPriorsOfOverrides(t *testing.T) {
	c := testConfig(t)
	normal := "normal"
	c.Bayes.Of = []bayes.Override{{Name: "strategy_04", Model: &normal}}
	all, err := Priors(t.Context(), c, &engine.Memory{}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if own := p.Strategy == "strategy_04"; own != (p.Model == "normal") {
			t.Errorf("%s: %s", p.Strategy, p.Model)
		}
	}
}

// Names that only the data can tell to be wrong are an error of the
// configuration, in a run, a backtest and a check.
func TestUnknownOverride(t *testing.T) {
	normal := "normal"
	for _, v := range []bayes.Override{{Name: "strategy_7", Model: &normal}, {Group: "trend", Model: &normal}} {
		c := testConfig(t)
		c.Bayes.Of = []bayes.Override{v}
		_, ran := Run(t.Context(), c, RunOptions{}, &engine.Memory{}, time.Now)
		_, replayed := Backtest(t.Context(), c, nil, &engine.Memory{}, time.Now)
		_, described := Priors(t.Context(), c, &engine.Memory{}, time.Now)
		for what, err := range map[string]error{"run": ran, "backtest": replayed, "check": described} {
			var bad *config.Error
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), "bayes.of[0].") {
				t.Errorf("%s with %+v: %v", what, v, err)
			}
		}
	}
}

// A volatility that was null when it was published is none in the next run.
func TestBeliefsWithoutVolatility(t *testing.T) {
	b, _ := published.Beliefs([]byte(`{"strategies": [{"name": "a", "annual_return": {"mean": 0.05}, "annual_volatility": {"mean": null}}]}`))
	if _, err := engine.Canonical(reportOptions{Held: &reports.Held{Beliefs: b}}); err != nil || b["a"].AnnualReturn != 0.05 || b["a"].ForecastVolatility != 0 {
		t.Errorf("%+v: %v", b, err)
	}
	b, _ = published.Beliefs([]byte(`{"strategies": [{"name": "a", "conditional_volatility": {"forecast": {"median": 0.21, "q5": 0.2, "q95": 0.22}}}]}`))
	if b["a"].ForecastVolatility != 0.21 {
		t.Errorf("the forecast was 0.21: %+v", b)
	}
}
