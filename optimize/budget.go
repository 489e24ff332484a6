package optimize

import (
	"context"
	"fmt"
	"math"

	"allocate/returns"
)

// budget solves a problem of objective RiskBudget. Its certificate speaks of
// the risk: no portfolio with the same weighted geometric mean of weights has
// one below DualBound (see riskBudget).
func (v *Solver) budget(ctx context.Context, p *Problem) (*Solution, error) {
	r, err := p.riskBudget(ctx)
	if err != nil {
		return nil, err
	}
	for i, x := range r.W {
		if x > p.Upper[i] || x < p.Lower[i] {
			return nil, &InfeasibleError{
				Conflict: []string{keyMaxWeight},
				Advice:   []string{fmt.Sprintf("the risk budget gives %q a weight of %.6g, outside [%v, %v]; change optimize.max_weight, or its share in optimize.risk_shares", p.Set.Names[i], x, p.Lower[i], p.Upper[i])},
			}
		}
	}
	e := v.prepare(p)
	out, err := e.rough(r.W)
	if err != nil {
		return nil, err
	}
	out.Method, out.Iterations = "interior", r.Iterations
	// Where scenarios tie at the VaR the risk has many subgradients; this is
	// the one with the shares that were asked for. Rounding moves it by little.
	// With a spectrum they sum to the risk of the spectrum.
	sum, total := 0.0, out.CVaR
	if l := p.levels(); len(l) > 1 || l[0].Alpha != p.Alpha {
		total = out.Risk - out.Cost
	}
	for i, c := range r.Contributions {
		out.Contributions[i] = c / r.W[i] * out.Weights[i]
		sum += out.Contributions[i]
	}
	for i := range out.Contributions {
		out.Contributions[i] *= total / sum
	}
	c := &out.Certificate
	c.DualBound = c.ExactPrimal * math.Exp(-math.Abs(r.Gap))
	c.certify(out, p.maxGap())
	out.Findings = append(out.Findings, e.findings(out)...)
	returns.SortFindings(out.Findings)
	return out, nil
}
