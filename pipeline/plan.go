package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"allocate/config"
	"allocate/pipeline/store"
	"allocate/returns"
)

// Step is what a run would do with one action.
type Step struct {
	Stage  string   `json:"stage"`
	Unit   string   `json:"unit,omitempty"`
	Status string   `json:"status"` // stored, to do, or waits: its inputs are not made yet
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
	files, err := gather(c)
	if err != nil {
		return 0, nil, err
	}
	p := &planner{}
	r, err := newRunner(c, files, p, now)
	if err != nil {
		return 0, nil, err
	}
	p.local, p.last = r.Executor, lastActions(c.Out, r.Store)
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
	seen := map[string]bool{}
	for _, s := range p.steps {
		seen[s.Stage] = true
	}
	order := map[string]int{}
	for i, name := range StageNames() {
		order[name] = i
		if !seen[name] {
			p.steps = append(p.steps, Step{Stage: name, Status: "waits", Why: []string{"the stage before it is not done yet"}})
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
var errPlanned = errors.New("pipeline: planned, not done")

// planner is an executor that does the cheap stages and writes the others
// down, and the sink that learns which results are stored.
type planner struct {
	local Executor
	last  map[string]Action // of the last published run, by stage and unit
	mu    sync.Mutex
	steps []Step
}

func key(stage, unit string) string { return stage + "\x00" + unit }

// Execute implements Executor.
func (p *planner) Execute(ctx context.Context, a Action, s *store.Store, sink Sink) (ContentID, error) {
	p.add(Step{Stage: a.Stage, Unit: a.Unit, Status: "to do", Why: p.why(a)})
	if a.Stage == "returns" || a.Stage == "window" {
		return p.local.Execute(ctx, a, s, sink)
	}
	return "", errPlanned
}

// Event implements Sink.
func (p *planner) Event(e Event) {
	if e.Kind == ActionHit {
		p.add(Step{Stage: e.Stage, Unit: e.Unit, Status: "stored"})
	}
}

func (p *planner) add(s Step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps = append(p.steps, s)
}

func (p *planner) why(a Action) []string {
	old, ok := p.last[key(a.Stage, a.Unit)]
	if !ok {
		return []string{"no published run has done it"}
	}
	if why := Changes(old, a); len(why) > 0 {
		return why
	}
	return []string{"the same as in the last published run, but its result is no longer stored"}
}

// lastActions returns the actions of the last published run, as far as the
// store still has them.
func lastActions(out string, s *store.Store) map[string]Action {
	last := map[string]Action{}
	m, err := ReadManifest(filepath.Join(out, "latest"))
	if err != nil {
		return last
	}
	for _, stage := range m.Stages {
		for _, done := range stage.Actions {
			var a Action
			if b, err := s.Get(done.Action); err == nil && json.Unmarshal(b, &a) == nil {
				last[key(stage.Name, done.Unit)] = a
			}
		}
	}
	return last
}

// Changes lists the fields in which two actions of a stage and unit differ,
// each as "field: old -> new".
func Changes(before, now Action) []string {
	var why []string
	differ := func(field string, a, b any) {
		if x, y := fmt.Sprint(a), fmt.Sprint(b); x != y {
			why = append(why, fmt.Sprintf("%s: %s -> %s", field, x, y))
		}
	}
	differ("stage version", before.Version, now.Version)
	differ("seed", before.Seed, now.Seed)
	differ("architecture", before.Arch, now.Arch)
	was, is := flatten(before.Options), flatten(now.Options)
	keys := map[string]bool{}
	for k := range was {
		keys[k] = true
	}
	for k := range is {
		keys[k] = true
	}
	sorted := make([]string, 0, len(keys))
	for k := range keys {
		sorted = append(sorted, k)
	}
	sort.Strings(sorted)
	for _, k := range sorted {
		a, b := was[k], is[k]
		if a == "" {
			a = "(absent)"
		}
		if b == "" {
			b = "(absent)"
		}
		differ(k, a, b)
	}
	content := map[string]ContentID{}
	for _, in := range before.Inputs {
		content[in.Name] = in.Content
	}
	for _, in := range now.Inputs {
		old, ok := content[in.Name]
		delete(content, in.Name)
		switch {
		case !ok:
			why = append(why, fmt.Sprintf("input %s: (absent) -> %s", in.Name, in.Content.Short()))
		case old != in.Content:
			why = append(why, fmt.Sprintf("input %s: %s -> %s", in.Name, old.Short(), in.Content.Short()))
		}
	}
	for _, in := range before.Inputs {
		if _, gone := content[in.Name]; gone {
			why = append(why, fmt.Sprintf("input %s: %s -> (absent)", in.Name, in.Content.Short()))
		}
	}
	return why
}

// flatten writes JSON as dotted keys with their values as text.
func flatten(raw json.RawMessage) map[string]string {
	out := map[string]string{}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return out
	}
	var walk func(prefix string, v any)
	walk = func(prefix string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				walk(strings.TrimPrefix(prefix+"."+k, "."), x)
			}
		case []any:
			b, _ := json.Marshal(v)
			out[prefix] = string(b)
		default:
			b, _ := json.Marshal(v)
			out[prefix] = string(b)
		}
	}
	walk("", v)
	return out
}
