package surrogate

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestTermsCountsMonomials counts the monomials by the list of their degrees.
func TestTermsCountsMonomials(t *testing.T) {
	for dim := 1; dim < 10; dim++ {
		if n := len(degrees(dim)); n != terms(dim) {
			t.Errorf("%d variables: %d degrees, %d terms", dim, n, terms(dim))
		}
	}
	if terms(8) != 495 { // 12 over 4
		t.Errorf("8 variables have %d monomials", terms(8))
	}
}

// TestPolynomial compares the nested form with the sum of the monomials, in value and
// gradient.
func TestPolynomial(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for dim := 1; dim < 6; dim++ {
		p := polynomial{dim: dim, coef: make([]float64, terms(dim))}
		z, grad := make([]float64, dim), make([]float64, dim)
		for i := range p.coef {
			p.coef[i] = rng.NormFloat64()
		}
		for i := range z {
			z[i] = rng.NormFloat64()
		}
		values, slopes := make([]float64, terms(dim)), make([][]float64, dim)
		for s := range slopes {
			slopes[s] = make([]float64, terms(dim))
		}
		monomials(z, values, slopes)
		dot := func(x []float64) (sum float64) {
			for i, c := range p.coef {
				sum += c * x[i]
			}
			return sum
		}
		if got, want := p.at(z, grad), dot(values); math.Abs(got-want) > 1e-10*(1+math.Abs(want)) {
			t.Errorf("%d variables: %v, want %v", dim, got, want)
		}
		for s := range grad {
			if want := dot(slopes[s]); math.Abs(grad[s]-want) > 1e-10*(1+math.Abs(want)) {
				t.Errorf("%d variables: slope %d is %v, want %v", dim, s, grad[s], want)
			}
		}
	}
}

// quartic is a log density that is a polynomial of degree 4, nowhere far from that of a
// standard normal where the design is.
func quartic(z, grad []float64) (float64, bool) {
	v := 0.0
	for i, x := range z {
		next := z[(i+1)%len(z)]
		v += -x*x/2 - 0.002*x*x*x*x + 0.01*x*x*next + 0.003*x*next*next*next
		grad[i] += -x - 0.008*x*x*x + 0.02*x*next + 0.003*next*next*next
		grad[(i+1)%len(z)] += 0.01*x*x + 0.009*x*next*next
	}
	return v, true
}

// TestFitIsExactForQuartics recovers a polynomial of degree 4.
func TestFitIsExactForQuartics(t *testing.T) {
	const dim = 5
	p, ok := designOf(dim).fit(func(z, grad []float64) (float64, bool) {
		clear(grad)
		return quartic(z, grad)
	})
	if !ok {
		t.Fatal("no fit")
	}
	rng := rand.New(rand.NewPCG(2, 2))
	z, grad, want := make([]float64, dim), make([]float64, dim), make([]float64, dim)
	for range 20 {
		for i := range z {
			z[i] = 2 * rng.NormFloat64()
		}
		clear(want)
		v, _ := quartic(z, want)
		if got := p.at(z, grad); math.Abs(got-v) > 1e-8*(1+math.Abs(v)) {
			t.Errorf("value %v, want %v", got, v)
		}
		for i := range grad {
			if math.Abs(grad[i]-want[i]) > 1e-8*(1+math.Abs(want[i])) {
				t.Errorf("slope %d is %v, want %v", i, grad[i], want[i])
			}
		}
	}
}

// skewed is a log density with long tails on one side of each axis.
func skewed(z, grad []float64) (float64, bool) {
	v := 0.0
	for i, x := range z { // of ln gamma variates of shape 4, in units of their scale
		e := math.Exp(x / 2)
		v += 4 * (x/2 - e + 1)
		grad[i] = 2 - 2*e
	}
	return v, true
}

// TestDensity compares the gradient with differences, near the mode and far beyond
// the points of the design, and the value with the original, whose Jacobian Warp has.
func TestDensity(t *testing.T) {
	const dim = 4
	d, ok := New(dim, skewed)
	if !ok {
		t.Fatal("no surrogate")
	}
	rng := rand.New(rand.NewPCG(3, 3))
	x, z, grad, ignored := make([]float64, dim), make([]float64, dim), make([]float64, dim), make([]float64, dim)
	for trial := range 60 {
		scale := []float64{0.5, 1, 4, 20}[trial%4]
		for i := range x {
			x[i] = scale * rng.NormFloat64()
		}
		v, err := d.LogDensity(x, grad)
		if err != nil {
			t.Fatal(err)
		}
		for i := range x {
			const h = 1e-5
			at := func(s float64) float64 {
				y := append([]float64(nil), x...)
				y[i] += s
				v, _ := d.LogDensity(y, ignored)
				return v
			}
			if want := (8*(at(h)-at(-h)) - (at(2*h) - at(-2*h))) / (12 * h); math.Abs(grad[i]-want) > 1e-6*(1+math.Abs(want)) {
				t.Errorf("x %v: slope %d is %v, differences give %v", x, i, grad[i], want)
			}
		}
		if scale <= 1 {
			jacobian := d.At(x, z, nil, nil)
			want, _ := skewed(z, ignored)
			if math.Abs(v-want-jacobian) > 0.1 {
				t.Errorf("x %v: %v, the density has %v", x, v, want+jacobian)
			}
		}
	}
	if v, _ := d.LogDensity([]float64{40, 0, 0, 0}, grad); !(v < -20) {
		t.Errorf("far away the surrogate is %v", v)
	}
}

// TestWarp compares slopes and Jacobian with differences, and expects a map onto.
func TestWarp(t *testing.T) {
	w := newWarp([]float64{0.15, -0.1, 0, 3})
	x, z, slope, bend := []float64{1.3, -0.4, 2, 0.3}, make([]float64, 4), make([]float64, 4), make([]float64, 4)
	jacobian := w.At(x, z, slope, bend)
	sum := 0.0
	for i := range x {
		const h = 1e-5
		at := func(d float64) (float64, float64) {
			y, out := append([]float64(nil), x...), make([]float64, 4)
			y[i] += d
			j := w.At(y, out, nil, nil)
			return out[i], j
		}
		up, upJ := at(h)
		down, downJ := at(-h)
		if want := (up - down) / (2 * h); math.Abs(slope[i]-want) > 1e-8 {
			t.Errorf("slope %d is %v, want %v", i, slope[i], want)
		}
		if want := (upJ - downJ) / (2 * h); math.Abs(bend[i]-want) > 1e-8 {
			t.Errorf("bend %d is %v, want %v", i, bend[i], want)
		}
		sum += math.Log(slope[i])
	}
	if math.Abs(sum-jacobian) > 1e-12 {
		t.Errorf("log Jacobian %v, want %v", jacobian, sum)
	}
	far := make([]float64, 4)
	w.At([]float64{-30, 30, -30, -30}, far, nil, nil)
	if far[0] > -5 || far[1] < 5 || far[3] > -2 {
		t.Errorf("30 standard deviations are mapped to %v", far)
	}
}

// TestNewRefuses has no surrogate of a density that is not defined where it is needed.
func TestNewRefuses(t *testing.T) {
	for _, bound := range []float64{0.5, 1.5} {
		_, ok := New(3, func(z, grad []float64) (float64, bool) {
			v, _ := skewed(z, grad)
			return v, z[0] < bound
		})
		if ok {
			t.Errorf("a surrogate of a density that ends at %v", bound)
		}
	}
}

// BenchmarkDensity is one gradient of a surrogate in 8 variables.
func BenchmarkDensity(b *testing.B) {
	d, ok := New(8, skewed)
	if !ok {
		b.Fatal("no surrogate")
	}
	x, grad := []float64{1, -1, 0.5, 0.2, -0.3, 1.2, -0.7, 0.1}, make([]float64, 8)
	for b.Loop() {
		if _, err := d.LogDensity(x, grad); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNew is the fit of one, without the density itself.
func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, ok := New(8, skewed); !ok {
			b.Fatal("no surrogate")
		}
	}
}

// TestDesignIsWellConditioned bounds the condition of the equations that are solved:
// more would cost the coefficients their digits.
func TestDesignIsWellConditioned(t *testing.T) {
	for _, dim := range []int{3, 6, 8, 10} {
		d := designOf(dim)
		if even, odd := d.even.normal.Cond(), d.odd.normal.Cond(); even > 1e9 || odd > 1e9 {
			t.Errorf("%d variables: %.3g, %.3g", dim, even, odd)
		}
	}
}
