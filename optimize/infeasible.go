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

// group is what a person can drop at once: a row of Problem.rows, all lower or
// all upper bounds, or, behind the rows, a distance.
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

func (t *polytope) distanceGroup(g int) group { return group(len(t.rows) + g) }

// distance returns the distance that a group is, -1 if it is none.
func (t *polytope) distance(g group) int { return max(-1, int(g)-len(t.rows)) }

func (p *Problem) groupName(t *polytope, g group) string {
	switch g {
	case lowerBounds:
		return keyMinWeight
	case upperBounds:
		return keyMaxWeight
	}
	if d := t.distance(g); d >= 0 {
		return p.Distances[d].Name
	}
	return t.rows[g].Name
}

// explain finds a minimal conflict by a deletion filter (Chinneck and
// Dravnieks 1991): a group that the rest is infeasible without is not needed
// to explain anything. Scenarios take no part in feasibility, so that each
// trial is a program in the weights alone. Rows are dropped first, in order:
// if the budget and the bounds conflict by themselves, that is the news.
func explain(ctx context.Context, p *Problem) error {
	t := polytopeOf(p, true)
	var order []group
	for k := 1; k < len(t.rows)+len(t.distances); k++ {
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
		e.Conflict = append(e.Conflict, p.groupName(t, g))
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

func among(groups []group) func(group) bool {
	return func(g group) bool { return slices.Contains(groups, g) }
}

// outOfReach says how far the rest of a conflict lets row g go towards the
// side that it misses.
func (p *Problem) outOfReach(ctx context.Context, t *polytope, g group, conflict []group) ([]string, error) {
	rest := without(conflict, g)
	var names []string
	for _, r := range rest {
		names = append(names, p.groupName(t, r))
	}
	under := list(names)
	if d := t.distance(g); d >= 0 {
		return p.tooFar(ctx, t, d, rest, under)
	}
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

// tooFar says how small the rest of a conflict lets distance d become.
func (p *Problem) tooFar(ctx context.Context, t *polytope, d int, rest []group, under string) ([]string, error) {
	base := t.distances[d].base
	reach, ok, err := t.least(ctx, base, func(k int) float64 { return 2 * t.kinks[k].weight[d] }, among(rest))
	if err != nil || !ok {
		return nil, err
	}
	reach += p.Distances[d].Limit - t.distances[d].limit
	name, limit := p.Distances[d].Name, p.Distances[d].Limit
	if reach <= limit {
		return nil, nil
	}
	if len(rest) == 0 {
		return []string{fmt.Sprintf("%s %s is out of reach: what must be sold of strategies that are gone takes %.6g; raise it to at least %s", name, short(limit), reach, short(math.Ceil(reach*1e6)/1e6))}, nil
	}
	return []string{fmt.Sprintf("%s allows %.6g, but %s need at least %.6g; raise it to at least %s or relax %s",
		name, limit, under, reach, short(math.Ceil(reach*1e6)/1e6), under)}, nil
}

// extreme returns the largest (sign 1) or smallest (sign -1) value of coef'w
// over the groups that keep selects, or ok false when there is none.
func (t *polytope) extreme(ctx context.Context, coef []float64, sign float64, keep func(group) bool) (value float64, ok bool, err error) {
	cost := make([]float64, len(coef))
	for i, a := range coef {
		cost[i] = -sign * a
	}
	value, ok, err = t.least(ctx, cost, free, keep)
	return -sign * value, ok, err
}

// least returns the smallest value of cost'w + sum_k kink_k (w - center_k)+
// over the groups that keep selects, or ok false when there is none.
func (t *polytope) least(ctx context.Context, cost []float64, kink func(int) float64, keep func(group) bool) (value float64, ok bool, err error) {
	start, ok, err := t.feasible(ctx, keep)
	if err != nil || !ok {
		return 0, false, err
	}
	price := func(g group) float64 {
		if keep(g) {
			return math.Inf(1)
		}
		return 0
	}
	norm := 0.0
	for _, a := range cost {
		norm = max(norm, math.Abs(a))
	}
	scale := powerOfTwo(norm)
	h := t.hinges(t.n, -1, 0,
		func(f face) float64 { return price(f.group()) },
		func(g int) float64 { return price(t.distanceGroup(g)) },
		func(k int) float64 { return scale * kink(k) })
	for i, a := range cost {
		h.cost[i] = scale * a
	}
	w, err := newWalk(h, start.basis, start.bendSides())
	if err == nil {
		ok, err = w.descend(ctx, limitOf(len(h.rhs)))
	}
	if errors.Is(err, errUnbounded) {
		return 0, false, nil
	}
	if err != nil || !ok {
		return 0, false, err
	}
	for i, a := range cost {
		value += a * w.x[i]
	}
	for k, b := range t.kinks {
		value += kink(k) * max(0, w.x[b.strategy]-b.center)
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
