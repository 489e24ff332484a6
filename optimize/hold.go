package optimize

import (
	"context"
	"errors"
	"math"
	"slices"
)

// Hold is the method of a solution that keeps the weights held, where trading is
// not worth its fixed cost, or within the tolerance of the best (Indifference).
const Hold = "hold"

// trading is the problem whose weights differ from those held: the fixed cost
// of a rebalance is then certain, and the problem convex.
func (p *Problem) trading() *Problem {
	if p.Fixed == 0 || p.Previous == nil {
		return p
	}
	q := *p
	q.Fixed, q.sunk = 0, p.sunk+p.Fixed
	q.Distances = slices.Clone(p.Distances)
	for g := range q.Distances {
		if q.Distances[g].Name == keyMinReturn { // a return net of costs
			q.Distances[g].Constant += p.Fixed
		}
	}
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
	unworthy := errors.Is(err, errLowReturn) // the ratio of every trade is 0 or less
	if err != nil && !errors.As(err, &none) && !unworthy {
		return nil, err
	}
	hold := v.hold(p)
	if hold == nil {
		return trade, err
	}
	e := v.prepare(p)
	if o := e.outcome(hold.Exact); e.objective() == MaxRatio {
		switch worth := o.ret - e.RiskFree*e.base(); {
		case unworthy && worth <= 0:
			return nil, err
		case worth > 0 && o.risk+e.unpaid() <= noRiskTol*e.absolute:
			return nil, e.undefinedRatio(o)
		}
	}
	switch {
	case unworthy:
		// The objective at the ratio of hold is 0 there, and not below 0 at any trade.
		b := e.asked(hold.Exact)
		a, err := v.prepare(p.trading()).plain(ctx, b, nil)
		if err != nil {
			return nil, err
		}
		bound, _ := a.bound(a.blend, a.dual())
		if a.least != nil {
			bound = *a.least
		}
		hold.Certificate.DualBound = min(hold.Certificate.DualBound, bound+a.credit+e.against(b.risk))
	case err == nil:
		// Both are measured by what the better weights of a trade minimize.
		b, shift := e.asked(trade.Exact), 0.0
		if e.objective() == MaxRatio {
			b = blend{1, max(0, e.ratioOf(v.prepare(p.trading()).outcome(trade.Exact)))}
			shift = e.against(b.risk)
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
	e := v.prepare(p)
	// Weights that were rounded, and have drifted since, are those held.
	rounding := min(roundedTol, float64(len(p.Previous))*math.Pow10(-p.Decimals))
	if by, _ := p.violation(p.Previous); by > max(weightTol, rounding) || e.ruleBroken(p.Previous) {
		return nil
	}
	if o := e.outcome(p.Previous); e.limited() && o.risk > e.MaxCVaR+weightTol {
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
		if size := math.Abs(x); e.ruled(i) && size > positionTol {
			if positions++; size < e.MinPosition-positionTol {
				return true
			}
		}
	}
	return e.MaxPositions > 0 && positions > e.MaxPositions
}
