package pipeline

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"allocate/config"
	"allocate/pipeline/backtest"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
)

// TestSweepOverRefused has a trial that decides nothing, whose Sharpe ratio is
// not defined, a trial that decides on some days only, and one that is ruined.
// They are told of, and the best is chosen among those that have a number.
func TestSweepOverRefused(t *testing.T) {
	c := quickBacktest(t)
	c.Returns.Path = filepath.Join("..", "testdata", "panels", "sample.csv") // all ten strategies
	if c.Backtest.Start = "2019-06-03"; testing.Short() {                    // some strategies are too short then
		c.Backtest.Every = 126
	}
	var trials []Trial
	for _, x := range []string{"0.05", "0.12", "0.4", "1", "ruin"} {
		one := *c
		if x == "ruin" {
			one.Optimize.FixedBP = 20_000 // a rebalance takes twice the capital
		} else if _, err := fmt.Sscan(x, &one.Optimize.MaxWeight); err != nil {
			t.Fatal(err)
		}
		trials = append(trials, Trial{Values: []string{x}, Config: &one})
	}
	o := tested(t, c, trials...)
	s := o.Report.Sweep
	if len(s.Trials) != 5 || s.Overfit == nil {
		t.Fatalf("%+v", s)
	}
	for k, want := range []string{"optimize: infeasible", "optimize: infeasible", "", "", "total loss"} {
		x := s.Trials[k]
		if (x.Refused == "") != (want == "") || !strings.Contains(x.Refused, want) {
			t.Errorf("trial %s: refused %q, want %q", x.Values[0], x.Refused, want)
		}
		if undefined := k == 0 || k == 4; math.IsNaN(float64(x.Sharpe)) != undefined {
			t.Errorf("trial %s: Sharpe ratio %v", x.Values[0], x.Sharpe)
		}
		if !math.IsNaN(float64(x.Sharpe)) && x.Sharpe > s.Trials[s.Overfit.Best].Sharpe {
			t.Errorf("trial %s is better than the best, %d", x.Values[0], s.Overfit.Best)
		}
	}
	for what, v := range map[string]float64{"PBO": float64(s.Overfit.PBO), "deflated Sharpe ratio": float64(s.Overfit.DeflatedSharpe)} {
		if !(v >= 0 && v <= 1) {
			t.Errorf("%s %v", what, v)
		}
	}
	m, err := published.ReadManifest(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, stage := range m.Stages {
		if stage.Name == "optimize" && !strings.Contains(fmt.Sprint(stage.Actions), "{trial 3 (0.4) 20") {
			t.Errorf("run.json names no decision of trial 3: %v", stage.Actions)
		}
	}
}

// TestSweepRefusesDataKeys refuses keys that say which data or days are compared, all at
// once and before any work.
func TestSweepRefusesDataKeys(t *testing.T) {
	c := quickBacktest(t)
	keys := []string{"as_of", "returns.path", "gates.max_turnover", "gates", "backtest.start", "backtest.compare", "backtest.replicates"}
	for _, key := range append(keys, "optimize.alpha", "backtest.delay", "returns.window") {
		c.Backtest.Sweep = append(c.Backtest.Sweep, backtest.Sweep{Key: key, Values: []string{"x"}})
	}
	var m engine.Memory
	_, err := Backtest(t.Context(), c, []Trial{{Values: []string{"x"}, Config: c}}, &m, time.Now)
	var bad *config.Error
	if !errors.As(err, &bad) {
		t.Fatal(err)
	}
	for i, key := range keys {
		if want := fmt.Sprintf("backtest.sweep[%d].key: %s selects", i, key); !strings.Contains(err.Error(), want) {
			t.Errorf("%v has no %q", err, want)
		}
	}
	if n := strings.Count(err.Error(), "backtest.sweep["); n != len(keys) || len(m.Events()) != 0 {
		t.Errorf("%d keys are refused after %d events:\n%v", n, len(m.Events()), err)
	}
}

// TestManifestOfBacktest expects run.json to name every stage that was done and
// the actions of every day, cold and warm.
func TestManifestOfBacktest(t *testing.T) {
	c := cold(t, quickBacktest(t))
	c.Backtest.End = halfYear()
	cold := tested(t, c)
	again := *c
	again.Optimize.MaxWeight = 0.5 // other decisions from the same forecasts
	warm := tested(t, &again)
	days := len(cold.Report.Rebalances)
	for _, x := range []struct {
		dir       string
		stages    string
		fromStore map[string]int
	}{
		{cold.Dir, "returns window baselines bayes scenarios optimize portfolio", map[string]int{"bayes": 0, "optimize": 0}},
		{warm.Dir, "returns window baselines forecast optimize portfolio", map[string]int{"window": days, "forecast": days, "optimize": 0}},
	} {
		m, err := published.ReadManifest(x.dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, s := range m.Stages {
			names = append(names, s.Name)
			if want, ok := x.fromStore[s.Name]; ok && s.FromStore != want {
				t.Errorf("%s: %d from the store, want %d", s.Name, s.FromStore, want)
			}
			switch s.Name {
			case "returns":
			case "bayes":
				if s.Made < days*5 || len(s.Actions) != 0 {
					t.Errorf("%d posteriors for %d days, %d listed", s.Made, days, len(s.Actions))
				}
			default:
				if s.Made+s.FromStore != days || len(s.Actions) != days {
					t.Errorf("%s: %d made, %d from the store, %d listed, on %d days", s.Name, s.Made, s.FromStore, len(s.Actions), days)
				}
				for k, a := range s.Actions {
					if a.Unit != cold.Report.Rebalances[k].Day.String() || a.Content == "" {
						t.Errorf("%s: %+v on %v", s.Name, a, cold.Report.Rebalances[k].Day)
					}
				}
			}
		}
		if got := strings.Join(names, " "); got != x.stages {
			t.Errorf("stages %s, want %s", got, x.stages)
		}
	}
}
