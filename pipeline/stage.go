package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"allocate/pipeline/store"
)

// Stage does the Actions of one name. Its result is bytes: an Arrow table or
// JSON, by the codec of the type it makes.
type Stage struct {
	Name    string
	Version int  // raise by hand when the same inputs lead to other results
	Tree    bool // the result is a Tree, which names parts in the store
	Run     func(ctx context.Context, c *Call) ([]byte, error)
}

// Call is an Action being done: what a stage may see, and nothing besides.
type Call struct {
	Action  Action
	store   *store.Store
	sources Sources
	sink    Sink
}

// Sources says where the contents that users own lie: their files.
type Sources map[ContentID]string

// Input returns the content of the input of that name.
func (c *Call) Input(name string) ([]byte, error) {
	for _, in := range c.Action.Inputs {
		if in.Name == name {
			return c.read(in)
		}
	}
	return nil, fmt.Errorf("pipeline: %v has no input %q", c.Action, name)
}

// named returns the content of the input "kind NAME", and NAME, if there is one.
func (c *Call) named(kind string) (name string, content []byte, ok bool, err error) {
	for _, in := range c.Action.Inputs {
		if name, found := strings.CutPrefix(in.Name, kind+" "); found {
			content, err = c.read(in)
			return name, content, true, err
		}
	}
	return "", nil, false, nil
}

// each hands the content of every input "kind NAME" to f, in order.
func (c *Call) each(kind string, f func(content []byte) error) error {
	for _, in := range c.Action.Inputs {
		if !strings.HasPrefix(in.Name, kind+" ") {
			continue
		}
		b, err := c.read(in)
		if err == nil {
			err = f(b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *Call) read(in Input) ([]byte, error) {
	path, own := c.sources[in.Content]
	if !own {
		return c.store.Get(in.Content)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if store.Sum(b) != in.Content {
		return nil, fmt.Errorf("pipeline: %s changed while the run was reading it; run again", path)
	}
	return b, nil
}

// Put stores a part of a result that later Actions read by itself.
func (c *Call) Put(b []byte) (ContentID, error) { return c.store.Put(b) }

// Options decodes the action's options.
func (c *Call) Options(to any) error {
	if err := json.Unmarshal(c.Action.Options, to); err != nil {
		return fmt.Errorf("pipeline: options of %v: %w", c.Action, err)
	}
	return nil
}

// Stream returns the random source of a part of the action.
func (c *Call) Stream(part string) rand.Source { return stream(c.Action.Seed, part) }

// Progress tells that done of total steps are over.
func (c *Call) Progress(done, total int) {
	c.sink.Event(Event{Kind: ActionProgress, Stage: c.Action.Stage, Unit: c.Action.Unit, Done: done, Total: total})
}

// canonical writes options as JSON with the fields in the order of the struct.
func canonical(options any) (json.RawMessage, error) {
	b, err := json.Marshal(options)
	if err != nil {
		return nil, fmt.Errorf("pipeline: options: %w", err)
	}
	return b, nil
}
