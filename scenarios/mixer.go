package scenarios

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// mixer makes independent standard normal rows correlated. With a Cholesky
// factor L, y = L e of N rows of their own; with K factors, y = B f + d e.
// A nil mixer leaves rows as they are.
type mixer struct {
	lower    blas64.Triangular // N x N, or
	loadings blas64.General    // N x K, and
	own      []float64         // d: standard deviation beside the factors, sqrt(1 - |B_j|^2)
}

// mostFull is the number of strategies up to which the correlation is used in
// full; more are put on common factors, at a cost of N K instead of N^2 per day.
const mostFull = 200

// newMixer factors a correlation matrix that need not be positive definite.
// days is the number of days it was estimated from.
func newMixer(r *mat.SymDense, days int) (*mixer, error) {
	n := r.SymmetricDim()
	if n > mostFull {
		return newFactors(r, days), nil
	}
	var chol mat.Cholesky
	if !chol.Factorize(nearestCorrelation(r)) {
		return nil, fmt.Errorf("scenarios: the correlation of %d strategies is not positive definite", n)
	}
	var l mat.TriDense
	chol.LTo(&l)
	return &mixer{lower: l.RawTriangular()}, nil
}

// factors returns K, 0 for a full factor.
func (m *mixer) factors() int { return m.loadings.Cols }

// newFactors fits common factors by the principal factor method (Harman 1976,
// chapter 8): the loadings are the leading eigenvectors of the correlation
// whose diagonal is replaced by the communalities, found in a few rounds. As
// many factors are kept as there are eigenvalues that T days of independent
// returns would not show, (1 + sqrt(N/T))^2 and more (Marchenko and Pastur
// 1967), at least one and at most mostFactors.
func newFactors(r *mat.SymDense, days int) *mixer {
	n := r.SymmetricDim()
	m := &mixer{own: make([]float64, n)}
	edge := 1 + math.Sqrt(float64(n)/float64(max(1, days)))
	reduced := mat.NewSymDense(n, nil)
	reduced.CopySym(r)
	k := 0
	for round := range 3 {
		values, vectors := leading(reduced, min(mostFactors, n/2))
		if round == 0 {
			for k = 1; k < len(values) && values[k] > edge*edge; k++ {
			}
		}
		m.loadings = general(n, k)
		for i := range n {
			communality := 0.0
			for f := range k {
				b := vectors.Data[i*vectors.Stride+f] * math.Sqrt(max(values[f], 0))
				m.loadings.Data[i*k+f] = b
				communality += b * b
			}
			if communality > 1-eigenFloor {
				shrink := math.Sqrt((1 - eigenFloor) / communality)
				for f := range k {
					m.loadings.Data[i*k+f] *= shrink
				}
				communality = 1 - eigenFloor
			}
			reduced.SetSym(i, i, communality)
			m.own[i] = math.Sqrt(1 - communality)
		}
	}
	return m
}

const (
	mostFactors = 40
	iterations  = 40
)

// leading returns the k largest eigenvalues, falling, and their eigenvectors as
// columns, by subspace iteration with Rayleigh-Ritz (Golub and Van Loan, 8.2):
// what lies apart in the spectrum, as factors do, converges in a few rounds.
func leading(a *mat.SymDense, k int) ([]float64, blas64.General) {
	n := a.SymmetricDim()
	full := blas64.Symmetric(a.RawSymmetric())
	q, y := general(n, k), general(n, k)
	for i := range q.Data {
		q.Data[i] = math.Cos(float64(i*i%104729) * 0.7) // any start that is not deficient
	}
	orthonormalize(q)
	for range iterations {
		blas64.Symm(blas.Left, 1, full, q, 0, y)
		q, y = y, q
		orthonormalize(q)
	}
	blas64.Symm(blas.Left, 1, full, q, 0, y)
	small := general(k, k)
	blas64.Gemm(blas.Trans, blas.NoTrans, 1, q, y, 0, small)
	sym := mat.NewSymDense(k, nil)
	for i := range k {
		for j := i; j < k; j++ {
			sym.SetSym(i, j, small.Data[i*k+j])
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(sym, true) {
		panic("scenarios: the eigendecomposition of a projected correlation matrix failed")
	}
	rising := eigen.Values(nil)
	var v mat.Dense
	eigen.VectorsTo(&v)
	values, vectors := make([]float64, k), general(n, k)
	reversed := general(k, k)
	for f := range k {
		values[f] = rising[k-1-f]
		for i := range k {
			reversed.Data[i*k+f] = v.At(i, k-1-f)
		}
	}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, q, reversed, 0, vectors)
	return values, vectors
}

// orthonormalize makes the columns of q orthonormal, by Gram and Schmidt's
// method done twice.
func orthonormalize(q blas64.General) {
	column := func(f int) blas64.Vector {
		return blas64.Vector{N: q.Rows, Inc: q.Stride, Data: q.Data[f:]}
	}
	for f := range q.Cols {
		v := column(f)
		for range 2 {
			for e := range f {
				blas64.Axpy(-blas64.Dot(column(e), v), column(e), v)
			}
		}
		blas64.Scal(1/blas64.Nrm2(v), v)
	}
}

// mix correlates columns lo..hi of the rows y (N x width), in place; factors
// (K x width) are the common part, for a mixer that has one.
func (m *mixer) mix(y, factors blas64.General, lo, hi int) {
	if m == nil {
		return
	}
	part := columns(y, lo, hi)
	if m.own == nil {
		blas64.Trmm(blas.Left, blas.NoTrans, 1, m.lower, part)
		return
	}
	for j, d := range m.own {
		row := part.Data[j*part.Stride : j*part.Stride+hi-lo]
		for i := range row {
			row[i] *= d
		}
	}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, m.loadings, columns(factors, lo, hi), 1, part)
}

// columns returns the columns lo..hi of a, which it aliases.
func columns(a blas64.General, lo, hi int) blas64.General {
	return blas64.General{Rows: a.Rows, Cols: hi - lo, Stride: a.Stride, Data: a.Data[lo : (a.Rows-1)*a.Stride+hi]}
}
