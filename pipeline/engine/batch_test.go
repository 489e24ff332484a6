package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"allocate/pipeline/engine"
	"allocate/pipeline/store"
)

// elsewhere stands in for workers on other machines: so many at once, with a latency for each batch
// and a time for each action.
type elsewhere struct {
	slots           chan struct{}
	latency, action time.Duration
	of              engine.Local

	mu      sync.Mutex
	batches [][]engine.ActionID
	fail    func(batch int, a engine.Action) error
	done    atomic.Int64
}

func (x *elsewhere) Remote(stage string) bool { return stage == "fit" }

func (x *elsewhere) Execute(ctx context.Context, a engine.Action, s engine.Store, sink engine.Sink) (engine.ContentID, error) {
	done, err := x.ExecuteAll(ctx, []engine.Action{a}, s, sink)
	if err != nil {
		return "", err
	}
	return done[0].Content, done[0].Err
}

func (x *elsewhere) ExecuteAll(ctx context.Context, actions []engine.Action, s engine.Store, sink engine.Sink) ([]engine.Executed, error) {
	x.slots <- struct{}{}
	defer func() { <-x.slots }()
	var ids []engine.ActionID
	for _, a := range actions {
		ids = append(ids, a.ID())
	}
	x.mu.Lock()
	batch := len(x.batches)
	x.batches = append(x.batches, ids)
	x.mu.Unlock()
	time.Sleep(x.latency + time.Duration(len(actions))*x.action)
	var out []engine.Executed
	for i, a := range actions {
		var e engine.Executed
		if content, err := s.Lookup(ids[i]); err == nil && s.Has(content) {
			e.Content = content
		} else if x.fail != nil && x.fail(batch, a) != nil {
			e.Err = x.fail(batch, a)
		} else {
			e.Content, e.Err = x.of.Execute(ctx, a, s, sink)
			e.Seconds = x.action.Seconds()
			x.done.Add(1)
		}
		out = append(out, e)
	}
	return out, nil
}

func fits(n int) []engine.Action {
	todo := make([]engine.Action, n)
	for i := range todo {
		todo[i] = engine.Action{Stage: "fit", Version: 1, Unit: fmt.Sprint(i), Arch: engine.Arch(), Options: []byte(`{"draws":1000}`), Inputs: []engine.Input{{Name: "series", Content: store.Sum(fmt.Append(nil, i))}}}
	}
	return todo
}

var fit = map[string]engine.Stage{"fit": {Version: 1, Run: func(_ context.Context, c *engine.Call) ([]byte, error) {
	return []byte("fit of " + c.Action.Unit), nil
}}}

// A conductor that is started again hands over the same batches, without those that are done.
func TestBatchesStayTheSame(t *testing.T) {
	s, todo := store.NewMemory(), fits(100)
	var events *engine.Memory
	conduct := func(fail func(batch int, a engine.Action) error) (*elsewhere, []engine.Result, error) {
		events = &engine.Memory{}
		x := &elsewhere{slots: make(chan struct{}, 4), of: engine.Local{Stages: fit}, fail: fail}
		r := engine.NewRunner(fit, s, x, events, 2, time.Now)
		results, err := r.Stage(t.Context(), "fit", todo)
		return x, results, err
	}
	broken := errors.New("broken")
	first, _, err := conduct(func(_ int, a engine.Action) error {
		if strings.HasSuffix(a.Unit, "7") {
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) {
		t.Fatalf("a failure was lost: %v", err)
	}
	second, results, err := conduct(nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, res := range results {
		if b, err := s.Get(res.Content); err != nil || string(b) != fmt.Sprintf("fit of %d", i) {
			t.Errorf("action %d: %q, %v", i, b, err)
		}
	}
	if hits, made := events.Count(engine.ActionHit, "fit"), events.Count(engine.ActionFinished, "fit"); hits+made != 100 || made != int(second.done.Load()) {
		t.Errorf("%d results found and %d executed of 100; %d were executed", hits, made, second.done.Load())
	}
	for _, batch := range second.batches {
		if !slices.ContainsFunc(first.batches, func(b []engine.ActionID) bool { return slices.Equal(b, batch) }) {
			t.Errorf("a batch of %d actions was not one of the first", len(batch))
		}
	}
	if got := first.done.Load() + second.done.Load(); got != 100 {
		t.Errorf("%d executions of 100 actions", got)
	}
	third, _, err := conduct(nil)
	if err != nil || len(third.batches) != 0 {
		t.Errorf("%d batches of actions that are done, %v", len(third.batches), err)
	}
}

// A result that was executed elsewhere and then deleted is made again where it is an input.
func TestBatchesAreRemade(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	stages := map[string]engine.Stage{"fit": fit["fit"], "sum": {Version: 1, Run: func(_ context.Context, c *engine.Call) ([]byte, error) {
		b, err := c.Input("fit")
		return append(b, '!'), err
	}}}
	x := &elsewhere{slots: make(chan struct{}, 1), of: engine.Local{Stages: stages}}
	r := engine.NewRunner(stages, s, x, engine.Tee{}, 1, time.Now)
	results, err := r.Stage(t.Context(), "fit", fits(1))
	if err != nil {
		t.Fatal(err)
	}
	id := results[0].Content
	if err := os.Remove(filepath.Join(dir, "data", string(id[:2]), string(id))); err != nil {
		t.Fatal(err)
	}
	sum := engine.Action{Stage: "sum", Version: 1, Arch: engine.Arch(), Inputs: []engine.Input{{Name: "fit", Content: id}}}
	if results, err = r.Stage(t.Context(), "sum", []engine.Action{sum}); err != nil {
		t.Fatal(err)
	}
	if b, err := r.Bytes(t.Context(), results[0]); err != nil || string(b) != "fit of 0!" {
		t.Errorf("%q, %v", b, err)
	}
}

// With KeepGoing the other actions of a batch are kept.
func TestBatchesKeepGoing(t *testing.T) {
	broken := errors.New("broken")
	x := &elsewhere{slots: make(chan struct{}, 1), of: engine.Local{Stages: fit}, fail: func(_ int, a engine.Action) error {
		if a.Unit == "3" {
			return broken
		}
		return nil
	}}
	s := store.NewMemory()
	r := engine.NewRunner(fit, s, x, engine.Tee{}, 2, time.Now)
	r.KeepGoing = true
	if _, err := r.Stage(t.Context(), "fit", fits(40)); !errors.Is(err, broken) {
		t.Errorf("the failure was lost: %v", err)
	}
	if x.done.Load() != 39 {
		t.Errorf("%d of the other 39 were executed", x.done.Load())
	}
}

// BenchmarkConductor plans, looks up and hands over 100,000 actions to 1,000 stand-in workers with the
// latency of a standalone activity, 30 ms, and without any time for the actions. On 2 virtual cores of
// an AMD EPYC: see the manual.
func BenchmarkConductor(b *testing.B) {
	const n = 100_000
	var peak float64
	for b.Loop() {
		x := &elsewhere{slots: make(chan struct{}, 1000), latency: 30 * time.Millisecond, of: engine.Local{Stages: fit}}
		r := engine.NewRunner(fit, store.NewMemory(), x, engine.Tee{}, 2, time.Now)
		if _, err := r.Stage(b.Context(), "fit", fits(n)); err != nil {
			b.Fatal(err)
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, float64(m.Sys)/(1<<20))
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "actions/s")
	b.ReportMetric(peak, "MiB")
}
