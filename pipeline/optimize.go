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

// optimizeOptions are those of the decision, and what is held before it.
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
			return o, fmt.Errorf("optimize.groups[%d].group: no strategy of this run is in group %q; give returns.metadata a column group, or name the strategies", k, g.Group)
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

// decision returns the options of the decision for the strategies whose series
// are among inputs.
func (in *day) decision(o optimize.Options, inputs []Input, held *Holding) (optimizeOptions, error) {
	var strategies []returns.Strategy
	for _, i := range inputs {
		if name, ok := strings.CutPrefix(i.Name, "series "); ok {
			if s, ok := in.about[name]; ok {
				strategies = append(strategies, s)
			}
		}
	}
	known, err := withMetadata(o, strategies)
	if err != nil {
		return optimizeOptions{}, &config.Error{Err: err} // only the data could tell
	}
	out := optimizeOptions{Optimize: known}
	if held != nil {
		out.Held = held.Weights
	}
	return out, nil
}
