package nuts

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// TestFisherExactForGaussian recovers a badly scaled, strongly correlated
// covariance from dim+1 points that do not even follow the target.
func TestFisherExactForGaussian(t *testing.T) {
	const dim = 4
	rng := rand.New(rand.NewPCG(4, 4))
	scale := []float64{1e-3, 1, 30, 500}
	sigma := mat.NewSymDense(dim, nil)
	for i := range dim {
		for j := range i + 1 {
			sigma.SetSym(i, j, math.Pow(0.9, float64(i-j))*scale[i]*scale[j])
		}
	}
	var inverse mat.Cholesky
	inverse.Factorize(sigma)
	points := newMoments(dim, true)
	q, grad := make([]float64, dim), make([]float64, dim)
	for range 3 * dim {
		for i := range q {
			q[i] = 7 + scale[i]*rng.Float64()*float64(1+i)
		}
		x := mat.NewVecDense(dim, grad)
		if err := inverse.SolveVecTo(x, mat.NewVecDense(dim, q)); err != nil {
			t.Fatal(err)
		}
		x.ScaleVec(-1, x)
		points.add(q, grad)
	}
	m := newMetric(dim, true)
	if err := m.setVariances([]float64{1e-4, 1, 1, 100}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		m.fit(points)
	}
	got := m.covariance()
	for i := range dim {
		for j := range dim {
			if e := math.Abs(got.At(i, j)-sigma.At(i, j)) / (scale[i] * scale[j]); e > 1e-6 {
				t.Errorf("covariance (%d, %d) = %g, want %g", i, j, got.At(i, j), sigma.At(i, j))
			}
		}
	}
	if change := m.fit(points); change > 1.0001 {
		t.Errorf("a settled metric changed by %g", change)
	}
}

// TestFisherDefinition checks ΣGΣ = C.
func TestFisherDefinition(t *testing.T) {
	c := mat.NewSymDense(3, []float64{4, 1, 0.5, 1, 3, -0.2, 0.5, -0.2, 2})
	g := mat.NewSymDense(3, []float64{1, 0.3, 0, 0.3, 2, 0.1, 0, 0.1, 0.5})
	sigma, ok := fisher(c, g)
	if !ok {
		t.Fatal("no solution")
	}
	var left, both mat.Dense
	left.Mul(sigma, g)
	both.Mul(&left, sigma)
	if !mat.EqualApprox(&both, c, 1e-12) {
		t.Errorf("ΣGΣ = %v", mat.Formatted(&both))
	}
}

// TestFitWithFewPoints keeps a positive definite metric.
func TestFitWithFewPoints(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	const dim = 20
	points := newMoments(dim, true)
	q, grad := make([]float64, dim), make([]float64, dim)
	for range 5 {
		for i := range q {
			q[i] = 3 * rng.NormFloat64()
			grad[i] = -q[i] / 9
		}
		points.add(q, grad)
	}
	m := newMetric(dim, true)
	one := make([]float64, dim)
	for i := range one {
		one[i] = 1
	}
	if err := m.setVariances(one); err != nil {
		t.Fatal(err)
	}
	if change := m.fit(points); change <= settled {
		t.Errorf("five points settled the metric (change %g)", change)
	}
	for i, v := range m.variances() {
		if math.Abs(v-9) > 1e-9 {
			t.Errorf("variance %d is %g, want 9", i, v)
		}
	}
	points.reset()
	if !math.IsInf(m.fit(points), 1) {
		t.Error("a fit to no points")
	}
}
