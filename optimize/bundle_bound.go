package optimize

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
)

// lagrangian returns a lower bound on F over all admissible weights from any
// prices. They are made feasible first: one that leans on an absent side is
// dropped, the mixture of cuts is scaled to the whole factor of R, the slope of
// the norm into its dual ball. What is left is a sum of functions of one weight
// each, which are charged at their least between the finite bounds: weak
// duality, as in DualBound, with the terms |w_i - c| and w_i^2 kept whole.
//
// The prices of degenerate rows may be of any size and must not turn rounding into a
// proof: the bound is lowered by the rounding error of the sums.
func (b *bundleMethod) lagrangian(goal aim, y prices) float64 {
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
	} else {
		norm := slices.Clone(y.norm)
		for i := range norm {
			norm[i] *= b.shape.ones[i]
		}
		if total := blas64.Asum(vector(norm)); total > 0 {
			lean(min(1, ball/total), norm)
		}
	}
	if p.Previous != nil {
		bend(goal.m+goal.rho+limit, p.Cost, p.Previous)
	}
	add((goal.m + goal.rho + limit) * p.sunk)
	half := (goal.m + goal.rho + limit) / 2
	lean(-half, p.Borrow)
	bend(half, p.Borrow, b.shape.zeros)
	for k, d := range p.Distances {
		if z := y.distances[k]; z > 0 {
			add(z * (d.Constant - d.Limit))
			bend(z, d.Weight, d.Center)
			lean(z, d.Coef)
			lean(-z/2, d.Short)
			bend(z/2, d.Short, b.shape.zeros)
		}
	}
	for i, s := range slope {
		lo, up := p.Lower[i], p.Upper[i]
		add(leastKinked(s, goal.ridge, bent[i], lo, up))
		reach := max(math.Abs(lo), math.Abs(up))
		size += (gross[i] + goal.ridge*reach) * reach
	}
	return bound - boundGuard*size
}

// kinked is the term factor |x - at|.
type kinked struct{ at, factor float64 }

// leastKinked returns the least of slope x + square x^2 + sum factor |x - at|
// over [lo, up]: at a bound, at a corner, or where the slope of a piece is 0.
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
