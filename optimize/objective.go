package optimize

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas/blas64"
)

// answer is the optimum of a problem before rounding: weights, and the search
// whose multipliers prove them.
type answer struct {
	*search
	weights []float64
	base    blend    // what the problem minimizes
	shift   float64  // is added to it, and to the bound
	credit  float64  // is added to the bound only: minus the multiplier of a limit on the risk times the limit
	settled bool     // weights are between two vertices; there is no face to choose from
	pivots  int      // of all searches
	nodes   int      // of branch and bound; 0: there was none
	least   *float64 // then, the bound over all parts
}

func (e *engine) optimum(ctx context.Context) (*answer, error) {
	switch e.objective() {
	case MaxReturn:
		return e.limitedOptimum(ctx, blend{ret: 1})
	case Utility:
		return e.limitedOptimum(ctx, blend{ret: 1, risk: e.Aversion})
	case MaxRatio:
		return e.ratio(ctx)
	}
	return e.plain(ctx, blend{risk: 1}, e.last)
}

// plain minimizes a blend, with rules on positions if there are any.
func (e *engine) plain(ctx context.Context, b blend, from *search) (*answer, error) {
	if e.discrete() {
		return e.branch(ctx, func(ctx context.Context, part *engine) (*answer, error) { return part.plain(ctx, b, part.last) })
	}
	s, err := e.minimize(ctx, b, from)
	if err != nil {
		return nil, err
	}
	return &answer{search: s, weights: s.w, base: b, pivots: s.pivots}, nil
}

// limitedOptimum minimizes a blend under the limit on the risk, if there is one, by its
// multiplier lambda: every lambda gives a relaxation, base + lambda (risk -
// limit), whose least value is a concave function of lambda made of one line
// for each vertex. The best lambda is where the lines of two vertices meet, one
// inside the limit and one outside, and no vertex lies below: the answer is the
// point between them at the limit. Each guess is where the lines of the last
// such pair meet (Eisner and Severance 1976), so that the guesses are finite.
//
// With rules on positions there is no point between; each part of their search
// has a limit of its own instead.
func (e *engine) limitedOptimum(ctx context.Context, base blend) (*answer, error) {
	if e.discrete() && e.limited() {
		return e.branch(ctx, func(ctx context.Context, part *engine) (*answer, error) { return part.limitedOptimum(ctx, base) })
	}
	outside, err := e.plain(ctx, base, e.last)
	if err != nil || !e.limited() {
		return outside, err
	}
	limit := e.MaxCVaR
	out := e.outcome(outside.weights)
	if out.risk <= limit {
		return outside, nil
	}
	pivots := outside.pivots
	inside, err := e.plain(ctx, blend{risk: 1}, nil)
	if err != nil {
		return nil, err
	}
	pivots += inside.pivots
	in := e.outcome(inside.weights)
	if in.risk > limit+riskTol*e.absolute {
		if e.quiet {
			return nil, errNone
		}
		return nil, e.explainRiskLimit(ctx, inside, in.risk)
	}
	from := inside.search
	for {
		slope := in.risk - out.risk // < 0
		lambda := max(0, (e.value(base, out, outside.weights)-e.value(base, in, inside.weights))/slope)
		b := blend{base.ret, base.risk + lambda}
		s, err := e.minimize(ctx, b, from)
		if err != nil {
			return nil, err
		}
		pivots += s.pivots
		from = s
		o := e.outcome(s.w)
		line := e.value(b, out, outside.weights)
		if e.value(b, o, s.w) >= line-valueTol*max(math.Abs(line), (1+lambda)*e.absolute) {
			share := (limit - in.risk) / (out.risk - in.risk)
			w := make([]float64, len(s.w))
			blas64.Axpy(share, vector(outside.weights), vector(w))
			blas64.Axpy(1-share, vector(inside.weights), vector(w))
			return &answer{search: s, weights: w, base: base, credit: -lambda * limit, settled: true, pivots: pivots}, nil
		}
		if o.risk > limit {
			outside, out = &answer{search: s, weights: s.w}, o
		} else {
			inside, in = &answer{search: s, weights: s.w}, o
		}
	}
}

// unpaid is an addition to the risk of MaxRatio: where CASH is allowed and
// earns the risk-free return of the ratio, risk is that of the return above
// it, so that CASH itself has neither return nor risk.
func (p *Problem) unpaid() float64 {
	if p.cash != nil && math.Abs(*p.cash-p.RiskFree) <= riskTol*math.Abs(p.RiskFree) {
		return p.RiskFree * p.Budget
	}
	return 0
}

func (p *Problem) ratioOf(o outcome) float64 {
	return (o.ret - p.RiskFree*p.base()) / (o.risk + p.unpaid())
}

// base is the capital on which RiskFree is earned.
func (p *Problem) base() float64 {
	if p.unpaid() != 0 {
		return p.Budget
	}
	return 1
}

// against is the constant that what MaxRatio minimizes has at a ratio:
// ratio (risk + unpaid) - (return - RiskFree).
func (p *Problem) against(ratio float64) float64 { return ratio*p.unpaid() + p.RiskFree*p.base() }

// ratio maximizes (return - RiskFree) / risk by Dinkelbach's method (1967): at
// the best ratio r the least of r risk - (return - RiskFree) is 0, and at a
// lower one it is negative at a portfolio with a higher ratio. A ratio of
// vertices, it ends after finitely many steps, usually three to six.
//
// Portfolios with neither risk nor return above RiskFree, such as CASH, take no
// part. One with a return above RiskFree but no risk makes the ratio undefined.
func (e *engine) ratio(ctx context.Context) (*answer, error) {
	leastRisk, err := e.plain(ctx, blend{risk: 1}, nil)
	if err != nil {
		return nil, err
	}
	none := noRiskTol * e.absolute // of risk
	at := e.outcome(leastRisk.weights)
	if at.risk+e.unpaid() < -none {
		return nil, e.undefinedRatio(at)
	}
	highestReturn, err := e.plain(ctx, blend{ret: 1}, nil)
	if err != nil {
		return nil, err
	}
	best, pivots, from := highestReturn, leastRisk.pivots+highestReturn.pivots, leastRisk.search
	if at = e.outcome(highestReturn.weights); at.ret-e.RiskFree*e.base() <= 0 {
		return nil, &UndefinedError{Message: fmt.Sprintf("the ratio has no positive maximum: the highest feasible expected return is %.6g over the horizon, not above the risk-free return %.6g; choose another objective, or lower optimize.risk_free", at.ret, e.RiskFree), Err: errLowReturn}
	}
	if at.risk+e.unpaid() <= none {
		return nil, e.undefinedRatio(at)
	}
	if o := e.outcome(leastRisk.weights); o.risk+e.unpaid() > none && e.ratioOf(o) > e.ratioOf(at) {
		at, best = o, leastRisk
	}
	for {
		b := blend{1, e.ratioOf(at)}
		shift := e.against(b.risk)
		known := *best // an admissible portfolio at which what is minimized is 0
		known.base, known.shift, known.credit, known.settled = b, 0, 0, true
		part := *e
		if part.discrete() {
			part.seed = &known
		}
		a, err := part.plain(ctx, b, from)
		if err != nil {
			return nil, err
		}
		pivots += a.pivots
		o := e.outcome(a.weights)
		if o.risk+e.unpaid() <= none && o.ret-e.RiskFree*e.base() > none {
			return nil, e.undefinedRatio(o)
		}
		if e.value(b, o, a.weights)+shift >= -valueTol*max(math.Abs(at.ret), e.absolute) {
			if o.risk+e.unpaid() <= none { // as good as the best at this ratio, but of no use
				a.weights, a.settled = known.weights, true
			}
			a.shift, a.pivots = shift, pivots
			return a, nil
		}
		at, from, best = o, a.search, a
	}
}

func (s *search) dual() Dual {
	d := Dual{Rows: s.y, Distances: s.price, Norm: s.norm}
	for _, l := range s.terms {
		d.Tails = append(d.Tails, l.q)
	}
	return d
}
