package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"allocate/config"
	"allocate/optimize"
	"allocate/pipeline/backtest"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/returns"
)

// optimizeOptions are those of the decision, and the current weights.
type optimizeOptions struct {
	Optimize optimize.Options `json:"optimize"`
	Held     optimize.Held    `json:"held,omitempty"` // drifted; absent on a cold start
}

// runOptimize decides the weights; input scenarios.
func runOptimize(ctx context.Context, c *engine.Call) ([]byte, error) {
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

// decision returns the options of the decision for the strategies whose series
// are among inputs.
func (in *day) decision(o optimize.Options, inputs []engine.Input, held *published.Holding) (optimizeOptions, error) {
	var strategies []returns.Strategy
	today := map[string]bool{}
	for _, i := range inputs {
		if name, ok := strings.CutPrefix(i.Name, "series "); ok {
			today[name] = true
		}
	}
	for _, name := range in.all {
		if s, ok := in.metadata[name]; ok {
			strategies = append(strategies, s)
		}
	}
	known, err := o.For(strategies, func(name string) bool { return slices.Contains(in.all, name) && !today[name] })
	if none := new(InfeasibleError); err != nil && !errors.As(err, &none) {
		err = &config.Error{Err: err} // only the data could tell
	}
	if err != nil {
		return optimizeOptions{}, err
	}
	out := optimizeOptions{Optimize: known}
	if held != nil {
		out.Held = held.Weights
	}
	return out, nil
}

// The cost model has one place in the configuration, which the optimizer of a
// night, the replayed decisions and the simulator all read:
//
//	optimize.cost_bp, optimize.costs, metadata cost_bp   of a traded unit
//	optimize.fixed_bp                                    of a rebalance, whatever is traded
//	optimize.borrow_bp                                   of short positions, per year
//	optimize.cash_return                                 what capital earns that is not invested, per year
//
// Only the simulator reads backtest.no_trade and backtest.min_trade: by them a
// desk does not do what was decided.

// cashReturn is the annual return of capital that is not invested, and the
// risk-free return of ratios.
func cashReturn(c *config.Config) float64 { return c.Optimize.CashReturn }

// costModel returns the costs of trading and holding for every strategy of the panel,
// whether or not it is in the universe of a day.
func costModel(in *day, c *config.Config) (backtest.Costs, error) {
	var everyone []engine.Input
	for _, name := range in.all {
		everyone = append(everyone, engine.Input{Name: "series " + name})
	}
	known, err := in.decision(c.Optimize, everyone, nil)
	if err != nil {
		return backtest.Costs{}, err
	}
	o, b := known.Optimize, c.Backtest
	costs := backtest.Costs{
		PerUnit: map[string]float64{}, Default: o.CostBP / 1e4, Borrow: o.BorrowBP / 1e4, CashReturn: cashReturn(c),
		Fixed: o.FixedBP / 1e4, NoTrade: b.NoTrade, MinTrade: b.MinTrade,
	}
	for _, x := range o.Costs {
		costs.PerUnit[x.Name] = x.BP / 1e4
	}
	return costs, nil
}
