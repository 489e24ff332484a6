package optimize

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// forcedPositions explains minimum weights above 0, or maximum weights below 0,
// of more strategies than may be positions, where MinPosition was meant.
func (b *branching) forcedPositions(ctx context.Context) error {
	count, defaults, size := 0, 0, 0.0
	for i := range b.Lower {
		if !b.ruled(i) || b.Lower[i] <= 0 && b.Upper[i] >= 0 {
			continue
		}
		count++
		if b.Lower[i] > 0 && (b.ownLower == nil || !b.ownLower[i]) {
			defaults++
			size = b.Lower[i]
		}
	}
	if b.MaxPositions == 0 || count <= b.MaxPositions {
		return nil
	}
	if b.quiet {
		return errNone
	}
	if defaults == 0 {
		return &InfeasibleError{
			Conflict: []string{"optimize.bounds", keyMaxPositions},
			Advice:   []string{fmt.Sprintf("optimize.bounds force %d strategies to have a weight, more than %s %d; raise it to at least %d, or relax optimize.bounds", count, keyMaxPositions, b.MaxPositions, count)},
		}
	}
	return b.checkedAdvice(ctx, []string{keyMinWeight, keyMaxPositions}, advice{
		fact:   fmt.Sprintf("%s %s forces positions in %d strategies, more than %s %d", keyMinWeight, short(size), count, keyMaxPositions, b.MaxPositions),
		remedy: fmt.Sprintf("set %s to 0 and %s to %s, which constrains nonzero weights only", keyMinWeight, keyMinPosition, short(size)),
		apply: func(q *Problem) {
			for i := range q.Lower {
				if b.ruled(i) && (b.ownLower == nil || !b.ownLower[i]) {
					q.Lower[i] = min(0, q.Upper[i])
				}
			}
			q.MinPosition = size
		},
	})
}

// explainInfeasible explains why no portfolio keeps the rules on positions: by what
// conflicts also without them, else by a limit on the risk that only more
// positions keep, else by the least change of a rule that does.
func (b *branching) explainInfeasible(ctx context.Context) error {
	if b.quiet {
		return errNone
	}
	p := *b.Problem
	p.MinPosition, p.MaxPositions = 0, 0
	plain := *b.engine
	plain.Problem, plain.start, plain.last, plain.seed, plain.whole = &p, nil, nil, nil, b.Problem
	if err := plain.begin(ctx); err != nil {
		return err
	}
	if p.limited() {
		if _, err := plain.limitedOptimum(ctx, blend{ret: 1}); err != nil {
			return err // the limit on the risk is out of reach without the rules, too
		}
	}
	var rules []string
	if b.MaxPositions > 0 {
		rules = append(rules, keyMaxPositions)
	}
	if b.MinPosition > 0 {
		rules = append(rules, keyMinPosition)
	}
	try := func(change func(*Problem)) (bool, error) {
		q := b.copied()
		change(q)
		return b.admissible(ctx, q)
	}
	if p.limited() {
		// The least risk that the rules allow.
		least, err := b.leastRisk(ctx, b.Problem)
		if err != nil && ctx.Err() != nil {
			return err
		}
		if err == nil {
			value, text := inward(least, true)
			if ok, err := try(func(q *Problem) { q.MaxCVaR = value }); err != nil || ok {
				return firstOf(err, &InfeasibleError{
					Conflict: append([]string{keyMaxCVaR}, rules...),
					Advice: []string{fmt.Sprintf("%s %s is below the smallest CVaR found within %s; raise it to at least %s, or relax %s",
						keyMaxCVaR, short(b.MaxCVaR), list(rules), text, list(rules))},
				})
			}
		}
	}
	for k := b.MaxPositions + 1; b.MaxPositions > 0 && k <= b.shape.n; k++ {
		if ok, err := try(func(q *Problem) { q.MaxPositions = k }); err != nil || ok {
			return firstOf(err, &InfeasibleError{Conflict: rules, Advice: []string{fmt.Sprintf(
				"%s %d is too small for the bounds and limits; raise it to %d, which is feasible", keyMaxPositions, b.MaxPositions, k)}})
		}
	}
	for share := 0.9; b.MinPosition > 0 && share > 0; share -= 0.1 {
		size, text := inward(share*b.MinPosition, false)
		if ok, err := try(func(q *Problem) { q.MinPosition = size }); err != nil || ok {
			return firstOf(err, &InfeasibleError{Conflict: rules, Advice: []string{fmt.Sprintf(
				"%s %s is too large for the bounds and limits; lower it to %s, which is feasible", keyMinPosition, short(b.MinPosition), text)}})
		}
	}
	return &InfeasibleError{Conflict: rules, Advice: []string{fmt.Sprintf("%s conflict with the bounds and limits; drop %[1]s, or relax the others", list(rules))}}
}

// leastRisk is the least risk that a search finds within the rules on positions
// of p, without its limit on the risk.
func (e *engine) leastRisk(ctx context.Context, p *Problem) (float64, error) {
	free := p.copied()
	free.MaxCVaR = 0
	try := *e
	try.Problem, try.shape, try.start, try.last, try.quiet, try.seed, try.whole = free, newPolytope(free), nil, nil, true, nil, nil
	a, err := try.plain(ctx, blend{risk: 1}, nil)
	if err != nil {
		return 0, err
	}
	return e.outcome(a.weights).risk, nil
}

// firstOf returns err, or else the answer.
func firstOf(err error, answer *InfeasibleError) error {
	if err != nil {
		return err
	}
	return answer
}

// explainRiskLimit explains a limit on the risk that nothing keeps.
func (e *engine) explainRiskLimit(ctx context.Context, least *answer, risk float64) error {
	if e.quiet {
		return errNone
	}
	bound, _ := e.bound(blend{risk: 1}, least.dual())
	value, text := inward(max(risk, bound), true)
	fact := fmt.Sprintf("%s %s is below the minimum achievable, %s", keyMaxCVaR, short(e.MaxCVaR), text)
	if e.whole != nil && e.whole.discrete() {
		within, err := e.leastRisk(ctx, e.whole)
		if err != nil && ctx.Err() != nil {
			return err
		}
		if err == nil {
			value, text = inward(within, true)
			fact += fmt.Sprintf(" (%s with the position constraints)", text)
		}
	}
	return e.checkedAdvice(ctx, []string{keyMaxCVaR}, advice{
		fact:   fact,
		remedy: fmt.Sprintf("raise it to at least %s, or relax the other constraints", text),
		apply:  func(q *Problem) { q.MaxCVaR = value },
	})
}

// undefinedRatio explains a portfolio without risk whose return is above what
// the ratio is measured against.
func (e *engine) undefinedRatio(o outcome) error {
	remedy := "choose another optimize.objective, such as utility, or a higher optimize.alpha"
	switch {
	case e.hasCash && e.cash != nil && *e.cash > e.RiskFree:
		return &UndefinedError{Message: fmt.Sprintf("the ratio is unbounded: CASH earns %.6g over the horizon without risk, more than the risk-free return %.6g; set optimize.risk_free to optimize.cash_return, or exclude CASH (optimize.cash: false)", *e.cash, e.RiskFree)}
	case math.Abs(e.Budget) == 0:
		remedy = "with optimize.budget 0 the portfolio can be scaled at will; choose optimize.objective utility, or max_return with optimize.max_cvar"
	case e.hasCash:
		remedy += ", or exclude CASH (optimize.cash: false)"
	}
	return &UndefinedError{Message: fmt.Sprintf("the ratio is unbounded: a feasible portfolio has an expected return of %.6g over the horizon and a risk of %.3g, which is not positive; %s", o.ret, o.risk, remedy)}
}

// errLowReturn marks an *UndefinedError of a ratio whose numerator is not above
// 0 anywhere.
var errLowReturn = errors.New("optimize: no return above the risk-free return")
