package engine

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"allocate/pipeline/store"
)

// failing makes the actions of a stage of which one fails.
func failing(t *testing.T, keepGoing bool) (*Memory, error) {
	t.Helper()
	stages := map[string]Stage{"s": {Name: "s", Version: 1, Run: func(_ context.Context, c *Call) ([]byte, error) {
		switch c.Action.Unit {
		case "bad":
			return nil, errors.New("no luck")
		case "panics":
			panic("boom")
		}
		return []byte(c.Action.Unit), nil
	}}}
	var m Memory
	r := &Runner{Stages: stages, Store: store.NewMemory(), Executor: Local{Stages: stages}, Sink: &m, Workers: 1, KeepGoing: keepGoing, Now: time.Now}
	var actions []Action
	for _, unit := range []string{"a", "bad", "panics", "b", "c"} {
		actions = append(actions, Action{Stage: "s", Version: 1, Unit: unit, Options: []byte("{}"), Arch: Arch()})
	}
	_, err := r.Stage(t.Context(), "s", actions)
	return &m, err
}

func TestKeepGoing(t *testing.T) {
	m, err := failing(t, true)
	if err == nil || !strings.Contains(err.Error(), "no luck") || !strings.Contains(err.Error(), "boom") {
		t.Errorf("both failures should be named: %v", err)
	}
	if n := m.Count(ActionFinished, "s"); n != 3 {
		t.Errorf("%d actions were finished, want the three that can be", n)
	}
	m, err = failing(t, false)
	if err == nil || m.Count(ActionFinished, "s") != 1 {
		t.Errorf("without keeping going: %v, %d finished", err, m.Count(ActionFinished, "s"))
	}
}

// TestAnotherArchitectureIsRefused: no result is filed under an action that is
// for other instructions.
func TestAnotherArchitectureIsRefused(t *testing.T) {
	s := store.NewMemory()
	stages := map[string]Stage{"x": {Name: "x", Version: 1, Run: func(context.Context, *Call) ([]byte, error) { return []byte("y"), nil }}}
	a := Action{Stage: "x", Version: 1, Options: json.RawMessage("{}"), Arch: "riscv64/rva23u64 go1.99"}
	if _, err := (Local{Stages: stages}).Execute(t.Context(), a, s, &Memory{}); err == nil {
		t.Error("it was done")
	}
	if _, err := s.Lookup(a.ID()); !errors.Is(err, store.ErrMissing) {
		t.Errorf("it was recorded: %v", err)
	}
	a.Arch = Arch()
	if _, err := (Local{Stages: stages}).Execute(t.Context(), a, s, &Memory{}); err != nil {
		t.Error(err)
	}
}

// touching is a store that keeps what was marked as used.
type touching struct {
	*store.Memory
	used map[ContentID]bool
}

func (s *touching) Touch(_ time.Time, _ ActionID, contents ...ContentID) {
	for _, id := range contents {
		s.used[id] = true
	}
}

// partly is a stage whose result is a tree of one part.
var partly = map[string]Stage{"t": {Name: "t", Version: 1, Tree: true, Run: func(_ context.Context, c *Call) ([]byte, error) {
	part, err := c.Put([]byte("part of " + c.Action.Unit))
	if err != nil {
		return nil, err
	}
	return Tree{Parts: []Part{{Name: "part", Content: part}}}.Encode()
}}}

// A result that is a tree is found if its parts are there, and they are marked
// as used with it.
func TestTreeRequiresItsParts(t *testing.T) {
	a := Action{Stage: "t", Version: 1, Unit: "x", Options: json.RawMessage("{}"), Arch: Arch()}
	part := store.Sum([]byte("part of x"))
	whole := &touching{store.NewMemory(), map[ContentID]bool{}}
	for i, s := range []Store{whole, whole, store.NewMemory()} {
		var m Memory
		r := NewRunner(partly, s, Local{Stages: partly}, &m, 1, time.Now)
		if i == 2 { // the tree alone
			tree, err := Tree{Parts: []Part{{Name: "part", Content: part}}}.Encode()
			if err != nil {
				t.Fatal(err)
			}
			content, err := s.Put(tree)
			if err := errors.Join(err, s.Record(a.ID(), content)); err != nil {
				t.Fatal(err)
			}
		}
		results, err := r.Stage(t.Context(), "t", []Action{a})
		if err != nil || results[0].Hit != (i == 1) || !s.Has(part) {
			t.Errorf("%d: %+v, %v; the part is there: %v", i, results, err, s.Has(part))
		}
	}
	if !whole.used[part] {
		t.Error("a part was not marked as used: a trim would take it")
	}
}

// A process that has another version of a stage does not do its actions.
func TestAnotherVersionIsRefused(t *testing.T) {
	a := Action{Stage: "t", Version: 2, Options: json.RawMessage("{}"), Arch: Arch()}
	if _, err := (Local{Stages: partly}).Execute(t.Context(), a, store.NewMemory(), &Memory{}); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("%v", err)
	}
}
