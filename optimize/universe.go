package optimize

import (
	"fmt"
	"maps"
	"slices"

	"allocate/returns"
)

// For returns the options for the universe of a day: strategies are those that
// the data has, with their metadata, and absent reports those that exist and are
// not in the universe, since they have not begun, have ended, or are late. A floor
// on a group of which nothing is left is an *InfeasibleError; any other error is a
// group without strategies.
func (o Options) For(strategies []returns.Strategy, absent func(name string) bool) (Options, error) {
	known, err := withMetadata(o, strategies)
	if err != nil {
		return o, err
	}
	return withoutAbsent(known, absent)
}

// withMetadata writes what the metadata says of strategies into the options of
// the decision: who is in a group, and what trading them costs unless the
// configuration says otherwise.
func withMetadata(o Options, strategies []returns.Strategy) (Options, error) {
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
			return o, fmt.Errorf("optimize.groups[%d].group: no strategy in group %q; add a column group to returns.metadata, or name the strategies", k, g.Group)
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
		o.Costs = append(o.Costs, Cost{Name: name, BP: own[name]})
	}
	return o, nil
}

// withoutAbsent drops what options say of absent strategies.
func withoutAbsent(o Options, absent func(name string) bool) (Options, error) {
	o.Bounds = slices.DeleteFunc(slices.Clone(o.Bounds), func(b Bound) bool { return absent(b.Name) })
	o.Costs = slices.DeleteFunc(slices.Clone(o.Costs), func(c Cost) bool { return absent(c.Name) })
	o.Benchmark = slices.DeleteFunc(slices.Clone(o.Benchmark), func(s Share) bool { return absent(s.Name) })
	o.RiskShares = slices.DeleteFunc(slices.Clone(o.RiskShares), func(s Share) bool { return absent(s.Name) })
	var groups []Group
	for _, g := range o.Groups {
		g.Strategies = slices.DeleteFunc(slices.Clone(g.Strategies), absent)
		switch {
		case len(g.Strategies) > 0:
			groups = append(groups, g)
		case g.Min != nil && *g.Min > 0:
			return o, &InfeasibleError{
				Conflict: []string{"optimize.groups: " + g.Name},
				Advice:   []string{fmt.Sprintf("optimize.groups: %s requires at least %v, but none of its strategies is in the universe; lower it, or wait for their data", g.Name, *g.Min)},
			}
		}
	}
	o.Groups = groups
	var exposures []Exposure
	for _, e := range o.Exposures {
		e.Loadings = slices.DeleteFunc(slices.Clone(e.Loadings), func(l Loading) bool { return absent(l.Name) })
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
