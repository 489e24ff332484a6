package nuts

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
)

// metric is a covariance Σ = LLᵀ of the parameters (the inverse mass matrix),
// held as its factor.
type metric struct {
	dim   int
	dense bool
	rows  []float64 // L by rows, packed lower triangle; if diagonal, its diagonal
	cols  []float64 // L by columns, packed; nil if diagonal
}

func newMetric(dim int, dense bool) *metric {
	m := &metric{dim: dim, dense: dense}
	if dense {
		n := dim * (dim + 1) / 2
		m.rows, m.cols = make([]float64, n), make([]float64, n)
	} else {
		m.rows = make([]float64, dim)
	}
	return m
}

// errNotPositive means that a covariance has no Cholesky factor.
var errNotPositive = errors.New("covariance is not finite and positive definite")

// setCovariance takes a full covariance; a diagonal metric keeps its diagonal.
func (m *metric) setCovariance(sigma mat.Symmetric) error {
	if !m.dense {
		v := make([]float64, m.dim)
		for i := range v {
			v[i] = sigma.At(i, i)
		}
		return m.setVariances(v)
	}
	var chol mat.Cholesky
	if !chol.Factorize(sigma) {
		return errNotPositive
	}
	var l mat.TriDense
	chol.LTo(&l)
	return m.setFactor(&l)
}

// setVariances takes the variances of uncorrelated parameters.
func (m *metric) setVariances(v []float64) error {
	for _, s := range v {
		if !(s > 0) || math.IsInf(s, 1) {
			return errNotPositive
		}
	}
	if m.dense {
		l := mat.NewTriDense(m.dim, mat.Lower, nil)
		for i, s := range v {
			l.SetTri(i, i, math.Sqrt(s))
		}
		return m.setFactor(l)
	}
	for i, s := range v {
		m.rows[i] = math.Sqrt(s)
	}
	return nil
}

func (m *metric) setFactor(l mat.Matrix) error {
	for i := range m.dim {
		d := l.At(i, i)
		if !(d > 0) || math.IsInf(d, 1) {
			return errNotPositive
		}
	}
	k, n := 0, 0
	for i := range m.dim {
		for j := range i + 1 {
			m.rows[k] = l.At(i, j)
			k++
		}
		for j := i; j < m.dim; j++ {
			m.cols[n] = l.At(j, i)
			n++
		}
	}
	return nil
}

// pull whitens a gradient: dst = Lᵀ grad.
func (m *metric) pull(dst, grad []float64) {
	if !m.dense {
		for i, l := range m.rows {
			dst[i] = l * grad[i]
		}
		return
	}
	cols := m.cols
	for j := range dst {
		var s float64
		for i, v := range grad[j:] {
			s += cols[i] * v
		}
		dst[j] = s
		cols = cols[m.dim-j:]
	}
}

// factor returns L of a dense metric.
func (m *metric) factor() *mat.TriDense {
	l := mat.NewTriDense(m.dim, mat.Lower, nil)
	k := 0
	for i := range m.dim {
		for j := range i + 1 {
			l.SetTri(i, j, m.rows[k])
			k++
		}
	}
	return l
}

// covariance returns Σ, or nil for a diagonal metric.
func (m *metric) covariance() *mat.SymDense {
	if !m.dense {
		return nil
	}
	l, sigma := m.factor(), mat.NewSymDense(m.dim, nil)
	sigma.SymOuterK(1, l)
	return sigma
}

func (m *metric) variances() []float64 {
	v := make([]float64, m.dim)
	if !m.dense {
		for i, l := range m.rows {
			v[i] = l * l
		}
		return v
	}
	k := 0
	for i := range v {
		for range i + 1 {
			v[i] += m.rows[k] * m.rows[k]
			k++
		}
	}
	return v
}

// enough is the number of points per dimension below which a dense metric
// only rescales its axes.
const enough = 3

// fit re-estimates the metric from draws and gradients by minimizing the Fisher
// divergence between the whitened target and N(0, I) (the dense and diagonal
// forms of nutpie's metric, arXiv:2603.18845). It returns the largest factor by
// which the variance along any axis of the old metric changed, at least 1; a
// change that is not finite leaves the metric as it was and returns +Inf.
func (m *metric) fit(s *moments) float64 {
	if s.n < 2 {
		return math.Inf(1)
	}
	if !m.dense {
		return m.fitDiagonal(s)
	}
	l := m.factor()
	var white, tmp mat.Dense
	// The old metric's coordinates keep both covariances well scaled.
	solve(&tmp, l, s.draw.covariance(s.n))
	solve(&white, l, tmp.T())
	c := symmetric(&white)
	tmp.Mul(l.T(), s.grad.covariance(s.n))
	white.Mul(&tmp, l)
	g := symmetric(&white)

	sigma, lo, hi := mat.NewSymDense(m.dim, nil), math.Inf(1), 0.0
	if s.n >= enough*m.dim {
		var ok bool
		if sigma, ok = fisher(c, g); !ok {
			return math.Inf(1)
		}
		var eig mat.EigenSym
		if !eig.Factorize(sigma, false) {
			return math.Inf(1)
		}
		values := eig.Values(nil)
		lo, hi = values[0], values[m.dim-1]
	} else {
		for i := range m.dim {
			v := math.Sqrt(c.At(i, i) / g.At(i, i))
			sigma.SetSym(i, i, v)
			lo, hi = min(lo, v), max(hi, v)
		}
		// Too few points to call the metric settled.
		hi = max(hi, math.MaxFloat64)
	}
	var chol mat.Cholesky
	if !(lo > 0) || math.IsInf(hi, 1) || !chol.Factorize(sigma) {
		return math.Inf(1)
	}
	var step mat.TriDense
	chol.LTo(&step)
	tmp.Mul(l, &step)
	if m.setFactor(&tmp) != nil {
		return math.Inf(1)
	}
	return max(hi, 1/lo)
}

func (m *metric) fitDiagonal(s *moments) float64 {
	change := 1.0
	for i, l := range m.rows {
		v := math.Sqrt(s.draw.scatter[i] / s.grad.scatter[i])
		if !(v > 1e-200) || v > 1e200 {
			change = math.Inf(1)
			continue
		}
		r := v / (l * l)
		change = max(change, r, 1/r)
		m.rows[i] = math.Sqrt(v)
	}
	return change
}

// fisherRidge is added to both covariances relative to their mean eigenvalue.
const fisherRidge = 1e-10

// fisher returns the covariance Σ that minimizes the Fisher divergence given the
// covariance c of draws and g of gradients: the symmetric positive definite
// solution of ΣgΣ = c, that is G^{-1/2}(G^{1/2}CG^{1/2})^{1/2}G^{-1/2}, here by
// g = KKᵀ as Σ = K⁻ᵀ(KᵀcK)^{1/2}K⁻¹. For a Gaussian target g = Σ⁻¹cΣ⁻¹ and Σ is
// exact from dim+1 points. It reports false when c or g has no positive
// definite form.
func fisher(c, g *mat.SymDense) (*mat.SymDense, bool) {
	dim := c.SymmetricDim()
	ridge(c)
	ridge(g)
	var chol mat.Cholesky
	if !chol.Factorize(g) {
		return nil, false
	}
	var k mat.TriDense
	chol.LTo(&k)
	var a, b mat.Dense
	a.Mul(k.T(), c)
	b.Mul(&a, &k)
	var eig mat.EigenSym
	if !eig.Factorize(symmetric(&b), true) {
		return nil, false
	}
	values := eig.Values(nil)
	var v mat.Dense
	eig.VectorsTo(&v)
	// Σ = BBᵀ with B = K⁻ᵀ V Λ^{1/4}.
	for j, x := range values {
		if !(x > 0) {
			return nil, false
		}
		x = math.Sqrt(math.Sqrt(x))
		for i := range dim {
			v.Set(i, j, v.At(i, j)*x)
		}
	}
	solve(&b, k.T(), &v)
	sigma := mat.NewSymDense(dim, nil)
	sigma.SymOuterK(1, &b)
	return sigma, true
}

// solve sets x = t⁻¹b for a triangular t with positive diagonal. The condition
// warning is dropped: scales may differ widely, and callers check the outcome.
func solve(x *mat.Dense, t, b mat.Matrix) { _ = x.Solve(t, b) }

func ridge(a *mat.SymDense) {
	dim := a.SymmetricDim()
	r := fisherRidge * mat.Trace(a) / float64(dim)
	for i := range dim {
		a.SetSym(i, i, a.At(i, i)+r)
	}
}

func symmetric(a *mat.Dense) *mat.SymDense {
	dim, _ := a.Dims()
	s := mat.NewSymDense(dim, nil)
	for i := range dim {
		for j := range i + 1 {
			s.SetSym(i, j, (a.At(i, j)+a.At(j, i))/2)
		}
	}
	return s
}
