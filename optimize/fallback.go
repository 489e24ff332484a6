package optimize

import (
	"context"
	"errors"
	"fmt"
	"math"

	"allocate/returns"
)

// method is one way to weights.
type method struct {
	name  string
	solve func(ctx context.Context, v *Solver, p *Problem) (*Solution, error)
}

// fallbacks are what is tried, in order, where no optimum could be certified.
var fallbacks = []method{{"bundle", bundleWeights}, {"held", heldWeights}}

// roughGap is the certified gap up to which the bundle method's weights will
// do instead of an exact optimum.
const roughGap = 1e-6

// Decide solves a problem and, if the options ask for it, adds the efficient
// frontier. Where the optimum cannot be certified, for reasons of arithmetic
// and not of the problem, the options may allow to fall back on the bundle
// method, then on the weights held: the solution then says so, with all that
// was tried. An *InfeasibleError and an *UndefinedError are answers, not
// failures, and are returned as they are.
func Decide(ctx context.Context, p *Problem, o Options) (*Solution, error) {
	if p.Set == nil {
		return nil, errors.New("optimize: a problem needs scenarios")
	}
	v, err := NewSolver(p.Set)
	if err != nil {
		return nil, fmt.Errorf("optimize: %w", err)
	}
	s, err := v.Solve(ctx, p)
	chain := fallbacks
	if !o.Fallback {
		chain = nil
	}
	if s, err = fallBack(ctx, v, p, s, err, chain); err != nil {
		return nil, err
	}
	if o.Frontier > 0 && o.Objective != RiskBudget {
		s.Frontier, err = v.Frontier(ctx, p, o.Frontier)
	}
	return s, err
}

// fallBack goes down a chain of methods after a solution that is not optimal,
// or an error.
func fallBack(ctx context.Context, v *Solver, p *Problem, s *Solution, err error, chain []method) (*Solution, error) {
	var none *InfeasibleError
	var undefined *UndefinedError
	if errors.As(err, &none) || errors.As(err, &undefined) || ctx.Err() != nil || err == nil && s.Status == Optimal {
		return s, err
	}
	tried := []Attempt{{Method: "vertex"}}
	if err != nil {
		tried[0].Outcome = err.Error()
	} else {
		tried[0].Method, tried[0].Outcome = s.Method, fmt.Sprintf("certified to a relative gap of %.3g only", s.Certificate.ExactGap)
	}
	for _, m := range chain {
		next, failed := m.solve(ctx, v, p)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if failed != nil {
			tried = append(tried, Attempt{m.name, failed.Error()})
			continue
		}
		next.Status, next.Method, next.Attempts = Fallback, m.name, tried
		next.Findings = append(next.Findings, returns.Finding{
			Code: "optimize.fallback", Severity: returns.Warn,
			Numbers:  map[string]float64{"gap": next.Certificate.ExactGap, "max_gap": p.maxGap()},
			Sentence: fmt.Sprintf("No optimum could be certified (%s: %s); these are the weights of the fallback %q.", tried[0].Method, tried[0].Outcome, m.name),
		})
		returns.SortFindings(next.Findings)
		return next, nil
	}
	if s != nil {
		s.Attempts = tried
	}
	return s, err
}

// heldWeights keeps what is held, as near as the bounds and the budget allow.
func heldWeights(_ context.Context, v *Solver, p *Problem) (*Solution, error) {
	if p.Previous == nil {
		return nil, errors.New("nothing is held")
	}
	sum := 0.0
	for i, x := range p.Previous {
		sum += min(max(x, p.Lower[i]), p.Upper[i])
	}
	if math.Abs(sum-p.Budget) > 0.01 {
		return nil, fmt.Errorf("what is held sums to %.4g inside the bounds, not to the budget %v", sum, p.Budget)
	}
	e := v.prepare(p)
	out, err := e.rough(p.Previous)
	if err != nil {
		return nil, err
	}
	c := &out.Certificate
	b := e.asked(out.Exact)
	c.DualBound, _ = e.bound(b, e.noDual())
	c.certify(out, p.maxGap())
	return out, nil
}

// bundleWeights is the answer of the bundle method, which shares nothing with
// the walk.
func bundleWeights(ctx context.Context, v *Solver, p *Problem) (*Solution, error) {
	out, err := bundleSolution(ctx, v, p, roughGap/10)
	if err == nil && !(out.Certificate.ExactGap <= roughGap) {
		err = fmt.Errorf("certified to a relative gap of %.3g only; %.3g is accepted", out.Certificate.ExactGap, roughGap)
	}
	return out, err
}

// bundleSolution solves a problem by the bundle method.
func bundleSolution(ctx context.Context, v *Solver, p *Problem, tol float64) (*Solution, error) {
	const most = 3000
	p = p.trading()
	r, err := p.bundle(ctx, tol, most)
	if err != nil {
		return nil, err
	}
	if r.Infeasible {
		return nil, errors.New("optimize: the bundle method finds no admissible portfolio")
	}
	e := v.prepare(p)
	out, err := e.rough(r.W)
	if err != nil {
		return nil, err
	}
	out.Method, out.Iterations = "bundle", r.Iterations
	out.Certificate.DualBound = r.Bound
	out.Certificate.certify(out, p.maxGap())
	return out, nil
}

// rough rounds and measures weights that no vertex stands behind; the bound of
// the certificate is the caller's to fill.
func (e *engine) rough(w []float64) (*Solution, error) {
	out := &Solution{Names: e.Set.Names, Decimals: e.Decimals, Exact: unsigned(w), ShadowPrices: []ShadowPrice{}, Findings: []returns.Finding{}}
	var err error
	if out.Weights, err = round(e.Problem, w); err != nil {
		return nil, err
	}
	loss := make([]float64, e.Set.Len())
	lossesOf(e.Set, out.Weights, loss)
	exported := e.describe(out, loss)
	b := e.asked(out.Exact)
	shift := 0.0
	if e.objective() == MaxRatio {
		shift = e.RiskFree
	}
	out.Certificate.Primal = e.value(b, exported, out.Weights) + shift
	out.Certificate.ExactPrimal = e.value(b, e.outcome(out.Exact), out.Exact) + shift
	return out, nil
}

// asked is the blend that the objective minimises, with the ratio that weights
// have for MaxRatio.
func (e *engine) asked(w []float64) blend {
	switch e.objective() {
	case MaxReturn:
		return blend{ret: 1}
	case Utility:
		return blend{ret: 1, risk: e.Aversion}
	case MaxRatio:
		o := e.outcome(w)
		return blend{ret: 1, risk: max(0, (o.ret-e.RiskFree)/o.risk)}
	}
	return blend{risk: 1}
}

// noDual are multipliers without any knowledge: every scenario is as likely in
// the tail as another. The bound they prove is weak, but a bound.
func (e *engine) noDual() Dual {
	d := Dual{Rows: make([]float64, len(e.shape.rows)), Distances: make([]float64, len(e.Distances)), Norm: make([]float64, e.shape.n)}
	for range e.levels() {
		d.Tails = append(d.Tails, make([]float64, e.Set.Len()))
	}
	return d
}
