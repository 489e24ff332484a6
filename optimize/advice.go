package optimize

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// advice is one sentence of an InfeasibleError, and the change that it proposes.
type advice struct {
	fact   string         // what is out of reach
	remedy string         // what to change; "" if there is nothing to name
	apply  func(*Problem) // makes the change, as printed
}

// copied returns the problem with slices of its own wherever advice writes.
func (p *Problem) copied() *Problem {
	q := *p
	q.Lower, q.Upper = slices.Clone(p.Lower), slices.Clone(p.Upper)
	q.Constraints, q.Distances = slices.Clone(p.Constraints), slices.Clone(p.Distances)
	return &q
}

// checkedAdvice turns a conflict into an error. It applies each piece of advice
// and solves again, and reports where other limits conflict as well.
func (e *engine) checkedAdvice(ctx context.Context, conflict []string, found ...advice) error {
	p := e.Problem
	if e.whole != nil {
		p = e.whole
	}
	out := &InfeasibleError{Conflict: conflict}
	for _, a := range found {
		text := a.fact
		if a.remedy != "" {
			q := p.copied()
			a.apply(q)
			ok, err := e.admissible(ctx, q)
			if err != nil {
				return err
			}
			if ok {
				text += "; " + a.remedy
			} else {
				text += "; other limits conflict as well, so that changing this one is not enough"
			}
		}
		out.Advice = append(out.Advice, text)
	}
	return out
}

// admissible reports whether some portfolio is admissible. With rules on
// positions it searches for one, and does not take long over it.
func (e *engine) admissible(ctx context.Context, q *Problem) (bool, error) {
	const steps = 300
	for i := range q.Lower {
		if !(q.Lower[i] <= q.Upper[i]) {
			return false, nil
		}
	}
	if q.discrete() {
		q.Nodes, q.MaxGap = steps, math.MaxFloat64
	}
	try := *e
	try.Problem, try.shape, try.start, try.last, try.quiet, try.seed, try.whole = q, newPolytope(q), nil, nil, true, nil, nil
	err := try.begin(ctx)
	if err == nil && (q.discrete() || q.limited()) {
		_, err = try.limitedOptimum(ctx, blend{ret: 1})
	}
	none, undefined := new(InfeasibleError), new(UndefinedError)
	if errors.Is(err, errNone) || errors.As(err, &none) || errors.As(err, &undefined) {
		return false, nil
	}
	return err == nil, err
}

// inward rounds a limit to six digits, up or down so that it still holds, and
// returns it with its text.
func inward(x float64, up bool) (float64, string) {
	text := strconv.FormatFloat(x, 'g', 6, 64)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v == x || math.IsInf(x, 0) || math.IsNaN(x) {
		return x, short(x)
	}
	if off := v - x; off > 0 == up || math.Abs(off) <= adviceTol*math.Abs(x) {
		return v, short(v)
	}
	unit := math.Pow10(int(math.Floor(math.Log10(math.Abs(v)))) - 5)
	if !up {
		unit = -unit
	}
	text = strconv.FormatFloat(v+unit, 'g', 6, 64)
	if v, err = strconv.ParseFloat(text, 64); err != nil {
		return x, short(x)
	}
	return v, short(v)
}

// returnAdvice explains a floor on the annual return: reach is the highest
// horizon return that its conflict allows, whole that which all limits allow.
// net is "" or says of what the return is net.
func (p *Problem) returnAdvice(reach, whole float64, under, net string, set func(*Problem, float64)) advice {
	best := p.annual(reach)
	floor, text := inward(p.annual(whole), false)
	return advice{
		fact:   fmt.Sprintf("%s %s exceeds the maximum%s, %.3g", keyMinReturn, short(*p.minAnnual), net, best),
		remedy: fmt.Sprintf("lower it to at most %s, or relax %s", text, under),
		apply:  func(q *Problem) { set(q, over(floor, q.Set.Horizon, q.Set.Frequency)) },
	}
}

// budgetAdvice explains bounds that cannot sum to the budget.
func (p *Problem) budgetAdvice(upper bool) advice {
	bounds, own, key, all := p.Lower, p.ownLower, keyMinWeight, "reach at least"
	if upper {
		bounds, own, key, all = p.Upper, p.ownUpper, keyMaxWeight, "reach only"
	}
	isOwn := func(i int) bool { return own != nil && own[i] }
	sum, others, free, equal := 0.0, 0.0, 0, true
	for i, b := range bounds {
		sum += b
		equal = equal && b == bounds[0]
		if isOwn(i) {
			others += b
		} else {
			free++
		}
	}
	noun := "strategies"
	if len(bounds) == 1 {
		noun = "strategy"
	}
	_, total := inward(sum, !upper)
	what := fmt.Sprintf("%d bounds %s %s", len(bounds), all, total)
	if equal {
		what = fmt.Sprintf("%d %s x %s %s %s", len(bounds), noun, short(bounds[0]), all, total)
	}
	relation := ">="
	if !upper {
		relation = "<="
	}
	out := advice{fact: fmt.Sprintf("budget %s needs sum of %s %s %s, but %s",
		short(p.Budget), strings.TrimPrefix(key, "optimize."), relation, short(p.Budget), what)}
	if free == 0 {
		out.fact += "; change optimize.bounds or optimize.budget"
		return out
	}
	one := math.Pow10(p.Decimals)
	// A hair of slack keeps 0.1+0.2 from asking for one unit more.
	level := (p.Budget - others) / float64(free) * one
	if upper {
		level = math.Ceil(level-decimalTol) / one
		out.remedy = fmt.Sprintf("raise %s to at least %s", key, short(level))
	} else {
		level = math.Floor(level+decimalTol) / one
		out.remedy = fmt.Sprintf("lower %s to at most %s", key, short(level))
	}
	out.apply = func(q *Problem) {
		side := q.Lower
		if upper {
			side = q.Upper
		}
		for i := range side {
			if !isOwn(i) {
				side[i] = level
			}
		}
	}
	return out
}
