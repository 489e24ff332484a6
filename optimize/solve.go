package optimize

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas/blas64"

	"allocate/returns"
)

// Status says what a solution is worth.
type Status int

// The statuses. An infeasible problem has no Solution: see InfeasibleError.
const (
	Optimal    Status = iota // the exact gap is at most MaxGap
	Inaccurate               // admissible weights with a larger certified gap
)

var statusNames = [...]string{"optimal", "inaccurate"}

func (s Status) String() string {
	if s < Optimal || s > Inaccurate {
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
	return fmt.Errorf("optimize: %q is not a status", b)
}

// ShadowPrice is what one unit of a binding bound or row costs: the change of
// the least CVaR when the side that binds rises by one unit.
type ShadowPrice struct {
	Name  string  `json:"name"`  // a constraint's name, or the strategy whose bound binds
	Side  string  `json:"side"`  // lower or upper, whichever binds; of an equality, the side that the price pushes against
	Price float64 `json:"price"` // horizon CVaR per unit
}

// Solution is a certified portfolio. Losses are positive horizon fractions,
// and every number is finite.
type Solution struct {
	Status        Status            `json:"status"`
	Names         []string          `json:"names"`         // N, in the order of the scenarios
	Weights       []float64         `json:"weights"`       // N exported weights, rounded; their decimals sum to the budget exactly
	Exact         []float64         `json:"exact"`         // N weights of the optimal vertex before rounding
	Decimals      int               `json:"decimals"`      // of Weights
	Certificate   Certificate       `json:"certificate"`   // how good they are
	Mean          float64           `json:"mean"`          // expected horizon return of Weights
	VaR           float64           `json:"var"`           // of Weights
	CVaR          float64           `json:"cvar"`          // of Weights
	Contributions []float64         `json:"contributions"` // N, which sum to CVaR
	ShadowPrices  []ShadowPrice     `json:"shadow_prices"` // rows first, then strategies; only those that are not zero
	Iterations    int               `json:"iterations"`    // pivots
	Findings      []returns.Finding `json:"findings"`
}

// Solve returns the portfolio with the least CVaR. It fails with an
// *InfeasibleError when no portfolio is admissible, and with ctx.Err() soon
// after ctx is done.
func Solve(ctx context.Context, p *Problem) (*Solution, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	t, faces := newTail(p.Set, p.Alpha), newPolytope(p)
	basis, ok, err := faces.vertex(ctx)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, explain(ctx, p, faces)
	}

	scale := p.meanAbsolute()
	s := &search{
		Problem: p, tail: t, faces: faces, scale: powerOfTwo(scale), basis: basis,
		q: make([]float64, p.Set.Len()), y: make([]float64, len(faces.rows)), loss: make([]float64, p.Set.Len()),
	}
	scenarios := make([]int, 0, p.Set.Len())
	for j, m := range t.mass {
		if m > 0 {
			scenarios = append(scenarios, j)
		}
	}
	if _, err := s.descend(ctx, scenarios); err != nil {
		return nil, err
	}
	return s.solution(scale)
}

// solution rounds, measures and certifies the current vertex. Its status
// depends on the certificate alone, not on what the walk believes.
func (s *search) solution(scale float64) (*Solution, error) {
	p := s.Problem
	out := &Solution{Names: p.Set.Names, Decimals: p.Decimals, Exact: unsigned(s.w), Iterations: s.pivots, Findings: []returns.Finding{}}
	var err error
	if out.Weights, err = round(p, out.Exact); err != nil {
		return nil, err
	}
	bound, reduced := p.dualBound(s.tail, s.q, s.y)
	exact, exported := s.tail.risk(p.Set, out.Exact), s.tail.risk(p.Set, out.Weights)
	out.VaR, out.CVaR, out.Contributions = exported.VaR, exported.CVaR, exported.Contributions
	out.Mean = blas64.Dot(vector(p.Set.Mean()), vector(out.Weights))

	c := &out.Certificate
	*c = Certificate{Primal: exported.CVaR, DualBound: bound, ExactPrimal: exact.CVaR, Scale: scale}
	c.Gap, c.ExactGap = gap(c.Primal, bound, scale), gap(c.ExactPrimal, bound, scale)
	c.MaxViolation, c.Violated = p.violation(out.Weights)
	maxGap := p.MaxGap
	if maxGap == 0 {
		maxGap = DefaultOptions().MaxGap
	}
	if !(c.ExactGap <= maxGap) {
		out.Status = Inaccurate
	}
	out.ShadowPrices = s.prices(reduced)
	out.Findings = append(out.Findings, s.findings(out, maxGap)...)
	returns.SortFindings(out.Findings)
	return out, nil
}

// prices lists the multipliers of rows and the reduced costs of strategies.
func (s *search) prices(reduced []float64) []ShadowPrice {
	prices := []ShadowPrice{}
	note := func(name string, price float64) {
		// Prices are CVaR per unit: below rounding of the scale there is none.
		if math.Abs(price)*s.scale < 1e-12 {
			return
		}
		side := "lower"
		if price < 0 {
			side = "upper"
		}
		prices = append(prices, ShadowPrice{Name: name, Side: side, Price: price})
	}
	for k, row := range s.faces.rows {
		note(row.Name, s.y[k])
	}
	for i, rc := range reduced {
		note(s.Set.Names[i], rc)
	}
	return prices
}

// tailPerStrategy is how many tail scenarios a strategy should have: with
// fewer, the optimum fits the sample and not the distribution.
const tailPerStrategy = 10

func (s *search) findings(out *Solution, maxGap float64) []returns.Finding {
	var found []returns.Finding
	n := len(s.Set.Names)
	if s.hasCash {
		n--
	}
	k := s.share() * float64(s.Set.Len())
	if need := float64(tailPerStrategy * n); k < need {
		found = append(found, returns.Finding{
			Code: "optimize.tail_thin", Severity: returns.Warn,
			Numbers: map[string]float64{"tail_scenarios": k, "wanted": need},
			Sentence: fmt.Sprintf("the tail holds %.4g scenarios for %d strategies; at least %g keep the weights from fitting single scenarios",
				k, n, need),
		})
	}
	if c := out.Certificate; out.Status == Inaccurate {
		found = append(found, returns.Finding{
			Code: "optimize.gap", Severity: returns.Fail,
			Numbers:  map[string]float64{"gap": c.ExactGap, "max_gap": maxGap},
			Sentence: fmt.Sprintf("the solution is certified to a relative gap of %.3g only; %.3g is accepted", c.ExactGap, maxGap),
		})
	}
	if by, name, tol := s.roughest(out.Weights); by > tol {
		found = append(found, returns.Finding{
			Code: "optimize.rounding", Severity: returns.Warn,
			Numbers:  map[string]float64{"violation": by, "tolerance": tol},
			Sentence: fmt.Sprintf("rounding to %d decimals leaves %s violated by %.3g; more than %.3g", out.Decimals, name, by, tol),
		})
	}
	return found
}
