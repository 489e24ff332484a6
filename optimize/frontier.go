package optimize

import (
	"context"
	"math"
	"slices"
)

// Frontier is the efficient frontier of a problem: the highest return for every
// risk, a concave line through vertices, without what only chooses a point of
// it (objective, floor on the return, limit on the risk) and without rules on
// positions.
type Frontier struct {
	Points   []FrontierPoint `json:"points"`   // by rising risk and return: the least risk first, the highest return last
	Complete bool            `json:"complete"` // Points are all the breakpoints, and the frontier is straight between them
	Error    float64         `json:"error"`    // the frontier is nowhere above the chords between Points by more: a horizon return
}

// FrontierPoint is a breakpoint of the frontier. Return and risk are those of
// Problem, over the horizon.
type FrontierPoint struct {
	Return  float64   `json:"return"`
	Risk    float64   `json:"risk"`
	Weights []float64 `json:"weights"` // N
}

// Frontier returns up to most breakpoints of the efficient frontier, all of
// them if most is 0. The part of the frontier between two known points is
// settled by the vertex that is farthest beyond their chord: either there is
// none, and the chord is the frontier, or it is a new point and both halves are
// open (Eisner and Severance 1976; Rote 1992 on its error as an approximation).
// The largest open triangle comes first, so that few points already draw the
// line; each vertex is found from that of a neighbor.
func (v *Solver) Frontier(ctx context.Context, p *Problem, most int) (*Frontier, error) {
	free := *p.trading()
	free.Objective, free.MaxCVaR, free.MinPosition, free.MaxPositions = MinCVaR, 0, 0, 0
	free.Constraints = slices.DeleteFunc(slices.Clone(p.Constraints), func(c Constraint) bool { return c.Name == keyMinReturn })
	free.Distances = slices.DeleteFunc(slices.Clone(free.Distances), func(d Distance) bool { return d.Name == keyMinReturn })
	if err := free.validate(); err != nil {
		return nil, err
	}
	e := v.prepare(&free)
	leastRisk, err := e.minimize(ctx, blend{risk: 1}, nil)
	if err != nil {
		return nil, err
	}
	highestReturn, err := e.minimize(ctx, blend{ret: 1}, nil)
	if err != nil {
		return nil, err
	}
	f := &tracing{engine: e}
	f.points = []traced{f.trace(leastRisk), f.trace(highestReturn)}
	tol := riskTol * e.absolute
	open := []int{0} // the chords that are not settled, by their left point
	if f.points[1].Return <= f.points[0].Return+tol {
		f.points, open = f.points[:1], nil
	}
	worst := 0.0
	for len(open) > 0 && (most == 0 || len(f.points) < most) {
		at := f.largest(open)
		left, right := f.points[at], f.points[at+1]
		open = slices.DeleteFunc(open, func(k int) bool { return k == at })
		slope := (right.Return - left.Return) / (right.Risk - left.Risk)
		if !(right.Risk-left.Risk > tol) || !(slope > 0) {
			continue // a vertical step: the left point is as risky for less return
		}
		b := blend{1, slope}
		s, err := e.minimize(ctx, b, left.s)
		if err != nil {
			return nil, err
		}
		next := f.trace(s)
		if beyond := (next.Return - left.Return) - slope*(next.Risk-left.Risk); beyond <= tol*(1+slope) {
			continue
		}
		for i := range open {
			if open[i] > at {
				open[i]++
			}
		}
		f.points = slices.Insert(f.points, at+1, next)
		open = append(open, at, at+1)
	}
	for _, at := range open {
		worst = max(worst, f.height(at))
	}
	return f.frontier(worst, len(open) == 0), nil
}

type tracing struct {
	*engine
	points []traced
}

type traced struct {
	FrontierPoint
	s *search
}

func (f *tracing) trace(s *search) traced {
	o := f.outcome(s.w)
	return traced{FrontierPoint{Return: o.ret, Risk: o.risk, Weights: unsigned(s.w)}, s}
}

// largest returns the open chord with the largest box between its ends.
func (f *tracing) largest(open []int) int {
	best, at := -1.0, open[0]
	for _, k := range open {
		a, b := f.points[k], f.points[k+1]
		if size := (b.Return - a.Return) * (b.Risk - a.Risk); size > best {
			best, at = size, k
		}
	}
	return at
}

// height is how far the frontier may be above the chord from point k: it is
// below the lines that continue the chords on either side.
func (f *tracing) height(k int) float64 {
	a, b := f.points[k], f.points[k+1]
	rise, run := b.Return-a.Return, b.Risk-a.Risk
	if !(run > 0) {
		return 0
	}
	most := rise // without a neighbor: no higher than the right point
	if k > 0 && k+2 < len(f.points) {
		z, c := f.points[k-1], f.points[k+2]
		before := (a.Return - z.Return) / (a.Risk - z.Risk)
		after := (c.Return - b.Return) / (c.Risk - b.Risk)
		// Where the two lines meet, measured from a.
		if before > after {
			x := (rise - after*run) / (before - after)
			if h := before*x - rise/run*x; h == h {
				most = min(most, h)
			}
		}
	}
	return max(0, most)
}

// frontier drops dominated ends and rounds weights for export.
func (f *tracing) frontier(worst float64, complete bool) *Frontier {
	out := &Frontier{Complete: complete, Error: worst}
	for _, p := range f.points {
		if n := len(out.Points); n > 0 && p.Return <= out.Points[n-1].Return {
			continue
		}
		for len(out.Points) > 0 && p.Risk <= out.Points[len(out.Points)-1].Risk {
			out.Points = out.Points[:len(out.Points)-1]
		}
		one := math.Pow10(f.Decimals)
		for i, x := range p.Weights {
			p.Weights[i] = math.Round(x*one)/one + 0
		}
		out.Points = append(out.Points, p.FrontierPoint)
	}
	return out
}
