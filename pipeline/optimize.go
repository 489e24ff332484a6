package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"allocate/config"
	"allocate/optimize"
	"allocate/returns"
)

// optimizeOptions are those of the decision, and the current weights.
type optimizeOptions struct {
	Optimize optimize.Options `json:"optimize"`
	Held     optimize.Held    `json:"held,omitempty"` // drifted; absent on a cold start
}

// runOptimize decides the weights; input scenarios.
func runOptimize(ctx context.Context, c *Call) ([]byte, error) {
	var o optimizeOptions
	if err := c.Options(&o); err != nil {
		return nil, err
	}
	set, _, err := inputSet(c, "scenarios")
	if err != nil {
		return nil, err
	}
	problem, err := optimize.NewProblem(set, o.Optimize, o.Held)
	if err != nil {
		return nil, &config.Error{Err: err} // names that only the data could tell to be wrong
	}
	solution, err := optimize.Decide(ctx, problem, o.Optimize)
	if err != nil {
		return nil, err
	}
	return json.Marshal(solution)
}

// withMetadata writes what the metadata says of strategies into the options of
// the decision: who is in a group, and what trading them costs unless the
// configuration says otherwise.
func withMetadata(o optimize.Options, strategies []returns.Strategy) (optimize.Options, error) {
	o.Groups = slices.Clone(o.Groups)
	for k := range o.Groups {
		g := &o.Groups[k]
		if g.Group == "" {
			continue
		}
		g.Strategies = nil
		for _, s := range strategies {
			if s.Group == g.Group {
				g.Strategies = append(g.Strategies, s.Name)
			}
		}
		if len(g.Strategies) == 0 {
			return o, fmt.Errorf("optimize.groups[%d].group: no strategy is in group %q; give returns.metadata a column group, or name the strategies", k, g.Group)
		}
		g.Group = ""
	}
	own := map[string]float64{}
	for _, s := range strategies {
		if s.CostBP != nil {
			own[s.Name] = *s.CostBP
		}
	}
	for _, c := range o.Costs {
		delete(own, c.Name)
	}
	o.Costs = slices.Clone(o.Costs)
	for _, name := range slices.Sorted(maps.Keys(own)) {
		o.Costs = append(o.Costs, optimize.Cost{Name: name, BP: own[name]})
	}
	return o, nil
}

// withoutAbsent drops what options say of strategies that exist but are not in
// the universe of the day: they have not begun, have ended, or are late. A floor
// on a group of which nothing is left cannot be kept.
func withoutAbsent(o optimize.Options, absent func(name string) bool) (optimize.Options, error) {
	o.Bounds = slices.DeleteFunc(slices.Clone(o.Bounds), func(b optimize.Bound) bool { return absent(b.Name) })
	o.Costs = slices.DeleteFunc(slices.Clone(o.Costs), func(c optimize.Cost) bool { return absent(c.Name) })
	o.Benchmark = slices.DeleteFunc(slices.Clone(o.Benchmark), func(s optimize.Share) bool { return absent(s.Name) })
	o.RiskShares = slices.DeleteFunc(slices.Clone(o.RiskShares), func(s optimize.Share) bool { return absent(s.Name) })
	var groups []optimize.Group
	for _, g := range o.Groups {
		g.Strategies = slices.DeleteFunc(slices.Clone(g.Strategies), absent)
		switch {
		case len(g.Strategies) > 0:
			groups = append(groups, g)
		case g.Min != nil && *g.Min > 0:
			return o, &InfeasibleError{
				Conflict: []string{"optimize.groups: " + g.Name},
				Advice:   []string{fmt.Sprintf("optimize.groups: %s needs at least %v, but none of its strategies is in the universe of this day; lower it, or wait for them", g.Name, *g.Min)},
			}
		}
	}
	o.Groups = groups
	var exposures []optimize.Exposure
	for _, e := range o.Exposures {
		e.Loadings = slices.DeleteFunc(slices.Clone(e.Loadings), func(l optimize.Loading) bool { return absent(l.Name) })
		if len(e.Loadings) > 0 {
			exposures = append(exposures, e)
		}
	}
	o.Exposures = exposures
	if o.MaxDistance != nil && len(o.Benchmark) == 0 {
		o.MaxDistance = nil // nothing of the benchmark is there to be near to
	}
	return o, nil
}

// decision returns the options of the decision for the strategies whose series
// are among inputs.
func (in *day) decision(o optimize.Options, inputs []Input, held *Holding) (optimizeOptions, error) {
	var strategies []returns.Strategy
	today := map[string]bool{}
	for _, i := range inputs {
		if name, ok := strings.CutPrefix(i.Name, "series "); ok {
			today[name] = true
		}
	}
	for _, name := range in.all {
		if s, ok := in.about[name]; ok {
			strategies = append(strategies, s)
		}
	}
	known, err := withMetadata(o, strategies)
	if err != nil {
		return optimizeOptions{}, &config.Error{Err: err} // only the data could tell
	}
	if known, err = withoutAbsent(known, func(name string) bool { return slices.Contains(in.all, name) && !today[name] }); err != nil {
		return optimizeOptions{}, err
	}
	out := optimizeOptions{Optimize: known}
	if held != nil {
		out.Held = held.Weights
	}
	return out, nil
}
