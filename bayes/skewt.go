package bayes

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mathext"
)

// skewT is Hansen's skewed Student-t (International Economic Review 35, 1994),
// with mean 0, variance 1, nu > 2 degrees of freedom and skewness parameter
// lambda in (-1, 1):
//
//	f(e) = b c (1 + (U / (1 + lambda sign U))^2 / (nu - 2))^(-(nu+1)/2),   U = a + b e
//	c = Gamma((nu+1)/2) / (Gamma(nu/2) sqrt(pi (nu-2)))
//	a = 4 lambda c (nu-2)/(nu-1),   b^2 = 1 + 3 lambda^2 - a^2
//
// Losses are longer than gains for lambda < 0. U is negative with probability
// (1-lambda)/2, and |U| / (1 + lambda sign U) has the distribution of |W|, W a
// Student-t scaled to variance 1. Its third moment is not needed; a model
// of the variance needs the signed moment E[e |e|].
type skewT struct {
	nu, lambda float64
	a, b, logC float64
	k          float64    // 1/(nu-2)
	logBC      float64    // ln b + logC
	g          [2]float64 // (1 -+ lambda)^-2: of U < 0, of U >= 0
}

func newSkewT(nu, lambda float64) skewT {
	s := skewT{nu: nu, lambda: lambda, k: 1 / (nu - 2)}
	s.logC = lgamma((nu+1)/2) - lgamma(nu/2) - 0.5*math.Log(math.Pi*(nu-2))
	s.a = 4 * lambda * math.Exp(s.logC) * (nu - 2) / (nu - 1)
	s.b = math.Sqrt(1 + 3*lambda*lambda - s.a*s.a)
	s.logBC = math.Log(s.b) + s.logC
	s.g = [2]float64{1 / ((1 - lambda) * (1 - lambda)), 1 / ((1 + lambda) * (1 + lambda))}
	return s
}

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// skewSlopes are derivatives by nu and by lambda.
type skewSlopes struct {
	a, b, logB, logC, signed [2]float64
}

// signed returns E[e |e|], as slopes does beside the derivatives.
func (s *skewT) signed() float64 {
	l, sign := math.Abs(s.lambda), 1.0
	if s.lambda < 0 {
		sign = -1
	}
	a, c := math.Abs(s.a), math.Exp(s.logC)
	v, w := 1-l, 1/((1+l)*(1+l))
	sum := v*v*v/2 + a*v*v*2*c*(s.nu-2)/(s.nu-1) + a*a*v/2
	for i, x := range legendreNodes {
		u := a * x
		r := a - u
		sum += r * r * c * math.Exp(-(s.nu+1)/2*math.Log(1+u*u*s.k*w)) * a * legendreWeights[i]
	}
	return sign * (1 - 2*sum/(s.b*s.b))
}

// slopes returns the derivatives of the constants, and of the signed moment.
func (s *skewT) slopes() (d skewSlopes, signed float64) {
	nu, lambda := s.nu, s.lambda
	c := math.Exp(s.logC)
	d.logC[0] = 0.5*(mathext.Digamma((nu+1)/2)-mathext.Digamma(nu/2)) - s.k/2
	d.a[0] = s.a * (d.logC[0] + s.k - 1/(nu-1))
	d.a[1] = 4 * c * (nu - 2) / (nu - 1)
	d.b[0] = -s.a * d.a[0] / s.b
	d.b[1] = (3*lambda - s.a*d.a[1]) / s.b
	d.logB = [2]float64{d.b[0] / s.b, d.b[1] / s.b}

	// E[e |e|] is odd in lambda; with lambda >= 0, so that a >= 0,
	// b^2 E[e^2; e < 0] = (1-l)^3/2 + a (1-l)^2 m + a^2 (1-l)/2 + M, where
	// m = E|W| = 2 c (nu-2)/(nu-1) and M = integral_0^a (a-u)^2 f_U(u) du.
	l, sign := math.Abs(lambda), 1.0
	if lambda < 0 {
		sign = -1
	}
	a, aNu, aL := math.Abs(s.a), sign*d.a[0], d.a[1]
	m := 2 * c * (nu - 2) / (nu - 1)
	mNu := m * (d.logC[0] + s.k - 1/(nu-1))
	v := 1 - l
	sum := v*v*v/2 + a*v*v*m + a*a*v/2
	sumA := v*v*m + a*v
	sumNu := a*v*v*mNu + sumA*aNu
	sumL := -1.5*v*v - 2*a*v*m - a*a/2 + sumA*aL
	w := 1 + l
	for i, x := range legendreNodes {
		u := a * x
		kernel := 1 + u*u*s.k/(w*w)
		f := c * math.Exp(-(nu+1)/2*math.Log(kernel)) * a * legendreWeights[i]
		r := a - u
		sum += r * r * f
		// u moves with a: d/da of a (a - a x)^2 f(a x) by parts is 2 (a-u) f.
		inA := 2 * r * f
		fNu := d.logC[0] - math.Log(kernel)/2 + (nu+1)/2*u*u*s.k*s.k/(w*w)/kernel
		fL := (nu + 1) * u * u * s.k / (w * w * w) / kernel
		sumNu += r*r*f*fNu + inA*aNu
		sumL += r*r*f*fL + inA*aL
	}
	bb, bbNu, bbL := s.b*s.b, 2*s.b*d.b[0], 2*s.b*d.b[1]*sign
	signed = sign * (1 - 2*sum/bb)
	d.signed[0] = sign * -2 * (sumNu - sum*bbNu/bb) / bb
	d.signed[1] = -2 * (sumL - sum*bbL/bb) / bb // sign twice: of the moment and of lambda
	return d, signed
}

// Nodes and weights of Gauss and Legendre on [0, 1].
var legendreNodes, legendreWeights = func() (x, w [6]float64) {
	half := [3][2]float64{{0.2386191860831969, 0.4679139345726910}, {0.6612093864662645, 0.3607615730481386}, {0.9324695142031521, 0.1713244923791704}}
	for i, h := range half {
		x[2*i], w[2*i] = (1-h[0])/2, h[1]/2
		x[2*i+1], w[2*i+1] = (1+h[0])/2, h[1]/2
	}
	return x, w
}()

func (s *skewT) cdf(e float64) float64 {
	u, unit := s.a+s.b*e, math.Sqrt(s.nu*s.k) // of a t to one of variance 1: t = W sqrt(nu/(nu-2))
	if u < 0 {
		return (1 - s.lambda) * tCDF(u/(1-s.lambda)*unit, s.nu)
	}
	return 1 - (1+s.lambda)*tCDF(-u/(1+s.lambda)*unit, s.nu)
}

// quantiles writes the quantiles at the probabilities of standard normal scores z;
// e may be z. score is a table of the Student-t for nu.
func (s *skewT) quantiles(score *tScore, z, e []float64) {
	const root = math.Sqrt2
	for i, x := range z {
		low := 0.5 * math.Erfc(-x/root) // P(Z < x)
		if low < (1-s.lambda)/2 {
			e[i] = mathext.NormalQuantile(max(low/(1-s.lambda), math.SmallestNonzeroFloat64))
		} else {
			e[i] = -mathext.NormalQuantile(max(0.5*math.Erfc(x/root)/(1+s.lambda), math.SmallestNonzeroFloat64))
		}
	}
	score.each(e, e)
	unit := math.Sqrt((s.nu - 2) / s.nu)
	for i, t := range e {
		side := 1 + s.lambda
		if t < 0 {
			side = 1 - s.lambda
		}
		e[i] = (side*unit*t - s.a) / s.b
	}
}

// draw turns standard Student-t variates with nu degrees of freedom into variates
// of s.
func (s *skewT) draw(rng *rand.Rand, t []float64) {
	unit := math.Sqrt((s.nu - 2) / s.nu)
	for i, x := range t {
		side := 1 + s.lambda
		if rng.Float64() < (1-s.lambda)/2 {
			side = s.lambda - 1
		}
		t[i] = (side*unit*math.Abs(x) - s.a) / s.b
	}
}
