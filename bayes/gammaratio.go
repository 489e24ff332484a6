package bayes

import (
	"math"
	"sync"
)

// logGammaRatio returns ln(Gamma(a+1/2)/Gamma(a)) without the cancellation of
// two large logarithms: by Gamma's recurrence up to a > 10 and from there by
// the series of DLMF 5.11.13 for b = 1/2.
func logGammaRatio(a float64) float64 {
	above, below := 1.0, 1.0
	for ; a <= seriesFrom; a++ {
		above *= a + 0.5
		below *= a
	}
	s, _ := gammaRatioSeries(1 / a)
	return math.Log(s * math.Sqrt(a) * below / above)
}

// gammaRatio returns Gamma(a+1/2)/Gamma(a).
func gammaRatio(a float64) float64 {
	above, below := 1.0, 1.0
	for ; a <= seriesFrom; a++ {
		above *= a + 0.5
		below *= a
	}
	s, _ := gammaRatioSeries(1 / a)
	return s * math.Sqrt(a) * below / above
}

func logGammaRatioSlope(a float64) float64 {
	sum := 0.0
	for ; a <= seriesFrom; a++ {
		sum += 0.5 / (a * (a + 0.5))
	}
	r := 1 / a
	s, ds := gammaRatioSeries(r)
	return sum + r*0.5 - r*r*ds/s
}

const seriesFrom = 10

// gammaRatioSeries is Gamma(a+1/2)/(Gamma(a) sqrt(a)) as a series in r = 1/a,
// with its derivative in r.
func gammaRatioSeries(r float64) (s, ds float64) {
	coef := [...]float64{1, -1. / 8, 1. / 128, 5. / 1024, -21. / 32768, -399. / 262144, 869. / 4194304, 39325. / 33554432, -334477. / 2147483648, -28717403. / 17179869184, 59697183. / 274877906944, 8400372435. / 2199023255552}
	for i := len(coef) - 1; i >= 0; i-- {
		ds = ds*r + s
		s = s*r + coef[i]
	}
	return s, ds
}

// The Student-t density needs ln(Gamma((nu+1)/2)/Gamma(nu/2)), its slope, ln nu
// and nu-2 at every gradient. As functions of k = ln(nu-2) they are analytic in
// a strip of half-width pi around the real line (their poles are at nu = 0, -2,
// ...), so that polynomials of degree nuDegree on cells of width nuWidth carry
// them to rounding error.
const (
	nuLow    = -8.0
	nuHigh   = 12.0
	nuWidth  = 0.5
	nuCells  = (nuHigh - nuLow) / nuWidth
	nuDegree = 11 // odd
)

// nuCoefficients are those of one power: of the ratio, its slope in k, ln nu, and
// nu-2.
type nuCoefficients struct{ ratio, slope, log, excess float64 }

// nuPolynomials hold their coefficients, by cell and power.
type nuPolynomials [nuCells][nuDegree + 1]nuCoefficients

var nuTable = sync.OnceValue(func() *nuPolynomials {
	var table nuPolynomials
	for cell := range table {
		middle := nuLow + nuWidth*(float64(cell)+0.5)
		excess := func(t float64) float64 { return math.Exp(middle + nuWidth/2*t) }
		ratio := powerSeries(nuDegree+1, func(t float64) float64 { return logGammaRatio(1 + excess(t)/2) })
		log := powerSeries(nuDegree+1, func(t float64) float64 { return math.Log(2 + excess(t)) })
		exp := powerSeries(nuDegree+1, excess)
		for i := range table[cell] {
			table[cell][i] = nuCoefficients{ratio: ratio[i], log: log[i], excess: exp[i]}
			if i > 0 {
				table[cell][i-1].slope = float64(i) * ratio[i] * (2 / nuWidth)
			}
		}
	}
	return &table
})

// powerSeries are the n coefficients of the polynomial through f at the Chebyshev
// nodes of [-1, 1].
func powerSeries(n int, f func(t float64) float64) []float64 {
	series, value, cheb := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		value[i] = f(math.Cos(node(i, n)))
	}
	for k := range n {
		for i := range n {
			cheb[k] += 2 / float64(n) * value[i] * math.Cos(float64(k)*node(i, n))
		}
	}
	cheb[0] /= 2
	// From Chebyshev polynomials to powers: T_k = 2 t T_(k-1) - T_(k-2).
	before, last := make([]float64, n), make([]float64, n)
	before[0], last[1] = 1, 1
	for k := range n {
		current := before
		if k > 0 {
			current = last
		}
		for i, c := range current {
			series[i] += cheb[k] * c
		}
		if k > 0 {
			next := make([]float64, n)
			for i := range n - 1 {
				next[i+1] = 2 * last[i]
			}
			for i := range n {
				next[i] -= before[i]
			}
			before, last = last, next
		}
	}
	return series
}

// at returns ln(Gamma((nu+1)/2)/Gamma(nu/2)) for nu = 2 + e^k, its derivative in
// k, ln nu, and e^k.
func (p *nuPolynomials) at(k float64) (ratio, slope, logNu, excess float64) {
	at := (k - nuLow) * (1 / nuWidth)
	if !(at >= 0 && at < nuCells) {
		excess = math.Exp(k)
		a := 1 + excess/2
		return logGammaRatio(a), logGammaRatioSlope(a) * excess / 2, math.Log(2 + excess), excess
	}
	cell := int(at)
	t := 2*(at-float64(cell)) - 1
	// Even and odd powers apart: a sum waits for each of its additions.
	tt := t * t
	var even, odd nuCoefficients
	for c := p[cell][:]; len(c) >= 2; c = c[:len(c)-2] {
		a, b := &c[len(c)-2], &c[len(c)-1]
		even.ratio, odd.ratio = even.ratio*tt+a.ratio, odd.ratio*tt+b.ratio
		even.slope, odd.slope = even.slope*tt+a.slope, odd.slope*tt+b.slope
		even.log, odd.log = even.log*tt+a.log, odd.log*tt+b.log
		even.excess, odd.excess = even.excess*tt+a.excess, odd.excess*tt+b.excess
	}
	return even.ratio + t*odd.ratio, even.slope + t*odd.slope, even.log + t*odd.log, even.excess + t*odd.excess
}
