package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/pipeline/store"
	"allocate/returns"
)

// faulty fails, panics or passes actions on.
type faulty struct {
	engine.Local
	stage string
	at    returns.Date // of scenarios
	panic bool
}

func (f faulty) Execute(ctx context.Context, a engine.Action, s engine.Store, sink engine.Sink) (engine.ContentID, error) {
	if a.Stage != f.stage || !strings.Contains(string(a.Options), f.at.String()) {
		return f.Local.Execute(ctx, a, s, sink)
	}
	stages := Stages(1)
	stage := stages[a.Stage]
	stage.Run = func(context.Context, *engine.Call) ([]byte, error) {
		if f.panic {
			panic("index out of range")
		}
		return nil, errors.New("a number that cannot be written")
	}
	stages[a.Stage] = stage
	return engine.Local{Stages: stages}.Execute(ctx, a, s, sink)
}

// TestFailedDateKeepsWeights has one date on which a stage fails, by an error or by a
// panic: the current weights are kept, the day says why, and the others are decided as
// if it were not there. A stage that reads files is not forgiven.
func TestFailedDateKeepsWeights(t *testing.T) {
	c := tinyBacktest(t)
	c.Optimize.CostBP, c.Backtest.Start, c.Backtest.End = 0, "2019-12-02", "2021-06-15" // weights do not depend on the current weights
	clean := replays(t, c).days
	c = cold(t, c)
	files, err := fetch(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	replay := func(c *config.Config, f faulty) (*replay, error) {
		r, err := newRunner(c, files, &engine.Memory{}, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		f.Local = r.Executor.(engine.Local)
		r.Executor = f
		p, _, err := newReplay(t.Context(), r, c, files)
		if err == nil {
			err = p.forecasts(t.Context())
		}
		if err == nil {
			_, err = p.decide(t.Context())
		}
		return p, err
	}
	at := clean[5].day
	for _, f := range []faulty{{stage: "scenarios", at: at}, {stage: "scenarios", at: at, panic: true}} {
		p, err := replay(c, f) // the second finds what the first has done
		if err != nil {
			t.Fatal(err)
		}
		for k, d := range p.days {
			why := d.why()
			switch want := map[bool]string{false: "a number that cannot be written", true: "panicked: index out of range"}[f.panic]; {
			case k != 5 && (why != "" || fmt.Sprint(weightsOf(d.decision.Solution)) != fmt.Sprint(weightsOf(clean[k].decision.Solution))):
				t.Errorf("%v: %s", d.day, why)
			case k == 5 && (!strings.Contains(why, want) || strings.Contains(why, "goroutine")):
				t.Errorf("%v: %q, want %q", d.day, why, want)
			}
		}
	}
	if _, err := replay(cold(t, c), faulty{stage: "window", at: at}); err == nil || !strings.Contains(err.Error(), "cannot be written") {
		t.Errorf("a window that fails: %v", err)
	}
}

// TestFailures tells what ends a backtest from what a day is refused for.
func TestFailures(t *testing.T) {
	stage := func(name string, err error) error {
		return fmt.Errorf("strategy a: %w", &engine.StageError{Stage: name, Err: err})
	}
	for _, c := range []struct {
		err     error
		refused bool
	}{
		{&published.GateError{}, true},
		{stage("optimize", &InfeasibleError{}), true},
		{stage("bayes", errors.New("no mode")), true},
		{stage("window", errors.New("the file changed")), false},
		{stage("optimize", &config.Error{Err: errors.New("no strategy b")}), false},
		{stage("scenarios", fmt.Errorf("a: %w", store.ErrMissing)), false},
		{stage("scenarios", fmt.Errorf("a: %w", store.ErrDamaged)), false},
		{stage("bayes", &store.RemoteError{Server: "cache", Text: "read: no answer", Temporary: true}), false},
		{stage("bayes", &store.RemoteError{Server: "cache", Text: "read: access denied"}), false},
		{stage("bayes", context.Canceled), false},
		{errors.New("no space left on device"), false},
	} {
		var d replayed
		err := d.refuse(c.err)
		if (d.refused != nil) != c.refused || (err == nil) != c.refused {
			t.Errorf("%v: refused %v, returned %v", c.err, d.refused, err)
		}
	}
}

// stopAfter cancels after so many progress events of a stage.
type stopAfter struct {
	stage  string
	left   atomic.Int64
	cancel context.CancelFunc
}

func (s *stopAfter) Event(e engine.Event) {
	if e.Kind == engine.StageProgress && e.Stage == s.stage && s.left.Add(-1) == 0 {
		s.cancel()
	}
}

// TestBacktestResumes interrupts a backtest twice and expects the third to go on
// where they were, and to publish what one without interruption does.
func TestBacktestResumes(t *testing.T) {
	c := cold(t, tinyBacktest(t))
	if c.Backtest.End = "2021-12-15"; testing.Short() {
		c.Backtest.End = "2022-12-15"
	}
	for _, x := range []struct {
		stage string
		after int64
	}{{"forecasts", 5}, {"decisions", 7}} {
		ctx, cancel := context.WithCancel(t.Context())
		stop := &stopAfter{stage: x.stage, cancel: cancel}
		stop.left.Store(x.after)
		if _, err := Backtest(ctx, c, nil, stop, time.Now); !errors.Is(err, context.Canceled) {
			t.Fatalf("interrupted at %s: %v", x.stage, err)
		}
		cancel()
		if left, _ := filepath.Glob(filepath.Join(c.Out, "backtest", "2*")); len(left) > 0 {
			t.Errorf("interrupted at %s: %v is published", x.stage, left)
		}
	}
	o := tested(t, c)
	m, err := published.ReadManifest(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	days := len(o.Report.Rebalances)
	for name, least := range map[string]int{"forecast": days, "baselines": days, "optimize": 6} {
		k := slices.IndexFunc(m.Stages, func(s published.ManifestStage) bool { return s.Name == name })
		if k < 0 || m.Stages[k].FromStore < least {
			t.Errorf("%s: %+v, want %d from the store", name, m.Stages, least)
		}
	}
	w := tested(t, warm(c))
	for _, name := range []string{"weights.csv", "returns.csv", "rebalances.csv", "metrics.csv", "backtest.json"} {
		if !bytes.Equal(read(t, filepath.Join(o.Dir, name)), read(t, filepath.Join(w.Dir, name))) {
			t.Errorf("%s differs after interruptions", name)
		}
	}
}
