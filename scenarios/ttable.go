package scenarios

import (
	"math"
	"sync"

	"gonum.org/v1/gonum/mathext"
)

// cubic is a piecewise cubic on equal steps that meets values and derivatives
// at its nodes (Hermite interpolation): its error is step^4/384 times the
// fourth derivative.
type cubic struct {
	lo, step float64
	coef     [][4]float64 // of 1, t, t^2, t^3 with t in [0, 1] across the piece
}

// newCubic interpolates at lo, lo+step, ...
func newCubic(lo, step float64, values, slopes []float64) cubic {
	c := cubic{lo: lo, step: step, coef: make([][4]float64, len(values)-1)}
	for i := range c.coef {
		v, w := values[i], values[i+1]
		a, b := step*slopes[i], step*slopes[i+1]
		c.coef[i] = [4]float64{v, a, 3*(w-v) - 2*a - b, 2*(v-w) + a + b}
	}
	return c
}

// at interpolates; outside the nodes it continues the first or last piece.
func (c *cubic) at(x float64) float64 {
	t := (x - c.lo) / c.step
	i := max(0, min(len(c.coef)-1, int(t)))
	t -= float64(i)
	p := &c.coef[i]
	return p[0] + t*(p[1]+t*(p[2]+t*p[3]))
}

// tMap carries a Student-t variate with nu degrees of freedom to the standard
// normal of the same probability, z(x) = Phi^-1(T_nu(x)), and back, without a
// distribution function or a quantile search per variate. z is a table of x up
// to nearTail and of ln x beyond; it is odd. Its error is below 1e-8 in z.
type tMap struct {
	nu        float64
	near, far cubic // of |x|, of ln|x|
	back      cubic // x of |z| <= backLimit

	// scores are E[c_k(g)^2] of mehler, computed on first use.
	scores func() []float64
}

const (
	nearTail  = 16.0
	nearSteps = 512
	farSteps  = 512
	farLimit  = 1e9 // further out lies less than 1e-18 of the probability for nu >= 2
	backLimit = 5.0 // ranks of fewer than 3 million days stay within
	backSteps = 160
)

// tMaps keeps the tables that were made, by nu.
var tMaps sync.Map

func mapFor(nu float64) *tMap {
	if m, ok := tMaps.Load(nu); ok {
		return m.(*tMap)
	}
	m, _ := tMaps.LoadOrStore(nu, newTMap(nu))
	return m.(*tMap)
}

func newTMap(nu float64) *tMap {
	m := &tMap{nu: nu}
	m.scores = sync.OnceValue(func() []float64 { return mehler(m) })
	values, slopes := make([]float64, nearSteps+1), make([]float64, nearSteps+1)
	for i := range values {
		values[i], slopes[i] = m.exact(nearTail * float64(i) / nearSteps)
	}
	m.near = newCubic(0, nearTail/nearSteps, values, slopes)

	lo, step := math.Log(nearTail), math.Log(farLimit/nearTail)/farSteps
	values, slopes = make([]float64, farSteps+1), make([]float64, farSteps+1)
	for i := range values {
		x := math.Exp(lo + step*float64(i))
		values[i], slopes[i] = m.exact(x)
		slopes[i] *= x
	}
	m.far = newCubic(lo, step, values, slopes)

	values, slopes = make([]float64, backSteps+1), make([]float64, backSteps+1)
	x := 0.0
	for i := range values {
		z := backLimit * float64(i) / backSteps
		for range 8 { // Newton's method from the node before; z(x) rises and is smooth
			v, slope := m.exact(x)
			x += (z - v) / slope
			slopes[i] = 1 / slope
		}
		values[i] = x
	}
	m.back = newCubic(0, backLimit/backSteps, values, slopes)
	return m
}

// exact returns z(x) and its derivative t_nu(x)/phi(z) for x >= 0, where the
// tail probability is half the incomplete beta ratio I_{nu/(nu+x^2)}(nu/2, 1/2)
// (DLMF 8.17).
func (m *tMap) exact(x float64) (z, slope float64) {
	nu := m.nu
	tail := 0.5 * mathext.RegIncBeta(nu/2, 0.5, nu/(nu+x*x))
	if tail < 1e-200 { // nu is large and x far out: never drawn
		return 30.2, 0
	}
	z = -mathext.NormalQuantile(tail)
	a, _ := math.Lgamma((nu + 1) / 2)
	b, _ := math.Lgamma(nu / 2)
	density := a - b - 0.5*math.Log(math.Pi*nu) - (nu+1)/2*math.Log1p(x*x/nu)
	return z, math.Exp(density + z*z/2 + 0.5*math.Log(2*math.Pi))
}

// normal returns z(x).
func (m *tMap) normal(x float64) float64 {
	a := math.Abs(x)
	if a <= nearTail {
		return math.Copysign(m.near.at(a), x)
	}
	return math.Copysign(m.far.at(math.Log(min(a, farLimit))), x)
}

// student returns x(z); |z| beyond backLimit counts as backLimit.
func (m *tMap) student(z float64) float64 {
	return math.Copysign(m.back.at(min(math.Abs(z), backLimit)), z)
}

// normalCDF returns Phi(z), with full relative accuracy in the lower tail.
func normalCDF(z float64) float64 { return 0.5 * math.Erfc(-z/math.Sqrt2) }
