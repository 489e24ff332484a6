package bayes

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/integrate/quad"
)

// density is Hansen's formula as the paper has it.
func (s *skewT) density(e float64) float64 {
	u := s.a + s.b*e
	side := 1 + s.lambda
	if u < 0 {
		side = 1 - s.lambda
	}
	return s.b * math.Exp(s.logC) * math.Pow(1+u*u/(side*side*(s.nu-2)), -(s.nu+1)/2)
}

var skewCases = [][2]float64{{2.3, 0}, {2.5, -0.4}, {3, 0.3}, {4, -0.1}, {6, -0.7}, {12, 0.2}, {30, -0.3}, {1000, 0.5}}

// TestSkewTMoments integrates the density: mass, mean and variance, the signed
// second moment, and the distribution function, by quadrature over a change of
// variables that reaches the tails.
func TestSkewTMoments(t *testing.T) {
	for _, c := range skewCases {
		s := newSkewT(c[0], c[1])
		// e = sinh(x)^3 - shift reaches 1e12 with a few hundred nodes.
		over := func(f func(e float64) float64, lo, hi float64) float64 {
			return quad.Fixed(func(x float64) float64 {
				e := math.Sinh(x)
				return f(e) * s.density(e) * math.Cosh(x)
			}, lo, hi, 600, nil, 0)
		}
		kink := math.Asinh(-s.a / s.b)
		whole := func(f func(e float64) float64) float64 {
			parts := []float64{-40, min(0, kink), max(0, kink), 40}
			return over(f, parts[0], parts[1]) + over(f, parts[1], parts[2]) + over(f, parts[2], parts[3])
		}
		_, signed := s.slopes()
		for _, m := range []struct {
			name      string
			got, want float64
		}{
			{"mass", whole(func(float64) float64 { return 1 }), 1},
			{"mean", whole(func(e float64) float64 { return e }), 0},
			{"variance", whole(func(e float64) float64 { return e * e }), 1},
			{"E[e|e|]", signed, whole(func(e float64) float64 { return e * math.Abs(e) })},
			{"P(e < -1.5)", s.cdf(-1.5), over(func(float64) float64 { return 1 }, -40, math.Asinh(-1.5))},
			{"P(e > 2)", 1 - s.cdf(2), over(func(float64) float64 { return 1 }, math.Asinh(2), 40)},
		} {
			tol := 1e-7
			if c[0] < 2.6 {
				tol = 2e-4 // what lies beyond sinh(40) of a variance that hardly exists
			}
			if math.Abs(m.got-m.want) > tol {
				t.Errorf("nu %v, lambda %v: %s %v, want %v", c[0], c[1], m.name, m.got, m.want)
			}
		}
	}
}

// TestSkewTSlopes compares derivatives with differences.
func TestSkewTSlopes(t *testing.T) {
	for _, c := range skewCases {
		if c[1] == 0 {
			continue // a kink of E[e|e|] would show here; lambda 0 is tried below
		}
		s := newSkewT(c[0], c[1])
		d, signed := s.slopes()
		if got := s.signed(); math.Abs(got-signed) > 1e-13 {
			t.Errorf("nu %v, lambda %v: signed moment %v, %v beside its slopes", c[0], c[1], got, signed)
		}
		for i := range 2 {
			at := func(h float64) [5]float64 {
				x := c
				x[i] += h
				s := newSkewT(x[0], x[1])
				_, signed := s.slopes()
				return [5]float64{s.a, s.b, math.Log(s.b), s.logC, signed}
			}
			h := 1e-5
			up, down := at(h), at(-h)
			for k, got := range [5]float64{d.a[i], d.b[i], d.logB[i], d.logC[i], d.signed[i]} {
				want := (up[k] - down[k]) / (2 * h)
				if math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
					t.Errorf("nu %v, lambda %v: derivative %d of constant %d is %v, differences give %v", c[0], c[1], i, k, got, want)
				}
			}
		}
	}
	s := newSkewT(5, 0)
	d, signed := s.slopes()
	near := newSkewT(5, 1e-6)
	_, beside := near.slopes()
	if signed != 0 || math.Abs(d.signed[1]-beside/1e-6) > 1e-5 {
		t.Errorf("at lambda 0: %v, slope %v, differences give %v", signed, d.signed[1], beside/1e-6)
	}
}

// TestSkewTQuantiles expects quantiles and draws to follow the distribution
// function.
func TestSkewTQuantiles(t *testing.T) {
	for _, c := range skewCases {
		s := newSkewT(c[0], c[1])
		var score tScore
		score.set(c[0])
		z := []float64{-6, -3, -1.5, -0.2, 0, 0.2, 1, 2.5, 6}
		e := make([]float64, len(z))
		s.quantiles(&score, z, e)
		for i := range z {
			want := 0.5 * math.Erfc(-z[i]/math.Sqrt2)
			got := s.cdf(e[i])
			if z[i] > 0 {
				flipped := newSkewT(c[0], -c[1]) // 1 - F to full accuracy
				want, got = 0.5*math.Erfc(z[i]/math.Sqrt2), flipped.cdf(-e[i])
			}
			if math.Abs(got-want) > 1e-4*want {
				t.Errorf("nu %v, lambda %v: P(E < quantile of z = %v) is %v, want %v", c[0], c[1], z[i], got, want)
			}
		}
		rng := rand.New(rand.NewPCG(1, 2))
		const n = 200_000
		draws := make([]float64, n)
		for i := range draws {
			draws[i] = rng.NormFloat64() / math.Sqrt(drawGamma(rng, s.nu/2)/(s.nu/2))
		}
		s.draw(rng, draws)
		for _, at := range []float64{-2, -0.5, 0, 0.7, 3} {
			below := 0.0
			for _, x := range draws {
				if x < at {
					below++
				}
			}
			p := s.cdf(at)
			if se := math.Sqrt(p * (1 - p) / n); math.Abs(below/n-p) > 4.5*se {
				t.Errorf("nu %v, lambda %v: %v of draws are below %v, want %v", c[0], c[1], below/n, at, p)
			}
		}
	}
}
