package pipeline

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"allocate/config"
	"allocate/pipeline/published"
	"allocate/reports"
)

// autoConfig is a tiny run of several models, by weights where there are years enough.
func autoConfig(t *testing.T) *config.Config {
	c := tinyConfig(t)
	c.Bayes.Model, c.Returns.Window, c.Scenarios.Holdout = "auto", "10y", nil
	return c
}

// stageOf returns what a run did at a stage.
func stageOf(t *testing.T, o *Outcome, name string) published.ManifestStage {
	t.Helper()
	for _, s := range o.Decision.Stages {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("the run has no stage %s", name)
	return published.ManifestStage{}
}

// TestModelsAreWeighedOnceAYear: the weights of models depend on whole years only, so that
// the next session finds them, and the first of a year makes them again; neither workers
// nor processes change a byte.
func TestModelsAreWeighedOnceAYear(t *testing.T) {
	if testing.Short() {
		t.Skip("fits two years of three models a strategy")
	}
	c := autoConfig(t)
	c.AsOf, c.Workers = "2021-12-30", 1
	first, _ := run(t, c)
	made := stageOf(t, first, "evidence")
	if made.Made == 0 || made.FromStore != 0 {
		t.Fatalf("%d weighed, %d from the store", made.Made, made.FromStore)
	}
	var s reports.Summary
	if err := json.Unmarshal(read(t, filepath.Join(first.Dir, "summary.json")), &s); err != nil {
		t.Fatal(err)
	}
	weighed := 0
	for _, x := range s.Strategies {
		if x.Model == "auto" && len(x.Families) >= 2 {
			weighed++
		}
	}
	if weighed != made.Made || weighed == len(s.Strategies) {
		t.Errorf("%d of %d strategies are weighed, %d with evidence", weighed, len(s.Strategies), made.Made)
	}
	for _, x := range []struct {
		asOf      string
		made, hit int
	}{{"2021-12-23", 0, made.Made}, {"2022-01-03", -1, 0}, {"2022-12-23", 0, -1}} {
		next := *c
		next.AsOf, next.Out = x.asOf, t.TempDir()
		o, _ := run(t, &next)
		s := stageOf(t, o, "evidence")
		if x.made >= 0 && s.Made != x.made || x.made < 0 && s.Made == 0 || x.hit >= 0 && s.FromStore != x.hit {
			t.Errorf("%s: %d weighed, %d from the store", x.asOf, s.Made, s.FromStore)
		}
	}
	for name, change := range map[string]func(*config.Config){
		"workers": func(c *config.Config) { c.Workers = 7 },
		"process": func(c *config.Config) { c.Executor = "process" },
	} {
		other := autoConfig(t)
		other.AsOf = c.AsOf
		change(other)
		o, _ := run(t, cold(t, other))
		same(t, name, mainFiles(t, first.Dir), mainFiles(t, o.Dir))
	}
}

// TestPlanOfWeighedModels names what it will weigh, and no such stage where one model is
// configured.
func TestPlanOfWeighedModels(t *testing.T) {
	c := cold(t, autoConfig(t))
	for model, want := range map[string]bool{"auto": true, "student_t": false} {
		c.Bayes.Model = model
		_, steps, err := Plan(t.Context(), c, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		found, pending := false, 0
		for _, s := range steps {
			found = found || s.Stage == "evidence"
			if s.Status == "pending" {
				pending++
			}
		}
		if found != want || pending == 0 {
			t.Errorf("%s: %v", model, steps)
		}
	}
}
