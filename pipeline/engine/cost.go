package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"allocate/pipeline/store"
)

// Cost is what the actions of a stage took: their number, and their seconds in all. Where
// more actions were executed at once than the machine has processors, they are seconds of
// a processor, about.
type Cost struct {
	Actions float64 `json:"actions"`
	Seconds float64 `json:"seconds"`
}

// Each is the mean cost of an action, in seconds; 0 where none is known.
func (c Cost) Each() float64 {
	if c.Actions == 0 {
		return 0
	}
	return c.Seconds / c.Actions
}

// remembered bounds the weight of earlier runs: newer ones count for more.
const remembered = 1000

type costs struct {
	mu      sync.Mutex
	of      map[string]Cost
	running int
	made    int             // actions executed
	hits    int             // actions whose results were in the store
	known   map[string]Cost // those of earlier processes, read once
}

func (c *costs) hit() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hits++
}

// Counts are the actions of this process so far: executed, and found in the store.
func (r *Runner) Counts() (made, hits int) {
	if r.costs == nil {
		return 0, 0
	}
	r.costs.mu.Lock()
	defer r.costs.mu.Unlock()
	return r.costs.made, r.costs.hits
}

// begin notes that an action is executed; the function returned, that it ended after so long.
func (c *costs) begin(stage string, processors int) (end func(took time.Duration)) {
	if c == nil {
		return func(time.Duration) {}
	}
	c.mu.Lock()
	c.running++
	before := c.running
	c.mu.Unlock()
	return func(took time.Duration) {
		c.mu.Lock()
		defer c.mu.Unlock()
		share := min(1, 2*float64(processors)/float64(before+c.running)) // of a processor, by the mean of both ends
		c.running--
		c.note(stage, took.Seconds()*share)
	}
}

// note adds an action; the caller has the lock.
func (c *costs) note(stage string, seconds float64) {
	if c.of == nil {
		c.of = map[string]Cost{}
	}
	was := c.of[stage]
	c.of[stage] = Cost{was.Actions + 1, was.Seconds + seconds}
	c.made++
}

// add notes an action that was executed elsewhere.
func (c *costs) add(stage string, seconds float64) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note(stage, seconds)
}

// costAction is the name under which a store keeps the costs of a stage. They are no result:
// which of several records stands changes nothing but an estimate.
func costAction(s Stage, name string) ActionID {
	return store.Sum(fmt.Appendf(nil, "cost of %s %d on %s", name, s.Version, Arch()))
}

// Costs reads the mean costs of stages from the store.
func (r *Runner) Costs() map[string]Cost {
	known, _ := r.storedCosts() // unknown costs are possible anyway
	return known
}

// storedCosts ends at the first error of a server: an estimate is not worth a wait for each
// stage.
func (r *Runner) storedCosts() (map[string]Cost, error) {
	known := map[string]Cost{}
	for name, stage := range r.Stages {
		content, err := r.Store.Lookup(costAction(stage, name))
		var b []byte
		if err == nil {
			b, err = r.Store.Get(content)
		}
		var remote *store.RemoteError
		if errors.As(err, &remote) {
			return known, err
		}
		var c Cost
		if err == nil && json.Unmarshal(b, &c) == nil && c.Actions > 0 && c.Seconds >= 0 {
			known[name] = c
		}
	}
	return known, nil
}

// SaveCosts adds the costs of this process to those in the store. A failure loses them.
func (r *Runner) SaveCosts() {
	if r.costs == nil {
		return
	}
	r.costs.mu.Lock()
	defer r.costs.mu.Unlock()
	before, err := r.storedCosts()
	if err != nil {
		return
	}
	for name, c := range r.costs.of {
		was := before[name]
		if was.Actions > remembered {
			was = Cost{remembered, was.Seconds * remembered / was.Actions}
		}
		b, err := json.Marshal(Cost{was.Actions + c.Actions, was.Seconds + c.Seconds})
		if err != nil {
			continue
		}
		content, err := r.Store.Put(b)
		if err == nil {
			err = r.Store.Record(costAction(r.Stages[name], name), content)
		}
		if err != nil {
			return
		}
	}
	r.costs.of = nil
}
