package pipeline

import (
	"allocate/config"
	"allocate/pipeline/backtest"
)

// The cost model is read here and nowhere else:
//
//	optimize.cost_bp, optimize.costs, metadata cost_bp   cost of a traded unit     optimizer, simulator
//	backtest.borrow_bp                                   cost of short positions   simulator
//	backtest.cash_return                                 return of what is not     simulator; drift of the weights
//	                                                     invested                  held by a night; risk-free return
//	backtest.fixed_bp                                    cost of each trade        simulator
//	backtest.no_trade, backtest.min_trade                what is not traded        simulator
//
// The optimizer does not know the last four: its CASH returns 0, and a cost that
// is the same for every trade is not convex.

// cashReturn is the annual return of capital that is not invested.
func cashReturn(c *config.Config) float64 { return c.Backtest.CashReturn }

// borrowing is the annual cost of short positions, a fraction of their size.
func borrowing(c *config.Config) float64 { return c.Backtest.BorrowBP / 1e4 }

// costModel is what trading and holding any strategy of the panel costs: per
// unit as the optimizer has it, for whichever strategies are in the universe of
// a day.
func costModel(in *day, c *config.Config) (backtest.Costs, error) {
	var everyone []Input
	for _, name := range in.all {
		everyone = append(everyone, Input{Name: "series " + name})
	}
	o, err := in.decision(c.Optimize, everyone, nil)
	if err != nil {
		return backtest.Costs{}, err
	}
	b := c.Backtest
	costs := backtest.Costs{
		PerUnit: map[string]float64{}, Default: o.Optimize.CostBP / 1e4, Fixed: b.FixedBP / 1e4, Borrow: borrowing(c),
		CashReturn: cashReturn(c), NoTrade: b.NoTrade, MinTrade: b.MinTrade,
	}
	for _, x := range o.Optimize.Costs {
		costs.PerUnit[x.Name] = x.BP / 1e4
	}
	return costs, nil
}
