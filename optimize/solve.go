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

// Status is the quality of a solution: certified, fallback or not certified.
type Status int

// The statuses. An infeasible problem has no Solution: see InfeasibleError. Nor
// has one that asks for what does not exist: see UndefinedError.
const (
	Optimal    Status = iota // the exact gap is at most MaxGap
	Inaccurate               // admissible weights with a larger certified gap
	Fallback                 // what a fallback gave, where no optimum was certified
)

var statusNames = [...]string{"optimal", "inaccurate", "fallback"}

func (s Status) String() string {
	if s < Optimal || s > Fallback {
		return fmt.Sprintf("status(%d)", int(s))
	}
	return statusNames[s]
}

// MarshalText writes the status's name.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Status) UnmarshalText(b []byte) error {
	for i, name := range statusNames {
		if name == string(b) {
			*s = Status(i)
			return nil
		}
	}
	return fmt.Errorf("optimize: unknown status %q", b)
}

// ShadowPrice is the price of one unit of a binding bound, row or limit: the
// change of the objective when the side that binds rises by one unit.
type ShadowPrice struct {
	Name  string  `json:"name"`  // a constraint's name, or the strategy whose bound binds
	Side  string  `json:"side"`  // lower or upper, whichever binds; of an equality, the side that the price pushes against
	Price float64 `json:"price"` // horizon fraction per unit
}

// Solution is a certified portfolio. Losses are positive horizon fractions,
// and every number is finite.
type Solution struct {
	Status        Status            `json:"status"`
	Method        string            `json:"method"`        // which found it: vertex, branch, quadratic, bundle or interior; hold: trading is not worth its fixed cost, or the current weights are within the tolerance of the best; or held, a fallback
	Names         []string          `json:"names"`         // N, in the order of the scenarios
	Weights       []float64         `json:"weights"`       // N exported weights, rounded; their decimals sum to the budget exactly
	Exact         []float64         `json:"exact"`         // N weights of the optimum before rounding
	Decimals      int               `json:"decimals"`      // of Weights
	Certificate   Certificate       `json:"certificate"`   // how good they are
	Mean          float64           `json:"mean"`          // expected horizon return of Weights, before costs
	Cost          float64           `json:"cost"`          // of trading to Weights from the current weights, and of borrowing what is short, fraction of capital
	VaR           float64           `json:"var"`           // of Weights, before costs
	CVaR          float64           `json:"cvar"`          // of Weights, before costs
	Risk          float64           `json:"risk"`          // of Weights as Problem defines it, which MaxCVaR limits: by Spectrum, with costs and the Wasserstein ball
	Contributions []float64         `json:"contributions"` // N, which sum to CVaR; for RiskBudget with a Spectrum, to the risk that was budgeted
	ShadowPrices  []ShadowPrice     `json:"shadow_prices"` // rows first, then limits, then strategies; only those that are not zero
	Iterations    int               `json:"iterations"`    // pivots
	Attempts      []Attempt         `json:"attempts,omitempty"`
	Ranges        []Range           `json:"ranges,omitempty"`       // N, if asked for
	Indifference  *Indifference     `json:"indifference,omitempty"` // absent on a cold start, and where it is off
	Frontier      *Frontier         `json:"frontier,omitempty"`
	Findings      []returns.Finding `json:"findings"`
}

// Contributed is the sum of the contributions.
func (s *Solution) Contributed() float64 {
	sum := 0.0
	for _, c := range s.Contributions {
		sum += c
	}
	return sum
}

// Attempt is a method that was tried before the one that gave the solution.
type Attempt struct {
	Method  string `json:"method"`
	Outcome string `json:"outcome"` // why it did not
}

// Solve returns the best portfolio. It fails with an *InfeasibleError when no
// portfolio is admissible, with an *UndefinedError when the objective has no
// best, and with ctx.Err() soon after ctx is done.
func Solve(ctx context.Context, p *Problem) (*Solution, error) {
	if p.Set == nil {
		return nil, errors.New("optimize: a problem needs scenarios")
	}
	v, err := NewSolver(p.Set)
	if err != nil {
		return nil, fmt.Errorf("optimize: %w", err)
	}
	return v.Solve(ctx, p)
}

// Solve is the function of that name for a problem over the solver's set.
func (v *Solver) Solve(ctx context.Context, p *Problem) (*Solution, error) {
	if p.Set != v.set {
		return nil, errors.New("optimize: the problem and the solver have different scenarios")
	}
	if err := p.validate(); err != nil {
		return nil, err
	}
	switch {
	case p.objective() == RiskBudget: // the shares leave no choice
		return v.budget(ctx, p.trading())
	case p.Fixed > 0 && p.Previous != nil:
		return v.tradeOrHold(ctx, p)
	case p.objective() == MinVariance:
		return v.leastVariance(ctx, v.prepare(p))
	case p.Ridge > 0:
		return bundleSolution(ctx, v, p, p.maxGap()/2)
	}
	a, err := v.prepare(p).optimum(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.nearest(ctx); err != nil {
		return nil, err
	}
	v.last = a.search
	return a.solution()
}

// solution rounds, measures and certifies an answer. Its status depends on the
// certificate alone, not on what the search believes.
func (a *answer) solution() (*Solution, error) {
	p := a.Problem
	out := &Solution{Method: "vertex", Names: p.Set.Names, Decimals: p.Decimals, Exact: unsigned(a.weights), Iterations: a.pivots, Findings: []returns.Finding{}}
	var err error
	if out.Weights, err = round(p, out.Exact); err != nil {
		return nil, err
	}
	loss := a.loss
	if !a.known || &a.weights[0] != &a.search.w[0] {
		loss = make([]float64, p.Set.Len())
		lossesOf(p.Set, out.Exact, loss)
	}
	// Three readings of the scenarios that do not depend on each other.
	var bound float64
	var each []piecewise
	var exact, exported outcome
	var wait sync.WaitGroup
	wait.Go(func() { bound, each = a.bound(a.blend, a.dual()) })
	wait.Go(func() { exact = a.outcomeOf(out.Exact, loss) })
	wait.Go(func() { exported = a.describe(out, a.lossesNear(out.Weights, out.Exact, loss)) })
	wait.Wait()
	c := &out.Certificate
	c.Primal, c.ExactPrimal = a.value(a.base, exported, out.Weights)+a.shift, a.value(a.base, exact, out.Exact)+a.shift
	c.DualBound = bound + a.shift + a.credit
	if a.least != nil {
		out.Method, c.DualBound = "branch", *a.least+a.shift
	}
	c.certify(out, p.maxGap())
	out.ShadowPrices = a.prices(out.Exact, each)
	out.Findings = append(out.Findings, a.findings(out)...)
	returns.SortFindings(out.Findings)
	return out, nil
}

func (c *Certificate) certify(out *Solution, maxGap float64) {
	c.Gap, c.ExactGap = gap(c.Primal, c.DualBound, c.Scale), gap(c.ExactPrimal, c.DualBound, c.Scale)
	if !(c.ExactGap <= maxGap) {
		out.Status = Inaccurate
	}
}

// describe fills what can be said of exported weights without a proof, from
// their losses.
func (e *engine) describe(out *Solution, loss []float64) outcome {
	exported, r := e.outcomeOf(out.Weights, loss), e.report.riskOf(e.Set, out.Weights, loss, e.guessOf(e.Alpha))
	out.VaR, out.CVaR, out.Contributions = r.VaR, r.CVaR, r.Contributions
	out.Mean, out.Cost, out.Risk = exported.mean, exported.cost, exported.risk
	c := &out.Certificate
	c.Scale = e.absolute
	c.MaxViolation, c.Violated = e.violation(out.Weights)
	if over := exported.risk - e.MaxCVaR; e.limited() && over > c.MaxViolation && over > violation {
		c.MaxViolation, c.Violated = over, keyMaxCVaR
	}
	return exported
}

// prices lists the multipliers of rows and limits, and the slopes at binding
// bounds.
func (a *answer) prices(w []float64, each []piecewise) []ShadowPrice {
	prices := []ShadowPrice{}
	note := func(name string, price float64) {
		// Prices are horizon fractions per unit: below rounding of the scale there is none.
		if math.Abs(price)*a.scale < priceTol {
			return
		}
		side := "lower"
		if price < 0 {
			side = "upper"
		}
		prices = append(prices, ShadowPrice{Name: name, Side: side, Price: price})
	}
	for k, row := range a.shape.rows {
		note(row.Name, a.y[k])
	}
	if a.limited() {
		note(keyMaxCVaR, a.base.risk-a.blend.risk)
	}
	for g, d := range a.Distances {
		note(d.Name, -a.price[g])
	}
	for i, x := range w {
		switch { // a fixed weight has the price of the side that it leans on
		case x == a.Lower[i] && each[i].rate(x, 1) > 0:
			note(a.Set.Names[i], each[i].rate(x, 1))
		case x == a.Upper[i] && each[i].rate(x, -1) < 0:
			note(a.Set.Names[i], each[i].rate(x, -1))
		}
	}
	return prices
}

// tailPerStrategy is how many tail scenarios a strategy should have: with
// fewer, the optimum fits the sample and not the distribution.
const tailPerStrategy = 10

func (e *engine) findings(out *Solution) []returns.Finding {
	var found []returns.Finding
	n := len(e.Set.Names)
	if e.hasCash {
		n--
	}
	thinnest := e.report.share()
	for _, t := range e.tails {
		thinnest = min(thinnest, t.share())
	}
	k := thinnest * float64(e.Set.Len())
	if need := float64(tailPerStrategy * n); k < need {
		found = append(found, returns.Finding{
			Code: "optimize.tail_thin", Severity: returns.Warn,
			Numbers: map[string]float64{"tail_scenarios": k, "wanted": need},
			Sentence: fmt.Sprintf("The CVaR tail has %.4g scenarios for %s, fewer than %g; raise scenarios.count, or the weights may overfit single scenarios.",
				k, returns.Count(n, "strategy"), need),
		})
	}
	if math.Abs(e.Budget) == 0 && !slices.ContainsFunc(out.Weights, func(x float64) bool { return x != 0 }) {
		found = append(found, returns.Finding{
			// A warning: the optimum is correct, but probably not intended.
			Code: "optimize.empty", Severity: returns.Warn,
			Sentence: fmt.Sprintf("All weights are 0: with optimize.budget 0 that is the optimum of objective %s; set optimize.min_annual_return, or choose objective utility or max_return.", e.objective()),
		})
	}
	if c := out.Certificate; out.Status == Inaccurate {
		found = append(found, returns.Finding{
			Code: "optimize.gap", Severity: returns.Fail,
			Numbers:  map[string]float64{"gap": c.ExactGap, "max_gap": e.maxGap()},
			Sentence: fmt.Sprintf("The certified relative gap is %.3g, above optimize.max_gap %.3g.", c.ExactGap, e.maxGap()),
		})
	}
	if by, name, tol := e.roughest(out.Weights, out.Certificate); by > tol {
		found = append(found, returns.Finding{
			Code: "optimize.rounding", Severity: returns.Warn,
			Numbers:  map[string]float64{"violation": by, "tolerance": tol},
			Sentence: fmt.Sprintf("Rounding to %d decimals violates %s by %.3g, more than %.3g; raise optimize.decimals.", out.Decimals, name, by, tol),
		})
	}
	return found
}
