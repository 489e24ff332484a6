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

// A night after another: every change of its inputs is named, and the parts sum to the change.
func TestChangeIsAttributed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(c *config.Config)
		inputs []string
	}{
		"an ordinary night": {func(*config.Config) {}, []string{reports.NewData, reports.Holdings, reports.ScenarioNoise}},
		"limits and scenarios": {func(c *config.Config) { c.Optimize.MaxWeight, c.Scenarios.Dependence = 0.25, "gaussian" },
			[]string{reports.NewData, reports.NewScenarios, reports.NewLimits, reports.Holdings, reports.ScenarioNoise}},
		"models": {func(c *config.Config) { c.Bayes.Draws += 100 }, []string{reports.NewModels, reports.Holdings, reports.ScenarioNoise}},
		"strategies": {func(c *config.Config) {
			c.Returns.Strategies, c.Optimize.MaxWeight = []string{"strategy_06", "strategy_07", "strategy_08", "strategy_09"}, 0.4
		}, []string{reports.NewUniverse, reports.Holdings, reports.ScenarioNoise}},
	} {
		t.Run(name, func(t *testing.T) {
			first := warm(testConfig(t))
			first.AsOf, first.Optimize.Indifference = "2022-12-21", 0
			before := summaryOf(t, first1(run(t, first)))
			second := warm(testConfig(t))
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
			if second.Optimize.MaxWeight == 0.25 {
				if len(s.Limits) != 1 || s.Limits[0].Name != "optimize.max_weight" || s.Limits[0].CVaR >= 0 || s.Limits[0].Turnover <= 0 {
					t.Errorf("costs of the limits: %+v", s.Limits)
				}
			}
		})
	}
}

func first1(o *Outcome, _ *engine.Memory) *Outcome { return o }

// With all inputs of the run before, its weights are the decision again: what Attribute begins with
// is what it would compute. This holds with costs and without.
func TestDecisionOfTheInputsBefore(t *testing.T) {
	for _, cost := range []float64{0, 10} {
		c := warm(testConfig(t))
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
