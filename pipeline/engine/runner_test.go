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
