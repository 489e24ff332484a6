package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// Stage does the actions of one name. Its result is bytes: an Arrow table or
// JSON, by the codec of the type that it makes.
type Stage struct {
	Name    string
	Version int  // raise by hand when the same inputs lead to other results
	Tree    bool // the result is a Tree, which names parts in the store
	Run     func(ctx context.Context, c *Call) ([]byte, error)
}

// Call is an action being done: everything that a stage may see.
type Call struct {
	Action Action
	store  Store
	sink   Sink
}

// Input returns the content of the input of that name.
func (c *Call) Input(name string) ([]byte, error) {
	for _, in := range c.Action.Inputs {
		if in.Name == name {
			return c.store.Get(in.Content)
		}
	}
	return nil, fmt.Errorf("engine: %v has no input %q", c.Action, name)
}

// Has reports whether the action has an input of that name.
func (c *Call) Has(name string) bool {
	for _, in := range c.Action.Inputs {
		if in.Name == name {
			return true
		}
	}
	return false
}

// Named returns the content of the first input "kind NAME", and NAME, if there
// is one.
func (c *Call) Named(kind string) (name string, content []byte, ok bool, err error) {
	for _, in := range c.Action.Inputs {
		if name, found := strings.CutPrefix(in.Name, kind+" "); found {
			content, err = c.store.Get(in.Content)
			return name, content, true, err
		}
	}
	return "", nil, false, nil
}

// Each calls f with NAME and content of every input "kind NAME", in order.
func (c *Call) Each(kind string, f func(name string, content []byte) error) error {
	for _, in := range c.Action.Inputs {
		name, found := strings.CutPrefix(in.Name, kind+" ")
		if !found {
			continue
		}
		b, err := c.store.Get(in.Content)
		if err == nil {
			err = f(name, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Put stores a part of a result that later actions read by itself.
func (c *Call) Put(b []byte) (ContentID, error) { return c.store.Put(b) }

// Options decodes the action's options.
func (c *Call) Options(to any) error {
	if err := json.Unmarshal(c.Action.Options, to); err != nil {
		return fmt.Errorf("engine: options of %v: %w", c.Action, err)
	}
	return nil
}

// Stream returns the random source of a part of the action.
func (c *Call) Stream(part string) rand.Source { return stream(c.Action.Seed, part) }

// Progress reports that done of total steps are finished.
func (c *Call) Progress(done, total int) {
	c.sink.Event(Event{Kind: ActionProgress, Stage: c.Action.Stage, Unit: c.Action.Unit, Done: done, Total: total})
}
