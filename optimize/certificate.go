package optimize

import (
	"encoding/json"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
)

// Certificate proves how far weights are from the best possible. It speaks of
// the one number that was minimized: the risk for MinCVaR and MinVariance, minus the return
// for MaxReturn, risk x Aversion minus return for Utility, and for MaxRatio,
// with the best ratio r, r x risk minus the return above RiskFree, which is
// least at 0. All of them are horizon fractions.
//
// A gap is (Primal - DualBound) / max(|Primal|, Scale), where Scale is the mean
// absolute scenario return: relative, yet meaningful when what is minimized is
// near zero, and the same in percent as in fractions. The bound is rigorous up
// to the rounding of its own sums (1e-14 of Scale for a long-only book, 1e-11
// for long gross leverage over all scenarios), so that the gap of an exact
// vertex may come out negative by as much. Exported weights may also have a
// negative gap when rounding broke a constraint, by MaxViolation.
type Certificate struct {
	Primal       float64 `json:"primal"`        // of the exported weights
	DualBound    float64 `json:"dual_bound"`    // no admissible portfolio is below it
	Gap          float64 `json:"gap"`           // of the exported weights, relative
	ExactPrimal  float64 `json:"exact_primal"`  // of the optimum before rounding
	ExactGap     float64 `json:"exact_gap"`     // of the optimum, relative; the status depends on it
	MaxViolation float64 `json:"max_violation"` // largest violation of a bound, row or limit by the exported weights
	Violated     string  `json:"violated"`      // the constraint with that violation; empty when there is none
	Scale        float64 `json:"scale"`         // mean absolute scenario return
}

// MarshalJSON writes null for what is not finite: a bound that nothing was proved
// of is -Inf, and its gap Inf.
func (c Certificate) MarshalJSON() ([]byte, error) {
	finite := func(x float64) *float64 {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil
		}
		return &x
	}
	return json.Marshal(certificateJSON{finite(c.Primal), finite(c.DualBound), finite(c.Gap), finite(c.ExactPrimal), finite(c.ExactGap), finite(c.MaxViolation), c.Violated, finite(c.Scale)})
}

// UnmarshalJSON reads null, or nothing, as the number that certifies nothing:
// DualBound as -Inf, the others as Inf.
func (c *Certificate) UnmarshalJSON(b []byte) error {
	var read certificateJSON
	if err := json.Unmarshal(b, &read); err != nil {
		return err
	}
	or := func(x *float64, none float64) float64 {
		if x == nil {
			return none
		}
		return *x
	}
	none := math.Inf(1)
	*c = Certificate{or(read.Primal, none), or(read.DualBound, -none), or(read.Gap, none), or(read.ExactPrimal, none), or(read.ExactGap, none), or(read.MaxViolation, none), read.Violated, or(read.Scale, none)}
	return nil
}

type certificateJSON struct {
	Primal       *float64 `json:"primal"`
	DualBound    *float64 `json:"dual_bound"`
	Gap          *float64 `json:"gap"`
	ExactPrimal  *float64 `json:"exact_primal"`
	ExactGap     *float64 `json:"exact_gap"`
	MaxViolation *float64 `json:"max_violation"`
	Violated     string   `json:"violated"`
	Scale        *float64 `json:"scale"`
}

// Dual is a guess at the multipliers of a problem. Any numbers will do: they
// are made feasible before a bound is read from them.
type Dual struct {
	Tails     [][]float64 // per level, S: tail probability of each scenario
	Rows      []float64   // 1 + number of Constraints, the budget first: objective per unit of the row's side
	Distances []float64   // objective per unit of each limit, >= 0
	Spread    []float64   // of MinVariance: a vector of at most length 1 along the principal directions of the scenarios
	Norm      []float64   // N: a subgradient of the dual norm, times its cost; nil where it is not a largest weight
}

// DualBound returns a lower bound on the risk of every admissible portfolio
// from any multipliers.
//
// They are made feasible first: each tail is clipped to [0, p_j/(1-alpha)] and
// moved to sum 1, a row's multiplier that leans on an absent side is dropped, a
// limit's is clipped at 0 and the norm's subgradient is shrunk into the unit
// ball of its own dual. What is then left is a sum of functions of one weight
// each, linear with kinks at the centers of costs and distances, and since the
// bounds are finite each is charged at its lowest point:
//
//	sum_k (y_k > 0 ? y_k lower_k : y_k upper_k) - sum_g price_g (limit_g - constant_g)
//	  + sum_i min over [lo_i, up_i] of rc_i x + sum of the kinks at x
//
// with rc = L'q - A'y, which is weak duality (Neumaier and Shcherbina 2004,
// section 3).
func (p *Problem) DualBound(d Dual) float64 {
	mean, absolute, _ := moments(p.Set)
	e := &engine{Problem: p, mean: mean, absolute: absolute}
	if p.objective() == MinVariance {
		e.root = (&Solver{set: p.Set, mean: mean}).principal()
	}
	for _, l := range p.levels() {
		e.tails = append(e.tails, newTail(p.Set, l.Alpha))
	}
	bound, _ := e.bound(blend{risk: 1}, d)
	return bound
}

// bound is DualBound for any blend; it also returns the functions of one
// weight.
func (e *engine) bound(b blend, d Dual) (bound float64, each []piecewise) {
	reduced := make([]float64, len(e.Set.Names))
	blas64.Axpy(-b.ret, vector(e.mean), vector(reduced))
	switch {
	case e.objective() == MinVariance:
		blas64.Axpy(b.risk, vector(e.steepness(d.Spread)), vector(reduced))
	case b.risk > 0:
		g := make([]float64, len(reduced))
		for k, l := range e.levels() {
			gradientOf(e.Set, e.tails[k].repair(d.Tails[k]), g)
			blas64.Axpy(b.risk*l.Weight, vector(g), vector(reduced))
		}
	}
	for k, row := range e.rows() {
		y, side := d.Rows[k], row.Lower
		if y < 0 {
			side = row.Upper
		}
		if !(y != 0) || math.IsNaN(y) || math.IsInf(y, 0) || math.IsInf(side, 0) {
			continue
		}
		bound += y * side
		blas64.Axpy(-y, vector(row.Coef), vector(reduced))
	}
	ball := b.ret*e.Radius + b.risk*e.ballRisk()
	if e.Radius > 0 && e.Norm != LInf {
		sum := 0.0
		for i, v := range d.Norm {
			if e.uncertain(i) {
				sum += math.Abs(v)
			}
		}
		if sum > 0 && !math.IsInf(sum, 1) && sum == sum {
			for i, v := range d.Norm {
				if e.uncertain(i) {
					reduced[i] += min(1, ball/sum) * v
				}
			}
		}
	}
	bound += (b.ret + b.risk) * e.sunk
	each = make([]piecewise, len(reduced))
	for i, rc := range reduced {
		each[i] = piecewise{slope: rc, ridge: e.Ridge}
		if e.Previous != nil && e.Cost != nil {
			each[i].bend((b.ret+b.risk)*e.Cost[i], e.Previous[i])
		}
		if e.Borrow != nil {
			half := (b.ret + b.risk) * e.Borrow[i] / 2
			each[i].slope -= half
			each[i].bend(half, 0)
		}
		if e.Radius > 0 && e.Norm == LInf && e.uncertain(i) {
			each[i].bend(ball, 0)
		}
	}
	for g, dist := range e.Distances {
		y := d.Distances[g]
		if !(y > 0) || math.IsInf(y, 1) {
			continue
		}
		bound -= y * (dist.Limit - dist.Constant)
		for i, a := range dist.Weight {
			each[i].bend(y*a, dist.Center[i])
		}
		for i, a := range dist.Coef {
			each[i].slope += y * a
		}
		for i, a := range dist.Short { // max(0, -w) = (|w| - w) / 2
			each[i].slope -= y * a / 2
			each[i].bend(y*a/2, 0)
		}
	}
	for i := range each {
		bound += each[i].least(e.Lower[i], e.Upper[i])
	}
	return bound, each
}

// piecewise is the function slope x + sum_k price_k |x - center_k| + ridge x^2.
type piecewise struct {
	slope, ridge   float64
	price, centers []float64
}

func (f *piecewise) bend(price, center float64) {
	if price != 0 {
		f.price, f.centers = append(f.price, price), append(f.centers, center)
	}
}

func (f *piecewise) at(x float64) float64 {
	v := f.slope*x + f.ridge*x*x
	for k, p := range f.price {
		v += p * math.Abs(x-f.centers[k])
	}
	return v
}

// rate is the slope just beside x, on the side of sign.
func (f *piecewise) rate(x, sign float64) float64 {
	r := f.slope + 2*f.ridge*x
	for k, p := range f.price {
		switch c := f.centers[k]; {
		case x > c || x == c && sign > 0:
			r += p
		default:
			r -= p
		}
	}
	return r
}

// least is the lowest value over [lo, up]: at an end, at a center, or where a
// parabola between two of them turns.
func (f *piecewise) least(lo, up float64) float64 {
	best := min(f.at(lo), f.at(up))
	ends := []float64{lo, up}
	for _, c := range f.centers {
		if c > lo && c < up {
			best = min(best, f.at(c))
			ends = append(ends, c)
		}
	}
	if f.ridge > 0 {
		slices.Sort(ends)
		for k := 1; k < len(ends); k++ {
			turn := ends[k-1] - f.rate(ends[k-1], 1)/(2*f.ridge)
			best = min(best, f.at(min(max(turn, ends[k-1]), ends[k])))
		}
	}
	return best
}

// repair returns the nearest thing to q that is a measure of the tail: it
// clips to the box, then scales down to sum 1, or fills scenarios up by the
// same share of the room that they have left: those that q already pays for,
// and all of them only where that is not enough. Any of it stays inside the
// box.
func (t tail) repair(q []float64) []float64 {
	fixed := make([]float64, len(q))
	sum, room, paid := 0.0, 0.0, 0.0
	for j, v := range q {
		if v > 0 { // NaN is nothing
			fixed[j] = min(v, t.cap(j))
			paid += t.cap(j) - fixed[j]
		}
		sum += fixed[j]
		room += t.cap(j) - fixed[j]
	}
	among := paid > 1-sum
	if among {
		room = paid
	}
	for j, v := range fixed {
		switch {
		case sum > 1:
			fixed[j] = v / sum
		case room > 0 && !(among && v == 0):
			fixed[j] = v + (t.cap(j)-v)*min(1, (1-sum)/room)
		}
	}
	return fixed
}

// gap is relative as Certificate says.
func gap(primal, bound, scale float64) float64 {
	if d := max(math.Abs(primal), scale); d > 0 {
		return (primal - bound) / d
	}
	return primal - bound
}

// violation returns the largest amount by which w leaves a bound, row or
// distance, in the unit of that row, and the name of it. What rounding adds up
// to in a sum of float64 is no violation.
func (p *Problem) violation(w []float64) (most float64, name string) {
	note := func(by float64, what string) {
		if by > most && by > violation {
			most, name = by, what
		}
	}
	for i, x := range w {
		note(p.Lower[i]-x, p.Set.Names[i])
		note(x-p.Upper[i], p.Set.Names[i])
	}
	for _, row := range p.rows() {
		v := blas64.Dot(vector(row.Coef), vector(w))
		note(row.Lower-v, row.Name)
		note(v-row.Upper, row.Name)
	}
	for _, d := range p.Distances {
		note(d.of(w)-d.Limit, d.Name)
	}
	return most, name
}
