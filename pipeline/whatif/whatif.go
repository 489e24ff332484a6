// Package whatif makes the decision of a published run again with other limits, another confidence or
// other views, in memory: nothing is stored or published.
package whatif

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"

	"allocate/config"
	"allocate/optimize"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/pipeline/store"
	"allocate/returns"
	"allocate/returns/columnar"
	"allocate/scenarios"
)

// Session is a published decision, ready to be made again. It is safe for concurrent use; decisions
// are made one after another, each from the answer to the one before.
type Session struct {
	AsOf      returns.Date
	Horizon   string // "21 days"
	Options   optimize.Options
	Views     []scenarios.View
	Published *optimize.Solution
	Held      optimize.Held // weights before the decision; nil: a cold start

	joint scenarios.Options
	set   *scenarios.Set // its probabilities are not used: views may change

	mu     sync.Mutex
	views  string         // JSON of the views of viewed
	viewed *scenarios.Set // with their probabilities
	cash   *float64       // return of CASH in solver
	solver *optimize.Solver
	with   *scenarios.Set // of solver
}

// Open reads a run, such as out/latest, and what the store has of it. The error is a
// *returns.NotReadyError where the store has it no more.
func Open(dir string, s engine.Store) (*Session, error) {
	m, err := published.ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	decided, err := published.StoredAction(m, "optimize", s)
	if err != nil {
		return nil, err
	}
	made, err := published.StoredAction(m, "scenarios", s)
	if err != nil {
		return nil, err
	}
	var o struct {
		Optimize optimize.Options
		Held     optimize.Held
	}
	if err := json.Unmarshal(decided.Options, &o); err != nil {
		return nil, err
	}
	var j struct{ Scenarios scenarios.Options }
	if err := json.Unmarshal(made.Options, &j); err != nil {
		return nil, err
	}
	var set *scenarios.Set
	var solution *optimize.Solution
	for _, stage := range m.Stages {
		if len(stage.Actions) != 1 || stage.Name != "optimize" && stage.Name != "scenarios" {
			continue
		}
		b, err := s.Get(stage.Actions[0].Content)
		if errors.Is(err, store.ErrMissing) {
			return nil, &returns.NotReadyError{Message: fmt.Sprintf("results of %s are no longer cached (%v); run that date again", dir, err)}
		}
		if err != nil {
			return nil, err
		}
		if stage.Name == "optimize" {
			err = json.Unmarshal(b, &solution)
		} else {
			var t *columnar.Table
			if t, err = columnar.DecodeIPC(b); err == nil {
				set, _, err = scenarios.FromTable(t)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if set == nil || solution == nil {
		return nil, &returns.NotReadyError{Message: fmt.Sprintf("%s has no scenarios or no decision; run that date again", dir)}
	}
	return New(set, j.Scenarios, o.Optimize, o.Held, solution), nil
}

// New is a session of a decision: its scenarios and what they were made with, the options and weights it
// was made with, and what was published.
func New(set *scenarios.Set, joint scenarios.Options, o optimize.Options, held optimize.Held, published *optimize.Solution) *Session {
	o.Ranges, o.Frontier = false, 0
	return &Session{
		AsOf: set.AsOf, Horizon: set.Frequency.Days(set.Horizon), Options: o, Views: joint.Views, Published: published, Held: held,
		joint: joint, set: set,
	}
}

// Change is what differs from the published decision.
type Change struct {
	// Optimize are keys of the section optimize with their values, as in JSON; null: the default.
	Optimize map[string]json.RawMessage `json:"optimize"`
	// Views replaces scenarios.views, if it is there.
	Views *[]scenarios.View `json:"views"`
}

// Answer is a decision beside the published one. Returns and losses are fractions of capital over
// the horizon, losses positive.
type Answer struct {
	Status   optimize.Status `json:"status"`
	Gap      float64         `json:"gap"` // certified, relative
	Weights  []Weight        `json:"weights"`
	CVaR     Compared        `json:"cvar"`
	VaR      Compared        `json:"var"`
	Expected Compared        `json:"expected_return"`
	Cost     float64         `json:"cost"`     // of trading to the weights, and of borrowing
	Turnover float64         `json:"turnover"` // against the weights before the decision
	Moved    float64         `json:"moved"`    // against the published weights, half the sum of absolute changes
	Active   []string        `json:"active"`   // limits that bind
	Findings []string        `json:"findings"`
}

// Weight is one position.
type Weight struct {
	Name      string  `json:"name"`
	Weight    float64 `json:"weight"`
	Published float64 `json:"published"`
}

// Compared is a number and that of the published weights under the same views.
type Compared struct {
	Value     float64 `json:"value"`
	Published float64 `json:"published"`
}

// Decide makes the decision with a change. The error is a *config.Error where the change is wrong.
func (x *Session) Decide(ctx context.Context, c Change) (*Answer, error) {
	o, err := x.options(c.Optimize)
	if err != nil {
		return nil, err
	}
	views := x.Views
	if c.Views != nil {
		views = *c.Views
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	set, err := x.under(views)
	if err != nil {
		return nil, err
	}
	p, err := optimize.NewProblem(set, o, x.Held)
	if err != nil {
		return nil, &config.Error{Err: err}
	}
	solver, err := x.solverFor(p, o)
	if err != nil {
		return nil, err
	}
	s, err := solver.Decide(ctx, p, o)
	if err != nil {
		x.solver = nil // it may have stopped anywhere
		return nil, err
	}
	return x.answer(s, p.Set, o)
}

// options are the published ones with a change.
func (x *Session) options(change map[string]json.RawMessage) (optimize.Options, error) {
	var o optimize.Options
	all, err := fields(x.Options)
	if err != nil {
		return o, err
	}
	defaults, err := fields(optimize.DefaultOptions())
	if err != nil {
		return o, err
	}
	for _, key := range slices.Sorted(maps.Keys(change)) {
		all[key] = change[key]
		if string(bytes.TrimSpace(change[key])) == "null" {
			delete(all, key)
			if value, ok := defaults[key]; ok {
				all[key] = value
			}
		}
	}
	b, err := json.Marshal(all)
	if err != nil {
		return o, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		return o, &config.Error{Err: fmt.Errorf("optimize: %w", err)}
	}
	o.Ranges, o.Frontier = false, 0
	if err := o.Validate(); err != nil {
		return o, &config.Error{Err: err}
	}
	for i, g := range o.Groups {
		if g.Group != "" { // the metadata is not here
			return o, &config.Error{Err: fmt.Errorf("optimize.groups[%d].group: %q; expected strategies, by name", i, g.Group)}
		}
	}
	return o, nil
}

// fields are the JSON of options by key.
func fields(o optimize.Options) (map[string]json.RawMessage, error) {
	b, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	var m map[string]json.RawMessage
	return m, json.Unmarshal(b, &m)
}

// under is the set under views and the stress that conditions it.
func (x *Session) under(views []scenarios.View) (*scenarios.Set, error) {
	b, err := json.Marshal(views)
	if err != nil {
		return nil, err
	}
	if x.viewed != nil && x.views == string(b) {
		return x.viewed, nil
	}
	o := x.joint
	o.Views = views
	if err := o.Validate(); err != nil {
		return nil, &config.Error{Err: err}
	}
	set, err := o.Viewed(x.set)
	if err != nil {
		return nil, &config.Error{Err: err}
	}
	if i := slices.IndexFunc(o.Stress, func(s scenarios.Stress) bool { return s.Name == o.Condition }); i >= 0 && o.Condition != "" {
		if set, _, err = set.Under(o.Stress[i]); err != nil {
			return nil, &config.Error{Err: err}
		}
	}
	x.viewed, x.views, x.solver = set, string(b), nil
	return set, nil
}

// solverFor is the solver of the last decision, where the scenarios are the same.
func (x *Session) solverFor(p *optimize.Problem, o optimize.Options) (*optimize.Solver, error) {
	var cash *float64
	if o.Cash {
		cash = &o.CashReturn
	}
	same := (cash == nil) == (x.cash == nil) && (cash == nil || *cash == *x.cash)
	if x.solver == nil || !same {
		s, err := optimize.NewSolver(p.Set)
		if err != nil {
			return nil, err
		}
		x.solver, x.with, x.cash = s, p.Set, cash
	}
	p.Set = x.with
	return x.solver, nil
}

// answer compares a solution with the published one on the same scenarios.
func (x *Session) answer(s *optimize.Solution, set *scenarios.Set, o optimize.Options) (*Answer, error) {
	a := &Answer{Status: s.Status, Gap: s.Certificate.ExactGap, Active: []string{}, Findings: []string{}}
	before := map[string]float64{}
	for j, name := range x.Published.Names {
		before[name] = x.Published.Weights[j]
	}
	then := make([]float64, len(set.Names))
	for j, name := range set.Names {
		then[j] = before[name]
		a.Weights = append(a.Weights, Weight{name, s.Weights[j], before[name]})
		a.Moved += math.Abs(s.Weights[j]-before[name]) / 2
		a.Turnover += math.Abs(s.Weights[j]-x.Held[name]) / 2
		delete(before, name)
	}
	for _, name := range slices.Sorted(maps.Keys(before)) { // CASH, where it is not allowed any more
		a.Moved += math.Abs(before[name]) / 2
	}
	for _, name := range slices.Sorted(maps.Keys(x.Held)) {
		if !slices.Contains(set.Names, name) {
			a.Turnover += math.Abs(x.Held[name]) / 2
		}
	}
	risk, err := optimize.Evaluate(set, then, o.Alpha)
	if err != nil {
		return nil, err
	}
	a.CVaR, a.VaR, a.Expected = Compared{s.CVaR, risk.CVaR}, Compared{s.VaR, risk.VaR}, Compared{s.Mean, 0}
	for j, m := range set.Mean() {
		a.Expected.Published += then[j] * m
	}
	a.Cost = s.Cost
	for _, b := range o.Binding(s) {
		a.Active = append(a.Active, b.Name)
	}
	for _, f := range s.Findings {
		if f.Severity > returns.Info || f.Code == "optimize.indifference" {
			a.Findings = append(a.Findings, f.Sentence)
		}
	}
	slices.SortStableFunc(a.Weights, func(x, y Weight) int { return cmp.Compare(math.Abs(y.Weight), math.Abs(x.Weight)) })
	return a, nil
}
