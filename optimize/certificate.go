package optimize

import (
	"math"

	"gonum.org/v1/gonum/blas/blas64"
)

// Certificate proves how far weights are from the least possible CVaR. All
// losses are horizon fractions, positive when money is lost.
//
// A gap is (CVaR - DualBound) / max(|CVaR|, Scale), where Scale is the mean
// absolute scenario return: relative, yet meaningful when the CVaR is near
// zero, and the same in per cent as in fractions. The bound is rigorous up to
// the rounding of its own sums (1e-14 of Scale for a long-only book, 1e-11 for
// long gross leverage over all scenarios), so that the gap of an exact vertex
// may come out negative by as much. Exported weights may also
// have a negative gap when rounding broke a constraint, by MaxViolation.
type Certificate struct {
	Primal       float64 `json:"primal"`        // CVaR of the exported weights
	DualBound    float64 `json:"dual_bound"`    // no admissible portfolio has a lower CVaR
	Gap          float64 `json:"gap"`           // of the exported weights, relative
	ExactPrimal  float64 `json:"exact_primal"`  // CVaR of the vertex before rounding
	ExactGap     float64 `json:"exact_gap"`     // of the vertex, relative; the status depends on it
	MaxViolation float64 `json:"max_violation"` // largest violation of a bound or row by the exported weights
	Violated     string  `json:"violated"`      // the constraint with that violation; empty when there is none
	Scale        float64 `json:"scale"`         // mean absolute scenario return
}

// DualBound returns a lower bound on the CVaR of every admissible portfolio
// from any vectors q (S, one per scenario) and y (1 + number of Constraints,
// the budget first, in CVaR per unit of the row's side).
//
// The point is made feasible first: q is clipped to [0, p_j/(1-alpha)] and
// moved to sum 1, a y that leans on an absent side is dropped. Since the bounds
// are finite, what is left of the reduced costs rc = L'q - A'y is then charged
// at the worst bound:
//
//	sum_k (y_k > 0 ? y_k lower_k : y_k upper_k) + sum_i min(rc_i lo_i, rc_i up_i)
//
// which is weak duality (Neumaier and Shcherbina 2004, section 3).
func (p *Problem) DualBound(q, y []float64) float64 {
	bound, _ := p.dualBound(newTail(p.Set, p.Alpha), q, y)
	return bound
}

func (p *Problem) dualBound(t tail, q, y []float64) (bound float64, reduced []float64) {
	feasible := t.repair(q)
	reduced = make([]float64, len(p.Set.Names))
	gradientOf(p.Set, feasible, reduced)
	for k, row := range p.rows() {
		side := row.Lower
		if y[k] < 0 {
			side = row.Upper
		}
		if y[k] == 0 || math.IsInf(side, 0) {
			continue
		}
		bound += y[k] * side
		blas64.Axpy(-y[k], vector(row.Coef), vector(reduced))
	}
	for i, rc := range reduced {
		bound += min(rc*p.Lower[i], rc*p.Upper[i])
	}
	return bound, reduced
}

// repair returns the nearest thing to q that is a measure of the tail: it
// clips to the box, then scales down to sum 1, or fills every scenario up by
// the same share of the room that it has left. Either stays inside the box.
func (t tail) repair(q []float64) []float64 {
	fixed := make([]float64, len(q))
	sum, room := 0.0, 0.0
	for j, v := range q {
		if v > 0 { // NaN is nothing
			fixed[j] = min(v, t.cap(j))
		}
		sum += fixed[j]
		room += t.cap(j) - fixed[j]
	}
	for j, v := range fixed {
		if sum > 1 {
			fixed[j] = v / sum
		} else if room > 0 {
			fixed[j] = v + (t.cap(j)-v)*min(1, (1-sum)/room)
		}
	}
	return fixed
}

// meanAbsolute is the probability-weighted mean absolute return of all
// strategies.
func (p *Problem) meanAbsolute() float64 {
	total := 0.0
	for j := range p.Set.Len() {
		row := 0.0
		for _, r := range p.Set.Row(j) {
			row += math.Abs(r)
		}
		total += p.Set.Probability(j) * row
	}
	return total / float64(len(p.Set.Names))
}

// gap is relative as Certificate says.
func gap(primal, bound, scale float64) float64 {
	if d := max(math.Abs(primal), scale); d > 0 {
		return (primal - bound) / d
	}
	return primal - bound
}

// violation returns the largest amount by which w leaves a bound or row, in
// the unit of that row, and the name of it. What rounding adds up to in a sum
// of float64 is no violation.
func (p *Problem) violation(w []float64) (most float64, name string) {
	note := func(by float64, what string) {
		if by > most && by > 1e-13 {
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
	return most, name
}
