package scenarios

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// nonlinear shrinks the eigenvalues of a correlation matrix estimated from days days:
// the analytical estimator of Ledoit and Wolf (Annals of Statistics 48, 2020, section
// 4.7), an Epanechnikov kernel with a bandwidth of days^(-1/3) times the eigenvalue. Large
// eigenvalues, which sampling error inflates, fall, small ones rise, each as far as the
// others nearby say. The diagonal is set to one (scaling rows, as is usual, moves the
// correlations too: of 100 strategies on 2,520 days their squared error is 0.83 so, and
// 1.66 with scaling, where the sample has 1.44), and the eigenvalues are at least eigenFloor.
//
// A matrix of pairs that share different days may have eigenvalues below 0, which count
// as eigenFloor; days is then the harmonic mean over the pairs.
func nonlinear(r *mat.SymDense, days float64) *mat.SymDense {
	n := r.SymmetricDim()
	if n < 2 {
		return r
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(r, true) {
		panic("scenarios: the eigendecomposition of the correlation matrix failed") // only for NaN, which newPairs never makes
	}
	var v, scaled, full mat.Dense
	eigen.VectorsTo(&v)
	shrunk := shrunkEigenvalues(eigen.Values(nil), days)
	scaled.Apply(func(_, j int, x float64) float64 { return x * shrunk[j] }, &v)
	full.Mul(&scaled, v.T())
	out := mat.NewSymDense(n, nil)
	for i := range n {
		out.SetSym(i, i, 1)
		for j := i + 1; j < n; j++ {
			out.SetSym(i, j, full.At(i, j))
		}
	}
	return nearestCorrelation(out)
}

// shrunkEigenvalues returns the optimal ones of rising sample eigenvalues.
func shrunkEigenvalues(sample []float64, days float64) []float64 {
	n := len(sample)
	days = max(2, days-1)        // one goes with the mean
	first := max(0, n-int(days)) // those before are 0 in the sample
	lambda := make([]float64, 0, n)
	for _, x := range sample[first:] {
		lambda = append(lambda, max(x, eigenFloor))
	}
	k := float64(len(lambda))
	c, h, root := float64(n)/days, math.Pow(days, -1.0/3), math.Sqrt(5)
	out := make([]float64, n)
	inverse := 0.0
	for i, at := range lambda {
		density, hilbert := 0.0, 0.0 // of the spectrum, and its Hilbert transform
		for _, node := range lambda {
			width := h * node
			x := (at - node) / width
			density += max(1-x*x/5, 0) * 3 / (4 * root) / width / k
			hilbert += hilbertOf(x) / width / k
		}
		if first > 0 {
			out[first+i] = at / (math.Pi * math.Pi * at * at * (density*density + hilbert*hilbert))
		} else {
			a, b := math.Pi*c*at*density, 1-c-math.Pi*c*at*hilbert
			out[i] = at / (a*a + b*b)
		}
		inverse += 1 / at / k
	}
	if first > 0 {
		hilbert := 1 / math.Pi * (3/(10*h*h) + 3/(4*root*h)*(1-1/(5*h*h))*math.Log((1+root*h)/(1-root*h))) * inverse
		for i := range first {
			out[i] = 1 / (math.Pi * (float64(n) - days) / days * hilbert)
		}
	}
	for i := range out {
		out[i] = max(out[i], eigenFloor)
	}
	return out
}

// hilbertOf returns the Hilbert transform of Epanechnikov's kernel of variance 1. Far out,
// where its terms cancel, it is that of the moments, -(1 + 1/x^2 + 15/(7 x^4))/(pi x).
func hilbertOf(x float64) float64 {
	if x*x > 1e4 {
		return -(1 + (1+15/(7*x*x))/(x*x)) / (math.Pi * x)
	}
	t := -3 / (10 * math.Pi) * x
	root := math.Sqrt(5)
	if away := math.Abs((root - x) / (root + x)); away > 0 && !math.IsInf(away, 0) {
		t += 3 / (4 * root * math.Pi) * (1 - x*x/5) * math.Log(away)
	}
	return t
}
