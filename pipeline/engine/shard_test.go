package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"allocate/pipeline/engine"
	"allocate/pipeline/store"
)

func TestParseShard(t *testing.T) {
	for _, text := range []string{"0/1", "3/4", " 1 / 2 "} {
		if _, err := engine.ParseShard(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"", "1", "4/4", "-1/4", "0/0", "1/2/3", "a/b", "1.5/3", "0/99999999"} {
		if s, err := engine.ParseShard(text); err == nil {
			t.Errorf("%q was read as %v", text, s)
		}
	}
}

// Every shard begins with its own part; the parts are disjoint, cover everything and are of
// about the same size.
func TestShardsBeginWithTheirPart(t *testing.T) {
	ids := make([]engine.ActionID, 1000)
	for i := range ids {
		ids[i] = store.Sum(fmt.Append(nil, i))
	}
	const n = 4
	seen := map[int]int{}
	for k := range n {
		s := &engine.Shard{Index: k, Of: n}
		var order []int
		if err := s.Each(t.Context(), ids, 1, func(_ context.Context, i int) error { order = append(order, i); return nil }); err != nil {
			t.Fatal(err)
		}
		own := 0
		for own < len(order) && s.Owner(ids[order[own]]) == k {
			seen[order[own]]++
			own++
		}
		if own < 200 || own > 300 || len(order) != len(ids) {
			t.Errorf("shard %v begins with %d of %d", s, own, len(order))
		}
	}
	if len(seen) != len(ids) {
		t.Errorf("the parts have %d of %d", len(seen), len(ids))
	}
	for i, times := range seen {
		if times != 1 {
			t.Errorf("action %d is in %d parts", i, times)
		}
	}
	var alone *engine.Shard
	var order []int
	_ = alone.Each(t.Context(), ids[:5], 1, func(_ context.Context, i int) error { order = append(order, i); return nil })
	if !slices.Equal(order, []int{0, 1, 2, 3, 4}) {
		t.Errorf("without a shard: %v", order)
	}
}

func TestEachWaitsForOthers(t *testing.T) {
	s := &engine.Shard{Index: 0, Of: 2}
	ids := []engine.ActionID{store.Sum([]byte("a")), store.Sum([]byte("b"))}
	calls := [2]int{}
	err := s.Each(t.Context(), ids, 2, func(_ context.Context, i int) error {
		if calls[i]++; i == 1 && calls[i] < 3 {
			return engine.ErrTaken
		}
		return nil
	})
	if err != nil || calls != [2]int{1, 3} {
		t.Errorf("calls %v, %v", calls, err)
	}
	failed := errors.New("failed")
	if err := s.Each(t.Context(), ids, 2, func(_ context.Context, i int) error { return failed }); !errors.Is(err, failed) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if err := s.Each(ctx, ids, 2, func(context.Context, int) error { return engine.ErrTaken }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	var alone *engine.Shard
	if err := alone.Each(t.Context(), ids, 2, func(context.Context, int) error { return engine.ErrTaken }); !errors.Is(err, engine.ErrTaken) {
		t.Error(err)
	}
}

// Shards that work at once on one store execute each action once, and all have every result;
// the action of one that ended half-way is executed by another.
func TestShardsDivideTheWork(t *testing.T) {
	dir := t.TempDir()
	var executed atomic.Int32
	stages := map[string]engine.Stage{"slow": {Version: 1, Run: func(_ context.Context, c *engine.Call) ([]byte, error) {
		executed.Add(1)
		time.Sleep(5 * time.Millisecond)
		return []byte(c.Action.Unit), nil
	}}}
	const n, actions = 4, 60
	todo := make([]engine.Action, actions)
	for i := range todo {
		todo[i] = engine.Action{Stage: "slow", Version: 1, Unit: fmt.Sprint(i), Arch: engine.Arch()}
	}
	dead := todo[7].ID() // claimed by a process that ended
	path := filepath.Join(dir, "claims", string(dead[:2]), string(dead))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := errors.Join(os.WriteFile(path, nil, 0o644), os.Chtimes(path, old, old)); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for k := range n {
		s, err := store.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		r := engine.NewRunner(stages, s, engine.Local{Stages: stages}, engine.Tee{}, 2, time.Now)
		r.Shard = &engine.Shard{Index: k, Of: n}
		wait.Go(func() {
			results, err := r.Stage(t.Context(), "slow", todo)
			if err != nil {
				t.Error(err)
				return
			}
			for i, res := range results {
				if b, err := r.Bytes(t.Context(), res); err != nil || string(b) != fmt.Sprint(i) {
					t.Errorf("shard %d, action %d: %q, %v", k, i, b, err)
				}
			}
		})
	}
	wait.Wait()
	if executed.Load() != actions {
		t.Errorf("%d executions of %d actions", executed.Load(), actions)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "claims", "*", "*")); len(left) != 0 {
		t.Errorf("claims left: %v", left)
	}
}

func TestCosts(t *testing.T) {
	s := store.NewMemory()
	now := time.Unix(1_700_000_000, 0)
	stages := map[string]engine.Stage{"fit": {Version: 1, Run: func(_ context.Context, c *engine.Call) ([]byte, error) {
		now = now.Add(3 * time.Second)
		return []byte(c.Action.Unit), nil
	}}}
	run := func(units ...string) *engine.Runner {
		r := engine.NewRunner(stages, s, engine.Local{Stages: stages}, engine.Tee{}, 1, func() time.Time { return now })
		var todo []engine.Action
		for _, u := range units {
			todo = append(todo, engine.Action{Stage: "fit", Version: 1, Unit: u, Arch: engine.Arch()})
		}
		if _, err := r.Stage(t.Context(), "fit", todo); err != nil {
			t.Fatal(err)
		}
		r.SaveCosts()
		return r
	}
	run("a", "b")
	r := run("b", "c")
	if made, hits := r.Counts(); made != 1 || hits != 1 {
		t.Errorf("%d made, %d found; want 1 and 1", made, hits)
	}
	if c := r.Costs()["fit"]; c.Actions != 3 || c.Seconds != 9 || c.Each() != 3 {
		t.Errorf("%+v, want 3 actions of 3 seconds", c)
	}
}

// away is a store whose server stops answering once an action is claimed.
type away struct {
	*store.Memory
	lookups int
}

func (s *away) Claim(engine.ActionID) (release func(), ok bool, err error) {
	return func() {}, true, nil
}

func (s *away) Lookup(id engine.ActionID) (engine.ContentID, error) {
	if s.lookups++; s.lookups > 1 {
		return "", &store.RemoteError{Server: "cache", Text: "no answer", Temporary: true}
	}
	return s.Memory.Lookup(id)
}

// A server that goes away between two lookups ends the stage: its answer is not a damaged result.
func TestServerGoesAwayAfterAClaim(t *testing.T) {
	s := &away{Memory: store.NewMemory()}
	sink := &engine.Memory{}
	r := engine.NewRunner(fit, s, engine.Local{Stages: fit}, sink, 1, time.Now)
	r.Shard = &engine.Shard{Index: 0, Of: 1}
	var remote *store.RemoteError
	if _, err := r.Stage(t.Context(), "fit", fits(1)); !errors.As(err, &remote) {
		t.Errorf("%v; want the server's error", err)
	}
	for _, e := range sink.Events() {
		if e.Kind == engine.Damaged || e.Kind == engine.ActionStarted {
			t.Errorf("event %s", e.Kind)
		}
	}
}

// others does what another process does between a look-up and the claim after it.
type others struct {
	*store.Disk
	work func()
}

func (o others) Claim(action engine.ActionID) (func(), bool, error) {
	o.work()
	return o.Disk.Claim(action)
}

// What another process has executed before the claim was had is not executed again.
func TestExecutedBeforeTheClaim(t *testing.T) {
	dir, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	executed := 0
	stages := map[string]engine.Stage{"fit": {Version: 1, Run: func(context.Context, *engine.Call) ([]byte, error) {
		executed++
		return []byte("result"), nil
	}}}
	todo := []engine.Action{{Stage: "fit", Version: 1, Unit: "a", Arch: engine.Arch()}}
	s := others{dir, func() {
		r := engine.NewRunner(stages, dir, engine.Local{Stages: stages}, engine.Tee{}, 1, time.Now)
		if _, err := r.Stage(t.Context(), "fit", todo); err != nil {
			t.Error(err)
		}
	}}
	r := engine.NewRunner(stages, s, engine.Local{Stages: stages}, engine.Tee{}, 1, time.Now)
	r.Shard = &engine.Shard{Index: 0, Of: 2}
	results, err := r.Stage(t.Context(), "fit", todo)
	if err != nil || executed != 1 || !results[0].Hit {
		t.Errorf("executed %d times, %v", executed, err)
	}
}

// Newer costs count for more: of earlier ones at most a thousand actions are remembered.
func TestCostsWeighRecentActions(t *testing.T) {
	s, now, each := store.NewMemory(), time.Unix(1_700_000_000, 0), time.Second
	stages := map[string]engine.Stage{"fit": {Version: 1, Run: func(_ context.Context, c *engine.Call) ([]byte, error) {
		now = now.Add(each)
		return []byte(c.Action.Unit), nil
	}}}
	run := func(name string, n int) float64 {
		r := engine.NewRunner(stages, s, engine.Local{Stages: stages}, engine.Tee{}, 1, func() time.Time { return now })
		var todo []engine.Action
		for i := range n {
			todo = append(todo, engine.Action{Stage: "fit", Version: 1, Unit: fmt.Sprint(name, i), Arch: engine.Arch()})
		}
		if _, err := r.Stage(t.Context(), "fit", todo); err != nil {
			t.Fatal(err)
		}
		r.SaveCosts()
		return r.Costs()["fit"].Each()
	}
	if got := run("a", 2000); got != 1 {
		t.Errorf("%v seconds each, want 1", got)
	}
	if each = 3 * time.Second; run("b", 1000) != 2 {
		t.Error("a thousand of 1 second and a thousand of 3 are 2 each")
	}
}

// Where more actions run at once than there are processors, each has a share of one.
func TestCostsOfManyAtOnce(t *testing.T) {
	const each = 40 * time.Millisecond
	n := 8 * runtime.GOMAXPROCS(0)
	var wait sync.WaitGroup
	wait.Add(n)
	stages := map[string]engine.Stage{"fit": {Version: 1, Run: func(_ context.Context, c *engine.Call) ([]byte, error) {
		wait.Done()
		wait.Wait() // all run at once
		time.Sleep(each)
		return []byte(c.Action.Unit), nil
	}}}
	r := engine.NewRunner(stages, store.NewMemory(), engine.Local{Stages: stages}, engine.Tee{}, n, time.Now)
	var todo []engine.Action
	for i := range n {
		todo = append(todo, engine.Action{Stage: "fit", Version: 1, Unit: fmt.Sprint(i), Arch: engine.Arch()})
	}
	began := time.Now()
	if _, err := r.Stage(t.Context(), "fit", todo); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began).Seconds()
	r.SaveCosts()
	if got := r.Costs()["fit"].Each(); got > took*0.6 {
		t.Errorf("%v seconds of a processor each, of %v during which %d ran", got, took, n)
	}
}
