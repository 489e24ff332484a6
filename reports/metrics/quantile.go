package metrics

import (
	"cmp"
	"math"
	"slices"
)

// quantile is that of Hyndman & Fan (1996), type 7: linear between the order
// statistics at p(n-1), the default of R and numpy. It rearranges x and is NaN
// for none.
func quantile(x []float64, p float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	h := p * float64(len(x)-1)
	k := min(int(h), len(x)-1)
	low := nth(x, k)
	if k == len(x)-1 || h == float64(k) {
		return low
	}
	high := slices.Min(x[k+1:])
	return low + (h-float64(k))*(high-low)
}

// worst returns the historical VaR and CVaR of equally likely returns, which
// it rearranges. The return that straddles the tail counts with the fraction
// of it that lies inside (Rockafellar & Uryasev 2002, proposition 8); if whole
// days fill the tail, VaR is the next smaller loss, the lower quantile.
func worst(x []float64, alpha float64) (valueAtRisk, cvar float64) {
	n := len(x)
	size := tailSize(alpha) * float64(n)
	if k := math.Round(size); k >= 1 && math.Abs(k-size) < 1e-9*float64(n) {
		size = k
	}
	k := min(int(size), n-1)
	at := nth(x, k)
	beyond := 0.0 // summed from VaR, which CVaR then cannot fall below by rounding
	for _, r := range x[:k] {
		beyond += at - r
	}
	return 0 - at, beyond/size - at
}

// tailSize is 1-alpha as the reader of alpha meant it: 1-0.95 is slightly above
// 0.05 in binary and 1-0.9 slightly below 0.1, which would move a whole day in
// or out of the tail.
func tailSize(alpha float64) float64 {
	size := 1 - alpha
	if r := math.Round(size*1e12) / 1e12; math.Abs(r-size) < 1e-15 {
		return r
	}
	return size
}

// Tail returns VaR and CVaR at confidence alpha, in [0, 1), of returns that
// have the given weights, or equal ones if weights is nil. Both are positive
// losses in the unit of the returns. Weights need not sum to 1; those of zero
// do not count. An atom that straddles alpha counts with the fraction of it in
// the tail (Rockafellar & Uryasev 2002, proposition 8). NaN for no returns, a
// NaN among them, and weights that are negative, not finite, or all zero.
func Tail(returns, weights []float64, alpha float64) (valueAtRisk, cvar float64) {
	if !(alpha >= 0 && alpha < 1) {
		panic("metrics: alpha is not in [0, 1)")
	}
	if !usable(returns, weights) {
		return math.NaN(), math.NaN()
	}
	if weights == nil {
		return worst(slices.Clone(returns), alpha)
	}
	atoms, total := sorted(returns, weights)
	size := tailSize(alpha) * total
	k, used := 0, atoms[0].mass
	for k < len(atoms)-1 && used <= size*(1+1e-12) {
		k++
		used += atoms[k].mass
	}
	at, beyond := atoms[k].x, 0.0
	for _, a := range atoms[:k] {
		beyond += a.mass * (at - a.x)
	}
	return 0 - at, beyond/size - at
}

// atom is a possible value and its probability, up to a constant.
type atom struct{ x, mass float64 }

// sorted returns the atoms of positive mass in order of x, and their mass.
func sorted(x, weights []float64) (atoms []atom, total float64) {
	atoms = make([]atom, 0, len(x))
	for i, v := range x {
		mass := 1.0
		if weights != nil {
			mass = weights[i]
		}
		if mass > 0 {
			atoms = append(atoms, atom{v, mass})
			total += mass
		}
	}
	slices.SortFunc(atoms, func(a, b atom) int { return cmp.Compare(a.x, b.x) })
	return atoms, total
}

// usable says whether x is a distribution. Different lengths are a bug.
func usable(x, weights []float64) bool {
	if weights != nil && len(weights) != len(x) {
		panic("metrics: weights and scenarios differ in length")
	}
	for _, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	if weights == nil {
		return len(x) > 0
	}
	total := 0.0
	for _, w := range weights {
		if !(w >= 0) {
			return false
		}
		total += w
	}
	return total > 0 && !math.IsInf(total, 1)
}

// nth rearranges x so that x[k] is the k-th smallest and nothing before it is
// larger (Hoare 1961). The pivot is the median of three; x holds no NaN.
func nth(x []float64, k int) float64 {
	low, high := 0, len(x)-1
	for low < high {
		a, b, c := x[low], x[low+(high-low)/2], x[high]
		pivot := max(min(a, b), min(max(a, b), c))
		i, j := low, high
		for i <= j {
			for x[i] < pivot {
				i++
			}
			for x[j] > pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			high = j
		case k >= i:
			low = i
		default:
			return x[k]
		}
	}
	return x[k]
}
