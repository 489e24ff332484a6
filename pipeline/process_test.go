package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"allocate/config"
	"allocate/optimize"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/pipeline/store"
	"allocate/returns"
)

// crash names the strategy whose fit ends its process, in tests.
const crash = "ALLOCATE_TEST_CRASH"

// executeOne is what the program does as the process of one action.
func executeOne() int {
	stages := Stages(1)
	fit := stages["bayes"]
	run := fit.Run
	fit.Run = func(ctx context.Context, c *engine.Call) ([]byte, error) {
		if c.Action.Unit == os.Getenv(crash) {
			fmt.Fprintln(os.Stderr, "out of memory")
			os.Exit(2)
		}
		return run(ctx, c)
	}
	stages["bayes"] = fit
	open := func(dir string) (engine.Store, error) { return store.Open(dir) }
	if err := engine.Serve(context.Background(), stages, open, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// processConfig is a small night whose actions each have a process.
func processConfig(t *testing.T) *config.Config {
	t.Helper()
	c := tinyConfig(t)
	c.Executor = "process"
	return c
}

// TestProcessesPublishTheSame compares a night in one process with one in many.
func TestProcessesPublishTheSame(t *testing.T) {
	here, _ := run(t, warm(tinyConfig(t)))
	there, m := run(t, processConfig(t))
	same(t, "actions in processes", mainFiles(t, here.Dir), mainFiles(t, there.Dir))
	if m.Count(engine.ActionFinished, "") == 0 {
		t.Error("nothing was done")
	}
}

// TestRefusalsAcrossProcesses expects the same error, by its type and text, wherever
// an action runs.
func TestRefusalsAcrossProcesses(t *testing.T) {
	cache := t.TempDir() // of results made in processes; those of a case that fails are never in it
	for name, x := range map[string]struct {
		change func(c *config.Config)
		is     func(error) bool
	}{
		"no admissible weights": {
			func(c *config.Config) { c.Optimize.MaxWeight = 0.01 },
			func(err error) bool { return errors.As(err, new(*InfeasibleError)) },
		},
		"a name that is not there": {
			func(c *config.Config) {
				c.Optimize.Bounds = append(c.Optimize.Bounds, optimize.Bound{Name: "nobody", Max: new(float64)})
			},
			func(err error) bool { return errors.As(err, new(*config.Error)) },
		},
		"a cell that is no number": {
			func(c *config.Config) {
				c.Returns.Path = filepath.Join(t.TempDir(), "bad.csv")
				if err := os.WriteFile(c.Returns.Path, []byte("date,a,b\n2022-01-03,0.01,\xff\n"), 0o600); err != nil {
					t.Error(err)
				}
			},
			func(err error) bool { return errors.As(err, new(*returns.InputError)) },
		},
		"a gate": {
			func(c *config.Config) { c.Bayes.MinESS = 1e5 },
			func(err error) bool { return errors.As(err, new(*published.GateError)) },
		},
	} {
		here, there := warm(tinyConfig(t)), processConfig(t)
		x.change(here)
		there.Returns.Path, there.Cache = here.Returns.Path, cache
		if name != "a cell that is no number" {
			x.change(there)
		} else {
			there.Returns.Path = here.Returns.Path
		}
		_, want := Run(t.Context(), here, RunOptions{}, &engine.Memory{}, time.Now)
		_, got := Run(t.Context(), there, RunOptions{}, &engine.Memory{}, time.Now)
		if want == nil || got == nil || !x.is(want) || !x.is(got) || got.Error() != want.Error() {
			t.Errorf("%s: in a process of its own:\n%v\nhere:\n%v", name, got, want)
		}
	}
}

// TestCrashedProcess expects a fit whose process dies to fail alone, with what the
// process said last.
func TestCrashedProcess(t *testing.T) {
	c := processConfig(t)
	t.Setenv(crash, "strategy_01")
	var m engine.Memory
	_, err := Run(t.Context(), c, RunOptions{KeepGoing: true}, &m, time.Now)
	var stage *engine.StageError
	if !errors.As(err, &stage) || stage.Stage != "bayes" || !strings.Contains(err.Error(), "out of memory") || !strings.Contains(err.Error(), "strategy_01") {
		t.Errorf("%v", err)
	}
	if done := m.Count(engine.ActionFinished, "bayes"); done == 0 {
		t.Error("no other strategy was fitted")
	}
}
