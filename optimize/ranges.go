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
	rangeSteps  = 10   // solutions per side, at most
	rangeNear   = 0.1  // relative error of the distance in standard errors at which a step is the last
	rangeFine   = 5e-4 // of capital: ends are found to it
)

// Ranges returns per strategy the least and the largest weight of the portfolios whose
// distance from the best (Indifference) is at most one standard error: each end is that of a
// program with one more bound. Near the best the distance in standard errors is proportional
// to the distance of the bound, so that two or three programs find it to a tenth. Nil
// with rules on positions, for RiskBudget, and where a fixed cost keeps the current weights.
func (v *Solver) Ranges(ctx context.Context, p *Problem, best *Solution) ([]Range, error) {
	if p.objective() == RiskBudget || p.discrete() || p.Ridge > 0 || best.Status != Optimal || best.Method == Hold {
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

// end is the end of a range on one side: the largest step of the weight that was found to be
// within. A step may be beyond what a limit admits.
func (v *Solver) end(ctx context.Context, p *Problem, g *gauge, from float64, i int, sign float64) (float64, error) {
	room := p.Upper[i] - from
	if sign < 0 {
		room = from - p.Lower[i]
	}
	at := func(step float64) float64 { return min(max(from+sign*step, p.Lower[i]), p.Upper[i]) }
	if room <= boundTol {
		return at(0), nil
	}
	low, lowRatio := 0.0, 0.0 // the largest step within
	high, highRatio := math.Inf(1), math.NaN()
	step := min(rangeFirst, room)
	for range rangeSteps {
		ratio, err := v.ratioAt(ctx, p, g, at(step), i, sign)
		if err != nil {
			return 0, err
		}
		if ratio <= 1 {
			low, lowRatio = step, ratio
		} else {
			high, highRatio = step, ratio
		}
		switch {
		case ratio <= 1 && (step >= room || ratio > 1-rangeNear), high-low < rangeFine, ratio > 1 && ratio < 1+rangeNear:
			if ratio > 1 && ratio < 1+rangeNear {
				low = step
			}
			return at(low), nil
		case math.IsInf(high, 1): // proportional, were there neither kinks nor limits
			step = min(room, step*min(5, 1/max(ratio, 0.2)))
		case math.IsInf(highRatio, 1):
			step = (low + high) / 2
		default:
			step = low + (high-low)*min(max((1-lowRatio)/(highRatio-lowRatio), 0.1), 0.9)
		}
	}
	return at(low), nil
}

// ratioAt returns the distance from the best, in standard errors, of the best portfolio whose
// weight of strategy i is at least x, or at most for a negative sign; +Inf where there is none.
func (v *Solver) ratioAt(ctx context.Context, p *Problem, g *gauge, x float64, i int, sign float64) (float64, error) {
	q := *p.trading()
	q.Lower, q.Upper = slices.Clone(p.Lower), slices.Clone(p.Upper)
	if sign > 0 {
		q.Lower[i] = x
	} else {
		q.Upper[i] = x
	}
	e := v.prepare(&q)
	e.quiet = true
	a, err := v.within(ctx, e, g)
	none := new(InfeasibleError)
	if errors.Is(err, errNone) || errors.As(err, &none) {
		return math.Inf(1), nil
	}
	if err != nil {
		return 0, err
	}
	d, se := g.distance(e, a.weights)
	if !(se > 0) || d <= riskTol*g.absolute {
		return 0, nil // the best, or another one
	}
	return d / (rangeErrors * se), nil
}
