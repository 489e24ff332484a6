// Package qp solves small convex programs with a diagonal quadratic term by an
// interior point method. It shares nothing with the walk over vertices that makes
// decisions: the bundle method, which is built on it, is an independent second
// opinion and the fallback.
package qp

import (
	"math"

	"gonum.org/v1/gonum/blas/blas64"
)

// Problem is a small convex program with a diagonal quadratic term:
//
//	min 1/2 sum_i Q_i x_i^2 + C'x   subject to   Ax = B, Gx <= H, Lo <= x <= Up
//
// Bounds may be infinite. Equal bounds fix a variable.
type Problem struct {
	Q, C   []float64 // Q >= 0
	Lo, Up []float64
	A, G   []Row
	B, H   []float64
}

// Value returns the objective.
func (p *Problem) Value(x []float64) float64 {
	sum := 0.0
	for i, v := range x {
		sum += (p.Q[i]*v/2 + p.C[i]) * v
	}
	return sum
}

// Row is a sparse row: V at the places At, which ascend.
type Row struct {
	At []int
	V  []float64
}

// Dot returns the product with x.
func (r Row) Dot(x []float64) float64 {
	sum := 0.0
	for k, i := range r.At {
		sum += r.V[k] * x[i]
	}
	return sum
}

// AddTo adds factor times the row to x.
func (r Row) AddTo(x []float64, factor float64) {
	for k, i := range r.At {
		x[i] += factor * r.V[k]
	}
}

// NewRow returns a dense row without its zeros.
func NewRow(x []float64) Row {
	var r Row
	for i, v := range x {
		if v != 0 {
			r.At, r.V = append(r.At, i), append(r.V, v)
		}
	}
	return r
}

// Status classifies a Point.
type Status int

// The statuses.
const (
	Solved     Status = iota // the residuals and the gap are within the tolerance
	Stalled                  // they are not; the best point seen
	Infeasible               // the multipliers prove that no x is admissible
)

// Point is a point and its multipliers: L(x) = objective + Y'(Ax-B) +
// Z'(Gx-H) is stationary in x up to the signs that active bounds allow.
type Point struct {
	Status     Status
	X, Y, Z    []float64
	Residual   float64 // largest relative residual or gap
	Iterations int
}

// most steps of an interior point run, and how many without progress end it.
const (
	steps     = 80
	idleSteps = 8
)

// proximal keeps the multipliers of equality rows near those of the step before.
// At degenerate points, where the rows leave x no freedom, the Newton equations
// are singular without it; it changes the steps and not where they lead.
const proximal = 1e-8

// Minimize runs the primal-dual predictor-corrector method of Mehrotra (1992)
// until the relative residuals and the relative gap are at most tol. x stays
// strictly between its bounds throughout; the rows are met in the limit.
//
// Close to the optimum the normal equations lose digits and an iterate may be
// worse than the one before, so that the best one is returned.
func (p *Problem) Minimize(tol float64) Point {
	s := newBarrier(p)
	best, idle := s.point(), 0
	best.Status, best.Residual = Stalled, math.Inf(1)
	for iteration := range steps {
		residual := s.residuals()
		if residual < best.Residual {
			if residual < 0.9*best.Residual {
				idle = 0
			}
			best = s.point()
			best.Status, best.Residual, best.Iterations = Stalled, residual, iteration
		}
		if best.Residual <= tol {
			best.Status = Solved
			return best
		}
		if s.farkas() {
			out := s.point()
			out.Status, out.Residual, out.Iterations = Infeasible, residual, iteration
			return out
		}
		if idle++; idle > idleSteps || !s.step(tol) {
			break
		}
	}
	return best
}

// barrier is the state of a run. Fixed variables are gone, rows have largest
// coefficient 1 and so has the cost vector.
type barrier struct {
	whole *Problem
	free  []int // variables of whole that are not fixed
	Problem
	cost           float64   // unit of the objective
	unitA, unitG   []float64 // of the rows
	x, y, z, s     []float64 // point, multipliers of the rows, slacks of G
	zl, zu         []float64 // multipliers of the bounds; 0 where infinite
	rd, rp, rg     []float64 // residuals: dual, Ax-b, Gx+s-h
	mu             float64   // mean complementarity
	pairs          int
	delta          float64
	normal         blas64.Symmetric  // Q + G'diag(z/s)G + bounds
	chol, schur    blas64.Triangular // U of normal = U'U, and of A normal^-1 A'
	columns        [][]float64       // normal^-1 times each row of A
	dx, dy, dz, ds []float64
	dzl, dzu       []float64
}

func newBarrier(p *Problem) *barrier {
	s := &barrier{whole: p, cost: 1}
	place := make([]int, len(p.C))
	for i := range p.C {
		place[i] = -1
		if p.Lo[i] < p.Up[i] {
			place[i] = len(s.free)
			s.free = append(s.free, i)
		}
	}
	largest := 0.0
	for _, i := range s.free {
		largest = max(largest, math.Abs(p.C[i]), p.Q[i])
	}
	if largest > 0 {
		s.cost = largest
	}
	for _, i := range s.free {
		s.Q, s.C = append(s.Q, p.Q[i]/s.cost), append(s.C, p.C[i]/s.cost)
		s.Lo, s.Up = append(s.Lo, p.Lo[i]), append(s.Up, p.Up[i])
	}
	reduce := func(rows []Row, sides []float64) (out []Row, right, units []float64) {
		for k, row := range rows {
			var r Row
			side, unit := sides[k], 0.0
			for t, i := range row.At {
				if place[i] < 0 {
					side -= row.V[t] * p.Lo[i]
					continue
				}
				r.At, r.V = append(r.At, place[i]), append(r.V, row.V[t])
				unit = max(unit, math.Abs(row.V[t]))
			}
			if unit == 0 {
				unit = 1
			}
			for t := range r.V {
				r.V[t] /= unit
			}
			out, right, units = append(out, r), append(right, side/unit), append(units, unit)
		}
		return out, right, units
	}
	s.A, s.B, s.unitA = reduce(p.A, p.B)
	s.G, s.H, s.unitG = reduce(p.G, p.H)

	n, ma, mg := len(s.free), len(s.A), len(s.G)
	for _, v := range []*[]float64{&s.x, &s.zl, &s.zu, &s.rd, &s.dx, &s.dzl, &s.dzu} {
		*v = make([]float64, n)
	}
	for _, v := range []*[]float64{&s.y, &s.rp, &s.dy} {
		*v = make([]float64, ma)
	}
	for _, v := range []*[]float64{&s.z, &s.s, &s.rg, &s.dz, &s.ds} {
		*v = make([]float64, mg)
	}
	for i := range s.x {
		lo, up := s.Lo[i], s.Up[i]
		switch {
		case !math.IsInf(lo, 0) && !math.IsInf(up, 0):
			s.x[i] = lo + (up-lo)/2
		case !math.IsInf(lo, 0):
			s.x[i] = lo + 1
		case !math.IsInf(up, 0):
			s.x[i] = up - 1
		}
		if !math.IsInf(lo, 0) {
			s.zl[i] = 1
			s.pairs++
		}
		if !math.IsInf(up, 0) {
			s.zu[i] = 1
			s.pairs++
		}
	}
	for k, r := range s.G {
		s.s[k], s.z[k] = max(1, s.H[k]-r.Dot(s.x)), 1
	}
	s.pairs += mg
	s.normal = symmetric(n)
	return s
}

// residuals updates the residuals and returns the largest relative one, the
// gap included.
func (s *barrier) residuals() float64 {
	objective, dual, sides := 0.0, 0.0, 1.0
	total := 0.0
	for i, x := range s.x {
		s.rd[i] = s.Q[i]*x + s.C[i] - s.zl[i] + s.zu[i]
		objective += (s.Q[i]*x/2 + s.C[i]) * x
		if s.zl[i] > 0 {
			total += (x - s.Lo[i]) * s.zl[i]
		}
		if s.zu[i] > 0 {
			total += (s.Up[i] - x) * s.zu[i]
		}
	}
	primal := 0.0
	for k, r := range s.A {
		s.rp[k] = r.Dot(s.x) - s.B[k]
		r.AddTo(s.rd, s.y[k])
		primal, sides = max(primal, math.Abs(s.rp[k])), max(sides, math.Abs(s.B[k]))
	}
	for k, r := range s.G {
		s.rg[k] = r.Dot(s.x) + s.s[k] - s.H[k]
		r.AddTo(s.rd, s.z[k])
		total += s.s[k] * s.z[k]
		primal, sides = max(primal, math.Abs(s.rg[k])), max(sides, math.Abs(s.H[k]))
	}
	for _, r := range s.rd {
		dual = max(dual, math.Abs(r))
	}
	s.mu = total / float64(max(1, s.pairs))
	return max(primal/sides, dual, total/(1+math.Abs(objective)))
}

// farkas reports that the multipliers prove the rows and bounds empty: for
// every x between its bounds, y'(Ax-b) + z'(Gx-h) > 0. What is left of the
// reduced costs is charged at the worst bound; on an infinite one there must be
// nothing left.
func (s *barrier) farkas() bool {
	ray := make([]float64, len(s.x))
	value, size := 0.0, 0.0
	for k, r := range s.A {
		r.AddTo(ray, s.y[k])
		value -= s.y[k] * s.B[k]
		size += math.Abs(s.y[k] * s.B[k])
	}
	for k, r := range s.G {
		r.AddTo(ray, s.z[k])
		value -= s.z[k] * s.H[k]
		size += math.Abs(s.z[k] * s.H[k])
	}
	for i, r := range ray {
		side := s.Lo[i]
		if r < 0 {
			side = s.Up[i]
		}
		if math.IsInf(side, 0) {
			if math.Abs(r) > 1e-10*s.largest() {
				return false
			}
			continue
		}
		value += r * side
		size += math.Abs(r * side)
	}
	return value > 1e-9*size && value > 1e-9*s.largest()
}

func (s *barrier) largest() float64 {
	most := 0.0
	for _, y := range s.y {
		most = max(most, math.Abs(y))
	}
	for _, z := range s.z {
		most = max(most, z)
	}
	return most
}

// step makes one predictor-corrector step. It reports false when the normal
// equations cannot be factorized any more.
//
// Complementarity is not driven far below what the tolerance asks for: the
// normal equations would lose the digits that the dual residual still needs.
func (s *barrier) step(tol float64) bool {
	if len(s.x) == 0 || !s.factorize() {
		return false
	}
	s.direction(0, false)
	primal, dual := s.lengths(1)
	// Mehrotra's rule: the better the predictor, the less centring.
	after := 0.0
	s.eachPair(func(slack, mult, dslack, dmult float64) {
		after += (slack + primal*dslack) * (mult + dual*dmult)
	})
	after /= float64(max(1, s.pairs))
	ratio := 0.0
	if s.mu > 0 {
		ratio = after / s.mu
	}
	s.direction(max(s.mu*ratio*ratio*ratio, 0.1*tol/float64(max(1, s.pairs))), true)
	primal, dual = s.lengths(min(max(0.99, 1-s.mu), 0.9999))
	for i := range s.x {
		s.x[i] += primal * s.dx[i]
		s.x[i] = inside(s.x[i], s.Lo[i], s.Up[i])
		s.zl[i] += dual * s.dzl[i]
		s.zu[i] += dual * s.dzu[i]
	}
	for k := range s.s {
		s.s[k] += primal * s.ds[k]
		s.z[k] += dual * s.dz[k]
	}
	for k := range s.y {
		s.y[k] += dual * s.dy[k]
	}
	return true
}

// inside keeps rounding from putting x on a bound.
func inside(x, lo, up float64) float64 {
	if x <= lo {
		return math.Nextafter(lo, up)
	}
	if x >= up {
		return math.Nextafter(up, lo)
	}
	return x
}
