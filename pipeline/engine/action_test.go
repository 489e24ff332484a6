package engine

import "testing"

func TestActionIDDependsOnEveryField(t *testing.T) {
	base := Action{Stage: "s", Version: 1, Unit: "u", Options: []byte(`{}`), Inputs: []Input{{"a", "b"}}, Seed: 1, Arch: "x"}
	seen := map[ActionID]string{base.ID(): "base"}
	for name, change := range map[string]func(*Action){
		"stage": func(a *Action) { a.Stage = "t" }, "version": func(a *Action) { a.Version = 2 }, "unit": func(a *Action) { a.Unit = "" },
		"options": func(a *Action) { a.Options = []byte(`{"x":1}`) }, "inputs": func(a *Action) { a.Inputs = []Input{{"a", "c"}} },
		"input name": func(a *Action) { a.Inputs = []Input{{"b", "b"}} }, "seed": func(a *Action) { a.Seed = 2 }, "arch": func(a *Action) { a.Arch = "y" },
	} {
		a := base
		change(&a)
		if old, dup := seen[a.ID()]; dup {
			t.Errorf("%s and %s have one ID", name, old)
		}
		seen[a.ID()] = name
	}
}

func TestSeedsAreStable(t *testing.T) {
	// Published numbers: they may change only with a stage's version.
	if got := SeedFor(1, "bayes", "ew_20"); got != SeedFor(1, "bayes", "ew_20") || got == SeedFor(1, "bayes", "ew_2") || got == SeedFor(2, "bayes", "ew_20") || got == SeedFor(1, "scenarios", "ew_20") {
		t.Error("seeds collide or vary")
	}
}

// Names that run together are no other's seed, and the numbers are those that
// runs were published with.
func TestSeedsSeparateNames(t *testing.T) {
	if SeedFor(1, "bayes", "ab") == SeedFor(1, "bayesa", "b") {
		t.Error("a stage and a unit run together")
	}
	if got := SeedFor(1, "bayes", "strategy_01"); got != 11010342004983977728 {
		t.Errorf("the seed of a published run was another: %d", got)
	}
}
