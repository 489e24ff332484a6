package pipeline

import (
	"context"
	"errors"
	"testing"
	"time"

	"allocate/config"
	"allocate/pipeline/engine"
)

// others is an executor by workers that look results up.
type others struct{ engine.Local }

func (others) Remote(string) bool { return true }

func (others) ExecuteAll(context.Context, []engine.Action, engine.Store, engine.Sink) ([]engine.Executed, error) {
	return nil, errors.New("actions were handed over")
}

// Workers would return cached results to a run that is to ignore them.
func TestFreshResultsNeedThisMachine(t *testing.T) {
	RegisterExecutor("temporal", func(_ *config.Config, _ engine.Maintainer, local engine.Local) (engine.Executor, error) {
		return others{local}, nil
	})
	t.Cleanup(func() { delete(executors, "temporal") })
	c := tinyBacktest(t)
	c.Executor = "temporal"
	for _, how := range []RunOptions{{NoCache: true}, {From: "bayes"}} {
		var bad *config.Error
		if _, err := Run(t.Context(), c, how, &engine.Memory{}, time.Now); !errors.As(err, &bad) {
			t.Errorf("%+v: %v", how, err)
		}
	}
}
