package optimize

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Range is the weights of one strategy among the portfolios that the scenarios cannot tell
// from the best.
type Range struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

const (
	rangeErrors = 1.0  // standard errors of the distance, up to which portfolios are in the range
	rangeFirst  = 0.02 // first step from the best weight, fraction of capital
	rangeSteps  = 4    // solutions per side, at most
	rangeNear   = 0.15 // relative error of the distance in standard errors at which a step is the last
)

// Ranges returns per strategy the least and the largest weight of the portfolios whose
// distance from the best (Indifference) is at most one standard error: each end is that of a
// program with one more bound. Near the best the distance in standard errors is proportional
// to the distance of the bound, so that two or three programs find it to a few percent. Nil
// with rules on positions and for RiskBudget.
func (v *Solver) Ranges(ctx context.Context, p *Problem, best *Solution) ([]Range, error) {
	if p.objective() == RiskBudget || p.discrete() || p.Ridge > 0 || best.Status != Optimal {
		return nil, nil
	}
	n := len(p.Lower)
	ranges := make([]Range, n)
	g := v.gauge(p, best)
	errs := make([]error, n)
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		group.Go(func() {
			own := *g
			own.buffer = make([]float64, len(g.buffer))
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if ranges[i].Low, errs[i] = v.end(ctx, p, &own, best.Exact[i], i, -1); errs[i] == nil {
					ranges[i].High, errs[i] = v.end(ctx, p, &own, best.Exact[i], i, 1)
				}
			}
		})
	}
	group.Wait()
	return ranges, errors.Join(errs...)
}

// end is the end of a range on one side.
func (v *Solver) end(ctx context.Context, p *Problem, g *gauge, from float64, i int, sign float64) (float64, error) {
	room := p.Upper[i] - from
	if sign < 0 {
		room = from - p.Lower[i]
	}
	if room <= boundTol {
		return from, nil
	}
	step, reached := min(rangeFirst, room), 0.0
search:
	for range rangeSteps {
		q := *p.trading()
		q.Lower, q.Upper = slices.Clone(p.Lower), slices.Clone(p.Upper)
		if sign > 0 {
			q.Lower[i] = min(from+step, q.Upper[i])
		} else {
			q.Upper[i] = max(from-step, q.Lower[i])
		}
		e := v.prepare(&q)
		e.quiet = true
		a, err := v.within(ctx, e, g)
		none := new(InfeasibleError)
		switch {
		case errors.Is(err, errNone) || errors.As(err, &none):
			room = step // a limit ends the range, in the limit of halves
			step = (step + reached) / 2
			continue
		case err != nil:
			return 0, err
		}
		d, se := g.distance(e, a.weights)
		if !(se > 0) {
			reached = step // another optimum
			if step >= room {
				break search
			}
			step = min(2*step, room)
			continue
		}
		ratio := max(d/se, 1e-3) / rangeErrors
		if ratio <= 1 {
			reached = step
		}
		if ratio <= 1 && step >= room {
			break search
		}
		next := min(step/ratio, room, 5*step)
		if math.Abs(ratio-1) < rangeNear || math.Abs(next-step) < 1e-4 {
			reached = next
			break search
		}
		reached, step = next, next
	}
	return min(max(from+sign*reached, p.Lower[i]), p.Upper[i]), nil
}
