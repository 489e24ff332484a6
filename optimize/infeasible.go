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

// InfeasibleError says that no portfolio satisfies a problem, and why.
type InfeasibleError struct {
	Conflict []string // a minimal set of named constraints: without any one of them the others can hold
	Advice   []string // sentences: what is out of reach, by how much, and what to change
}

func (e *InfeasibleError) Error() string {
	verb := "cannot hold together"
	if len(e.Conflict) == 1 {
		verb = "cannot hold"
	}
	return fmt.Sprintf("optimize: no portfolio is admissible: %s %s: %s", list(e.Conflict), verb, strings.Join(e.Advice, "; "))
}

// list joins names as a sentence does.
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// group is what a person can drop at once: a row of Problem.rows, or all lower
// or all upper bounds.
type group int

const (
	lowerBounds group = -2
	upperBounds group = -1
	budgetRow   group = 0
)

func (f face) group() group {
	switch {
	case f.row >= 0:
		return group(f.row)
	case f.lower:
		return lowerBounds
	}
	return upperBounds
}

func (t *polytope) name(g group) string {
	switch g {
	case lowerBounds:
		return keyMinWeight
	case upperBounds:
		return keyMaxWeight
	}
	return t.rows[g].Name
}

// explain finds a minimal conflict by a deletion filter (Chinneck and
// Dravnieks 1991): a group that the rest is infeasible without is not needed
// to explain anything. Scenarios take no part in feasibility, so that each
// trial is a program in the weights alone. Rows are dropped first, in order:
// if the budget and the bounds conflict by themselves, that is the news.
func explain(ctx context.Context, p *Problem, t *polytope) error {
	var order []group
	for k := 1; k < len(t.rows); k++ {
		order = append(order, group(k))
	}
	order = append(order, lowerBounds, upperBounds, budgetRow)

	conflict := slices.Clone(order)
	for _, g := range order {
		rest := without(conflict, g)
		_, ok, err := t.feasible(ctx, among(rest))
		if err != nil {
			return err
		}
		if !ok {
			conflict = rest
		}
	}
	slices.Reverse(conflict)

	e := &InfeasibleError{}
	for _, g := range conflict {
		e.Conflict = append(e.Conflict, t.name(g))
	}
	rows := 0
	for _, g := range conflict {
		if g <= budgetRow {
			continue
		}
		rows++
		advice, err := p.outOfReach(ctx, t, g, conflict)
		if err != nil {
			return err
		}
		e.Advice = append(e.Advice, advice...)
	}
	if rows == 0 {
		e.Advice = append(e.Advice, p.budgetAdvice(slices.Contains(conflict, upperBounds)))
	}
	if len(e.Advice) == 0 {
		e.Advice = append(e.Advice, "relax one of them")
	}
	return e
}

func without(groups []group, g group) []group {
	return slices.DeleteFunc(slices.Clone(groups), func(x group) bool { return x == g })
}

func among(groups []group) func(face) bool {
	return func(f face) bool { return slices.Contains(groups, f.group()) }
}

// outOfReach says how far the rest of a conflict lets row g go towards the
// side that it misses.
func (p *Problem) outOfReach(ctx context.Context, t *polytope, g group, conflict []group) ([]string, error) {
	rest := without(conflict, g)
	var names []string
	for _, r := range rest {
		names = append(names, t.name(r))
	}
	under := list(names)
	row := t.rows[g]
	var advice []string
	for _, side := range []struct {
		sign, bound         float64
		needs, allow, least string
	}{{1, row.Lower, "at least", "at most", "lower"}, {-1, row.Upper, "at most", "at least", "raise"}} {
		if math.IsInf(side.bound, 0) {
			continue
		}
		reach, ok, err := t.extreme(ctx, row.Coef, side.sign, among(rest))
		if err != nil {
			return nil, err
		}
		if !ok || side.sign*(side.bound-reach) <= 0 {
			continue
		}
		if row.Name == keyMinReturn && p.minAnnual != nil {
			best := p.annual(reach)
			advice = append(advice, fmt.Sprintf("%s %s is above the highest achievable %.3g; lower it to at most %s, or relax %s",
				keyMinReturn, short(*p.minAnnual), best, short(math.Floor(best*1e6)/1e6), under))
			continue
		}
		if len(rest) == 0 { // nothing but its own coefficients, which are zero
			advice = append(advice, fmt.Sprintf("%s needs %s %.6g, but no strategy contributes to it; drop it", row.Name, side.needs, side.bound))
			continue
		}
		advice = append(advice, fmt.Sprintf("%s needs %s %.6g, but %s allow %s %.6g; %s its bound or relax %s",
			row.Name, side.needs, side.bound, under, side.allow, reach, side.least, under))
	}
	return advice, nil
}

// extreme returns the largest (sign 1) or smallest (sign -1) value of coef'w
// over the faces that keep selects, or ok false when there is none.
func (t *polytope) extreme(ctx context.Context, coef []float64, sign float64, keep func(face) bool) (value float64, ok bool, err error) {
	start, ok, err := t.feasible(ctx, keep)
	if err != nil || !ok {
		return 0, false, err
	}
	h := t.hinges(t.n, func(f face) float64 {
		if keep(f) {
			return math.Inf(1)
		}
		return 0
	})
	norm := 0.0
	for _, a := range coef {
		norm = max(norm, math.Abs(a))
	}
	for i, a := range coef {
		h.cost[i] = -sign * a * powerOfTwo(norm)
	}
	w, err := newWalk(h, start.basis)
	if err == nil {
		ok, err = w.descend(ctx, limit(len(h.rhs)))
	}
	if errors.Is(err, errUnbounded) {
		return 0, false, nil
	}
	if err != nil || !ok {
		return 0, false, err
	}
	for i, a := range coef {
		value += a * w.x[i]
	}
	return value, true, nil
}

// budgetAdvice explains bounds that cannot sum to the budget.
func (p *Problem) budgetAdvice(upper bool) string {
	bounds, own, key, all := p.Lower, p.ownLower, keyMinWeight, "reach at least"
	if upper {
		bounds, own, key, all = p.Upper, p.ownUpper, keyMaxWeight, "reach only"
	}
	sum, others, free, equal := 0.0, 0.0, 0, true
	for i, b := range bounds {
		sum += b
		equal = equal && b == bounds[0]
		if own == nil || !own[i] {
			free++
		} else {
			others += b
		}
	}
	noun := "strategies"
	if len(bounds) == 1 {
		noun = "strategy"
	}
	what := fmt.Sprintf("%d bounds %s %.6g", len(bounds), all, sum)
	if equal {
		what = fmt.Sprintf("%d %s x %s %s %.6g", len(bounds), noun, short(bounds[0]), all, sum)
	}
	remedy := "change optimize.bounds or optimize.budget"
	if free > 0 {
		one := math.Pow10(p.Decimals)
		// A hair of slack keeps 0.1+0.2 from asking for one unit more.
		level := (p.Budget - others) / float64(free) * one
		if upper {
			remedy = fmt.Sprintf("raise %s to at least %s", key, short(math.Ceil(level-1e-6)/one))
		} else {
			remedy = fmt.Sprintf("lower %s to at most %s", key, short(math.Floor(level+1e-6)/one))
		}
	}
	relation := ">="
	if !upper {
		relation = "<="
	}
	return fmt.Sprintf("budget %s needs sum of %s %s %s, but %s; %s",
		short(p.Budget), strings.TrimPrefix(key, "optimize."), relation, short(p.Budget), what, remedy)
}

func short(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
