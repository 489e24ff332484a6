package scenarios

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"allocate/returns"
)

// leastOverlap is the fewest common days from which a correlation is taken.
// Two strategies with fewer get the one that others imply.
const leastOverlap = 60

// pairs holds the estimates from the common days of each pair of strategies.
type pairs struct {
	rho  *mat.SymDense // Pearson's correlation of the normal scores; 0 without common days
	days *mat.SymDense // their number; on the diagonal a strategy's own
}

// newPairs computes all pairs at once, by products of the N x T matrix of
// scores (0 where missing) with itself and with its mask.
func newPairs(score [][]float64) pairs {
	n, t := len(score), len(score[0])
	x, present := general(n, t), general(n, t)
	square := general(n, t)
	missing := false
	for i, row := range score {
		for k, z := range row {
			if math.IsNaN(z) {
				missing = true
				continue
			}
			x.Data[i*t+k], present.Data[i*t+k], square.Data[i*t+k] = z, 1, z*z
		}
	}
	product := func(a, b blas64.General) blas64.General {
		c := general(n, n)
		blas64.Gemm(blas.NoTrans, blas.Trans, 1, a, b, 0, c)
		return c
	}
	cross := product(x, x)
	p := pairs{mat.NewSymDense(n, nil), mat.NewSymDense(n, nil)}
	var count, sum, squares blas64.General // [i*n+j]: of i's scores on the days that j has, too
	if missing {
		count, sum, squares = product(present, present), product(x, present), product(square, present)
	}
	for i := range n {
		for j := i; j < n; j++ {
			days, si, sj, qi, qj := float64(t), 0.0, 0.0, cross.Data[i*n+i], cross.Data[j*n+j]
			if missing {
				days = count.Data[i*n+j]
				si, sj = sum.Data[i*n+j], sum.Data[j*n+i]
				qi, qj = squares.Data[i*n+j], squares.Data[j*n+i]
			}
			p.days.SetSym(i, j, days)
			if i == j {
				p.rho.SetSym(i, i, 1)
				continue
			}
			vi, vj := qi-si*si/days, qj-sj*sj/days
			if days >= 2 && vi > 1e-12 && vj > 1e-12 {
				p.rho.SetSym(i, j, max(-1, min(1, (cross.Data[i*n+j]-si*sj/days)/math.Sqrt(vi*vj))))
			}
		}
	}
	return p
}

func general(r, c int) blas64.General {
	return blas64.General{Rows: r, Cols: c, Stride: c, Data: make([]float64, r*c)}
}

// complete moves each correlation towards the mean of all, by
//
//	v/(v + tau^2),  v = (1 - rho^2)^2/days,  tau^2 = mean((rho - mean)^2 - v),
//
// the share of its distance from the mean that is sampling error: the constant
// correlation target of Ledoit and Wolf (2004) with the intensity of Schaefer
// and Strimmer (2005), pair by pair, since a ragged history knows some pairs
// far better than others. A pair with fewer than leastOverlap common days gets
// what the others imply. It also returns the mean intensity and the mean
// correlation.
// Without shrinkage each keeps its own.
func (p pairs) complete(shrink bool) (r *mat.SymDense, intensity, mean float64) {
	n := p.rho.SymmetricDim()
	r = mat.NewSymDense(n, nil)
	var known, sum, spread float64
	variance := func(i, j int) float64 {
		u := 1 - p.rho.At(i, j)*p.rho.At(i, j)
		return u * u / p.days.At(i, j)
	}
	upper := func(f func(i, j int)) {
		for i := range n {
			for j := i + 1; j < n; j++ {
				f(i, j)
			}
		}
	}
	upper(func(i, j int) {
		if p.days.At(i, j) >= leastOverlap {
			known, sum = known+1, sum+p.rho.At(i, j)
		}
	})
	if known > 0 {
		mean = sum / known
	}
	upper(func(i, j int) {
		if p.days.At(i, j) >= leastOverlap {
			d := p.rho.At(i, j) - mean
			spread += (d*d - variance(i, j)) / known
		}
	})
	spread = max(spread, 0)
	upper(func(i, j int) {
		if p.days.At(i, j) < leastOverlap {
			return
		}
		rho, weight := p.rho.At(i, j), 0.0
		if v := variance(i, j); shrink && v > 0 && known > 1 { // a lone pair has nothing to be moved to
			weight = v / (v + spread)
		}
		intensity += weight / known
		r.SetSym(i, j, rho+weight*(mean-rho))
	})
	implied := mat.NewSymDense(n, nil)
	upper(func(i, j int) {
		if p.days.At(i, j) < leastOverlap {
			implied.SetSym(i, j, p.implied(r, i, j, mean))
		}
	})
	upper(func(i, j int) {
		if p.days.At(i, j) < leastOverlap {
			r.SetSym(i, j, implied.At(i, j))
		}
	})
	for i := range n {
		r.SetSym(i, i, 1)
	}
	return r, intensity, mean
}

// overlap returns the harmonic mean of the common days of all pairs that have enough,
// the number of days whose sampling error their correlations have on average.
func (p pairs) overlap() float64 {
	inverse, known := 0.0, 0.0
	for i := range p.days.SymmetricDim() {
		for j := range i {
			if d := p.days.At(i, j); d >= leastOverlap {
				inverse, known = inverse+1/d, known+1
			}
		}
	}
	if known == 0 {
		return leastOverlap
	}
	return known / inverse
}

// goBetweens is how many others an unknown correlation is inferred from.
const goBetweens = 8

// implied returns the correlation of i and j, which share too few days, if
// they are independent given the others: r_iK R_KK^-1 r_Kj, which of all
// completions leaves the matrix the largest determinant (Dempster 1972). K are
// the strategies that are best correlated with both; without any it is the
// mean correlation of all pairs.
func (p pairs) implied(r *mat.SymDense, i, j int, mean float64) float64 {
	var among []int
	link := func(k int) float64 { return math.Abs(p.rho.At(i, k) * p.rho.At(j, k)) }
	for k := range r.SymmetricDim() {
		if k != i && k != j && p.days.At(i, k) >= leastOverlap && p.days.At(j, k) >= leastOverlap {
			among = append(among, k)
		}
	}
	if len(among) == 0 {
		return mean
	}
	sort.SliceStable(among, func(a, b int) bool { return link(among[a]) > link(among[b]) })
	among = among[:min(len(among), goBetweens)]
	to := mat.NewVecDense(len(among), nil)
	known := mat.NewSymDense(len(among), nil)
	for a, k := range among {
		to.SetVec(a, r.At(j, k))
		for b, l := range among {
			switch {
			case a == b:
				known.SetSym(a, a, 1)
			case p.days.At(k, l) >= leastOverlap:
				known.SetSym(a, b, r.At(k, l))
			}
		}
	}
	sum := 0.0
	for a, x := range solveDamped(nearestCorrelation(known), to) {
		sum += r.At(i, among[a]) * x
	}
	return max(-1, min(1, sum))
}

// short reports strategies that share few days with others.
func (p pairs) short(strategies []Strategy) []returns.Finding {
	var findings []returns.Finding
	n := len(strategies)
	for i := range n {
		pairs, fewest, other := 0, 0.0, 0
		for j := i + 1; j < n; j++ {
			if d := p.days.At(i, j); d < leastOverlap {
				if pairs == 0 || d < fewest {
					fewest, other = d, j
				}
				pairs++
			}
		}
		if pairs > 0 {
			findings = append(findings, returns.Finding{
				Code: "scenarios.overlap", Severity: returns.Warn, Strategy: strategies[i].Series.Strategy.Name,
				Numbers:  map[string]float64{"days": fewest, "pairs": float64(pairs), "limit": leastOverlap},
				Sentence: fmt.Sprintf("Fewer than %d common days with %s (%.0f with %q); their correlations are shrunk to those implied by other strategies.", leastOverlap, returns.Count(pairs, "strategy"), fewest, strategies[other].Series.Strategy.Name),
			})
		}
	}
	return findings
}

// ofErrors returns the correlation of the estimation errors of strategies
// whose returns have correlation r: an error is a sum over the days a strategy
// has, of which only the common ones are correlated, so that
//
//	r_ij days_ij / sqrt(days_i days_j).
//
// It is positive definite where r is (Schur's product theorem).
func (p pairs) ofErrors(r *mat.SymDense) *mat.SymDense {
	n := r.SymmetricDim()
	c := mat.NewSymDense(n, nil)
	for i := range n {
		c.SetSym(i, i, 1)
		for j := i + 1; j < n; j++ {
			c.SetSym(i, j, r.At(i, j)*p.days.At(i, j)/math.Sqrt(max(1, p.days.At(i, i)*p.days.At(j, j))))
		}
	}
	return c
}

// eigenFloor keeps the repaired matrix safely positive definite: identical
// strategies are allowed, and move together to one part in a million.
const eigenFloor = 1e-6

// nearestCorrelation repairs what pairwise estimation may break: eigenvalues
// are raised to a floor and the diagonal is scaled back to one (Rebonato and
// Jaeckel 1999, spectral decomposition).
func nearestCorrelation(r *mat.SymDense) *mat.SymDense {
	n := r.SymmetricDim()
	var eigen mat.EigenSym
	if !eigen.Factorize(r, true) {
		panic("scenarios: the eigendecomposition of the correlation matrix failed") // only for NaN, which newPairs never makes
	}
	values := eigen.Values(nil)
	if values[0] >= eigenFloor {
		return r
	}
	var v, scaled, full mat.Dense
	eigen.VectorsTo(&v)
	scaled.Apply(func(_, j int, x float64) float64 { return x * max(values[j], eigenFloor) }, &v)
	full.Mul(&scaled, v.T())
	fixed := mat.NewSymDense(n, nil)
	for i := range n {
		fixed.SetSym(i, i, 1)
		for j := i + 1; j < n; j++ {
			fixed.SetSym(i, j, full.At(i, j)/math.Sqrt(full.At(i, i)*full.At(j, j)))
		}
	}
	return fixed
}
