package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"allocate/config"
	"allocate/optimize"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/pipeline/store"
	"allocate/reports"
	"allocate/returns"
)

// inputs are all that a decision depends on.
type inputs struct {
	forecast []engine.Input // series and posteriors
	asOf     returns.Date
	joint    scenarioOptions
	stream   returns.Date // of the random numbers
	seed     uint64
	optimize optimize.Options
	held     optimize.Held
}

// leastAttributed is the turnover below which nothing is attributed: a basis point of capital.
const leastAttributed = 1e-4

// attribute explains the change of the weights by decisions with some inputs of the run before
// in place of tonight's. It is nil where nothing is traded. What cannot be explained stops no run.
func (d *Decision) attribute(ctx context.Context, r *runner, f *forecast, best engine.Result, in day, c *config.Config) (*reports.Attribution, error) {
	if in.held == nil || in.last == nil || d.Turnover < leastAttributed || d.Solution.Method == optimize.Hold {
		return nil, nil
	}
	why, err := d.counterfactuals(ctx, r, f, best, in, c)
	var remote *store.RemoteError
	switch {
	case err == nil:
		return why, nil
	case ctx.Err() != nil, errors.As(err, &remote), errors.Is(err, errPlanned):
		return nil, err
	}
	return nil, d.gate(r, "optimize", []returns.Finding{{
		Code: "run.attribution", Severity: returns.Info,
		Sentence: fmt.Sprintf("The change of the weights since the run of %v is not attributed: %v.", in.last.Day, err),
	}})
}

// counterfactuals makes every decision with some of tonight's inputs that differ, and divides the
// change among them.
func (d *Decision) counterfactuals(ctx context.Context, r *runner, f *forecast, best engine.Result, in day, c *config.Config) (*reports.Attribution, error) {
	made, err := published.StoredAction(in.last.Manifest, "scenarios", r.Store)
	if err != nil {
		return nil, err
	}
	decided, err := published.StoredAction(in.last.Manifest, "optimize", r.Store)
	if err != nil {
		return nil, err
	}
	for _, pair := range [][2]engine.Action{{made, f.made}, {decided, best.Action}} {
		if err := comparableStages(pair[0], pair[1]); err != nil {
			return nil, err
		}
	}
	then, err := newInputs(made, decided)
	if err != nil {
		return nil, err
	}
	now, err := newInputs(f.made, best.Action)
	if err != nil {
		return nil, err
	}
	before, err := in.last.Holding(r.Store)
	if err != nil {
		return nil, err
	}
	then.held = before.Weights
	models, err := differ(settingsOf(in.last.Manifest.Config), settingsOf(c.Published()))
	if err != nil {
		return nil, err
	}
	switches, err := then.differences(now, models)
	if err != nil {
		return nil, err
	}
	n := len(switches)
	last := 1<<n - 1
	began := r.Now()
	step := r.begin("attribution", "", 2)
	defer step.end()
	some := make([]inputs, last) // from 1 on: with the inputs of tonight that the bits say
	var sets []engine.Action     // different ones
	at := map[engine.ActionID]int{}
	of := make([]int, last)
	for set := 1; set < last; set++ {
		some[set] = *then
		for i, s := range switches {
			if set&(1<<i) != 0 {
				s.apply(&some[set], now)
			}
		}
		a, err := some[set].scenarios(f.made)
		if err != nil {
			return nil, err
		}
		k, known := at[a.ID()]
		if !known {
			k, sets = len(sets), append(sets, a)
			at[a.ID()] = k
		}
		of[set] = k
	}
	quiet := r.quietly()
	simulated, err := quiet.Stage(ctx, "scenarios", sets)
	if err != nil {
		return nil, err
	}
	step.one()
	var choices []engine.Action
	for set := 1; set < last; set++ {
		a, err := some[set].decision(best.Action, simulated[of[set]].Content)
		if err != nil {
			return nil, err
		}
		choices = append(choices, a)
	}
	chosen, err := quiet.Stage(ctx, "optimize", choices)
	if err != nil {
		return nil, err
	}
	step.one()
	decisions := []map[string]float64{before.Weights}
	for _, c := range chosen {
		s, err := r.solution(ctx, c)
		if err != nil {
			return nil, err
		}
		decisions = append(decisions, weightsOf(s))
	}
	decisions = append(decisions, weightsOf(d.Solution))
	all := append(simulated, chosen...)
	d.Stages = append(d.Stages, account("attribution", best.Action.Version, all, r.Now().Sub(began).Seconds()))
	names := make([]string, n)
	for i, s := range switches {
		names[i] = s.name
	}
	return reports.Attribute(in.last.Day, names, decisions, in.held.Weights), nil
}

// comparableStages reports an action that would not give now what it gave then.
func comparableStages(then, now engine.Action) error {
	if then.Version != now.Version || then.Arch != now.Arch {
		return fmt.Errorf("stage %s was another version or on another architecture then", now.Stage)
	}
	return nil
}

// limitCosts decides again without each limit that binds at the best portfolio, and compares with it.
// What cannot be computed stops no run.
func (d *Decision) limitCosts(ctx context.Context, r *runner, f *forecast, best engine.Result) ([]reports.LimitCost, error) {
	x, err := newInputs(f.made, best.Action)
	if err != nil || !x.optimize.Limited() {
		return nil, err
	}
	within := x.optimize
	within.Indifference = 0 // tonight's weights may be kept within it, where other limits bind
	began := r.Now()
	step := r.begin("limits", "", 2)
	defer step.end()
	var all []engine.Result
	decide := func(options ...optimize.Options) (solutions []*optimize.Solution, err error) {
		var actions []engine.Action
		for _, o := range options {
			x.optimize = o
			a, err := x.decision(best.Action, f.set)
			if err != nil {
				return nil, err
			}
			actions = append(actions, a)
		}
		chosen, err := r.quietly().Stage(ctx, "optimize", actions)
		if err != nil {
			return nil, err
		}
		step.one()
		all = append(all, chosen...)
		for _, c := range chosen {
			s, err := r.solution(ctx, c)
			if err != nil {
				return nil, err
			}
			solutions = append(solutions, s)
		}
		return solutions, nil
	}
	var binding []optimize.Binding
	var without []*optimize.Solution
	base, err := decide(within)
	if err == nil {
		var options []optimize.Options
		binding = within.Binding(base[0])
		for _, b := range binding {
			options = append(options, b.Without)
		}
		without, err = decide(options...)
	}
	var remote *store.RemoteError
	switch {
	case err == nil:
	case ctx.Err() != nil, errors.As(err, &remote), errors.Is(err, errPlanned):
		return nil, err
	default:
		return nil, d.gate(r, "optimize", []returns.Finding{{
			Code: "run.attribution", Severity: returns.Info, Sentence: fmt.Sprintf("The costs of the limits that bind are not known: %v.", err),
		}})
	}
	d.Stages = append(d.Stages, account("limits", best.Action.Version, all, r.Now().Sub(began).Seconds()))
	var costs []reports.LimitCost
	for i, b := range binding {
		costs = append(costs, reports.NewLimitCost(b.Name, base[0], without[i]))
	}
	return costs, nil
}

// solution reads the result of a decision.
func (r *runner) solution(ctx context.Context, res engine.Result) (*optimize.Solution, error) {
	b, err := r.Bytes(ctx, res)
	if err != nil {
		return nil, err
	}
	s := &optimize.Solution{}
	return s, json.Unmarshal(b, s)
}

// newInputs reads the inputs of a decision from the actions that made it.
func newInputs(made, decided engine.Action) (*inputs, error) {
	x := &inputs{forecast: made.Inputs, seed: made.Seed}
	if err := json.Unmarshal(made.Options, &x.joint); err != nil {
		return nil, err
	}
	x.asOf, x.stream = x.joint.AsOf, x.joint.AsOf
	var o optimizeOptions
	if err := json.Unmarshal(decided.Options, &o); err != nil {
		return nil, err
	}
	x.optimize, x.held = o.Optimize, o.Held
	return x, nil
}

// scenarios is the action of the scenarios, like one of tonight.
func (x *inputs) scenarios(like engine.Action) (engine.Action, error) {
	o := x.joint
	o.AsOf = x.asOf
	if x.stream != x.asOf {
		o.Stream = &x.stream
	}
	var err error
	like.Inputs, like.Seed = x.forecast, x.seed
	like.Options, err = engine.Canonical(o)
	return like, err
}

// decision is the action that decides on a set of scenarios. What only describes weights is left out.
func (x *inputs) decision(like engine.Action, set engine.ContentID) (engine.Action, error) {
	o := x.optimize
	o.Ranges, o.Frontier = false, 0
	var err error
	like.Inputs = []engine.Input{{Name: "scenarios", Content: set}}
	like.Options, err = engine.Canonical(optimizeOptions{o, x.held})
	return like, err
}

// change is a difference between the inputs of two decisions.
type change struct {
	name  string
	apply func(x, now *inputs)
}

// differences are what differs, each of which can be switched alone. Limits and settings that
// name strategies are not separated from data of other strategies.
func (x *inputs) differences(now *inputs, models bool) ([]change, error) {
	joint, err := differ(x.joint.Scenarios, now.joint.Scenarios)
	if err != nil {
		return nil, err
	}
	limits, err := differ(x.optimize, now.optimize)
	if err != nil {
		return nil, err
	}
	held, err := differ(x.held, now.held)
	if err != nil {
		return nil, err
	}
	data := change{reports.NewData, func(x, now *inputs) { x.forecast, x.asOf = now.forecast, now.asOf }}
	scenario := change{reports.NewScenarios, func(x, now *inputs) { x.joint.Scenarios = now.joint.Scenarios }}
	decision := change{reports.NewLimits, func(x, now *inputs) { x.optimize = now.optimize }}
	var list []change
	switch {
	case !slices.Equal(x.strategies(), now.strategies()):
		list = append(list, change{reports.NewUniverse, func(x, now *inputs) {
			data.apply(x, now)
			scenario.apply(x, now)
			decision.apply(x, now)
		}})
		joint, limits = false, false
	case models:
		data.name = reports.NewModels
		list = append(list, data)
	default:
		list = append(list, data)
	}
	for _, c := range []struct {
		differs bool
		change
	}{
		{joint, scenario},
		{limits, decision},
		{held, change{reports.Holdings, func(x, now *inputs) { x.held = now.held }}},
		{x.stream != now.stream || x.seed != now.seed, change{reports.ScenarioNoise, func(x, now *inputs) { x.stream, x.seed = now.stream, now.seed }}},
	} {
		if c.differs {
			list = append(list, c.change)
		}
	}
	return list, nil
}

// strategies are those of the forecast.
func (x *inputs) strategies() (names []string) {
	for _, in := range x.forecast {
		if name, ok := strings.CutPrefix(in.Name, "series "); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// differ compares the canonical JSON of two values.
func differ(a, b any) (bool, error) {
	one, err := engine.Canonical(a)
	if err != nil {
		return false, err
	}
	two, err := engine.Canonical(b)
	return !bytes.Equal(one, two), err
}

// settingsOf are the settings of return models in a configuration, or in the JSON of one.
func settingsOf(c any) any {
	b, err := json.Marshal(c)
	if err != nil {
		return nil
	}
	var s struct {
		Bayes   any // with sorted keys
		Returns map[string]any
	}
	if json.Unmarshal(b, &s) != nil {
		return nil
	}
	for _, file := range []string{"path", "metadata", "holidays"} { // whose names change nothing
		delete(s.Returns, file)
	}
	return s
}
