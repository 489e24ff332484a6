package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"sort"
	"sync"
	"time"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/returns"
)

// Step is the planned outcome of one action.
type Step struct {
	Stage  string   `json:"stage"`
	Unit   string   `json:"unit,omitempty"`
	Status string   `json:"status"` // cached, recompute, or pending: its inputs are not known yet
	Why    []string `json:"why,omitempty"`
}

// Plan says what a run would do, and why: for each action whether its result
// is stored, and if not, which field differs from the action of the last
// published run, old to new. It reads the data, which is cheap, and does no
// action that costs more.
func Plan(ctx context.Context, c *config.Config, now func() time.Time) (asOf returns.Date, steps []Step, err error) {
	if err := c.Validate(); err != nil {
		return 0, nil, err
	}
	files, err := fetch(ctx, c)
	if err != nil {
		return 0, nil, err
	}
	p := &planner{}
	r, err := newRunner(c, files, p, now)
	if err != nil {
		return 0, nil, err
	}
	p.local, p.last = r.Executor, lastActions(r.list.Newest(), r.Store)
	r.Executor, r.KeepGoing = p, true
	in, _, err := r.prepare(ctx, c, files, false)
	if err != nil {
		return 0, nil, err
	}
	in.approved = true // what a finding of severity hold waits for is not work
	_, err = r.daily(ctx, in, c)
	if err != nil && !errors.Is(err, errPlanned) {
		return in.asOf, nil, err
	}
	order, last := map[string]int{}, -1
	for i, name := range StageNames() {
		order[name] = i
	}
	for _, s := range p.steps {
		last = max(last, order[s.Stage])
	}
	for i, name := range StageNames() {
		if i > last && err != nil { // a stage before that is not seen is not needed
			p.steps = append(p.steps, Step{Stage: name, Status: "pending", Why: []string{"the previous stage is not complete"}})
		}
	}
	sort.SliceStable(p.steps, func(i, j int) bool {
		a, b := p.steps[i], p.steps[j]
		if a.Stage != b.Stage {
			return order[a.Stage] < order[b.Stage]
		}
		return a.Unit < b.Unit
	})
	return in.asOf, p.steps, nil
}

// errPlanned ends a plan where a run would begin to work.
var errPlanned = errors.New("pipeline: planned, not executed")

// planner is an executor that does the cheap stages and writes the others
// down, and the sink that learns which results are stored.
type planner struct {
	local engine.Executor
	last  map[string]engine.Action // of the last published run, by stage and unit
	mu    sync.Mutex
	steps []Step
	known map[engine.ActionID]bool // actions that were planned
}

func (p *planner) take() []Step {
	p.mu.Lock()
	defer p.mu.Unlock()
	steps := p.steps
	p.steps = nil
	return steps
}

func key(stage, unit string) string { return stage + "\x00" + unit }

// Execute implements Executor.
func (p *planner) Execute(ctx context.Context, a engine.Action, s engine.Store, sink engine.Sink) (engine.ContentID, error) {
	p.mu.Lock()
	again := p.known[a.ID()]
	if p.known == nil {
		p.known = map[engine.ActionID]bool{}
	}
	p.known[a.ID()] = true
	p.mu.Unlock()
	if !again {
		p.add(Step{Stage: a.Stage, Unit: a.Unit, Status: "recompute", Why: p.why(a)})
	}
	if a.Stage == "returns" || a.Stage == "window" {
		return p.local.Execute(ctx, a, s, sink)
	}
	return "", errPlanned
}

// Event implements Sink.
func (p *planner) Event(e engine.Event) {
	if e.Kind == engine.ActionHit {
		p.add(Step{Stage: e.Stage, Unit: e.Unit, Status: "cached"})
	}
}

func (p *planner) add(s Step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps = append(p.steps, s)
}

func (p *planner) why(a engine.Action) []string {
	old, ok := p.last[key(a.Stage, a.Unit)]
	if !ok {
		return []string{"not cached"}
	}
	if why := engine.Changes(old, a); len(why) > 0 {
		return why
	}
	return []string{"unchanged since the last published run, but no longer cached"}
}

// lastActions returns the actions of the last published run, as far as the
// store still has them.
func lastActions(dir string, s engine.Store) map[string]engine.Action {
	last := map[string]engine.Action{}
	m, err := published.ReadManifest(dir)
	if err != nil {
		return last
	}
	for _, stage := range m.Stages {
		for _, done := range stage.Actions {
			var a engine.Action
			if b, err := s.Get(done.Action); err == nil && json.Unmarshal(b, &a) == nil {
				last[key(stage.Name, done.Unit)] = a
			}
		}
	}
	return last
}
