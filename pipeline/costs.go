package pipeline

import (
	"allocate/config"
	"allocate/pipeline/backtest"
)

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

// costModel is what trading and holding any strategy of the panel costs, for
// whichever strategies are in the universe of a day.
func costModel(in *day, c *config.Config) (backtest.Costs, error) {
	var everyone []Input
	for _, name := range in.all {
		everyone = append(everyone, Input{Name: "series " + name})
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
