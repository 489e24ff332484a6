package optimize

import (
	"math"
	"slices"

	"allocate/optimize/qp"

	"gonum.org/v1/gonum/blas/blas64"
)

// shape is the layout of the masters' variables: the weights, then R and Ridge
// sum w_i^2 in the unit of the masters, the norm |w|, the excess of the elastic
// program, and one d_k >= |w_i - at| for every kink between bounds. Those that
// a program does not need stay fixed at 0.
type shape struct {
	p                         *Problem
	tail, ridge, norm, excess int
	first                     int // d_0
	kinks                     []corner
	size                      int
	ones, zeros               []float64 // N; 1 where the ball moves the returns, else 0; and 0
}

// corner is where the slope of a term in one weight changes.
type corner struct {
	i  int
	at float64
}

func newShape(p *Problem) *shape {
	n := len(p.Lower)
	s := &shape{p: p, tail: n, ridge: n + 1, norm: n + 2, excess: n + 3, first: n + 4, ones: make([]float64, n), zeros: make([]float64, n)}
	for i := range s.ones {
		if p.uncertain(i) {
			s.ones[i] = 1
		}
	}
	add := func(weight, center []float64) {
		for i, a := range weight {
			k := corner{i, center[i]}
			if a != 0 && p.Lower[i] < k.at && k.at < p.Upper[i] && !slices.Contains(s.kinks, k) {
				s.kinks = append(s.kinks, k)
			}
		}
	}
	if p.Previous != nil {
		add(p.Cost, p.Previous)
	}
	add(p.Borrow, s.zeros)
	for _, d := range p.Distances {
		add(d.Weight, d.Center)
		add(d.Short, s.zeros)
	}
	if p.Radius > 0 && p.Norm == LInf {
		add(s.ones, s.zeros)
	}
	s.size = s.first + len(s.kinks)
	return s
}

// affine is coef'x + constant.
type affine struct {
	coef     []float64
	constant float64
}

func (s *shape) affine() affine { return affine{coef: make([]float64, s.size)} }

// absolute adds factor sum_i weight_i |w_i - center_i|.
func (s *shape) absolute(f *affine, factor float64, weight, center []float64) {
	for i, a := range weight {
		a *= factor
		switch c := center[i]; {
		case a == 0:
		case c <= s.p.Lower[i]:
			f.coef[i] += a
			f.constant -= a * c
		case c >= s.p.Upper[i]:
			f.coef[i] -= a
			f.constant += a * c
		default:
			f.coef[s.first+slices.Index(s.kinks, corner{i, c})] += a
		}
	}
}

// ball adds factor |w|.
func (s *shape) ball(f *affine, factor float64) {
	switch {
	case factor == 0:
	case s.p.Norm == LInf:
		s.absolute(f, factor, s.ones, s.zeros)
	default:
		f.coef[s.norm] += factor
	}
}

func (s *shape) cost(f *affine, factor float64) {
	if s.p.Previous != nil {
		s.absolute(f, factor, s.p.Cost, s.p.Previous)
	}
	f.constant += factor * s.p.sunk
	s.absolute(f, factor/2, s.p.Borrow, s.zeros)
	for i, c := range s.p.Borrow {
		f.coef[i] -= factor / 2 * c
	}
}

// places says in which row of a program a side of the problem is; -1 is none.
type places struct {
	equal, lower, upper []int // of the problem's rows: in a, in g with the sign turned, in g
	distances           []int // in g
	norm                []int // of norm >= w_i and norm >= -w_i, in g; two per strategy
	limit               int   // in g
	cuts, firstSquare   int   // in g: the first cut of R, and of Ridge sum w_i^2
}

// base returns a program with bounds, rows, distances and the definitions of
// what stands for absolute values. The elastic one may exceed its sides by the
// elastic variable.
func (s *shape) base(elastic bool) (*qp.Problem, *places) {
	n := len(s.p.Lower)
	q := &qp.Problem{Q: make([]float64, s.size), C: make([]float64, s.size), Lo: make([]float64, s.size), Up: make([]float64, s.size)}
	at := &places{limit: -1, firstSquare: -1}
	copy(q.Lo, s.p.Lower)
	copy(q.Up, s.p.Upper)
	if elastic {
		q.Up[s.excess] = math.Inf(1)
	}
	side := func(f affine, limit float64) int {
		if math.IsInf(limit, 1) {
			return -1
		}
		if elastic {
			f.coef[s.excess] = -1
		}
		return below(q, f, limit)
	}
	for _, row := range s.p.rows() {
		equal, lower, upper := -1, -1, -1
		if row.Lower == row.Upper && !elastic {
			q.A, q.B = append(q.A, qp.NewRow(row.Coef)), append(q.B, row.Lower)
			equal = len(q.A) - 1
		} else {
			f := s.affine()
			copy(f.coef, row.Coef)
			upper = side(f, row.Upper)
			f = s.affine()
			blas64.Axpy(-1, vector(row.Coef), vector(f.coef[:n]))
			lower = side(f, -row.Lower)
		}
		at.equal, at.lower, at.upper = append(at.equal, equal), append(at.lower, lower), append(at.upper, upper)
	}
	for _, d := range s.p.Distances {
		f := s.affine()
		f.constant = d.Constant
		s.absolute(&f, 1, d.Weight, d.Center)
		for i, a := range d.Coef {
			f.coef[i] += a
		}
		s.absolute(&f, 0.5, d.Short, s.zeros)
		for i, a := range d.Short {
			f.coef[i] -= a / 2
		}
		at.distances = append(at.distances, side(f, d.Limit))
	}
	for k, kink := range s.kinks {
		d := s.first + k
		q.Up[d] = math.Inf(1)
		q.G = append(q.G, qp.Row{At: []int{kink.i, d}, V: []float64{1, -1}}, qp.Row{At: []int{kink.i, d}, V: []float64{-1, -1}})
		q.H = append(q.H, kink.at, -kink.at)
	}
	return q, at
}

// below appends the row f <= limit to q and returns its place.
func below(q *qp.Problem, f affine, limit float64) int {
	q.G, q.H = append(q.G, qp.NewRow(f.coef)), append(q.H, limit-f.constant)
	return len(q.G) - 1
}

// elastic returns the program of the least excess over rows and distances.
func (s *shape) elastic() (*qp.Problem, *places) {
	q, at := s.base(true)
	q.C[s.excess] = 1
	at.cuts = len(q.G)
	return q, at
}

// model appends the cuts, the limit on the risk and the norm to the base, all
// in the unit of the masters, and returns F without Ridge in that unit.
func (s *shape) model(b *bundleMethod, goal aim) (*qp.Problem, *places, affine) {
	q, at := s.base(false)
	unit := 1 / b.unit
	f := s.affine()
	blas64.Axpy(-goal.m*unit, vector(b.mean), vector(f.coef[:len(b.mean)]))
	s.cost(&f, (goal.m+goal.rho)*unit)
	s.ball(&f, (goal.m*s.p.Radius+goal.rho*s.p.ballRisk())*unit)
	f.coef[s.tail] = goal.rho
	if goal.limited {
		risk := s.affine()
		s.cost(&risk, unit)
		s.ball(&risk, s.p.ballRisk()*unit)
		risk.coef[s.tail] = 1
		at.limit = below(q, risk, s.p.MaxCVaR*unit)
	}
	if s.p.Radius > 0 && s.p.Norm != LInf {
		q.Up[s.norm] = math.Inf(1)
		for i := range b.mean {
			at.norm = append(at.norm, len(q.G), len(q.G)+1)
			in := s.ones[i] // 0: the norm leaves it out
			q.G = append(q.G, qp.Row{At: []int{i, s.norm}, V: []float64{in, -1}}, qp.Row{At: []int{i, s.norm}, V: []float64{-in, -1}})
			q.H = append(q.H, 0, 0)
		}
	}
	at.cuts = len(q.G)
	if goal.limited || goal.rho > 0 {
		q.Lo[s.tail], q.Up[s.tail] = math.Inf(-1), math.Inf(1)
		for _, c := range b.cuts {
			row := s.affine()
			blas64.Axpy(unit, vector(c.g), vector(row.coef[:len(c.g)]))
			row.coef[s.tail] = -1
			below(q, row, 0)
		}
	}
	return q, at, f
}

// least returns the program that minimizes the model of F, Ridge included,
// and the constant that its objective lacks.
func (s *shape) least(b *bundleMethod, goal aim) (*qp.Problem, *places, float64) {
	q, at, f := s.model(b, goal)
	copy(q.C, f.coef)
	for i := range b.mean {
		q.Q[i] = 2 * goal.ridge / b.unit
	}
	return q, at, f.constant
}

// nearest returns the program whose solution is the point of the level set
// nearest to the center. Ridge has cuts there: the program is to stay
// quadratic with linear rows.
func (s *shape) nearest(b *bundleMethod, goal aim, level float64) (*qp.Problem, *places) {
	q, at, f := s.model(b, goal)
	for i, c := range b.center {
		q.Q[i], q.C[i] = 1, -c
	}
	if goal.ridge > 0 {
		q.Up[s.ridge] = math.Inf(1)
		f.coef[s.ridge] = 1
		at.firstSquare = len(q.G)
		for _, c := range b.cuts {
			row := s.affine()
			blas64.Axpy(2*goal.ridge/b.unit, vector(c.w), vector(row.coef[:len(c.w)]))
			row.coef[s.ridge] = -1
			below(q, row, goal.ridge/b.unit*blas64.Dot(vector(c.w), vector(c.w)))
		}
	}
	below(q, f, level/b.unit)
	return q, at
}

// prices are the multipliers of the problem's sides in the unit of F: a row's
// is positive when it leans on the lower side.
type prices struct {
	rows, distances []float64
	limit           float64
	cuts            []float64
	norm            []float64 // N: the slope of the dual norm, times its factor in F
}

// read finds the prices among the multipliers of the base or the model.
func (at *places) read(b *bundleMethod, x qp.Point, unit float64) prices {
	z := func(k int) float64 {
		if k < 0 {
			return 0
		}
		return x.Z[k]
	}
	y := prices{norm: make([]float64, len(b.mean)), cuts: make([]float64, len(b.cuts)), limit: z(at.limit)}
	for k, equal := range at.equal {
		v := z(at.lower[k]) - z(at.upper[k])
		if equal >= 0 {
			v = -x.Y[equal]
		}
		y.rows = append(y.rows, v*unit)
	}
	for _, k := range at.distances {
		y.distances = append(y.distances, z(k)*unit)
	}
	for j := range y.cuts {
		if at.cuts+j < len(x.Z) {
			y.cuts[j] = x.Z[at.cuts+j]
		}
	}
	for i := range len(at.norm) / 2 {
		y.norm[i] = (z(at.norm[2*i]) - z(at.norm[2*i+1])) * unit
	}
	return y
}

// squares returns the multipliers of the cuts of the quadratic term.
func (at *places) squares(b *bundleMethod, x qp.Point) []float64 {
	if at.firstSquare < 0 {
		return nil
	}
	return x.Z[at.firstSquare : at.firstSquare+len(b.cuts)]
}
