package optimize

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
)

// bundled is the result of the bundle method. All admissible weights
// have F >= Bound, which is rigorous up to the rounding of its own sums.
type bundled struct {
	W            []float64 // N, admissible to within admissible; nil when Infeasible
	Value, Bound float64   // F(W) by the oracle, and the bound
	Iterations   int
	Infeasible   bool // proved: no weights are admissible
}

// patience is after how many iterations without progress the method gives up.
const patience = 50

// kappa is where the level lies between the least of the model and the best
// value. 1 - 1/sqrt 2 = 0.29 is best in the worst case (Lemarechal, Nemirovskii
// and Nesterov 1995); with a cut at the least of the model besides, half way
// takes fewer iterations.
const kappa = 0.5

// bundle minimizes
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
		return nil, errors.New("optimize: the bundle method does not support position constraints")
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

	b := newBundleMethod(p, most)
	start, proved := b.anywhere()
	if proved {
		return &bundled{Infeasible: true}, nil
	}
	b.center = start
	if goal.limited {
		// Weights strictly within the limit make others admissible: see inward.
		// Half of the possible room is enough.
		least, err := b.descend(ctx, aim{rho: 1}, func(value, bound float64) bool {
			return bound > p.MaxCVaR || p.MaxCVaR-value >= (value-bound)/2 && value < p.MaxCVaR || gap(value, bound, b.scale) <= bundleGap
		})
		if err != nil {
			return nil, err
		}
		if least.Bound > p.MaxCVaR+riskTol*max(math.Abs(p.MaxCVaR), b.scale) {
			return &bundled{Infeasible: true, Iterations: b.iterations}, nil
		}
		if least.W == nil || least.Value > p.MaxCVaR+admissible {
			return nil, fmt.Errorf("optimize: the bundle method did not determine in %d iterations whether a risk of %v is feasible: the minimum is between %v and %v",
				b.iterations, p.MaxCVaR, least.Bound, least.Value)
		}
		b.slater, b.center = least.W, least.W
	}
	out, err := b.descend(ctx, goal, func(value, bound float64) bool { return gap(value, bound, b.scale) <= tol })
	if err == nil && out.W == nil {
		err = fmt.Errorf("optimize: the bundle method found no feasible weights in %d iterations", b.iterations)
	}
	return out, err
}

// aim is the objective: F with its three factors. limited adds the limit
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

type bundleMethod struct {
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

func newBundleMethod(p *Problem, most int) *bundleMethod {
	m := p.Set.Len()
	b := &bundleMethod{
		p: p, most: most, scale: meanAbsolute(p.Set), mean: p.means(), shape: newShape(p),
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
func (b *bundleMethod) anywhere() (w []float64, infeasible bool) {
	q, at := b.shape.elastic()
	x := q.Minimize(elasticTol)
	y := at.read(b, x, 1)
	// The largest excess is at least that of any mixture of the sides.
	total := blas64.Asum(vector(y.rows)) + blas64.Asum(vector(y.distances))
	if total > 0 && b.lagrangian(aim{}, y) > admissible*total {
		return nil, true
	}
	return b.clip(x.X), false
}

// clip returns the weights of a master's point.
func (b *bundleMethod) clip(x []float64) []float64 {
	w := slices.Clone(x[:len(b.mean)])
	for i := range w {
		w[i] = min(max(w[i], b.p.Lower[i]), b.p.Upper[i])
	}
	return w
}

// descend minimizes over what the aim admits until the gap is enough, or has
// not shrunk for a long time.
func (b *bundleMethod) descend(ctx context.Context, goal aim, enough func(value, bound float64) bool) (*bundled, error) {
	out := &bundled{Value: math.Inf(1), Bound: math.Inf(-1)}
	b.visit(goal, b.center, out)
	if b.slater != nil {
		b.visit(goal, b.slater, out)
	}
	accuracy, smallest, idle := looseTol, math.Inf(1), 0
	for b.iterations < b.most && idle < patience {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b.iterations++

		// The least of the model: a bound, and a cut where the model errs most.
		q, at, constant := b.shape.least(b, goal)
		x := q.Minimize(accuracy)
		y := at.read(b, x, b.unit)
		b.note(y.cuts)
		out.Bound = max(out.Bound, b.lagrangian(goal, y))
		b.visit(goal, b.clip(x.X), out)
		if enough(out.Value, out.Bound) {
			break
		}

		// Towards the best: as near to the center as promises enough.
		low := max((q.Value(x.X)+constant)*b.unit, out.Bound)
		q, at = b.shape.nearest(b, goal, low+kappa*(out.Value-low))
		if x = q.Minimize(accuracy); x.Residual <= usableTol {
			b.note(at.read(b, x, 1).cuts)
			b.note(at.squares(b, x))
			b.center = b.clip(x.X)
			b.visit(goal, b.center, out)
		}
		if enough(out.Value, out.Bound) {
			break
		}
		b.forget()

		left := gap(out.Value, out.Bound, b.scale)
		accuracy = min(accuracy, max(tightTol, stepShare*left))
		if idle++; left < 0.99*smallest {
			smallest, idle = left, 0
		}
	}
	out.Iterations = b.iterations
	return out, nil
}

// visit adds the cut at w, and takes w, or what is admissible of the way to
// it, when it is the best so far.
func (b *bundleMethod) visit(goal aim, w []float64, out *bundled) {
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
func (b *bundleMethod) inward(w []float64, beyond float64) (crossing []float64, r float64) {
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
		if limit-inRisk <= riskTol*b.scale || outRisk <= inRisk {
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
		if limit-inRisk <= riskTol*b.scale || inRisk <= beforeRisk {
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
func (b *bundleMethod) tailRisk(w, g []float64) float64 {
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

func (b *bundleMethod) cutAt(w []float64) float64 {
	g := make([]float64, len(w))
	r := b.tailRisk(w, g)
	b.cuts = append(b.cuts, cut{g: g, w: w})
	return r
}

func (b *bundleMethod) risk(w []float64, r float64) float64 {
	return r + b.p.ballRisk()*b.p.dualNorm(w) + b.p.cost(w)
}

// value returns F(w).
func (b *bundleMethod) value(goal aim, w []float64, r float64) float64 {
	income := blas64.Dot(vector(b.mean), vector(w)) - b.p.cost(w) - b.p.Radius*b.p.dualNorm(w)
	return -goal.m*income + goal.rho*b.risk(w, r) + goal.ridge*blas64.Dot(vector(w), vector(w))
}

// excess returns by how much w leaves its bounds, rows and distances.
func (b *bundleMethod) excess(w []float64) float64 {
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
func (b *bundleMethod) note(mults []float64) {
	total := 0.0
	for _, z := range mults {
		total += z
	}
	for j, z := range mults {
		if z > liveCut*total {
			b.cuts[j].idle = 0
		}
	}
}

// forget drops the cuts that have been idle for longest, so that the master
// stays small.
func (b *bundleMethod) forget() {
	keep := 2*len(b.mean) + 20
	for j := range b.cuts {
		b.cuts[j].idle++
	}
	for idle := 50; len(b.cuts) > keep && idle > 2; idle-- {
		b.cuts = slices.DeleteFunc(b.cuts, func(c cut) bool { return c.idle > idle })
	}
}
