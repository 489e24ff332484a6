package engine

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"allocate/pipeline/store"
)

// counting is a stage whose result is the name of its unit, and counts how many
// actions are at work at once.
func counting(now, most *atomic.Int64) map[string]Stage {
	return map[string]Stage{"s": {Name: "s", Version: 1, Run: func(_ context.Context, c *Call) ([]byte, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(time.Millisecond) // so that others begin before this one ends
		return []byte("result of " + c.Action.Unit), nil
	}}}
}

func units(n int) (actions []Action) {
	for i := range n {
		actions = append(actions, Action{Stage: "s", Version: 1, Unit: fmt.Sprintf("unit %03d", i%(n-n/4)), Options: []byte("{}"), Arch: Arch()})
	}
	return actions
}

// Results are in the order of the actions and the same from any number of
// workers, which is never exceeded, in every store; some actions are asked for
// twice.
func TestWorkersShareAStore(t *testing.T) {
	disk, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]Store{"memory": store.NewMemory(), "disk": disk} {
		for _, c := range []struct {
			workers int
			fresh   bool // what is stored is made again
		}{{1, false}, {8, true}, {8, false}} {
			what := fmt.Sprintf("%s, %+v", name, c)
			var now, most atomic.Int64
			var m Memory
			stages := counting(&now, &most)
			r := NewRunner(stages, s, Local{Stages: stages}, &m, c.workers, time.Now)
			r.Fresh = map[string]bool{"s": c.fresh}
			actions := units(80)
			results, err := r.Stage(t.Context(), "s", actions)
			if err != nil {
				t.Fatal(err)
			}
			for i, res := range results {
				b, err := r.Bytes(t.Context(), res)
				if want := "result of " + actions[i].Unit; err != nil || string(b) != want || res.Action.ID() != actions[i].ID() {
					t.Errorf("%s: result %d is %q, want %q: %v", what, i, b, want, err)
				}
			}
			if n := most.Load(); n > int64(c.workers) {
				t.Errorf("%s: %d actions at once", what, n)
			}
			made, found := m.Count(ActionFinished, "s"), m.Count(ActionHit, "s")
			if made+found != len(actions) || c.fresh && found > 0 || !c.fresh && c.workers == 8 && made > 0 {
				t.Errorf("%s: %d actions are made and %d found", what, made, found)
			}
		}
	}
}

// A stage that is cancelled ends with the reason, and what was finished is kept.
func TestCancelledAmongWorkers(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var now, most atomic.Int64
	stages := counting(&now, &most)
	s := store.NewMemory()
	sink := &stopping{after: 10, cancel: cancel}
	r := NewRunner(stages, s, Local{Stages: stages}, sink, 4, time.Now)
	if _, err := r.Stage(ctx, "s", units(80)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	kept := 0
	for _, a := range units(80)[:60] { // each once
		if _, err := s.Lookup(a.ID()); err == nil {
			kept++
		}
	}
	if finished := sink.Count(ActionFinished, "s"); finished != kept || kept < 10 || kept > 30 {
		t.Errorf("%d actions were finished, %d kept", finished, kept)
	}
}

// stopping cancels when so many actions have finished.
type stopping struct {
	Memory
	n      atomic.Int64
	after  int64
	cancel context.CancelFunc
}

func (s *stopping) Event(e Event) {
	s.Memory.Event(e)
	if e.Kind == ActionFinished && s.n.Add(1) == s.after {
		s.cancel()
	}
}
