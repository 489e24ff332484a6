package optimize

import (
	"errors"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/blas/blas64"
)

// limit is a bound on a sum of hinges:
//
//	base'x + sum_j weight_j (row_j'x - rhs_j)+ <= cap   over the rows j of hinges.bends
//
// It is a row of the program like others, but its normal depends on which of
// its hinges are on their paying side: the piece of it that x is on. Where it
// binds, a bend cannot be crossed along an edge, because beyond it the sum
// would rise above cap: the bend stops the step and becomes basic, and whether
// and to which side it is left again is for its multiplier to say, which lies
// between 0 and penalty + weight x the limit's multiplier. Written out with a
// variable for every hinge this is the simplex method with the slack of each
// hinge's definition eliminated; the basis stays as small as it is without
// limits.
type limit struct {
	row    int       // of the program; its penalty says whether the limit is hard
	base   []float64 // d
	cap    float64
	weight []float64 // one per bend
}

// errBent is a basis with a limit whose bends are not on the sides that its
// slope was computed from.
var errBent = errors.New("optimize: a limit bends between the start and the vertex")

func (w *walk) limitAt(j int) int {
	for g := range w.limits {
		if w.limits[g].row == j {
			return g
		}
	}
	return -1
}

// weightOf returns the weight of bend j in limit g.
func (w *walk) weightOf(g, j int) float64 { return w.limits[g].weight[j-w.bends.first] }

// price is the largest multiplier that basic row j may have: beyond it the
// objective falls on its paying side.
func (w *walk) price(j int) float64 {
	price := w.penalty[j]
	if !w.bends.has(j) {
		return price
	}
	for g := range w.limits {
		if a := w.weightOf(g, j); a != 0 {
			price += a * w.multiplier(w.limits[g].row)
		}
	}
	return price
}

// multiplier returns that of a limit's row, as edge has just computed it.
func (w *walk) multiplier(row int) float64 {
	if w.paying[row] {
		return w.penalty[row]
	}
	if w.basic[row] {
		for k, j := range w.basis {
			if j == row {
				return w.mult[k]
			}
		}
	}
	return 0
}

func (w *walk) bendSides() []bool {
	return slices.Clone(w.paying[w.bends.first : w.bends.first+w.bends.count])
}

// straighten writes each limit's row for the sides on which the bends are now.
func (w *walk) straighten() {
	for g := range w.limits {
		l := &w.limits[g]
		row := w.row(l.row)
		copy(row, l.base)
		w.rhs[l.row] = l.cap
		for b, a := range l.weight {
			if j := w.bends.first + b; a != 0 && w.paying[j] {
				blas64.Axpy(a, vector(w.row(j)), vector(row))
				w.rhs[l.row] += a * w.rhs[j]
			}
		}
	}
}

// sides reads the sides of the bends from their slacks, after a factorization.
func (w *walk) sides() error {
	moved := false
	for j := w.bends.first; j < w.bends.first+w.bends.count; j++ {
		s := w.slack[j]
		if w.basic[j] || math.Abs(s) <= sideTol || w.paying[j] == (s > 0) {
			continue
		}
		for g := range w.limits {
			if w.basic[w.limits[g].row] && w.weightOf(g, j) != 0 {
				return errBent
			}
		}
		w.paying[j], moved = s > 0, true
	}
	if moved {
		w.straighten()
		for _, l := range w.limits {
			w.slack[l.row] = blas64.Dot(vector(w.row(l.row)), vector(w.x)) - w.rhs[l.row]
		}
	}
	return nil
}

// tilt changes the limits' rows for bend j, which has just come to its paying
// side (sign 1) or left it (-1) at the current x.
func (w *walk) tilt(j int, sign float64) {
	if !w.bends.has(j) {
		return
	}
	for g := range w.limits {
		a := w.weightOf(g, j)
		if a == 0 {
			continue
		}
		l := w.limits[g].row
		blas64.Axpy(sign*a, vector(w.row(j)), vector(w.row(l)))
		w.rhs[l] += sign * a * w.rhs[j]
		w.slack[l] += sign * a * w.slack[j]
		if w.paying[l] {
			blas64.Axpy(sign*a*w.penalty[l], vector(w.row(j)), vector(w.grad))
		}
	}
}

// leaveUp puts the k-th basic row on its paying side. The slope of a basic
// limit changes with a bend that leaves, and the edge with it: it keeps the
// limit as it is on that side.
func (w *walk) leaveUp(k int) {
	d, j := w.dim, w.basis[k]
	w.paying[j] = true
	w.pay(j, 1)
	w.tilt(j, 1)
	if !w.bends.has(j) {
		return
	}
	for b, row := range w.basis {
		if g := w.limitAt(row); g >= 0 {
			if a := w.weightOf(g, j); a != 0 {
				blas64.Axpy(-a, vector(w.edges[b*d:(b+1)*d]), vector(w.edges[k*d:(k+1)*d]))
			}
		}
	}
}

// settleBend takes a bend that has entered at position k from its paying side
// off the limits' slopes: a basic limit's row changes by a multiple of the
// bend's, and so does the bend's edge.
func (w *walk) settleBend(k, j int) {
	d := w.dim
	w.paying[j] = false
	w.pay(j, -1)
	w.tilt(j, -1)
	for b, row := range w.basis {
		if g := w.limitAt(row); g >= 0 {
			if a := w.weightOf(g, j); a != 0 {
				blas64.Axpy(a, vector(w.edges[b*d:(b+1)*d]), vector(w.edges[k*d:(k+1)*d]))
			}
		}
	}
}

// bend adds to the kinks of a step along edge k what limits make of it: bends
// of a limit that binds stop the step, other bends tilt their limits, and a
// limit that is reached stops it.
func (w *walk) bend(k int, flat float64) {
	leaving := w.basis[k]
	kept := w.kinks[:0]
	for _, a := range w.kinks {
		if !w.bends.has(a.id) && w.limitAt(a.id) < 0 {
			kept = append(kept, a)
		}
	}
	w.kinks = kept
	var bends []atom
	for j := w.bends.first; j < w.bends.first+w.bends.count; j++ {
		r := w.rate[j]
		if w.basic[j] || math.Abs(r) <= flat || (r < 0) != w.paying[j] {
			continue
		}
		price := w.penalty[j]
		for g := range w.limits {
			l, a := w.limits[g].row, w.weightOf(g, j)
			switch {
			case a == 0 || w.penalty[l] == 0:
			case w.basic[l] && l != leaving:
				price = math.Inf(1)
			case w.paying[l]:
				price += a * w.penalty[l]
			}
		}
		bends = append(bends, atom{key: max(0, -w.slack[j]/r), mass: price * math.Abs(r), id: j})
	}
	sort.Slice(bends, func(a, b int) bool { return bends[a].before(bends[b]) })
	w.kinks = append(w.kinks, bends...)
	for g := range w.limits {
		l := w.limits[g].row
		if w.penalty[l] == 0 || w.basic[l] && l != leaving {
			continue
		}
		if at, reached := w.reach(g, bends, flat); reached {
			w.kinks = append(w.kinks, atom{key: at, mass: math.Inf(1), id: l})
		}
	}
}

// reach returns how far along the current edge limit g is met, on its way up
// from below cap or down from above it. The sum is convex along the edge: its
// rate rises at every bend, which come in the order in which they are met.
func (w *walk) reach(g int, bends []atom, flat float64) (at float64, reached bool) {
	l := w.limits[g].row
	s, r, from := w.slack[l], w.rate[l], 0.0
	if !w.paying[l] {
		s = min(s, 0)
	}
	meets := func(until float64) bool {
		if w.paying[l] {
			return r < -flat && s+r*(until-from) <= 0
		}
		return r > flat && s+r*(until-from) >= 0
	}
	for _, b := range bends {
		if meets(b.key) {
			break
		}
		s += r * (b.key - from)
		from = b.key
		r += w.weightOf(g, b.id) * math.Abs(w.rate[b.id])
	}
	if !meets(math.Inf(1)) {
		return 0, false
	}
	return max(from, from-s/r), true
}
