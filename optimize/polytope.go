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
	row      int     // index into Problem.rows, or -1 for a bound
	strategy int     // index of the bounded strategy, or -1 for a row
	lower    bool    // the side that keeps something from being too small
	scale    float64 // normal = scale x the row's coefficients, up to sign
}

// polytope is the set of admissible portfolios. Faces 0..N-1 are the lower
// bounds, in order, and N..2N-1 the upper bounds: together with the fact that
// bounds are finite this gives every walk a vertex to start from.
type polytope struct {
	n     int
	rows  []Constraint
	faces []face
}

func newPolytope(p *Problem) *polytope {
	n := len(p.Set.Names)
	t := &polytope{n: n, rows: p.rows()}
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
	return t
}

// powerOfTwo returns the power of two that brings x to order one: a scale
// that rounds nothing. It returns 1 for zero.
func powerOfTwo(x float64) float64 {
	if x == 0 {
		return 1
	}
	_, e := math.Frexp(x)
	return math.Ldexp(1, -e)
}

// hinges writes the faces as a program of dimension dim >= N whose coordinates
// beyond N no face restrains.
func (t *polytope) hinges(dim int, penalty func(face) float64) *hinges {
	h := &hinges{dim: dim, cost: make([]float64, dim)}
	row := make([]float64, dim)
	for _, f := range t.faces {
		copy(row, f.normal)
		h.append(row, f.offset, penalty(f))
	}
	return h
}

// hard makes every face binding.
func hard(face) float64 { return math.Inf(1) }

// feasible looks for a vertex that respects every face for which keep is true,
// at least total violation of them, and returns the walk that ended there. The
// faces that are not kept are still hyperplanes a walk can stand on; they cost
// nothing.
func (t *polytope) feasible(ctx context.Context, keep func(face) bool) (*walk, bool, error) {
	w, err := newWalk(t.hinges(t.n, func(f face) float64 {
		if keep(f) {
			return 1
		}
		return 0
	}), t.corner())
	if err != nil {
		return nil, false, err
	}
	if _, err := w.descend(ctx, limit(len(w.rhs))); err != nil {
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

// vertex returns the basis of a vertex of the polytope, or ok false when it is
// empty.
func (t *polytope) vertex(ctx context.Context) (basis []int, ok bool, err error) {
	w, ok, err := t.feasible(ctx, func(face) bool { return true })
	if err != nil || !ok {
		return nil, false, err
	}
	return w.basis, true, nil
}

// limit is a generous number of pivots for a program of so many rows; a walk
// that needs more has met rounding, not geometry.
func limit(rows int) int { return 2000 + 20*rows }
