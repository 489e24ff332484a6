package optimize

import (
	"context"
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// hinges is the one program that this package solves:
//
//	minimize  cost'x + sum_j penalty_j (row_j'x - rhs_j)+   over x in R^d
//
// A scenario is a hinge with a finite penalty, a bound or a constraint one
// with an infinite penalty, and a constraint that is being tested for conflict
// one that costs something or nothing. A limit on a sum of hinges (a distance)
// is such a row, too, but one that bends: see limit. Data are scaled to order
// one.
type hinges struct {
	dim     int
	cost    []float64 // d
	rows    []float64 // J x d, row-major
	rhs     []float64 // J
	penalty []float64 // J, in [0, +Inf]
	bends   span      // the rows that limits are made of
	limits  []limit
}

// span is count rows from first on.
type span struct{ first, count int }

func (s span) has(j int) bool { return j >= s.first && j < s.first+s.count }

func (h *hinges) row(j int) []float64 { return h.rows[j*h.dim : (j+1)*h.dim] }

func (h *hinges) matrix() blas64.General {
	return blas64.General{Rows: len(h.rhs), Cols: h.dim, Stride: h.dim, Data: h.rows}
}

func (h *hinges) grow(rows int) {
	h.rows = slices.Grow(h.rows, rows*h.dim)
	h.rhs, h.penalty = slices.Grow(h.rhs, rows), slices.Grow(h.penalty, rows)
}

func (h *hinges) append(row []float64, rhs, penalty float64) {
	h.rows = append(h.rows, row...)
	h.rhs = append(h.rhs, rhs)
	h.penalty = append(h.penalty, penalty)
}

// walk is a vertex of the hinge arrangement on its way to the optimum: d
// linearly independent rows, the basis, hold with equality at x. Edge k leaves
// the k-th of them and keeps the others.
type walk struct {
	*hinges
	basis  []int     // d row indices
	basic  []bool    // J: row is in the basis
	paying []bool    // J: row is on its paying side; never true of a hard row or one in the basis
	edges  []float64 // d x d: the inverse of the basis matrix, transposed, so that edge k is a row
	x      []float64 // d
	slack  []float64 // J: row_j'x - rhs_j
	grad   []float64 // d: cost plus the paying rows
	mult   []float64 // d: multiplier q of each basic row, 0 <= q <= penalty at an optimum
	rate   []float64 // J: change of slack along the current edge
	kinks  []atom
	given  []float64 // rhs as it was before shift, nil when it is not shifted
	pivots int
	flat   float64 // a descent shallower than this is rounding
}

const (
	refresh = 48  // pivots between factorisations
	dear    = 1e6 // the price of a hard row that a walk begins outside of
)

var (
	errSingular  = errors.New("optimize: singular basis")
	errUnbounded = errors.New("optimize: the objective is unbounded below")
	errOutside   = errors.New("optimize: phase 1 did not terminate")
)

// newWalk stands at the vertex where the rows of basis meet. sides, which
// may be nil, says which bends are on their paying side, where a limit in the
// basis needs that to know its own slope.
func newWalk(h *hinges, basis []int, sides []bool) (*walk, error) {
	d, m := h.dim, len(h.rhs)
	w := &walk{
		flat:   slopeTol,
		hinges: h, basis: basis,
		basic: make([]bool, m), paying: make([]bool, m), slack: make([]float64, m), rate: make([]float64, m),
		edges: make([]float64, d*d), x: make([]float64, d), grad: make([]float64, d), mult: make([]float64, d),
	}
	for _, j := range basis {
		w.basic[j] = true
	}
	for b, above := range sides {
		j := h.bends.first + b
		w.paying[j] = above && !w.basic[j]
	}
	return w, w.factorize()
}

// descend walks to an optimal vertex, or for at most limit pivots. Optimality
// is only believed right after a factorization of the program as given.
//
// Where many rows meet in one point (all in cash, every scenario loses the
// same nothing) a walk can change its basis for long without moving. It is
// then continued among rows that are shifted apart a little, and ends on the
// rows as they are. After patience runs out, Bland's rule is slow but cannot
// cycle.
func (w *walk) descend(ctx context.Context, limit int) (optimal bool, err error) {
	const shifts = 50
	fresh, stalled, shifted := true, 0, 0
	for since := 0; w.pivots < limit; since++ {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		careful := stalled > 2*w.dim+20
		if stalled > w.dim/2+10 && w.given == nil && shifted < shifts {
			shifted++
			if err := w.shift(shifted); err != nil {
				return false, err
			}
			fresh, since, stalled, careful = true, 0, 0, false
		}
		k, sign, slope := w.edge(careful)
		switch {
		case k < 0 && fresh && w.given == nil:
			if shifted == 0 || !w.reprice() {
				return true, nil
			}
		case k < 0 && fresh:
			if err := w.restore(); err != nil {
				return false, err
			}
			stalled, since = 0, 0
		case k < 0 || since >= refresh:
			if err := w.factorize(); err != nil {
				return false, err
			}
			fresh, since = true, 0
		default:
			step, err := w.follow(k, sign, slope, careful)
			if errors.Is(err, errUnbounded) && step <= flatMost {
				w.flat = 4 * step // no descent, but the rounding of multipliers
				if err := w.factorize(); err != nil {
					return false, err
				}
				fresh, since = true, 0
				continue
			}
			if err != nil {
				return false, err
			}
			fresh = false
			if w.pivots++; step*-slope > stepTol {
				stalled = 0
			} else {
				stalled++
			}
		}
	}
	if w.given != nil {
		return false, w.restore()
	}
	return false, nil
}

// factorize recomputes everything that pivots update: edges, x, slacks, sides
// and gradient, from the rows of the basis alone.
func (w *walk) factorize() error {
	d := w.dim
	w.straighten()
	transposed := mat.NewDense(d, d, nil)
	for k, j := range w.basis {
		transposed.SetCol(k, w.row(j))
	}
	var inverse mat.Dense
	if err := inverse.Inverse(transposed); err != nil {
		var condition mat.Condition
		if !errors.As(err, &condition) || math.IsInf(float64(condition), 1) {
			return errSingular
		}
	}
	for k := range d {
		copy(w.edges[k*d:(k+1)*d], inverse.RawRowView(k))
	}

	// x solves row'x = rhs on the basis, with one step of refinement.
	clear(w.x)
	for range 2 {
		for k, j := range w.basis {
			w.mult[k] = w.rhs[j] - blas64.Dot(vector(w.row(j)), vector(w.x))
		}
		blas64.Gemv(blas.Trans, 1, w.edgeMatrix(), vector(w.mult), 1, vector(w.x))
	}

	copy(w.slack, w.rhs)
	blas64.Gemv(blas.NoTrans, 1, w.matrix(), vector(w.x), -1, vector(w.slack))
	if err := w.sides(); err != nil {
		return err
	}
	copy(w.grad, w.cost)
	for j, s := range w.slack {
		switch {
		case w.basic[j] || math.IsInf(w.penalty[j], 1) || w.penalty[j] == 0 && !w.limited(j):
			w.paying[j] = false
		case math.Abs(s) > sideTol && !w.bends.has(j): // bends have theirs
			w.paying[j] = s > 0
		}
		if w.basic[j] {
			w.slack[j] = 0
		}
		if w.paying[j] {
			w.pay(j, 1)
		}
	}
	return nil
}

func (w *walk) edgeMatrix() blas64.General {
	return blas64.General{Rows: w.dim, Cols: w.dim, Stride: w.dim, Data: w.edges}
}

func (w *walk) pay(j int, sign float64) {
	if a := w.penalty[j]; a != 0 {
		blas64.Axpy(sign*a, vector(w.row(j)), vector(w.grad))
	}
}

// edge returns the position of the basic row to leave, to its free side (sign
// -1) or to its paying side (+1), and the slope of the objective along it; -1
// at an optimum. It is the steepest edge per unit of length, or the row of
// least index when careful.
func (w *walk) edge(careful bool) (k int, sign, slope float64) {
	d := w.dim
	blas64.Gemv(blas.NoTrans, -1, w.edgeMatrix(), vector(w.grad), 0, vector(w.mult))
	k, best := -1, 0.0
	for i, q := range w.mult {
		s, f := -1.0, q
		if over := w.price(w.basis[i]) - q; over < 0 && over < f {
			s, f = 1, over
		}
		if f >= -w.flat {
			continue
		}
		if careful {
			if k < 0 || w.basis[i] < w.basis[k] {
				k, sign, slope = i, s, f
			}
			continue
		}
		e := vector(w.edges[i*d : (i+1)*d])
		if steep := f * f / blas64.Dot(e, e); steep > best {
			k, sign, slope, best = i, s, f, steep
		}
	}
	return k, sign, slope
}

// follow goes along edge k past every kink at which the objective still falls,
// and makes the row of the kink where it stops falling basic instead of the
// row that was left. With careful it stops at the first kink. With errUnbounded it
// returns the rate at which the objective falls for ever instead of the step.
func (w *walk) follow(k int, sign, slope float64, careful bool) (step float64, err error) {
	d := w.dim
	edge := w.edges[k*d : (k+1)*d]
	if sign > 0 {
		w.leaveUp(k)
	}
	blas64.Gemv(blas.NoTrans, sign, w.matrix(), vector(edge), 0, vector(w.rate))

	w.kinks = w.kinks[:0]
	flat := rateTol * blas64.Nrm2(vector(edge))
	for j, r := range w.rate {
		// A row changes side only when it moves towards the other one.
		if w.basic[j] || w.penalty[j] == 0 || math.Abs(r) <= flat || (r < 0) != w.paying[j] {
			continue
		}
		w.kinks = append(w.kinks, atom{key: max(0, -w.slack[j]/r), mass: w.penalty[j] * math.Abs(r), id: j})
	}
	if len(w.limits) > 0 {
		w.bend(k, flat)
	}
	if len(w.kinks) == 0 {
		return -slope, errUnbounded
	}
	at := 0
	if careful {
		for i, a := range w.kinks {
			if a.before(w.kinks[at]) {
				at = i
			}
		}
		w.kinks[0], w.kinks[at] = w.kinks[at], w.kinks[0]
		at = 0
	} else if at = crossing(w.kinks, -slope-w.flat); at == len(w.kinks) {
		step = -slope
		for _, a := range w.kinks {
			step -= a.mass
		}
		return step, errUnbounded
	}

	step = w.kinks[at].key
	blas64.Axpy(step*sign, vector(edge), vector(w.x))
	blas64.Axpy(step, vector(w.rate), vector(w.slack))
	for _, a := range w.kinks[:at] {
		w.flip(a.id)
	}
	w.swap(k, w.kinks[at].id)
	return step, nil
}

func (w *walk) flip(j int) {
	sign := 1.0
	if w.paying[j] {
		sign = -1
	}
	w.paying[j] = !w.paying[j]
	w.pay(j, sign)
	w.tilt(j, sign)
}

// swap replaces the k-th basic row by enter: a rank-one update of the edges.
func (w *walk) swap(k, enter int) {
	d, leave := w.dim, w.basis[k]
	came := w.paying[enter]
	if came && !w.bends.has(enter) {
		w.paying[enter] = false
		w.pay(enter, -1)
	}
	w.basic[leave], w.basic[enter] = false, true
	w.slack[enter] = 0
	w.basis[k] = enter

	// Sherman-Morrison: every edge must now keep enter's slack at zero.
	drift := w.mult
	blas64.Gemv(blas.NoTrans, 1, w.edgeMatrix(), vector(w.row(enter)), 0, vector(drift))
	edge := w.edges[k*d : (k+1)*d]
	blas64.Scal(1/drift[k], vector(edge))
	for i, v := range drift {
		if i != k && v != 0 {
			blas64.Axpy(-v, vector(edge), vector(w.edges[i*d:(i+1)*d]))
		}
	}
	if came && w.bends.has(enter) {
		w.settleBend(k, enter)
	}
}

// multipliers fills q (J) with the multiplier of every row at the vertex.
func (w *walk) multipliers(q []float64) {
	for j := range q {
		q[j] = 0
		if w.paying[j] {
			q[j] = w.penalty[j]
		}
	}
	blas64.Gemv(blas.NoTrans, -1, w.edgeMatrix(), vector(w.grad), 0, vector(w.mult))
	for k, j := range w.basis {
		q[j] = w.mult[k]
	}
}
