package engine

import (
	"context"
	"fmt"
	"runtime/debug"
)

// Executor does one action and leaves its result in the store. Because an
// Action is data and a result is found by its hash, an executor may run
// anywhere that the store can be reached from.
type Executor interface {
	Execute(ctx context.Context, a Action, s Store, sink Sink) (ContentID, error)
}

// Batcher is an Executor that executes several actions of a stage together, elsewhere.
type Batcher interface {
	Executor
	// Remote reports a stage whose actions are executed elsewhere.
	Remote(stage string) bool
	// ExecuteAll executes actions, and returns the outcome of each, or an error where none
	// is known.
	ExecuteAll(ctx context.Context, actions []Action, s Store, sink Sink) ([]Executed, error)
}

// Prioritizer is an Executor whose actions wait for workers beside those of other processes.
type Prioritizer interface {
	// Prioritize puts the actions of this process before those that were not prioritized.
	Prioritize()
}

// Executed is the outcome of an action that was executed elsewhere.
type Executed struct {
	Content ContentID
	Err     error
	Seconds float64 // that it took; 0: the store had the result
}

// Local executes actions in this process.
type Local struct{ Stages map[string]Stage }

// Execute implements Executor. A panic of a stage becomes an error: one bad
// strategy must not end the process.
func (l Local) Execute(ctx context.Context, a Action, s Store, sink Sink) (id ContentID, err error) {
	stage, ok := l.Stages[a.Stage]
	if !ok || stage.Version != a.Version {
		return "", fmt.Errorf("engine: unknown stage %q of version %d", a.Stage, a.Version)
	}
	if a.Arch != Arch() {
		return "", fmt.Errorf("engine: %v is for %s, this platform is %s; floating-point results may differ", a, a.Arch, Arch())
	}
	defer func() {
		if r := recover(); r != nil {
			err = &StageError{a.Stage, fmt.Errorf("engine: %v panicked: %v\n%s", a, r, debug.Stack())}
		}
	}()
	result, err := stage.Run(ctx, &Call{Action: a, store: s, sink: sink})
	if err != nil {
		return "", &StageError{a.Stage, err}
	}
	if id, err = s.Put(result); err != nil {
		return "", err
	}
	// The action itself is kept too, so that a later plan can say what changed.
	if _, err := s.Put(a.Encode()); err != nil {
		return "", err
	}
	return id, s.Record(a.ID(), id)
}
