package optimize

import (
	"context"
	"math"
)

// face is one side of a bound or of a general row, in the form
// normal'w <= offset.
type face struct {
	normal   []float64 // N
	offset   float64
	row      int     // index into polytope.rows, or -1 for a bound
	strategy int     // index of the bounded strategy, or -1 for a row
	lower    bool    // the side that keeps something from being too small
	scale    float64 // normal = scale x the row's coefficients, up to sign
}

// kink is a place where |w_i - center| bends inside the bounds of strategy i:
// the hinge (w_i - center)+. Costs and distances that bend at the same place
// share it.
type kink struct {
	strategy int
	center   float64
	cost     float64   // trading costs cost x |w_i - center|
	ball     float64   // the dual norm has ball x |w_i - center|
	weight   []float64 // and distance g has weight_g x |w_i - center|
}

// polytope is the set of admissible portfolios, and whatever in the objective
// does not come from scenarios. Faces 0..N-1 are the lower bounds, in order, and
// N..2N-1 the upper bounds: together with the fact that bounds are finite this
// gives every walk a vertex to start from.
//
// Every hyperplane that a walk can stand on has one identity, whichever program
// holds it: faces come first, then kinks, then the 2N sides w_i <= z and
// -w_i <= z of a largest absolute weight z, if the objective has one, then
// distances, and at last scenarios, level by level.
type polytope struct {
	n         int
	rows      []Constraint
	faces     []face
	kinks     []kink
	distances []straight
	cost      []float64 // N: slope of the trading cost, without its kinks
	ball      []float64 // N: the dual norm beside its kinks, if it is a sum
	peak      bool      // the dual norm is the largest absolute weight
	certain   []bool    // N: the dual norm leaves the strategy out

	everywhere bool // kinks outside the bounds are kept
}

// straight is a distance with each |w_i - c| split at its kink into
// 2(w_i - c)+ - (w_i - c): base'w + sum 2 weight (w_i - c)+ <= limit.
type straight struct {
	base  []float64 // N
	limit float64
	scale float64 // base, limit and the kinks' weights are the distance's times this
}

func newPolytope(p *Problem) *polytope { return polytopeOf(p, false) }

// polytopeOf is newPolytope; everywhere keeps the kinks outside the bounds, too,
// for asking what would be without the bounds.
func polytopeOf(p *Problem, everywhere bool) *polytope {
	n := len(p.Set.Names)
	t := &polytope{everywhere: everywhere, n: n, rows: p.rows(), cost: make([]float64, n), ball: make([]float64, n), peak: p.Radius > 0 && p.Norm != LInf}
	for i := range n {
		t.certain = append(t.certain, !p.uncertain(i))
	}
	for _, lower := range []bool{true, false} {
		for i := range n {
			f := face{normal: make([]float64, n), offset: p.Upper[i], row: -1, strategy: i, lower: lower, scale: 1}
			f.normal[i] = 1
			if lower {
				f.normal[i], f.offset = -1, -p.Lower[i]
			}
			t.faces = append(t.faces, f)
		}
	}
	for k, c := range t.rows {
		norm := 0.0
		for _, a := range c.Coef {
			norm = max(norm, math.Abs(a))
		}
		scale := powerOfTwo(norm)
		for _, lower := range []bool{true, false} {
			sign, bound := scale, c.Upper
			if lower {
				sign, bound = -scale, c.Lower
			}
			if math.IsInf(bound, 0) {
				continue
			}
			f := face{normal: make([]float64, n), offset: sign * bound, row: k, strategy: -1, lower: lower, scale: scale}
			for i, a := range c.Coef {
				f.normal[i] = sign * a
			}
			t.faces = append(t.faces, f)
		}
	}
	for _, d := range p.Distances {
		s := straight{base: make([]float64, n), limit: d.Limit - d.Constant, scale: 1}
		if d.Coef != nil { // returns and costs, not weights: brought to the size of other rows
			most := 0.0
			for i, a := range d.Coef {
				most = max(most, math.Abs(a), d.Weight[i])
			}
			s.scale = powerOfTwo(most)
			s.limit *= s.scale
			for i, a := range d.Coef {
				s.base[i] = s.scale * a
			}
		}
		t.distances = append(t.distances, s)
	}
	for i := range n {
		if p.Previous != nil && p.Cost != nil && p.Cost[i] != 0 {
			if k := t.bend(p, i, p.Previous[i], p.Cost[i], &t.cost[i], nil); k != nil {
				k.cost += p.Cost[i]
			}
		}
		if p.Borrow != nil && p.Borrow[i] != 0 { // max(0, -w) = (|w| - w) / 2
			half := p.Borrow[i] / 2
			t.cost[i] -= half
			if k := t.bend(p, i, 0, half, &t.cost[i], nil); k != nil {
				k.cost += half
			}
		}
		if p.Radius > 0 && p.Norm == LInf && p.uncertain(i) {
			if k := t.bend(p, i, 0, 1, &t.ball[i], nil); k != nil {
				k.ball++
			}
		}
		for g, d := range p.Distances {
			s := &t.distances[g]
			if a := s.scale * d.Weight[i]; a != 0 {
				if k := t.bend(p, i, d.Center[i], a, &s.base[i], &s.limit); k != nil {
					k.weight[g] += a
				}
			}
			if d.Short != nil && d.Short[i] != 0 {
				half := s.scale * d.Short[i] / 2
				s.base[i] -= half
				if k := t.bend(p, i, 0, half, &s.base[i], &s.limit); k != nil {
					k.weight[g] += half
				}
			}
		}
	}
	return t
}

// bend adds weight |w_i - center| to something with a slope and, perhaps, a
// limit, and returns the kink to charge for it, nil if it does not bend inside
// the bounds.
func (t *polytope) bend(p *Problem, i int, center, weight float64, slope, limit *float64) *kink {
	sign := 1.0
	if center > p.Lower[i] || t.everywhere {
		sign = -1
	}
	*slope += sign * weight
	if limit != nil {
		*limit += sign * weight * center
	}
	if !t.everywhere && !(center > p.Lower[i] && center < p.Upper[i]) {
		return nil
	}
	for k := range t.kinks {
		if t.kinks[k].strategy == i && t.kinks[k].center == center {
			return &t.kinks[k]
		}
	}
	t.kinks = append(t.kinks, kink{strategy: i, center: center, weight: make([]float64, len(p.Distances))})
	return &t.kinks[len(t.kinks)-1]
}

// Identities of hyperplanes.
func (t *polytope) kinkID(k int) int { return len(t.faces) + k }

func (t *polytope) peakID(i int, negative bool) int {
	id := len(t.faces) + len(t.kinks) + i
	if negative {
		id += t.n
	}
	return id
}

func (t *polytope) distanceID(g int) int {
	id := len(t.faces) + len(t.kinks) + g
	if t.peak {
		id += 2 * t.n
	}
	return id
}

// size is the number of hyperplanes that are not scenarios.
func (t *polytope) size() int { return t.distanceID(len(t.distances)) }

// powerOfTwo returns the power of two that brings x to order one: a scale
// that rounds nothing. It returns 1 for zero.
func powerOfTwo(x float64) float64 {
	if x == 0 {
		return 1
	}
	_, e := math.Frexp(x)
	return math.Ldexp(1, -e)
}

// hinges writes the polytope as a program of dimension dim >= N whose
// coordinates beyond N nothing restrains, but for the largest absolute weight,
// which is coordinate peak. face and distance say what leaving those costs, and
// kink the effect of a kink.
func (t *polytope) hinges(dim, peak, room int, face func(face) float64, distance func(g int) float64, kink func(k int) float64) *hinges {
	h := &hinges{dim: dim, cost: make([]float64, dim), bends: span{len(t.faces), len(t.kinks)}}
	h.grow(t.size() + room)
	row := make([]float64, dim)
	for _, f := range t.faces {
		copy(row, f.normal)
		h.append(row, f.offset, face(f))
	}
	clear(row)
	for i, k := range t.kinks {
		row[k.strategy] = 1
		h.append(row, k.center, kink(i))
		row[k.strategy] = 0
	}
	if t.peak {
		for _, sign := range []float64{1, -1} {
			for i := range t.n {
				penalty := 0.0
				if peak >= t.n && !t.certain[i] {
					row[i], row[peak], penalty = sign, -1, math.Inf(1)
				} else {
					row[i] = sign // without the coordinate, or out of the norm: a row that costs nothing
				}
				h.append(row, 0, penalty)
				clear(row)
			}
		}
	}
	for g, d := range t.distances {
		l := limit{row: len(h.rhs), base: make([]float64, dim), cap: d.limit, weight: make([]float64, len(t.kinks))}
		copy(l.base, d.base)
		for i, k := range t.kinks {
			l.weight[i] = 2 * k.weight[g]
		}
		h.append(l.base, l.cap, distance(g))
		h.limits = append(h.limits, l)
	}
	return h
}

// hard makes every face binding.
func hard(face) float64 { return math.Inf(1) }

// hardDistance makes every distance binding.
func hardDistance(int) float64 { return math.Inf(1) }

// free is a kink that costs nothing by itself.
func free(int) float64 { return 0 }

// feasible looks for a vertex that respects every group for which keep is true,
// at least total violation of them, and returns the walk that ended there. The
// faces that are not kept are still hyperplanes a walk can stand on; they cost
// nothing.
func (t *polytope) feasible(ctx context.Context, keep func(group) bool) (*walk, bool, error) {
	price := func(g group) float64 {
		if keep(g) {
			return 1
		}
		return 0
	}
	h := t.hinges(t.n, -1, 0,
		func(f face) float64 { return price(f.group()) },
		func(g int) float64 { return price(t.distanceGroup(g)) }, free)
	w, err := newWalk(h, t.corner(), nil)
	if err != nil {
		return nil, false, err
	}
	if _, err := w.descend(ctx, limitOf(len(w.rhs))); err != nil {
		return nil, false, err
	}
	total := 0.0
	for j, s := range w.slack {
		if w.penalty[j] > 0 {
			total += max(0, s)
		}
	}
	return w, total <= hardTol, nil
}

// corner is the basis in which every strategy is at its lower bound.
func (t *polytope) corner() []int {
	basis := make([]int, t.n)
	for i := range basis {
		basis[i] = i
	}
	return basis
}

// vertex returns the walk to a vertex of the polytope, or ok false when it is
// empty.
func (t *polytope) vertex(ctx context.Context) (w *walk, ok bool, err error) {
	return t.feasible(ctx, func(group) bool { return true })
}

// limitOf is a generous number of pivots for a program of so many rows; a walk
// that needs more has met rounding, not geometry.
func limitOf(rows int) int { return 2000 + 20*rows }
