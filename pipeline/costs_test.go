package pipeline

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"allocate/optimize"
)

// TestOneCostModel expects the simulator to charge what the optimizer was told,
// from the same keys: a strategy's own cost before the metadata's, and that
// before the general one; the fixed cost of a rebalance; borrowing; and the
// return of cash.
func TestOneCostModel(t *testing.T) {
	c := quickBacktest(t)
	c.Returns.Path = filepath.Join("..", "testdata", "panels", "sample.csv") // all ten strategies
	about := filepath.Join(t.TempDir(), "about.csv")
	if err := os.WriteFile(about, []byte("strategy,cost_bp\nstrategy_02,7\nstrategy_03,9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Returns.Metadata = about
	o := &c.Optimize
	o.CostBP, o.Costs = 5, []optimize.Cost{{Name: "strategy_03", BP: 2}}
	o.FixedBP, o.BorrowBP, o.CashReturn, o.Cash, o.MinWeight = 0.5, 252, 0.03, true, -0.3
	o.Objective, o.RiskAversion = optimize.Utility, 0.1
	c.Backtest.End = halfYear()
	p := replays(t, c)
	for name, want := range map[string]float64{"strategy_02": 7e-4, "strategy_03": 2e-4} {
		if got := p.costs.PerUnit[name]; math.Abs(got-want) > 1e-15 {
			t.Errorf("%s costs %v, want %v", name, got, want)
		}
	}
	if math.Abs(p.costs.Default-5e-4) > 1e-15 || math.Abs(p.costs.Borrow-0.0252) > 1e-15 || p.costs.CashReturn != 0.03 || math.Abs(p.costs.Fixed-5e-5) > 1e-15 {
		t.Errorf("%+v", p.costs)
	}
	// What the optimizer says its trade costs is what the simulator took, but
	// for what is borrowed.
	report := tested(t, c).Report
	compared := 0
	for k, d := range p.days {
		s, b := d.decision.Solution, report.Rebalances[k]
		if d.decision.Held == nil || s == nil {
			continue
		}
		short := 0.0
		for i, name := range s.Names {
			if name != optimize.Cash {
				short += max(0, -s.Weights[i])
			}
		}
		borrowed := short * 0.0252 * float64(c.Scenarios.Horizon) / 252
		if got := s.Cost - borrowed; math.Abs(got-b.Cost) > 1e-12 {
			t.Errorf("%v: the optimizer expects a cost of %v, the simulator takes %v", b.Day, got, b.Cost)
		}
		if short > 0 && b.Cost > 0 {
			compared++
		}
	}
	if compared == 0 {
		t.Error("nothing is short or traded; the test needs both")
	}
}

// TestFixedCostKeepsWeights gives a rebalance a fixed cost that some are not worth. What is
// held then stays, to the last digit, and nothing is charged; a night would say
// the same.
func TestFixedCostKeepsWeights(t *testing.T) {
	c := quickBacktest(t)
	c.Optimize.Objective, c.Optimize.RiskAversion, c.Optimize.FixedBP = optimize.Utility, 0.3, 2
	r := tested(t, c).Report
	held, traded := 0, 0
	for k, b := range r.Rebalances {
		switch {
		case b.Method == "hold":
			held++
			if k == 0 || b.Turnover != 0 || b.Cost != 0 || len(b.Weights) != len(r.Rebalances[k-1].Weights) {
				t.Errorf("%v: held, but %v is traded for %v", b.Day, b.Turnover, b.Cost)
			}
		case b.Traded != nil:
			traded++
			if k > 0 && !(b.Cost > 2e-4) {
				t.Errorf("%v: a rebalance costs %v, less than its fixed cost", b.Day, b.Cost)
			}
		}
	}
	if held == 0 || traded < 2 {
		t.Errorf("%d held, %d traded; the test needs both", held, traded)
	}
	if p := r.Portfolios[0]; p.Held != held || p.Trades != traded {
		t.Errorf("%d held and %d traded, the summary says %d and %d", held, traded, p.Held, p.Trades)
	}
}
