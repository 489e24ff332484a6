package pipeline

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"allocate/bayes"
	"allocate/config"
	"allocate/reports"
)

func updateConfig(t *testing.T) *config.Config {
	c := tinyConfig(t)
	c.Bayes.Model, c.Bayes.Refit, c.Returns.Window, c.Scenarios.Holdout = "gjr_t", bayes.RefitMonthly, "3y", nil
	if testing.Short() {
		c.Returns.Strategies, c.Returns.Window = []string{"strategy_02"}, "2y"
	}
	return c
}

// TestMonthlyRefitUpdates: a month has one fit and one holdout, the last session of the
// month no update, and a night is the same alone, after others of the month or of the month
// before, and whoever computes it.
func TestMonthlyRefitUpdates(t *testing.T) {
	c := cold(t, updateConfig(t))
	night := func(c *config.Config, asOf string) *Outcome {
		next := *c
		next.AsOf, next.Out = asOf, t.TempDir()
		o, _ := run(t, &next)
		return o
	}
	end := night(c, "2022-09-30") // the last session of September
	for _, s := range end.Decision.Stages {
		if s.Name == "update" {
			t.Errorf("updated at a month end: %+v", s)
		}
	}
	if !testing.Short() {
		if made := stageOf(t, night(c, "2022-07-29"), "bayes"); made.Made == 0 { // Friday; the month ends on Sunday
			t.Fatal("no fits in July")
		}
		if made := stageOf(t, night(c, "2022-08-02"), "bayes"); made.Made > 0 {
			t.Errorf("%d fits of July are made again in August", made.Made)
		}
	}
	first := night(c, "2022-10-06")
	made := stageOf(t, first, "bayes")
	updated := stageOf(t, first, "update")
	if updated.Made == 0 || made.FromStore < updated.Made { // the fits of the month end
		t.Fatalf("%d updated, %d fits made and %d from the store", updated.Made, made.Made, made.FromStore)
	}
	later := night(c, "2022-10-20")
	if s := stageOf(t, later, "bayes"); s.FromStore < updated.Made {
		t.Errorf("two weeks later %d fits from the store", s.FromStore)
	}
	if s := stageOf(t, later, "holdout"); s.FromStore < updated.Made {
		t.Errorf("two weeks later %d holdouts from the store", s.FromStore)
	}
	var s reports.Summary
	if err := json.Unmarshal(read(t, filepath.Join(later.Dir, "summary.json")), &s); err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, x := range s.Strategies {
		if x.Updated != nil && x.Updated.From.String() == "2022-09-30" && x.Updated.Days == 14 {
			told++
		}
	}
	if told == 0 {
		t.Errorf("no strategy of %d says that its posterior was updated", len(s.Strategies))
	}
	for name, change := range map[string]func(*config.Config){
		"alone":   func(*config.Config) {},
		"workers": func(c *config.Config) { c.Workers = 7 },
		"process": func(c *config.Config) { c.Executor, c.Workers = "process", 4 },
	} {
		if testing.Short() && name != "process" {
			continue
		}
		other := cold(t, updateConfig(t))
		change(other)
		same(t, name, mainFiles(t, later.Dir), mainFiles(t, night(other, "2022-10-20").Dir))
	}
}
