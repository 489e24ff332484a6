package optimize

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"allocate/returns"
)

type method struct {
	name  string
	solve func(ctx context.Context, v *Solver, p *Problem) (*Solution, error)
}

// fallbacks is the fallback sequence, in order, where no optimum could be certified.
var fallbacks = []method{{"bundle", bundleWeights}, {"held", heldWeights}}

// Decide solves a problem, keeps the current weights where the scenarios cannot tell them from the
// best portfolio (Problem.Indifference) and, if the options ask for it, adds the efficient
// frontier. Where the optimum is not certified, because arithmetic does not get
// there or the search over positions stopped early (Nodes, or a deadline of
// ctx), the options may allow to publish the best admissible portfolio that is
// known: that of the search, unless the bundle method has a better one; or,
// where there is neither, the current weights. The solution then says so, with its
// true gap and all that was tried. An *InfeasibleError and an *UndefinedError
// are answers, not failures, and are returned as they are.
func Decide(ctx context.Context, p *Problem, o Options) (*Solution, error) {
	if p.Set == nil {
		return nil, errors.New("optimize: a problem needs scenarios")
	}
	v, err := NewSolver(p.Set)
	if err != nil {
		return nil, fmt.Errorf("optimize: %w", err)
	}
	return v.Decide(ctx, p, o)
}

// Decide is the function of that name for a problem over the solver's set.
func (v *Solver) Decide(ctx context.Context, p *Problem, o Options) (*Solution, error) {
	s, err := v.Solve(ctx, p)
	chain := fallbacks
	if !o.Fallback {
		chain = nil
	}
	if s, err = fallBack(ctx, v, p, s, err, chain); err != nil {
		return nil, err
	}
	best := s
	if s, err = v.indifferent(ctx, p, best); err != nil {
		return nil, err
	}
	// Beside each other: neither changes what the other reads.
	var wait sync.WaitGroup
	var ranges []Range
	var failed error
	if o.Ranges {
		own := *v
		wait.Go(func() { ranges, failed = own.Ranges(ctx, p, best) })
	}
	if o.Frontier > 0 && o.Objective != RiskBudget && ctx.Err() == nil {
		s.Frontier, err = v.Frontier(ctx, p, o.Frontier)
	}
	wait.Wait()
	if failed == nil {
		s.Ranges = ranges
	} else if err == nil && ctx.Err() == nil {
		err = failed
	}
	return s, err
}

// fallBack goes down a chain of methods after a solution that is not optimal,
// or an error.
func fallBack(ctx context.Context, v *Solver, p *Problem, s *Solution, err error, chain []method) (*Solution, error) {
	var none *InfeasibleError
	var undefined *UndefinedError
	if errors.As(err, &none) || errors.As(err, &undefined) || err != nil && ctx.Err() != nil || err == nil && s.Status == Optimal {
		return s, err
	}
	tried := []Attempt{{Method: "vertex"}}
	if err != nil {
		tried[0].Outcome = err.Error()
	} else {
		tried[0].Method, tried[0].Outcome = s.Method, fmt.Sprintf("the certified relative gap is %.3g", s.Certificate.ExactGap)
	}
	if len(chain) == 0 {
		if s != nil {
			s.Attempts = tried
		}
		return s, err
	}
	var best *Solution
	if s != nil && v.allowed(p, s) {
		best = s
	}
	for _, m := range chain {
		if m.name == "held" && best != nil || ctx.Err() != nil {
			break // better weights are known than those that happen to be held
		}
		next, failed := m.solve(ctx, v, p)
		if failed == nil && !v.allowed(p, next) {
			failed = errors.New("its weights violate a constraint")
		}
		if failed != nil {
			if ctx.Err() == nil {
				tried = append(tried, Attempt{m.name, failed.Error()})
			}
			continue
		}
		if best != nil && !v.better(p, next, best) {
			tried = append(tried, Attempt{m.name, "its weights are not better"})
			continue
		}
		best = next
		best.Method = m.name
		break
	}
	if best == nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if s != nil {
			s.Attempts = tried
		}
		return s, err
	}
	best.Status, best.Attempts = Fallback, tried
	best.Findings = slices.DeleteFunc(best.Findings, func(f returns.Finding) bool { return f.Code == "optimize.gap" })
	what := fmt.Sprintf("the weights are those of the fallback %q", best.Method)
	if best == s {
		what = "the weights are the best feasible ones found"
	}
	best.Findings = append(best.Findings, returns.Finding{
		// A warning whatever the gap: the weights keep every limit, their risk is
		// exact, and nothing better is known; only its optimality is uncertain.
		Code: "optimize.fallback", Severity: returns.Warn,
		Numbers: map[string]float64{"gap": best.Certificate.ExactGap, "max_gap": p.maxGap()},
		Sentence: fmt.Sprintf("The optimum is not certified (%s: %s); %s, within %.3g%% of the optimum.",
			tried[0].Method, tried[0].Outcome, what, 100*best.Certificate.ExactGap),
	})
	returns.SortFindings(best.Findings)
	return best, nil
}

// allowed reports whether a solution keeps every bound, row, limit and rule on
// positions, before weightTol.
func (v *Solver) allowed(p *Problem, s *Solution) bool {
	if len(s.Exact) != len(p.Lower) {
		return false
	}
	e := v.prepare(p)
	if by, _ := p.violation(s.Exact); by > weightTol || e.ruleBroken(s.Exact) || e.ruleBroken(s.Weights) {
		return false
	}
	return !e.limited() || e.outcome(s.Exact).risk <= e.MaxCVaR+weightTol
}

// better reports whether a is certainly better than b, both measured by the
// oracle at the same problem.
func (v *Solver) better(p *Problem, a, b *Solution) bool {
	e := v.prepare(p.trading())
	x, y := e.outcome(a.Exact), e.outcome(b.Exact)
	if e.objective() == MaxRatio {
		return e.ratioOf(x) > e.ratioOf(y)
	}
	of := e.asked(b.Exact)
	return e.value(of, x, a.Exact) < e.value(of, y, b.Exact)
}

// heldWeights keeps the current weights, as near as the bounds and the budget allow.
func heldWeights(_ context.Context, v *Solver, p *Problem) (*Solution, error) {
	if p.Previous == nil {
		return nil, errors.New("no previous weights")
	}
	sum := 0.0
	w := make([]float64, len(p.Previous))
	for i, x := range p.Previous {
		w[i] = min(max(x, p.Lower[i]), p.Upper[i])
		sum += w[i]
	}
	if math.Abs(sum-p.Budget) > 0.01 {
		return nil, fmt.Errorf("the previous weights, clipped to the bounds, sum to %.4g instead of the budget %v", sum, p.Budget)
	}
	e := v.prepare(p)
	out, err := e.rough(w)
	if err != nil {
		return nil, err
	}
	out.Exact = slices.Clone(out.Weights) // weightTol has brought them to the budget
	c := &out.Certificate
	c.ExactPrimal = c.Primal
	b := e.asked(out.Exact)
	c.DualBound, _ = e.bound(b, e.noDual())
	if e.objective() == MaxRatio {
		c.DualBound += e.against(b.risk)
	}
	c.certify(out, p.maxGap())
	return out, nil
}

// bundleWeights is the answer of the bundle method, which shares nothing with
// the walk.
func bundleWeights(ctx context.Context, v *Solver, p *Problem) (*Solution, error) {
	out, err := bundleSolution(ctx, v, p, roughGap/10)
	if err == nil && !(out.Certificate.ExactGap <= roughGap) {
		err = fmt.Errorf("the certified relative gap is %.3g, above %.3g", out.Certificate.ExactGap, roughGap)
	}
	return out, err
}

func bundleSolution(ctx context.Context, v *Solver, p *Problem, tol float64) (*Solution, error) {
	const most = 3000
	p = p.trading()
	r, err := p.bundle(ctx, tol, most)
	if err != nil {
		return nil, err
	}
	if r.Infeasible {
		return nil, errors.New("optimize: the bundle method found no feasible portfolio")
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
		shift = e.against(b.risk)
	}
	out.Certificate.Primal = e.value(b, exported, out.Weights) + shift
	out.Certificate.ExactPrimal = e.value(b, e.outcome(out.Exact), out.Exact) + shift
	return out, nil
}

// asked is the blend that the objective minimizes, with the ratio that weights
// have for MaxRatio.
func (e *engine) asked(w []float64) blend {
	switch e.objective() {
	case MaxReturn:
		return blend{ret: 1}
	case Utility:
		return blend{ret: 1, risk: e.Aversion}
	case MaxRatio:
		o := e.outcome(w)
		return blend{ret: 1, risk: max(0, e.ratioOf(o))}
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
