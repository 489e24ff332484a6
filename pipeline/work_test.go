package pipeline

import (
	"maps"
	"testing"
)

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
