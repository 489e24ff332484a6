package mcmc

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// gpdSample draws from the generalized Pareto distribution by inversion.
func gpdSample(seed uint64, n int, k, sigma float64) []float64 {
	rng := newRand(seed)
	x := make([]float64, n)
	for i := range x {
		u := -math.Log(1 - rng.Float64())
		if x[i] = sigma * u; k != 0 {
			x[i] = sigma * math.Expm1(k*u) / k
		}
	}
	return x
}

func TestFitGPD(t *testing.T) {
	shapes := []float64{-0.3, 0.5, 1.5, 0, 0.2, 0.9}
	if testing.Short() {
		shapes = shapes[:2]
	}
	for _, k := range shapes {
		x := gpdSample(11, 50000, k, 3)
		slices.Sort(x)
		got, sigma := FitGPD(x)
		near(t, fmt.Sprint("shape ", k), got, k, 0.03)
		near(t, fmt.Sprint("scale at shape ", k), sigma, 3, 0.1)
		for _, p := range []float64{0.1, 0.9} { // quantiles against the sample
			near(t, "quantile", gpdQuantile(p, got, sigma)/quantile(x, p), 1, 0.04)
		}
	}
}

func TestParetoK(t *testing.T) {
	x := gpdSample(12, 40000, 0.7, 1)
	near(t, "k of the right tail", ParetoK(x, Right, 1), 0.7, 0.12)
	minus := make([]float64, len(x))
	for i, v := range x {
		minus[i] = -1e3 * v
	}
	near(t, "k of the left tail", ParetoK(minus, Left, 1), ParetoK(x, Right, 1), 1e-6)
	near(t, "k of both tails", ParetoK(minus, Both, 1), ParetoK(x, Right, 1), 1e-6)
	if k := ParetoK(x, Left, 1); k > 0 {
		t.Errorf("k of a bounded tail is %g", k)
	}
	if k := ParetoK(make([]float64, 100), Right, 1); !math.IsNaN(k) {
		t.Errorf("k of constants is %g", k)
	}
	// Student-t with ν degrees of freedom has k = 1/ν; Cauchy k = 1.
	rng := newRand(13)
	cauchy := make([]float64, 100000)
	for i := range cauchy {
		cauchy[i] = rng.NormFloat64() / rng.NormFloat64()
	}
	near(t, "k of a Cauchy", ParetoK(cauchy, Both, 1), 1, 0.15)
}

func TestParetoRules(t *testing.T) {
	for _, c := range []struct {
		draws int
		rEff  float64
		want  int
	}{{4000, 1, 189}, {4000, 0.25, 379}, {100, 1, 20}, {400, 0.5, 80}, {225, 1, 45}} {
		if got := ParetoTail(c.draws, c.rEff); got != c.want {
			t.Errorf("tail of %d draws at %g is %d, want %d", c.draws, c.rEff, got, c.want)
		}
	}
	near(t, "threshold of 100", ParetoThreshold(100), 0.5, 1e-15)
	near(t, "threshold of 4000", ParetoThreshold(4000), 0.7, 0)
}

// TestPSIS estimates E x² = 1 under N(0, 1) with draws from N(0, s²): the
// ratios' tail has k = 1 − s² for s < 1.
func TestPSIS(t *testing.T) {
	rng := newRand(14)
	const s, n = 0.8, 20000
	x, ratios, lw := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range x {
		x[i] = s * rng.NormFloat64()
		ratios[i] = -x[i]*x[i]/2 + x[i]*x[i]/(2*s*s) + 700 // any constant
	}
	k := PSIS(lw, ratios, 1)
	near(t, "k", k, 1-s*s, 0.15)
	var sum, square float64
	for i, w := range lw {
		sum += math.Exp(w)
		square += math.Exp(w) * x[i] * x[i]
	}
	near(t, "sum of weights", sum, 1, 1e-12)
	near(t, "mean square", square, 1, 0.04)

	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		if ratios[a] < ratios[b] {
			return -1
		}
		return 1
	})
	for i := 1; i < n; i++ {
		if lw[order[i]] < lw[order[i-1]] {
			t.Fatal("smoothing changed the order of the weights")
		}
	}
	// Smoothing keeps the body and never exceeds the largest raw ratio.
	body, top := order[0], order[n-1]
	if lw[top]-lw[body] > ratios[top]-ratios[body]+1e-12 {
		t.Error("a smoothed weight above the largest raw one")
	}

	flat := make([]float64, 50)
	if k := PSIS(flat, flat, 1); !math.IsNaN(k) || math.Abs(flat[7]+math.Log(50)) > 1e-12 {
		t.Errorf("equal ratios: k %g, log weight %g", k, flat[7])
	}
	bad := []float64{0, math.NaN(), 1}
	if k := PSIS(bad, bad, 1); !math.IsNaN(k) || !math.IsNaN(bad[0]) {
		t.Errorf("NaN ratios: k %g, weights %v", k, bad)
	}
}

// TestParetoKBesideATie has draws of which most are the same nothing, as the
// days of a strategy that seldom trades: only what exceeds it has a shape.
func TestParetoKBesideATie(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, losses := range []int{0, 1, 4, 5, 40, 150} {
		draws := make([]float64, 4000)
		for i := range losses {
			draws[i] = 0.01 * (math.Pow(1-rng.Float64(), -0.3) - 1) // generalized Pareto of shape 0.3
		}
		k := ParetoK(draws, Right, 1)
		if few := losses < 5; math.IsNaN(k) != few || math.IsInf(k, 0) {
			t.Errorf("%d losses: k is %v", losses, k)
		}
		if losses == 150 && math.Abs(k-0.3) > 0.25 {
			t.Errorf("shape %v of losses with shape 0.3", k)
		}
	}
}
