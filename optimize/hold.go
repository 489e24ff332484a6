package optimize

import (
	"context"
	"errors"
	"math"
)

// Hold is the method of a solution that keeps the weights held, where trading is
// not worth its fixed cost.
const Hold = "hold"

// trading is the problem whose weights differ from those held: the fixed cost
// of a rebalance is then certain, and the problem convex.
func (p *Problem) trading() *Problem {
	if p.Fixed == 0 || p.Previous == nil {
		return p
	}
	q := *p
	q.Fixed, q.sunk = 0, p.sunk+p.Fixed
	return &q
}

// tradeOrHold solves a problem with a fixed cost of a rebalance. What is
// admissible falls into two parts, each without a jump: the weights held, which
// cost nothing, and all others, which cost the same. The better optimum of the
// two is the optimum, and the lower bound of the two its bound. The ratio of
// MaxRatio is that of the weights that are returned; a bound at a lower ratio
// holds at a higher one, too, since risk is positive.
func (v *Solver) tradeOrHold(ctx context.Context, p *Problem) (*Solution, error) {
	trade, err := v.Solve(ctx, p.trading())
	var none *InfeasibleError
	if err != nil && !errors.As(err, &none) {
		return nil, err
	}
	hold := v.hold(p)
	if hold == nil {
		return trade, err
	}
	e := v.prepare(p)
	if err == nil {
		// Both are measured by what the better weights of a trade minimise.
		b, shift := e.asked(trade.Exact), 0.0
		if e.objective() == MaxRatio {
			o := v.prepare(p.trading()).outcome(trade.Exact)
			b, shift = blend{1, max(0, (o.ret-e.RiskFree)/o.risk)}, e.RiskFree
		}
		if e.value(b, e.outcome(hold.Exact), hold.Exact)+shift > trade.Certificate.ExactPrimal {
			return trade, nil
		}
		hold.Certificate.DualBound = min(hold.Certificate.DualBound, trade.Certificate.DualBound)
	}
	hold.Certificate.certify(hold, p.maxGap())
	hold.Findings = append(hold.Findings, e.findings(hold)...)
	return hold, nil
}

// hold returns the weights held as a solution, with their own value as its
// bound, or nil where they are not admissible, or cannot be rounded to be.
func (v *Solver) hold(p *Problem) *Solution {
	const rounding = 1e-9 // of weights that have drifted
	e := v.prepare(p)
	if by, _ := p.violation(p.Previous); by > rounding || e.ruleBroken(p.Previous) {
		return nil
	}
	if o := e.outcome(p.Previous); e.limited() && o.risk > e.MaxCVaR+rounding {
		return nil
	}
	out, err := e.rough(p.Previous)
	if err != nil {
		return nil
	}
	out.Method, out.Certificate.DualBound = Hold, out.Certificate.ExactPrimal
	return out
}

// ruleBroken reports weights with a position that is too small, or too many.
func (e *engine) ruleBroken(w []float64) bool {
	positions := 0
	for i, x := range w {
		if size := math.Abs(x); e.ruled(i) && size > tiny {
			if positions++; size < e.MinPosition-tiny {
				return true
			}
		}
	}
	return e.MaxPositions > 0 && positions > e.MaxPositions
}
