package pipeline

import (
	"testing"
	"time"

	"allocate/pipeline/engine"
)

// TestTrimKeepsTheLastRun trims everything that was not used since tomorrow: what the
// last published run names, the parts of its trees included, is still there.
func TestTrimKeepsTheLastRun(t *testing.T) {
	c := cold(t, tinyConfig(t))
	run(t, c)
	s, err := OpenStore(c.Cache)
	if err != nil {
		t.Fatal(err)
	}
	tomorrow := time.Now().Add(24 * time.Hour)
	if _, _, err := Trim(c, s, tomorrow, tomorrow, 0); err != nil {
		t.Fatal(err)
	}
	_, m := run(t, c)
	if made := m.Count(engine.ActionFinished, ""); made != 0 {
		t.Errorf("%d results were deleted, and had to be made again", made)
	}
}

// TestPlanAfterPublishedRun expects every stage to be cached, and none that the
// configuration leaves out to be pending.
func TestPlanAfterPublishedRun(t *testing.T) {
	c := tinyConfig(t) // without holdout
	run(t, c)
	_, steps, err := Plan(t.Context(), c, time.Now)
	if err != nil || len(steps) == 0 {
		t.Fatalf("%v, %d steps", err, len(steps))
	}
	for _, step := range steps {
		if step.Status != "cached" {
			t.Errorf("%s %s is %s", step.Stage, step.Unit, step.Status)
		}
	}
}
