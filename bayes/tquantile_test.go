package bayes

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// Values of qt(p, df) from R 4.2's documentation examples and standard tables
// (to the printed digits), and closed forms for nu = 2 and nu = 4.
func TestTScoreClosedForms(t *testing.T) {
	quantile2 := func(p float64) float64 { // nu = 2: x = (2p-1) sqrt(2/(4p(1-p)))
		return (2*p - 1) * math.Sqrt(2/(4*p*(1-p)))
	}
	quantile4 := func(p float64) float64 { // nu = 4, Shaw (2006), section 3.2
		a := 4 * p * (1 - p)
		q := math.Cos(math.Acos(math.Sqrt(a))/3) / math.Sqrt(a)
		return math.Copysign(2*math.Sqrt(q-1), p-0.5)
	}
	for _, z := range []float64{-5, -3, -1.3, -0.4, 0.01, 0.7, 1.9, 2.6, 4.4} {
		p := 0.5 * math.Erfc(-z/math.Sqrt2)
		for nu, want := range map[float64]float64{2: quantile2(p), 4: quantile4(p)} {
			var s tScore
			s.set(nu)
			if got := s.at(z); math.Abs(got/want-1) > 2e-8 { // the closed forms lose digits in 1-p
				t.Errorf("G(%v; %v) = %.15g, closed form %.15g", z, nu, got, want)
			}
		}
	}
}

func TestTScoreMatchesSearch(t *testing.T) {
	worst := 0.0
	for _, nu := range []float64{2, 2.0001, 2.3, 3, 4.7, 8, 13, 30, 88, 300, 2e3, 1e5} {
		var s tScore
		s.set(nu)
		for z := 0.013; z < 9; z += 0.171 {
			exact := tQuantile(z, nu)
			worst = max(worst, math.Abs(s.at(z)/exact-1), math.Abs(s.at(-z)/exact+1))
		}
	}
	// Beyond, the search itself loses digits: Cornish-Fisher to the first order.
	for _, nu := range []float64{1e7, 1e9} {
		var s tScore
		s.set(nu)
		for z := 0.3; z < 6; z += 0.5 {
			worst = max(worst, math.Abs(s.at(z)/(z+(z*z*z+z)/(4*nu))-1))
		}
	}
	t.Logf("largest relative error of the table: %.2g", worst)
	if worst > 1e-9 {
		t.Errorf("largest relative error of the table is %.3g", worst)
	}
}

func TestTCDFAgainstGonum(t *testing.T) {
	for _, nu := range []float64{2, 3.5, 7, 40, 150} {
		d := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: nu}
		for x := -6.0; x < 6; x += 0.37 {
			if got, want := tCDF(x, nu), d.CDF(x); math.Abs(got-want) > 1e-12 {
				t.Errorf("T_%v(%v) = %v, gonum %v", nu, x, got, want)
			}
		}
	}
}

// BenchmarkPath is one strategy's part of one scenario of 21 days.
func BenchmarkPath(b *testing.B) {
	m := studentTPredictor{}
	z := make([]float64, 21)
	for b.Loop() {
		for i := range z {
			z[i] = 0.1 * float64(i-10)
		}
		m.Path([]float64{0, 0.01, 5}, z, z)
	}
}

// Four at a time is one at a time, to the last bit.
func TestScoresAreVectorized(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for _, nu := range []float64{2, 2.7, 8, 300} {
		var s tScore
		s.set(nu)
		for n := range 9 {
			z, r := make([]float64, n), make([]float64, n)
			for i := range z {
				z[i] = 3 * rng.NormFloat64()
			}
			if n == 6 {
				z[2] = -9 // outside the table
			}
			s.each(z, r)
			for i := range z {
				if r[i] != s.at(z[i]) {
					t.Errorf("nu %v, z %v: %v, alone %v", nu, z[i], r[i], s.at(z[i]))
				}
			}
		}
	}
}
