package pipeline

import (
	"errors"
	"maps"
	"testing"

	"allocate/pipeline/engine"
)

// An action that several dates share is planned once.
func TestSharedActionsArePlannedOnce(t *testing.T) {
	p := &planner{}
	for range 2 {
		a := engine.Action{Stage: "evidence", Unit: "a"}
		if _, err := p.Execute(t.Context(), a, nil, nil); !errors.Is(err, errPlanned) {
			t.Fatal(err)
		}
	}
	if steps := p.take(); len(steps) != 1 {
		t.Errorf("%d steps for one action", len(steps))
	}
	if steps := p.take(); len(steps) != 0 {
		t.Errorf("%d steps taken twice", len(steps))
	}
}

// Actions behind those that are missing are counted, too: fits behind weights of models, updates
// behind fits, scenarios behind all.
func TestMissingActions(t *testing.T) {
	missing := func(stage string, n int) (steps []Step) {
		for range n {
			steps = append(steps, Step{Stage: stage, Status: "recompute"})
		}
		return steps
	}
	for name, c := range map[string]struct {
		steps   []Step
		updated bool
		want    tally
	}{
		"nothing":        {append(missing("window", 1), Step{Stage: "bayes", Status: "cached"}), true, tally{}},
		"some fits":      {missing("bayes", 3), false, tally{"bayes": 3, "scenarios": 1}},
		"fits, updated":  {missing("bayes", 3), true, tally{"bayes": 3, "update": 10, "scenarios": 1}},
		"weights":        {missing("evidence", 2), true, tally{"evidence": 2, "bayes": 10, "update": 10, "scenarios": 1}},
		"updates":        {missing("update", 4), true, tally{"update": 4, "scenarios": 1}},
		"scenarios only": {missing("scenarios", 1), true, tally{"scenarios": 1}},
	} {
		got := tally{}
		if got.add(c.steps, 10, c.updated); !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
