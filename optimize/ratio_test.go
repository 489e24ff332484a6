package optimize

import (
	"math"
	"testing"
)

// TestRatioBesideCash: CASH that earns the risk-free return changes no ratio of
// excess return to the risk of it, so that the best portfolio without CASH is a
// best one with it; where weights are capped, less invested may be better.
func TestRatioBesideCash(t *testing.T) {
	set := factorSet(1, 4, 400)
	for _, free := range []float64{0, 0.02} {
		for _, most := range []float64{1, 0.3} {
			change := func(cash bool) func(*Options) {
				return func(o *Options) {
					o.Objective, o.MaxWeight, o.Cash, o.RiskFree = MaxRatio, most, cash, free
					if cash {
						o.CashReturn = free
					}
				}
			}
			with := problem(t, set, change(true))
			s := solve(t, with)
			rf := over(free, set.Horizon, set.Frequency)
			of := func(w []float64) float64 { // by definition, over the scenarios' returns above CASH
				excess := *set
				excess.Returns = append([]float64{}, set.Returns...)
				for k := range excess.Returns {
					excess.Returns[k] -= rf
				}
				r, err := Evaluate(&excess, w[:4], 0.95)
				if err != nil {
					t.Fatal(err)
				}
				mean := 0.0
				for i, m := range excess.Mean() {
					mean += m * w[i]
				}
				return mean / r.CVaR
			}
			// Without CASH and with caps of any height, only directions count.
			best := math.Inf(-1)
			for _, budget := range []float64{1, 0.75, 0.5, 0.25, 0.1} {
				p := problem(t, set, change(true))
				p.Lower[4], p.Upper[4] = 1-budget, 1-budget
				if x, err := Solve(t.Context(), p); err == nil {
					best = max(best, of(x.Exact))
				}
			}
			if got := of(s.Exact); s.Status != Optimal || got < best-1e-10 || s.Exact[4] > 1-1e-6 {
				t.Errorf("risk-free %v, cap %v: ratio %v of %v, best %v", free, most, got, s.Exact, best)
			}
			near(t, "value", s.Certificate.ExactPrimal, 0, 1e-13)
		}
	}
}
