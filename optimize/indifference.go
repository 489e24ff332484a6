package optimize

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"allocate/returns"
)

// keyIndifference names the limit on the turnover of a decision within the tolerance.
const keyIndifference = "optimize.indifference"

// Indifference compares a decision, and the weights held, with the best portfolio. Scenarios
// are a sample: portfolios whose difference is within a few standard errors cannot be told
// apart, and a trade from one to another pays for noise.
//
// A distance is the objective (Certificate) less its least value over the scenarios: in
// CVaR for MinCVaR, in return for MaxReturn, in utility, and for MaxRatio in return at the
// best ratio. All are fractions of capital over the horizon. A standard error is that of the
// difference on the same scenarios, which takes them for independent.
type Indifference struct {
	Distance     float64  `json:"distance"`                      // of the decided weights before rounding; at most, by the certificate of the best
	Error        float64  `json:"standard_error"`                // of Distance
	Turnover     float64  `json:"turnover"`                      // of the decision
	HeldDistance *float64 `json:"held_distance,omitempty"`       // of the weights held; absent where they break a limit
	HeldError    *float64 `json:"held_standard_error,omitempty"` // of HeldDistance
	BestTurnover float64  `json:"best_turnover"`                 // to the best portfolio
	Best         float64  `json:"best"`                          // lower bound of what is minimized
}

// gauge measures distances from the best portfolio.
type gauge struct {
	*engine
	of     blend
	shift  float64
	least  float64
	loss   []float64 // of the best
	vars   []float64 // of the best, per level
	buffer []float64
}

func (v *Solver) gauge(p *Problem, best *Solution) *gauge {
	g := &gauge{engine: v.prepare(p.trading()), least: best.Certificate.DualBound, buffer: make([]float64, p.Set.Len())}
	if g.of = g.asked(best.Exact); g.objective() == MaxRatio {
		g.shift = g.against(g.of.risk)
	}
	g.loss = make([]float64, p.Set.Len())
	lossesOf(p.Set, best.Exact, g.loss)
	for k := range g.levels() {
		at, _ := g.tails[k].measureFrom(g.loss, g.buffer, g.guess[k])
		g.vars = append(g.vars, at)
	}
	return g
}

// distance returns that of weights, to which e assigns costs, and its standard error.
// With the VaR q at each level, the difference of two CVaRs is the mean of
//
//	((L - q)+ - (L0 - q0)+) / (1 - alpha)
//
// up to a constant, to first order (Rockafellar and Uryasev 2000; Manistre and Hancock 2005).
func (g *gauge) distance(e *engine, w []float64) (distance, sd float64) {
	loss := make([]float64, e.Set.Len())
	lossesOf(e.Set, w, loss)
	distance = g.value(g.of, e.outcomeOf(w, loss), w) + g.shift - g.least
	psi := make([]float64, len(loss))
	if g.objective() == MinVariance {
		influence(e, psi, loss, 1)
		influence(e, psi, g.loss, -1)
		return distance, sampleError(e, psi)
	}
	if g.Mean == nil {
		for j, l := range loss {
			psi[j] = g.of.ret * (l - g.loss[j])
		}
	}
	for k, l := range g.levels() {
		at, _ := g.tails[k].measureFrom(loss, g.buffer, g.guess[k])
		scale := g.of.risk * l.Weight / (1 - l.Alpha)
		for j, x := range loss {
			psi[j] += scale * (max(0, x-at) - max(0, g.loss[j]-g.vars[k]))
		}
	}
	return distance, sampleError(e, psi)
}

// sampleError is the standard error of the mean of psi over the scenarios.
func sampleError(e *engine, psi []float64) float64 {
	mean, square := 0.0, 0.0
	for j, x := range psi {
		mean += e.Set.Probability(j) * x
	}
	for j, x := range psi {
		d := e.Set.Probability(j) * (x - mean)
		square += d * d
	}
	return math.Sqrt(square)
}

// influence adds factor times that of each loss on their standard deviation.
func influence(e *engine, psi, loss []float64, factor float64) {
	sd, mean := e.deviation(loss), 0.0
	if sd == 0 {
		return
	}
	for j, l := range loss {
		mean += e.Set.Probability(j) * l
	}
	for j, l := range loss {
		psi[j] += factor * (l - mean) * (l - mean) / (2 * sd)
	}
}

// turnover is half the sum of absolute changes, with what is sold of strategies that are
// not in the set.
func (p *Problem) turnover(w []float64) float64 {
	sum := p.departed
	for i, x := range w {
		sum += math.Abs(x - p.Previous[i])
	}
	return sum / 2
}

const (
	indifferenceSteps = 24   // of the search for the least turnover, at most
	indifferenceTol   = 1e-3 // of the turnover to the best: how near the search comes
	indifferenceNear  = 0.02 // of the tolerance: a distance below it by less is near enough
)

// indifferent replaces the best portfolio by the weights held, where their distance from it
// is within p.Indifference standard errors, and else by the portfolio within it that takes
// the least turnover, as far as one search finds it. The result is the best portfolio
// with this turnover, and has the certificate of that; Indifference has the distance from
// the best without it, at most, by the certificate of the best. Nothing changes on a cold start, for
// RiskBudget, whose shares leave no choice, where the best is not certified, and where a fixed
// cost keeps the weights held already.
func (v *Solver) indifferent(ctx context.Context, p *Problem, best *Solution) (*Solution, error) {
	if p.Indifference == 0 || p.Previous == nil || p.objective() == RiskBudget || best.Status != Optimal || best.Method == Hold {
		return best, nil
	}
	g := v.gauge(p, best)
	out := &Indifference{Best: best.Certificate.DualBound, BestTurnover: p.turnover(best.Weights), Turnover: p.turnover(best.Weights)}
	excess := math.Inf(1) // of a distance over the tolerance, at the low end of the search
	if hold := v.hold(p); hold != nil {
		d, se := g.distance(v.prepare(p), hold.Exact)
		out.HeldDistance, out.HeldError = &d, &se
		if excess = d - p.Indifference*se; excess <= 0 {
			hold.Findings = append(hold.Findings, v.prepare(p).findings(hold)...)
			out.Distance, out.Error, out.Turnover = d, se, p.turnover(hold.Weights)
			hold.Indifference = out
			hold.Findings = append(hold.Findings, out.finding(p, true))
			returns.SortFindings(hold.Findings)
			return hold, nil
		}
	}
	s, err := v.leastMove(ctx, p, g, excess, p.turnover(best.Exact))
	if err != nil {
		return nil, err
	}
	if s == nil {
		s = best
	}
	out.Distance, out.Error = g.distance(g.engine, s.Exact)
	out.Turnover = p.turnover(s.Weights)
	s.Indifference = out
	if s != best {
		s.Findings = append(s.Findings, out.finding(p, false))
		returns.SortFindings(s.Findings)
	}
	return s, nil
}

// leastMove searches for the least limit on the turnover under which the distance is within
// the tolerance: a convex function of it, but for the standard error and rules on positions.
// Below is how far the distance is above the tolerance without any trade. Nil: it is the
// turnover to the best.
func (v *Solver) leastMove(ctx context.Context, p *Problem, g *gauge, below, most float64) (*Solution, error) {
	low, high, above := 0.0, most, 0.0
	var found *candidate
	last := v.last
	for step := 0; step < indifferenceSteps && high-low > indifferenceTol*most; step++ {
		at := (low + high) / 2
		if found != nil && step%3 != 2 && !math.IsInf(below, 1) { // a secant, and every third time the middle
			at = low + (high-low)*min(max(below/(below-above), 0.02), 0.98)
		}
		e := v.prepare(p.trading())
		limited := *e.Problem
		d := Distance{Name: keyIndifference, Weight: halves(len(p.Previous)), Center: p.Previous, Constant: p.departed / 2, Limit: at}
		limited.Distances = append(slices.Clone(limited.Distances), d)
		e.Problem, e.shape, e.quiet, e.last = &limited, newPolytope(&limited), true, last
		a, err := v.within(ctx, e, g)
		if err != nil && ctx.Err() != nil {
			return nil, err
		}
		none := new(InfeasibleError)
		if errors.Is(err, errNone) || errors.As(err, &none) {
			low, below = at, math.Inf(1)
			continue
		}
		if err != nil {
			return nil, err
		}
		if a.answer != nil {
			last = a.search
		}
		d2, se := g.distance(e, a.weights)
		over := d2 - p.Indifference*se
		if over > 0 {
			low, below = at, over
			continue
		}
		high, above, found = at, over, a
		if -over < indifferenceNear*p.Indifference*se {
			break
		}
	}
	if found == nil {
		return nil, nil
	}
	s, err := found.finish(ctx)
	if err != nil || s.Status != Optimal {
		return nil, err
	}
	return s, nil
}

// candidate is the optimum of a problem with one more limit, of which the solution is made
// if it is the last.
type candidate struct {
	*answer
	weights []float64
	made    *Solution // of MinVariance
}

func (c *candidate) finish(ctx context.Context) (*Solution, error) {
	if c.made != nil {
		return c.made, nil
	}
	if err := c.nearest(ctx); err != nil {
		return nil, err
	}
	return c.solution()
}

// within minimizes what the best portfolio minimizes, under the limits of e.
func (v *Solver) within(ctx context.Context, e *engine, g *gauge) (*candidate, error) {
	var a *answer
	var err error
	switch e.objective() {
	case MinVariance:
		s, err := v.leastVariance(ctx, e)
		if err != nil {
			return nil, err
		}
		return &candidate{weights: s.Exact, made: s}, nil
	case MaxRatio:
		if a, err = e.plain(ctx, g.of, e.last); err == nil {
			a.shift = g.shift
		}
	default:
		a, err = e.optimum(ctx)
	}
	if err != nil {
		return nil, err
	}
	return &candidate{answer: a, weights: a.weights}, nil
}

// finding says why the best portfolio is not the decision.
func (x *Indifference) finding(p *Problem, held bool) returns.Finding {
	f := returns.Finding{
		Code: "optimize.indifference", Severity: returns.Info,
		Numbers: map[string]float64{"distance": x.Distance, "standard_error": x.Error, "turnover": x.Turnover, "best_turnover": x.BestTurnover},
	}
	what := map[Objective]string{MinCVaR: "lower CVaR", MinVariance: "lower the standard deviation", MaxReturn: "raise the expected return", Utility: "raise the utility", MaxRatio: "raise the return at the same ratio"}[p.objective()]
	digits := 3 // or as many as the standard error needs
	if x.Error > 0 {
		digits = min(9, max(digits, 1-int(math.Floor(math.Log10(100*x.Error)))))
	}
	gain := fmt.Sprintf("%.*f%% ± %.*f%% of capital over the horizon", digits, 100*x.Distance, digits, 100*x.Error)
	within := fmt.Sprintf("within optimize.indifference (%g standard errors)", p.Indifference)
	if held {
		f.Sentence = fmt.Sprintf("No trade: the best portfolio, a turnover of %.2f%%, would %s by %s, %s.", 100*x.BestTurnover, what, gain, within)
		return f
	}
	f.Sentence = fmt.Sprintf("Trade of %.2f%% of capital, the least %s of the best portfolio; that, a turnover of %.2f%%, would %s by another %s.", 100*x.Turnover, within, 100*x.BestTurnover, what, gain)
	return f
}

func halves(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 0.5
	}
	return v
}
