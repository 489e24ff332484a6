package scenarios

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mathext"
)

// lattice spreads the scenarios evenly along the two directions that carry
// most of a portfolio's risk: the sum of all strategies over all days, and the
// sum of all choices of posterior draws. It is a randomly shifted Kronecker
// sequence (Cranley and Patterson 1976) with the generator of Roberts (2018),
// whose every prefix is even. The component of the innovations along a
// direction is replaced by the lattice's and what is orthogonal to it stays
// random, so that every scenario keeps its exact distribution.
type lattice struct{ shift [2]float64 }

// Powers of the inverse of the plastic number, the root of x^3 = x + 1.
const (
	generator1 = 0.75487766624669276
	generator2 = 0.56984029099805327
)

func newLattice(src rand.Source) *lattice {
	rng := rand.New(src)
	return &lattice{[2]float64{rng.Float64(), rng.Float64()}}
}

// at returns scenario s's standard normal number in direction i.
func (l *lattice) at(s, i int) float64 {
	g := generator1
	if i == 1 {
		g = generator2
	}
	_, u := math.Modf(l.shift[i] + float64(s)*g)
	return mathext.NormalQuantile(max(u, 1e-16))
}

// direction returns the unit vector, in the space of the independent rows that
// a mixer starts from, along which the sum of the mixed rows grows fastest;
// for factors it is a direction of the factors. nil: there is none.
func (m *mixer) direction(n int) []float64 {
	var e []float64
	switch {
	case m == nil:
		return nil
	case m.own == nil:
		e = make([]float64, n)
		for i := range n {
			for k := range i + 1 {
				e[k] += m.lower.Data[i*m.lower.Stride+k]
			}
		}
	default:
		e = make([]float64, m.loadings.Cols)
		for i := range n {
			for k := range e {
				e[k] += m.loadings.Data[i*m.loadings.Stride+k]
			}
		}
	}
	norm := 0.0
	for _, v := range e {
		norm += v * v
	}
	if norm == 0 {
		return nil
	}
	for k := range e {
		e[k] /= math.Sqrt(norm)
	}
	return e
}

// spread replaces the component along direction e of scenarios lo..hi, each of
// days columns of the rows y, by that of the lattice. Scenario 0 of y is
// scenario first of the set.
func (l *lattice) spread(y blas64.General, e []float64, days, lo, hi, first, which int) {
	if e == nil {
		return
	}
	root := math.Sqrt(float64(days))
	for s := lo; s < hi; s++ {
		sum := 0.0
		for k, v := range e {
			part := 0.0
			for _, x := range y.Data[k*y.Stride+s*days : k*y.Stride+(s+1)*days] {
				part += x
			}
			sum += v * part
		}
		shift := (l.at(first+s, which) - sum/root) / root
		for k, v := range e {
			row := y.Data[k*y.Stride+s*days : k*y.Stride+(s+1)*days]
			for i := range row {
				row[i] += v * shift
			}
		}
	}
}
