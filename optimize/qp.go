package optimize

import (
	"math"

	"gonum.org/v1/gonum/blas/blas64"
)

// quadratic is a small convex program with a diagonal quadratic term:
//
//	min 1/2 sum_i q_i x_i^2 + c'x   subject to   Ax = b, Gx <= h, lo <= x <= up
//
// Bounds may be infinite. Equal bounds fix a variable.
type quadratic struct {
	q, c   []float64 // q >= 0
	lo, up []float64
	a, g   []sparse
	b, h   []float64
}

// value returns the objective.
func (p *quadratic) value(x []float64) float64 {
	sum := 0.0
	for i, v := range x {
		sum += (p.q[i]*v/2 + p.c[i]) * v
	}
	return sum
}

// sparse is a row: v at the places at, which ascend.
type sparse struct {
	at []int
	v  []float64
}

func (r sparse) dot(x []float64) float64 {
	sum := 0.0
	for k, i := range r.at {
		sum += r.v[k] * x[i]
	}
	return sum
}

func (r sparse) addTo(x []float64, factor float64) {
	for k, i := range r.at {
		x[i] += factor * r.v[k]
	}
}

// compress drops the zeros of a dense row.
func compress(x []float64) sparse {
	var r sparse
	for i, v := range x {
		if v != 0 {
			r.at, r.v = append(r.at, i), append(r.v, v)
		}
	}
	return r
}

// verdict says what a quadraticPoint is.
type verdict int

const (
	solved   verdict = iota // the residuals and the gap are within the tolerance
	stalled                 // they are not; the best point seen
	noPoints                // the multipliers prove that no x is admissible
)

// quadraticPoint is a point and its multipliers: L(x) = objective + y'(Ax-b) +
// z'(Gx-h) is stationary in x up to the signs that active bounds allow.
type quadraticPoint struct {
	verdict    verdict
	x, y, z    []float64
	residual   float64 // largest relative residual or gap
	iterations int
}

// most steps of an interior point run, and how many without progress end it.
const (
	quadraticSteps = 80
	quadraticIdle  = 8
)

// proximal keeps the multipliers of equality rows near those of the step before.
// At degenerate points, where the rows leave x no freedom, the Newton equations
// are singular without it; it changes the steps and not where they lead.
const proximal = 1e-8

// minimize runs the primal-dual predictor-corrector method of Mehrotra (1992)
// until the relative residuals and the relative gap are at most tol. x stays
// strictly between its bounds throughout; the rows are met in the limit.
//
// Close to the optimum the normal equations lose digits and an iterate may be
// worse than the one before, so that the best one is returned.
func (p *quadratic) minimize(tol float64) quadraticPoint {
	s := newBarrier(p)
	best, idle := s.point(), 0
	best.verdict, best.residual = stalled, math.Inf(1)
	for iteration := range quadraticSteps {
		residual := s.residuals()
		if residual < best.residual {
			if residual < 0.9*best.residual {
				idle = 0
			}
			best = s.point()
			best.verdict, best.residual, best.iterations = stalled, residual, iteration
		}
		if best.residual <= tol {
			best.verdict = solved
			return best
		}
		if s.farkas() {
			out := s.point()
			out.verdict, out.residual, out.iterations = noPoints, residual, iteration
			return out
		}
		if idle++; idle > quadraticIdle || !s.step(tol) {
			break
		}
	}
	return best
}

// barrier is the state of a run. Fixed variables are gone, rows have largest
// coefficient 1 and so has the cost vector.
type barrier struct {
	whole *quadratic
	free  []int // variables of whole that are not fixed
	quadratic
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

func newBarrier(p *quadratic) *barrier {
	s := &barrier{whole: p, cost: 1}
	place := make([]int, len(p.c))
	for i := range p.c {
		place[i] = -1
		if p.lo[i] < p.up[i] {
			place[i] = len(s.free)
			s.free = append(s.free, i)
		}
	}
	largest := 0.0
	for _, i := range s.free {
		largest = max(largest, math.Abs(p.c[i]), p.q[i])
	}
	if largest > 0 {
		s.cost = largest
	}
	for _, i := range s.free {
		s.q, s.c = append(s.q, p.q[i]/s.cost), append(s.c, p.c[i]/s.cost)
		s.lo, s.up = append(s.lo, p.lo[i]), append(s.up, p.up[i])
	}
	reduce := func(rows []sparse, sides []float64) (out []sparse, right, units []float64) {
		for k, row := range rows {
			var r sparse
			side, unit := sides[k], 0.0
			for t, i := range row.at {
				if place[i] < 0 {
					side -= row.v[t] * p.lo[i]
					continue
				}
				r.at, r.v = append(r.at, place[i]), append(r.v, row.v[t])
				unit = max(unit, math.Abs(row.v[t]))
			}
			if unit == 0 {
				unit = 1
			}
			for t := range r.v {
				r.v[t] /= unit
			}
			out, right, units = append(out, r), append(right, side/unit), append(units, unit)
		}
		return out, right, units
	}
	s.a, s.b, s.unitA = reduce(p.a, p.b)
	s.g, s.h, s.unitG = reduce(p.g, p.h)

	n, ma, mg := len(s.free), len(s.a), len(s.g)
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
		lo, up := s.lo[i], s.up[i]
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
	for k, r := range s.g {
		s.s[k], s.z[k] = max(1, s.h[k]-r.dot(s.x)), 1
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
		s.rd[i] = s.q[i]*x + s.c[i] - s.zl[i] + s.zu[i]
		objective += (s.q[i]*x/2 + s.c[i]) * x
		if s.zl[i] > 0 {
			total += (x - s.lo[i]) * s.zl[i]
		}
		if s.zu[i] > 0 {
			total += (s.up[i] - x) * s.zu[i]
		}
	}
	primal := 0.0
	for k, r := range s.a {
		s.rp[k] = r.dot(s.x) - s.b[k]
		r.addTo(s.rd, s.y[k])
		primal, sides = max(primal, math.Abs(s.rp[k])), max(sides, math.Abs(s.b[k]))
	}
	for k, r := range s.g {
		s.rg[k] = r.dot(s.x) + s.s[k] - s.h[k]
		r.addTo(s.rd, s.z[k])
		total += s.s[k] * s.z[k]
		primal, sides = max(primal, math.Abs(s.rg[k])), max(sides, math.Abs(s.h[k]))
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
	for k, r := range s.a {
		r.addTo(ray, s.y[k])
		value -= s.y[k] * s.b[k]
		size += math.Abs(s.y[k] * s.b[k])
	}
	for k, r := range s.g {
		r.addTo(ray, s.z[k])
		value -= s.z[k] * s.h[k]
		size += math.Abs(s.z[k] * s.h[k])
	}
	for i, r := range ray {
		side := s.lo[i]
		if r < 0 {
			side = s.up[i]
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

// largest returns the largest multiplier of a row.
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
// equations cannot be factorised any more.
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
		s.x[i] = inside(s.x[i], s.lo[i], s.up[i])
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
