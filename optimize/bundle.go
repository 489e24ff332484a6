package optimize

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
)

// bundled is what the bundle method knows in the end. All admissible weights
// have F >= Bound, which is rigorous up to the rounding of its own sums.
type bundled struct {
	W            []float64 // N, admissible to within admissible; nil when Infeasible
	Value, Bound float64   // F(W) by the oracle, and the bound
	Iterations   int
	Infeasible   bool // proved: no weights are admissible
}

// admissible is by how much weights may break a bound, row, distance or the
// limit on the risk, in the unit of each.
const admissible = 1e-9

// patience is after how many iterations without progress the method gives up.
const patience = 50

// kappa is where the level lies between the least of the model and the best
// value. 1 - 1/sqrt 2 = 0.29 is best in the worst case (Lemarechal, Nemirovskii
// and Nesterov 1995); with a cut at the least of the model besides, half way
// takes fewer iterations.
const kappa = 0.5

// bundle minimises
//
//	F(w) = -m return(w) + rho risk(w) + Ridge sum_i w_i^2
//
// with (m, rho) = (0, 1) for MinCVaR, (1, Aversion) for Utility and (1, 0) for
// MaxReturn, until (Value - Bound) / max(|Value|, scale) <= tol or after most
// iterations; scale is the mean absolute scenario return. It is the level
// method of Lemarechal, Nemirovskii and Nesterov (1995), "New variants of
// bundle methods", with everything but the CVaRs in the master exactly: since
// R(w) = sum_k weight_k CVaR_k(w) is homogeneous, a subgradient g of it
// anywhere is a cut R(w) >= g'w everywhere, and so is any mixture of cuts.
//
// It shares the oracle with the exact solver and nothing else, so that each
// can be a check of the other.
func (p *Problem) bundle(ctx context.Context, tol float64, most int) (*bundled, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	if p.discrete() {
		return nil, errors.New("optimize: the bundle method knows no rules on positions")
	}
	goal := aim{rho: 1, ridge: p.Ridge}
	switch p.objective() {
	case MinCVaR:
	case MaxReturn:
		goal.m, goal.rho = 1, 0
	case Utility:
		goal.m, goal.rho = 1, p.Aversion
	default:
		return nil, fmt.Errorf("optimize: the bundle method does not solve %s", p.objective())
	}
	goal.limited = p.limited()

	b := newLevels(p, most)
	start, proved := b.anywhere()
	if proved {
		return &bundled{Infeasible: true}, nil
	}
	b.center = start
	if goal.limited {
		// Weights strictly within the limit make others admissible: see inward.
		// Half of the possible room is enough.
		least, err := b.descend(ctx, aim{rho: 1}, func(value, bound float64) bool {
			return bound > p.MaxCVaR || p.MaxCVaR-value >= (value-bound)/2 && value < p.MaxCVaR || gap(value, bound, b.scale) <= 1e-12
		})
		if err != nil {
			return nil, err
		}
		if least.Bound > p.MaxCVaR+1e-12*max(math.Abs(p.MaxCVaR), b.scale) {
			return &bundled{Infeasible: true, Iterations: b.iterations}, nil
		}
		if least.W == nil || least.Value > p.MaxCVaR+admissible {
			return nil, fmt.Errorf("optimize: the bundle method cannot tell in %d iterations whether a risk of %v is possible: the least is between %v and %v",
				b.iterations, p.MaxCVaR, least.Bound, least.Value)
		}
		b.slater, b.center = least.W, least.W
	}
	out, err := b.descend(ctx, goal, func(value, bound float64) bool { return gap(value, bound, b.scale) <= tol })
	if err == nil && out.W == nil {
		err = fmt.Errorf("optimize: the bundle method found no admissible weights in %d iterations", b.iterations)
	}
	return out, err
}

// aim is what is minimised: F with its three factors. limited adds the limit
// on the risk.
type aim struct {
	m, rho, ridge float64
	limited       bool
}

// cut is a subgradient g of R, and the weights it was taken at.
type cut struct {
	g, w []float64
	idle int // iterations since it last mattered to the master
}

// levels is the state of the method.
type levels struct {
	p          *Problem
	most       int
	iterations int
	scale      float64 // of gaps
	unit       float64 // of R and of F in the masters: scale, unless it is 0
	mean       []float64
	tails      []tail
	losses     []float64
	q, mixed   []float64 // S: tail probabilities of one level, and of the mixture
	shape      *shape
	cuts       []cut
	center     []float64 // the level set is entered where it is nearest to here
	slater     []float64 // weights within the limit on the risk; nil without one
}

func newLevels(p *Problem, most int) *levels {
	m := p.Set.Len()
	b := &levels{
		p: p, most: most, scale: p.meanAbsolute(), mean: p.means(), shape: newShape(p),
		losses: make([]float64, m), q: make([]float64, m), mixed: make([]float64, m),
	}
	for _, l := range p.levels() {
		b.tails = append(b.tails, newTail(p.Set, l.Alpha))
	}
	if b.unit = b.scale; b.unit == 0 {
		b.unit = 1
	}
	return b
}

// anywhere returns weights within bounds, rows and distances, as far from
// their sides as the master goes, or proves that there are none.
func (b *levels) anywhere() (w []float64, infeasible bool) {
	q, at := b.shape.elastic()
	x := q.minimize(1e-11)
	y := at.read(b, x, 1)
	// The largest excess is at least that of any mixture of the sides.
	total := blas64.Asum(vector(y.rows)) + blas64.Asum(vector(y.distances))
	if total > 0 && b.lagrangian(aim{}, y) > admissible*total {
		return nil, true
	}
	return b.clip(x.x), false
}

// clip returns the weights of a master's point.
func (b *levels) clip(x []float64) []float64 {
	w := slices.Clone(x[:len(b.mean)])
	for i := range w {
		w[i] = min(max(w[i], b.p.Lower[i]), b.p.Upper[i])
	}
	return w
}

// descend minimises over what the aim admits until the gap is enough, or has
// not shrunk for a long time.
func (b *levels) descend(ctx context.Context, goal aim, enough func(value, bound float64) bool) (*bundled, error) {
	out := &bundled{Value: math.Inf(1), Bound: math.Inf(-1)}
	b.visit(goal, b.center, out)
	if b.slater != nil {
		b.visit(goal, b.slater, out)
	}
	accuracy, smallest, idle := 1e-8, math.Inf(1), 0
	for b.iterations < b.most && idle < patience {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b.iterations++

		// The least of the model: a bound, and a cut where the model errs most.
		q, at, constant := b.shape.least(b, goal)
		x := q.minimize(accuracy)
		y := at.read(b, x, b.unit)
		b.note(y.cuts)
		out.Bound = max(out.Bound, b.lagrangian(goal, y))
		b.visit(goal, b.clip(x.x), out)
		if enough(out.Value, out.Bound) {
			break
		}

		// Towards the best: as near to the centre as promises enough.
		low := max((q.value(x.x)+constant)*b.unit, out.Bound)
		q, at = b.shape.nearest(b, goal, low+kappa*(out.Value-low))
		if x = q.minimize(accuracy); x.residual <= 1e-4 {
			b.note(at.read(b, x, 1).cuts)
			b.note(at.squares(b, x))
			b.center = b.clip(x.x)
			b.visit(goal, b.center, out)
		}
		if enough(out.Value, out.Bound) {
			break
		}
		b.forget()

		left := gap(out.Value, out.Bound, b.scale)
		accuracy = min(accuracy, max(1e-12, 1e-3*left))
		if idle++; left < 0.99*smallest {
			smallest, idle = left, 0
		}
	}
	out.Iterations = b.iterations
	return out, nil
}

// visit adds the cut at w, and takes w, or what is admissible of the way to
// it, when it is the best so far.
func (b *levels) visit(goal aim, w []float64, out *bundled) {
	r := b.cutAt(w)
	if goal.limited && b.risk(w, r) > b.p.MaxCVaR {
		if b.slater == nil {
			return
		}
		w, r = b.inward(w, b.risk(w, r))
	}
	if value := b.value(goal, w, r); value < out.Value && b.excess(w) <= admissible {
		out.Value, out.W = value, w
	}
}

// inward returns weights within the limit on the risk, close to where the way
// from the Slater point to w, which is beyond it, crosses the limit. Risk is
// convex on the way, hence its chords are above it and their extensions below.
func (b *levels) inward(w []float64, beyond float64) (crossing []float64, r float64) {
	along := func(t float64) []float64 {
		x := make([]float64, len(w))
		for i := range x {
			x[i] = b.slater[i] + t*(w[i]-b.slater[i])
		}
		return x
	}
	limit := b.p.MaxCVaR
	crossing = b.slater
	r = b.tailRisk(crossing, nil)
	in, out := 0.0, 1.0
	inRisk, outRisk := b.risk(crossing, r), beyond
	for range 8 {
		if limit-inRisk <= 1e-12*b.scale || outRisk <= inRisk {
			break
		}
		t := in + (out-in)*(limit-inRisk)/(outRisk-inRisk)
		x := along(t)
		rx := b.cutAt(x)
		risk := b.risk(x, rx)
		if risk > limit { // by rounding
			break
		}
		before, beforeRisk := in, inRisk
		crossing, r, in, inRisk = x, rx, t, risk
		if limit-inRisk <= 1e-12*b.scale || inRisk <= beforeRisk {
			continue
		}
		if t = in + (in-before)*(limit-inRisk)/(inRisk-beforeRisk); t < out {
			x = along(t)
			rx = b.tailRisk(x, nil)
			if risk = b.risk(x, rx); risk <= limit {
				crossing, r, in, inRisk = x, rx, t, risk
			} else {
				out, outRisk = t, risk
			}
		}
	}
	return crossing, r
}

// tailRisk returns R(w) and fills g, unless it is nil, with a subgradient.
func (b *levels) tailRisk(w, g []float64) float64 {
	lossesOf(b.p.Set, w, b.losses)
	clear(b.mixed)
	sum := 0.0
	for k, l := range b.p.levels() {
		_, cvar := b.tails[k].measure(b.losses, b.q)
		sum += l.Weight * cvar
		blas64.Axpy(l.Weight, vector(b.q), vector(b.mixed))
	}
	if g != nil {
		gradientOf(b.p.Set, b.mixed, g)
	}
	return sum
}

func (b *levels) cutAt(w []float64) float64 {
	g := make([]float64, len(w))
	r := b.tailRisk(w, g)
	b.cuts = append(b.cuts, cut{g: g, w: w})
	return r
}

// risk returns the risk of w whose R(w) is r.
func (b *levels) risk(w []float64, r float64) float64 {
	return r + b.p.ballRisk()*b.p.dualNorm(w) + b.p.cost(w)
}

// value returns F(w).
func (b *levels) value(goal aim, w []float64, r float64) float64 {
	income := blas64.Dot(vector(b.mean), vector(w)) - b.p.cost(w) - b.p.Radius*b.p.dualNorm(w)
	return -goal.m*income + goal.rho*b.risk(w, r) + goal.ridge*blas64.Dot(vector(w), vector(w))
}

// excess returns by how much w leaves its bounds, rows and distances.
func (b *levels) excess(w []float64) float64 {
	most := 0.0
	for i, x := range w {
		most = max(most, b.p.Lower[i]-x, x-b.p.Upper[i])
	}
	for _, row := range b.p.rows() {
		v := blas64.Dot(vector(row.Coef), vector(w))
		most = max(most, row.Lower-v, v-row.Upper)
	}
	for i := range b.p.Distances {
		d := &b.p.Distances[i]
		most = max(most, d.of(w)-d.Limit)
	}
	return most
}

// note marks the cuts that the master leans on.
func (b *levels) note(mults []float64) {
	total := 0.0
	for _, z := range mults {
		total += z
	}
	for j, z := range mults {
		if z > 1e-6*total {
			b.cuts[j].idle = 0
		}
	}
}

// forget drops the cuts that have been idle for longest, so that the master
// stays small.
func (b *levels) forget() {
	keep := 2*len(b.mean) + 20
	for j := range b.cuts {
		b.cuts[j].idle++
	}
	for idle := 50; len(b.cuts) > keep && idle > 2; idle-- {
		b.cuts = slices.DeleteFunc(b.cuts, func(c cut) bool { return c.idle > idle })
	}
}

// shape is the layout of the masters' variables: the weights, then R and Ridge
// sum w_i^2 in the unit of the masters, the norm |w|, the excess of the elastic
// program, and one d_k >= |w_i - at| for every kink between bounds. Those that
// a program does not need stay fixed at 0.
type shape struct {
	p                         *Problem
	tail, ridge, norm, excess int
	first                     int // d_0
	kinks                     []kink
	size                      int
	ones, zeros               []float64 // N
}

// kink is where the slope of a term in one weight changes.
type kink struct {
	i  int
	at float64
}

func newShape(p *Problem) *shape {
	n := len(p.Lower)
	s := &shape{p: p, tail: n, ridge: n + 1, norm: n + 2, excess: n + 3, first: n + 4, ones: make([]float64, n), zeros: make([]float64, n)}
	for i := range s.ones {
		s.ones[i] = 1
	}
	add := func(weight, center []float64) {
		for i, a := range weight {
			k := kink{i, center[i]}
			if a != 0 && p.Lower[i] < k.at && k.at < p.Upper[i] && !slices.Contains(s.kinks, k) {
				s.kinks = append(s.kinks, k)
			}
		}
	}
	if p.Previous != nil {
		add(p.Cost, p.Previous)
	}
	for _, d := range p.Distances {
		add(d.Weight, d.Center)
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
			f.coef[s.first+slices.Index(s.kinks, kink{i, c})] += a
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
func (s *shape) base(elastic bool) (*quadratic, *places) {
	n := len(s.p.Lower)
	q := &quadratic{q: make([]float64, s.size), c: make([]float64, s.size), lo: make([]float64, s.size), up: make([]float64, s.size)}
	at := &places{limit: -1, firstSquare: -1}
	copy(q.lo, s.p.Lower)
	copy(q.up, s.p.Upper)
	if elastic {
		q.up[s.excess] = math.Inf(1)
	}
	side := func(f affine, limit float64) int {
		if math.IsInf(limit, 1) {
			return -1
		}
		if elastic {
			f.coef[s.excess] = -1
		}
		return q.below(f, limit)
	}
	for _, row := range s.p.rows() {
		equal, lower, upper := -1, -1, -1
		if row.Lower == row.Upper && !elastic {
			q.a, q.b = append(q.a, compress(row.Coef)), append(q.b, row.Lower)
			equal = len(q.a) - 1
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
		at.distances = append(at.distances, side(f, d.Limit))
	}
	for k, kink := range s.kinks {
		d := s.first + k
		q.up[d] = math.Inf(1)
		q.g = append(q.g, sparse{[]int{kink.i, d}, []float64{1, -1}}, sparse{[]int{kink.i, d}, []float64{-1, -1}})
		q.h = append(q.h, kink.at, -kink.at)
	}
	return q, at
}

// below appends the row f <= limit and returns its place.
func (q *quadratic) below(f affine, limit float64) int {
	q.g, q.h = append(q.g, compress(f.coef)), append(q.h, limit-f.constant)
	return len(q.g) - 1
}

// elastic returns the program of the least excess over rows and distances.
func (s *shape) elastic() (*quadratic, *places) {
	q, at := s.base(true)
	q.c[s.excess] = 1
	at.cuts = len(q.g)
	return q, at
}

// model appends the cuts, the limit on the risk and the norm to the base, all
// in the unit of the masters, and returns F without Ridge in that unit.
func (s *shape) model(b *levels, goal aim) (*quadratic, *places, affine) {
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
		at.limit = q.below(risk, s.p.MaxCVaR*unit)
	}
	if s.p.Radius > 0 && s.p.Norm != LInf {
		q.up[s.norm] = math.Inf(1)
		for i := range b.mean {
			at.norm = append(at.norm, len(q.g), len(q.g)+1)
			q.g = append(q.g, sparse{[]int{i, s.norm}, []float64{1, -1}}, sparse{[]int{i, s.norm}, []float64{-1, -1}})
			q.h = append(q.h, 0, 0)
		}
	}
	at.cuts = len(q.g)
	if goal.limited || goal.rho > 0 {
		q.lo[s.tail], q.up[s.tail] = math.Inf(-1), math.Inf(1)
		for _, c := range b.cuts {
			row := s.affine()
			blas64.Axpy(unit, vector(c.g), vector(row.coef[:len(c.g)]))
			row.coef[s.tail] = -1
			q.below(row, 0)
		}
	}
	return q, at, f
}

// least returns the program that minimises the model of F, Ridge included,
// and the constant that its objective lacks.
func (s *shape) least(b *levels, goal aim) (*quadratic, *places, float64) {
	q, at, f := s.model(b, goal)
	copy(q.c, f.coef)
	for i := range b.mean {
		q.q[i] = 2 * goal.ridge / b.unit
	}
	return q, at, f.constant
}

// nearest returns the program whose solution is the point of the level set
// nearest to the centre. Ridge has cuts there: the program is to stay
// quadratic with linear rows.
func (s *shape) nearest(b *levels, goal aim, level float64) (*quadratic, *places) {
	q, at, f := s.model(b, goal)
	for i, c := range b.center {
		q.q[i], q.c[i] = 1, -c
	}
	if goal.ridge > 0 {
		q.up[s.ridge] = math.Inf(1)
		f.coef[s.ridge] = 1
		at.firstSquare = len(q.g)
		for _, c := range b.cuts {
			row := s.affine()
			blas64.Axpy(2*goal.ridge/b.unit, vector(c.w), vector(row.coef[:len(c.w)]))
			row.coef[s.ridge] = -1
			q.below(row, goal.ridge/b.unit*blas64.Dot(vector(c.w), vector(c.w)))
		}
	}
	q.below(f, level/b.unit)
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
func (at *places) read(b *levels, x quadraticPoint, unit float64) prices {
	z := func(k int) float64 {
		if k < 0 {
			return 0
		}
		return x.z[k]
	}
	y := prices{norm: make([]float64, len(b.mean)), cuts: make([]float64, len(b.cuts)), limit: z(at.limit)}
	for k, equal := range at.equal {
		v := z(at.lower[k]) - z(at.upper[k])
		if equal >= 0 {
			v = -x.y[equal]
		}
		y.rows = append(y.rows, v*unit)
	}
	for _, k := range at.distances {
		y.distances = append(y.distances, z(k)*unit)
	}
	for j := range y.cuts {
		if at.cuts+j < len(x.z) {
			y.cuts[j] = x.z[at.cuts+j]
		}
	}
	for i := range len(at.norm) / 2 {
		y.norm[i] = (z(at.norm[2*i]) - z(at.norm[2*i+1])) * unit
	}
	return y
}

// squares returns the multipliers of the cuts of the quadratic term.
func (at *places) squares(b *levels, x quadraticPoint) []float64 {
	if at.firstSquare < 0 {
		return nil
	}
	return x.z[at.firstSquare : at.firstSquare+len(b.cuts)]
}

// lagrangian returns a lower bound on F over all admissible weights from any
// prices. They are made feasible first: one that leans on an absent side is
// dropped, the mixture of cuts is scaled to the whole factor of R, the slope of
// the norm into its dual ball. What is left is a sum of functions of one weight
// each, which are charged at their least between the finite bounds: weak
// duality, as in DualBound, with the terms |w_i - c| and w_i^2 kept whole.
//
// Prices without measure, as degenerate rows have them, must not turn rounding
// into a proof: what the sums may have lost is charged as well.
func (b *levels) lagrangian(goal aim, y prices) float64 {
	p, n := b.p, len(b.mean)
	slope, gross := make([]float64, n), make([]float64, n) // of each weight, and without cancellation
	lean := func(factor float64, row []float64) {
		for i, c := range row {
			slope[i] += factor * c
			gross[i] += math.Abs(factor * c)
		}
	}
	bound, size := 0.0, 0.0
	add := func(x float64) {
		bound += x
		size += math.Abs(x)
	}
	lean(-goal.m, b.mean)
	limit := 0.0
	if goal.limited && y.limit > 0 {
		limit = y.limit
		add(-limit * p.MaxCVaR)
	}
	for k, row := range p.rows() {
		side := row.Lower
		if y.rows[k] < 0 {
			side = row.Upper
		}
		if y.rows[k] != 0 && !math.IsInf(side, 0) {
			add(y.rows[k] * side)
			lean(-y.rows[k], row.Coef)
		}
	}
	if factor := goal.rho + limit; factor > 0 {
		total := 0.0
		for _, z := range y.cuts {
			total += max(0, z)
		}
		for j, z := range y.cuts {
			switch {
			case total > 0 && z > 0:
				lean(factor*(z/total), b.cuts[j].g)
			case total == 0 && j == 0:
				lean(factor, b.cuts[j].g)
			}
		}
	}
	bent := make([][]kinked, n)
	bend := func(factor float64, weight, center []float64) {
		for i, a := range weight {
			if a *= factor; a > 0 {
				bent[i] = append(bent[i], kinked{center[i], a})
				size += a * math.Abs(center[i])
				gross[i] += a
			}
		}
	}
	ball := goal.m*p.Radius + (goal.rho+limit)*p.ballRisk()
	if p.Norm == LInf {
		bend(ball, b.shape.ones, b.shape.zeros)
	} else if total := blas64.Asum(vector(y.norm)); total > 0 {
		lean(min(1, ball/total), y.norm)
	}
	if p.Previous != nil {
		bend(goal.m+goal.rho+limit, p.Cost, p.Previous)
	}
	for k, d := range p.Distances {
		if z := y.distances[k]; z > 0 {
			add(z * (d.Constant - d.Limit))
			bend(z, d.Weight, d.Center)
		}
	}
	for i, s := range slope {
		lo, up := p.Lower[i], p.Upper[i]
		add(leastKinked(s, goal.ridge, bent[i], lo, up))
		reach := max(math.Abs(lo), math.Abs(up))
		size += (gross[i] + goal.ridge*reach) * reach
	}
	return bound - 1e-15*size
}

// kinked is the term factor |x - at|.
type kinked struct{ at, factor float64 }

// leastKinked returns the least of slope x + square x^2 + sum factor |x - at|
// over [lo, up]: at a bound, at a kink, or where the slope of a piece is 0.
func leastKinked(slope, square float64, kinks []kinked, lo, up float64) float64 {
	value := func(x float64) float64 {
		sum := (slope + square*x) * x
		for _, k := range kinks {
			sum += k.factor * math.Abs(x-k.at)
		}
		return sum
	}
	ends := []float64{lo, up}
	for _, k := range kinks {
		if lo < k.at && k.at < up {
			ends = append(ends, k.at)
		}
	}
	slices.Sort(ends)
	least := math.Inf(1)
	for e, x := range ends {
		least = min(least, value(x))
		if e == 0 || square == 0 {
			continue
		}
		from, piece := ends[e-1], slope
		for _, k := range kinks {
			piece += math.Copysign(k.factor, (from+x)/2-k.at)
		}
		least = min(least, value(max(from, min(x, -piece/(2*square)))))
	}
	return least
}
