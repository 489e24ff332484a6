package pipeline

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/reports"
)

// summaryOf reads summary.json of a run.
func summaryOf(t *testing.T, o *Outcome) *reports.Summary {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(o.Dir, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := &reports.Summary{}
	if err := json.Unmarshal(b, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// tenStrategies is testConfig with all strategies of the sample, also under -short.
func tenStrategies(t *testing.T) *config.Config {
	c := testConfig(t)
	c.Returns.Path = filepath.Join("..", "testdata", "panels", "sample.csv")
	return c
}

// A night after another: every change of its inputs is named, and the parts sum to the change.
func TestChangeIsAttributed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(c *config.Config)
		inputs []string
	}{
		"an ordinary night": {func(*config.Config) {}, []string{reports.NewData, reports.Holdings, reports.ScenarioNoise}},
		"limits and scenarios": {
			func(c *config.Config) { c.Optimize.MaxWeight, c.Scenarios.Dependence = 0.25, "gaussian" },
			[]string{reports.NewData, reports.NewScenarios, reports.NewLimits, reports.Holdings, reports.ScenarioNoise},
		},
		"models": {func(c *config.Config) { c.Bayes.Draws += 100 }, []string{reports.NewModels, reports.Holdings, reports.ScenarioNoise}},
		"strategies": {func(c *config.Config) {
			c.Returns.Strategies, c.Optimize.MaxWeight = []string{"strategy_06", "strategy_07", "strategy_08", "strategy_09"}, 0.4
		}, []string{reports.NewUniverse, reports.Holdings, reports.ScenarioNoise}},
	} {
		t.Run(name, func(t *testing.T) {
			first := warm(tenStrategies(t))
			first.AsOf, first.Optimize.Indifference = "2022-12-21", 0
			before := summaryOf(t, first1(run(t, first)))
			second := warm(tenStrategies(t))
			second.Out, second.AsOf, second.Optimize.Indifference = first.Out, "2022-12-23", 0
			second.Gates.MaxTurnover, second.Gates.MaxChange = 2, 1
			c.change(second)
			var m engine.Memory
			o, err := Run(context.Background(), second, RunOptions{Approve: true}, &m, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			s := summaryOf(t, o)
			if s.Attribution == nil {
				t.Fatalf("nothing is attributed: turnover %v, %v", s.Turnover, s.Findings)
			}
			if s.Attribution.From != before.AsOf {
				t.Errorf("compared with %v", s.Attribution.From)
			}
			var got []string
			sum, traded := map[string]float64{}, 0.0
			for _, p := range s.Attribution.Parts {
				got = append(got, p.Input)
				traded += p.Trade
				for name, x := range p.By {
					sum[name] += x
				}
			}
			if len(got) != len(c.inputs) {
				t.Fatalf("inputs %q, want %q", got, c.inputs)
			}
			for i := range got {
				if got[i] != c.inputs[i] {
					t.Errorf("inputs %q, want %q", got, c.inputs)
				}
			}
			for _, x := range s.Strategies {
				if change := x.Weight - x.Held; math.Abs(sum[x.Name]-change) > 1e-9 {
					t.Errorf("the parts of %s sum to %v, its change is %v", x.Name, sum[x.Name], change)
				}
			}
			if math.Abs(traded-s.Turnover) > 1e-9 {
				t.Errorf("the parts of the turnover sum to %v, it is %v", traded, s.Turnover)
			}
			for _, p := range s.Attribution.Parts {
				moved := 0.0
				for _, x := range p.By {
					moved += math.Abs(x)
				}
				if p.Input == reports.ScenarioNoise && moved == 0 {
					t.Error("other random numbers change nothing")
				}
			}
			if second.Optimize.MaxWeight == 0.25 {
				if len(s.Limits) != 1 || s.Limits[0].Name != "optimize.max_weight" || s.Limits[0].CVaR >= 0 || s.Limits[0].Turnover <= 0 {
					t.Errorf("costs of the limits: %+v", s.Limits)
				}
			}
		})
	}
}

// A plan of a run that was made finds everything, and one that would trade says that the attribution waits for work.
func TestPlanOfARunThatTrades(t *testing.T) {
	first := warm(tenStrategies(t))
	first.AsOf, first.Optimize.Indifference = "2022-12-21", 0
	run(t, first)
	second := warm(tenStrategies(t))
	second.Out, second.AsOf, second.Optimize.Indifference = first.Out, "2022-12-23", 0
	second.Gates.MaxTurnover, second.Gates.MaxChange = 2, 1
	second.Optimize.MaxWeight = 0.21 // which binds, in no other test
	statuses := func() map[string]int {
		t.Helper()
		_, steps, err := Plan(context.Background(), second, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		n := map[string]int{}
		for _, s := range steps {
			n[s.Status]++
		}
		return n
	}
	if n := statuses(); n["recompute"] != 1 || n["pending"] != 2 {
		t.Errorf("before the decision: %v; want the decision, and two stages after it", n)
	}
	run(t, second)
	if n := statuses(); n["recompute"] != 0 || n["pending"] != 0 || n["cached"] < 10 {
		t.Errorf("after the run: %v", n)
	}
}

func first1(o *Outcome, _ *engine.Memory) *Outcome { return o }

// Where trading is expensive, the weights hardly move when only the drifted holdings take the place of
// the decided ones: every decision is made from what is held then.
func TestHoldingsAreAPartOfTheirOwn(t *testing.T) {
	first := warm(tenStrategies(t))
	first.AsOf, first.Optimize.Indifference, first.Optimize.CostBP = "2022-12-21", 0, 2
	before := weightsOf(first1(run(t, first)).Decision.Solution)
	second := warm(tenStrategies(t))
	second.Out, second.AsOf, second.Optimize.Indifference, second.Optimize.CostBP = first.Out, "2022-12-23", 0, 2
	second.Gates.MaxTurnover, second.Gates.MaxChange = 2, 1
	o, _ := run(t, second)
	s := summaryOf(t, o)
	if s.Attribution == nil {
		t.Fatalf("turnover %v", s.Turnover)
	}
	drift, part := 0.0, 0.0
	for name, w := range o.Decision.Held.Weights {
		drift += math.Abs(w - before[name])
	}
	for _, p := range s.Attribution.Parts {
		if p.Input == reports.Holdings {
			for _, x := range p.By {
				part += math.Abs(x)
			}
		}
	}
	if part > 2*drift+1e-6 {
		t.Errorf("the holdings drifted by %v, their part of the change is %v", drift, part)
	}
}

// What a limit costs is measured at the best portfolio, whatever is kept of the current one.
func TestLimitCostsAreThoseOfTheBest(t *testing.T) {
	costs := func(indifference float64) []reports.LimitCost {
		first := warm(tenStrategies(t))
		first.AsOf, first.Optimize.MaxWeight = "2022-12-21", 0.15
		run(t, first)
		second := warm(tenStrategies(t))
		second.Out, second.AsOf, second.Optimize.Indifference, second.Optimize.MaxWeight = first.Out, "2022-12-23", indifference, 0.22 // not reached by a part of the way
		second.Gates.MaxTurnover, second.Gates.MaxChange = 2, 1
		return summaryOf(t, first1(run(t, second))).Limits
	}
	free := costs(0)
	for _, indifference := range []float64{0.5, 2, 40} { // traded in part, and kept
		if kept := costs(indifference); len(kept) != 1 || len(free) != 1 || kept[0] != free[0] {
			t.Errorf("%v: %+v and, without indifference, %+v", indifference, kept, free)
		}
	}
}

func TestOtherVersionsAreNotCompared(t *testing.T) {
	now := engine.Action{Stage: "scenarios", Version: 7, Arch: "amd64"}
	for _, c := range []struct {
		then engine.Action
		ok   bool
	}{{now, true}, {engine.Action{Version: 6, Arch: "amd64"}, false}, {engine.Action{Version: 7, Arch: "arm64"}, false}} {
		if err := comparableStages(c.then, now); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.then, err)
		}
	}
}

// With all inputs of the run before, its weights are the decision again: what Attribute begins with
// is what it would compute. This holds with costs and without.
func TestDecisionOfTheInputsBefore(t *testing.T) {
	for _, cost := range []float64{0, 10} {
		c := warm(tenStrategies(t))
		c.Optimize.CostBP = cost
		o, _ := run(t, c)
		store, err := OpenStore(c.Cache)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(o.Dir, "run.json"))
		if err != nil {
			t.Fatal(err)
		}
		m := &published.Manifest{}
		if err := json.Unmarshal(b, m); err != nil {
			t.Fatal(err)
		}
		made, err := published.StoredAction(m, "scenarios", store)
		if err != nil {
			t.Fatal(err)
		}
		decided, err := published.StoredAction(m, "optimize", store)
		if err != nil {
			t.Fatal(err)
		}
		x, err := newInputs(made, decided)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := x.scenarios(made); err != nil || a.ID() != made.ID() {
			t.Errorf("the same inputs are another action: %v", err)
		}
		x.held = weightsOf(o.Decision.Solution)
		var set engine.ContentID
		for _, s := range m.Stages {
			if s.Name == "scenarios" {
				set = s.Actions[0].Content
			}
		}
		a, err := x.decision(decided, set)
		if err != nil {
			t.Fatal(err)
		}
		var sink engine.Memory
		r := &runner{engine.NewRunner(Stages(1), store, engine.Local{Stages: Stages(1)}, &sink, 1, time.Now), published.NewList(c.Out)}
		done, err := r.Stage(context.Background(), "optimize", []engine.Action{a})
		if err != nil {
			t.Fatal(err)
		}
		s, err := r.solution(context.Background(), done[0])
		if err != nil {
			t.Fatal(err)
		}
		for j, w := range s.Weights {
			if math.Abs(w-o.Decision.Solution.Weights[j]) > 1e-12 {
				t.Errorf("cost %v: %s is %v, it was %v", cost, s.Names[j], w, o.Decision.Solution.Weights[j])
			}
		}
	}
}
