package bayes

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mathext"
)

// jfShapes are values of nu and skew from the heaviest tails to nearly normal ones.
var jfShapes = []struct{ nu, skew float64 }{
	{2.2, 0.3}, {2.8, -0.9}, {3, 0}, {4, -0.23}, {4, 0.23}, {6, 0.8}, {12, -0.5}, {60, 0.99}, {300, 0.1}, {1e5, -0.7},
}

// jfIntegral integrates g over the distribution at ln(nu-2) and atanh skew: the
// density as Jones and Faddy print it (1999, equation 2), in t = sqrt(a+b) u, with
// u = sinh of a variable in which its tails fall exponentially.
func jfIntegral(nu, skew float64, g func(u float64) float64) float64 {
	a, b := 1+(nu-2)*(1+skew)/2, 1+(nu-2)*(1-skew)/2
	logC := (a+b-1)*math.Ln2 + mathext.Lbeta(a, b) + math.Log(a+b)/2
	center, wide := math.Log(a/b)/2, math.Sqrt(1/a+1/b)/2
	sum, step := 0.0, wide/64
	// Twice the reach that the lighter of both tails would need; the heavier one by its exponent.
	for i := -64 * 400; i <= 64*400; i++ {
		w := center + float64(i)*step
		u := math.Sinh(w)
		t := math.Sqrt(a+b) * u
		r := t / math.Sqrt(a+b+t*t)
		// 1 - |r| by the complement, without cancellation far out.
		near := 1 / ((a + b + t*t) / (a + b)) / (1 + math.Abs(r))
		up, down := 1+math.Abs(r), near
		if t < 0 {
			up, down = down, up
		}
		f := math.Exp((a+0.5)*math.Log(up) + (b+0.5)*math.Log(down) - logC)
		if v := f * math.Sqrt(a+b) * math.Cosh(w) * g(u); !math.IsNaN(v) {
			sum += v * step
		}
	}
	return sum
}

// The printed density integrates to 1, and mean, variance and the value at 0 are
// those of the closed forms that the model uses, by quadrature.
func TestJonesFaddyMoments(t *testing.T) {
	for _, c := range jfShapes {
		var f jfDensity
		f.set(math.Log(c.nu-2), math.Atanh(c.skew))
		one := jfIntegral(c.nu, c.skew, func(float64) float64 { return 1 })
		mean := jfIntegral(c.nu, c.skew, func(u float64) float64 { return u })
		square := jfIntegral(c.nu, c.skew, func(u float64) float64 { return (u - mean) * (u - mean) })
		sd := math.Sqrt(f.variance)
		if math.Abs(one-1) > 1e-8 || math.Abs(f.mean-mean) > 1e-8*sd || math.Abs(square/f.variance-1) > 1e-6 {
			t.Errorf("nu %v, skew %v: integral %v, mean %v (%v), variance %v (%v)", c.nu, c.skew, one, mean, f.mean, square, f.variance)
		}
		if g := newJonesFaddy(c.nu, c.skew); math.Abs(g.mean-f.mean) > 1e-11*(1+math.Abs(f.mean)) || math.Abs(g.a/f.a-1) > 1e-12 || math.Abs(g.mode()-f.mode) > 1e-12*(1+math.Abs(f.mode)) || math.Abs(g.narrow()/f.narrow-1) > 1e-12 || math.Abs(g.b/f.b-1) > 1e-12 {
			t.Errorf("nu %v, skew %v: %+v, as a density %+v", c.nu, c.skew, g, f.jonesFaddy)
		}
		// The density in the form of which the sums are made.
		at := func(u float64) float64 {
			return math.Exp(f.logC + (f.a-f.b)*math.Asinh(u) - (f.nu+1)/2*math.Log1p(u*u))
		}
		h := 1e-4 * sd
		for _, z := range []float64{-3, -0.5, 0, 1, 4} {
			u := f.mean + z*sd
			want := (f.cdf(u+h) - f.cdf(u-h)) / (2 * h)
			if math.Abs(at(u)-want) > 1e-5*(want+1e-3/sd) {
				t.Errorf("nu %v, skew %v: density %v at %v, slope of the distribution function %v", c.nu, c.skew, at(u), u, want)
			}
		}
		top := at(f.mode)
		if at(f.mode+1e-3*sd) > top || at(f.mode-1e-3*sd) > top {
			t.Errorf("nu %v, skew %v: the mode is not %v", c.nu, c.skew, f.mode)
		}
	}
}

// The derivatives of every constant against differences, over the table and beyond
// it, and the tabulated values against direct ones.
func TestJonesFaddySlopes(t *testing.T) {
	values := func(k, x float64) [7]float64 {
		var f jfDensity
		f.set(k, x)
		return [7]float64{f.a, f.b, f.mean, f.variance, f.mode, f.logC, math.Log(f.narrow)}
	}
	for _, k := range []float64{-9, -7.9, -3, 0.3, 1.7, 5, 9, 13} {
		for _, x := range []float64{-2.5, -0.4, -1e-5, 0, 0.7, 2} {
			var f jfDensity
			f.set(k, x)
			s := &f.slopes
			for i, h := range [2][2]float64{{1e-4, 0}, {0, 1e-4}} {
				up, down, at := values(k+h[0], x+h[1]), values(k-h[0], x-h[1]), values(k, x)
				for j, got := range [7]float64{s.a[i], s.b[i], s.mean[i], s.variance[i], s.mode[i], s.logC[i], s.logNarrow[i]} {
					want := (up[j] - down[j]) / 2e-4
					// Rounding of what cancels near the normal: of nu in a density, of nu in a variance of 1/nu.
					if math.Abs(got-want) > 1e-6*(math.Abs(got)+math.Abs(at[j]))+1e-10*math.Exp(math.Max(0, k)) {
						t.Errorf("k %v, x %v: derivative of %d by %d is %v, by differences %v", k, x, j, i, got, want)
					}
				}
			}
		}
	}
	for v := -8.5; v < 12.5; v += 0.0173 {
		var got jfValues
		jfTable().at(v, &got)
		want := jfDirect(v)
		value, slope := jfTable().binet(v)
		x := 1 + math.Exp(v)
		for i, p := range [][2]float64{{got.binet, want.binet}, {got.binetSlope, want.binetSlope}, {got.g, want.g}, {got.gSlope, want.gSlope}, {got.log, want.log}, {value, want.binet}, {slope, want.binetSlope}} {
			if math.Abs(p[0]-p[1]) > 1e-10*(1+math.Abs(p[1])) {
				t.Fatalf("value %d at %v: %v, directly %v", i, v, p[0], p[1])
			}
		}
		lib, _ := math.Lgamma(x)
		if direct := want.binet + (x-0.5)*math.Log(x) - x + math.Log(2*math.Pi)/2; math.Abs(direct-lib) > 1e-13*(1+x*math.Abs(math.Log(x))) {
			t.Fatalf("ln Gamma(%v): %v, by the library %v", x, direct, lib)
		}
		if psi := want.binetSlope + math.Log(x) - 0.5/x; math.Abs(psi-mathext.Digamma(x)) > 1e-9*(1+math.Abs(psi)) {
			t.Fatalf("digamma(%v): %v, by the library %v", x, psi, mathext.Digamma(x))
		}
	}
}

// With skew 0 the distribution function is that of a Student-t with nu degrees of
// freedom; elsewhere it is an incomplete beta function, by the library.
func TestJonesFaddyCDF(t *testing.T) {
	for _, c := range jfShapes {
		f := newJonesFaddy(c.nu, c.skew)
		for _, w := range []float64{-6, -2, -0.3, 0, 0.1, 1, 3, 8} {
			u := math.Sinh(w)
			want := mathext.RegIncBeta(f.a, f.b, 1/(1+math.Exp(-2*w)))
			if got := f.cdf(u); math.Abs(got-want) > 1e-11 {
				t.Errorf("nu %v, skew %v: P(U < %v) is %v, by the library %v", c.nu, c.skew, u, got, want)
			}
			if c.skew == 0 && math.Abs(f.cdf(u)-tCDF(u*math.Sqrt(c.nu), c.nu)) > 1e-14 {
				t.Errorf("P(U < %v) is %v, of a Student-t %v", u, f.cdf(u), tCDF(u*math.Sqrt(c.nu), c.nu))
			}
		}
	}
}

// The table of quantiles against the search, within 1e-4 of a standard deviation
// of asinh u, and 1e-5 where all but one return of a million are; the search
// against the distribution function.
func TestJonesFaddyScore(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	var worst, inner float64
	for range 3000 {
		f := newJonesFaddy(2+math.Exp(-1+11*rng.Float64()), math.Tanh(1.5*rng.NormFloat64()))
		var s jfScore
		s.set(&f, 0.5, 2)
		z := tableZMax * (2*rng.Float64() - 1)
		w := f.quantile(z)
		below, above, _ := f.tails(w)
		if tail := 0.5 * math.Erfc(math.Abs(z)/math.Sqrt2); math.Abs(min(below, above)/tail-1) > 1e-9 {
			t.Fatalf("a %v, b %v: the tail at the quantile of %v is %v, want %v", f.a, f.b, z, min(below, above), tail)
		}
		off := math.Abs(math.Asinh((s.at(z)-0.5)/2)-w) / s.half
		worst = max(worst, off)
		if math.Abs(z) < 4.8 {
			inner = max(inner, off)
		}
		zs := []float64{z, 0, -z, 9, 1, 2, 3}
		each := make([]float64, len(zs))
		s.each(zs, each)
		for i, v := range zs {
			if math.Abs(each[i]-s.at(v)) > 1e-12*(1+math.Abs(each[i])) {
				t.Fatalf("%v at %v alone, %v among others", s.at(v), v, each[i])
			}
		}
	}
	t.Logf("off by at most %.2g, inside one in a million by %.2g", worst, inner)
	if worst > 1e-4 || inner > 1e-5 {
		t.Errorf("off by %.2g, inside one in a million by %.2g", worst, inner)
	}
}

// A path is the quantile of each innovation, rising, with the floor of a total loss.
func TestSkewPath(t *testing.T) {
	theta := []float64{0.001, 0.01, 3.5, -0.4, 0, 0}
	m := skewStudentTPredictor{}
	z := []float64{-4, -2.5, -1, 0, 0.3, 2, 5}
	r := make([]float64, len(z))
	m.Path(theta, z, r)
	for i, v := range z {
		want := 0.5 * math.Erfc(-v/math.Sqrt2)
		if got := m.CDF(theta, r[i]); math.Abs(got-want) > 1e-6*min(want, 1-want)+1e-12 || i > 0 && r[i] <= r[i-1] {
			t.Errorf("at %v the return %v has probability %v, want %v", v, r[i], got, want)
		}
	}
	theta[1] = 0.5
	if m.Path(theta, z, r); r[0] != -1 {
		t.Errorf("a return of %v", r[0])
	}
}

// Draws by cells and by gamma variates have the distribution function, to what
// 400,000 draws can tell (Kolmogorov-Smirnov, 1.95/sqrt(n) at 0.1%), and each tail
// of a thousandth its probability.
func TestJonesFaddyDraws(t *testing.T) {
	m, rng := skewStudentTPredictor{}, rand.New(rand.NewPCG(9, 9))
	for _, theta := range [][]float64{{0.001, 0.01, 3, -0.4}, {0.001, 0.01, 4, 0.3}, {0.001, 0.01, 80, -0.9}} {
		if testing.Short() && theta[2] != 3 {
			continue
		}
		for _, size := range []int{2000, 1} {
			n := 400_000
			if testing.Short() {
				n = 100_000
			}
			var below [64]int
			var tails [2]int
			y := make([]float64, size)
			for range n / size {
				m.Replicate(theta, rng, y)
				for _, r := range y {
					u := m.CDF(theta, r)
					below[min(63, int(u*64))]++
					if u < 0.001 {
						tails[0]++
					}
					if u > 0.999 {
						tails[1]++
					}
				}
			}
			sum := 0
			for i, c := range below {
				sum += c
				if d := math.Abs(float64(sum)/float64(n) - float64(i+1)/64); d > 1.95/math.Sqrt(float64(n)) {
					t.Errorf("%v, %d at a time: P(U < %v) is off by %v", theta, size, float64(i+1)/64, d)
				}
			}
			for _, c := range tails {
				if math.Abs(float64(c)-float64(n)/1000) > 4*math.Sqrt(float64(n)/1000) {
					t.Errorf("%v, %d at a time: %d draws in a tail, want %d", theta, size, c, n/1000)
				}
			}
		}
	}
}
