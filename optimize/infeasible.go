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
	Advice   []string // sentences: the limit that cannot be met, by how much, and the remedy; numbers are rounded inward, so that they work as printed
}

func (e *InfeasibleError) Error() string {
	verb := "conflict"
	if len(e.Conflict) == 1 {
		verb = "cannot be met"
	}
	return fmt.Sprintf("optimize: infeasible: %s %s: %s", list(e.Conflict), verb, strings.Join(e.Advice, "; "))
}

// list joins names as a sentence does.
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// group is a unit that a user can drop: a row of Problem.rows, all lower or
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
// if the budget and the bounds conflict by themselves, only they are reported.
func (e *engine) explain(ctx context.Context) error {
	p := e.Problem
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

	var names []string
	for _, g := range conflict {
		names = append(names, p.groupName(t, g))
	}
	var found []advice
	rows := 0
	for _, g := range conflict {
		if g <= budgetRow {
			continue
		}
		rows++
		more, err := p.outOfReach(ctx, t, g, conflict, order)
		if err != nil {
			return err
		}
		found = append(found, more...)
	}
	if rows == 0 {
		found = append(found, p.budgetAdvice(slices.Contains(conflict, upperBounds)))
	}
	if len(found) == 0 {
		found = append(found, advice{fact: "relax one of them"})
	}
	return e.checkedAdvice(ctx, names, found...)
}

func without(groups []group, g group) []group {
	return slices.DeleteFunc(slices.Clone(groups), func(x group) bool { return x == g })
}

func among(groups []group) func(group) bool {
	return func(g group) bool { return slices.Contains(groups, g) }
}

// outOfReach says how far the rest of a conflict lets row g go towards the
// side that it misses, and how far all other limits do.
func (p *Problem) outOfReach(ctx context.Context, t *polytope, g group, conflict, all []group) ([]advice, error) {
	rest := without(conflict, g)
	var names []string
	for _, r := range rest {
		names = append(names, p.groupName(t, r))
	}
	under := list(names)
	if d := t.distance(g); d >= 0 {
		return p.tooFar(ctx, t, d, rest, without(all, g), under)
	}
	row, k := t.rows[g], int(g)-1
	var found []advice
	for _, side := range []struct {
		lower        bool
		sign, bound  float64
		needs, allow string
	}{{true, 1, row.Lower, "at least", "at most"}, {false, -1, row.Upper, "at most", "at least"}} {
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
		if len(rest) == 0 { // nothing but its own coefficients, which are zero
			found = append(found, advice{
				fact: fmt.Sprintf("%s requires %s %.6g, but no strategy contributes", row.Name, side.needs, side.bound), remedy: "drop it",
				apply: func(q *Problem) { q.Constraints = slices.Delete(q.Constraints, k, k+1) },
			})
			continue
		}
		whole, ok, err := t.extreme(ctx, row.Coef, side.sign, among(without(all, g)))
		if err != nil {
			return nil, err
		}
		if !ok {
			whole = reach // there is another conflict; this is all that can be said of this one
		}
		if row.Name == keyMinReturn && p.minAnnual != nil {
			found = append(found, p.returnAdvice(reach, whole, under, "", func(q *Problem, floor float64) { q.Constraints[k].Lower = floor }))
			continue
		}
		_, most := inward(reach, !side.lower)
		value, text := inward(whole, !side.lower)
		move := "lower"
		if !side.lower {
			move = "raise"
		}
		found = append(found, advice{
			fact:   fmt.Sprintf("%s requires %s %s, but %s allow %s %s", row.Name, side.needs, short(side.bound), under, side.allow, most),
			remedy: fmt.Sprintf("%s it to %s %s, or relax %s", move, side.allow, text, under),
			apply: func(q *Problem) {
				if side.lower {
					q.Constraints[k].Lower = value
				} else {
					q.Constraints[k].Upper = value
				}
			},
		})
	}
	return found, nil
}

// tooFar says how small the rest of a conflict lets distance d become, and how
// small all other limits do.
func (p *Problem) tooFar(ctx context.Context, t *polytope, d int, rest, others []group, under string) ([]advice, error) {
	of := func(keep []group) (float64, bool, error) {
		reach, ok, err := t.least(ctx, t.distances[d].base, func(k int) float64 { return 2 * t.kinks[k].weight[d] }, among(keep))
		return (reach-t.distances[d].limit)/t.distances[d].scale + p.Distances[d].Limit, ok, err
	}
	reach, ok, err := of(rest)
	if err != nil || !ok {
		return nil, err
	}
	name, limit := p.Distances[d].Name, p.Distances[d].Limit
	if reach <= limit {
		return nil, nil
	}
	whole, ok, err := of(others)
	if err != nil {
		return nil, err
	}
	if !ok {
		whole = reach
	}
	if name == keyMinReturn && p.minAnnual != nil {
		return []advice{p.returnAdvice(-reach, -whole, under, " net of costs", func(q *Problem, floor float64) { q.Distances[d].Limit = -floor })}, nil
	}
	value, text := inward(whole, true)
	a := advice{apply: func(q *Problem) { q.Distances[d].Limit = value }}
	if len(rest) == 0 {
		_, least := inward(reach, true)
		a.fact = fmt.Sprintf("%s %s is infeasible: selling strategies that left the universe takes %s", name, short(limit), least)
		a.remedy = "raise it to at least " + text
		return []advice{a}, nil
	}
	_, least := inward(reach, true)
	a.fact = fmt.Sprintf("%s allows %s, but %s require at least %s", name, short(limit), under, least)
	a.remedy = fmt.Sprintf("raise it to at least %s, or relax %s", text, under)
	return []advice{a}, nil
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

func short(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
