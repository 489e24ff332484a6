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

// logGammaRatioSlope returns the derivative of logGammaRatio.
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

// The Student-t density needs ln(Gamma((nu+1)/2)/Gamma(nu/2)) and its slope at
// every gradient. As a function of k = ln(nu-2) it is analytic in a strip of
// half-width pi around the real line (its poles are at nu = 0, -2, ...), so that
// polynomials of degree gammaDegree on cells of width gammaWidth carry it to
// rounding error.
const (
	gammaLow    = -8.0
	gammaHigh   = 12.0
	gammaWidth  = 0.5
	gammaCells  = (gammaHigh - gammaLow) / gammaWidth
	gammaDegree = 10
)

// gammaPolynomials holds their coefficients, by cell and power.
type gammaPolynomials [gammaCells][gammaDegree + 1]float64

var gammaTable = sync.OnceValue(func() *gammaPolynomials {
	var table gammaPolynomials
	const n = gammaDegree + 1
	for cell := range table {
		middle := gammaLow + gammaWidth*(float64(cell)+0.5)
		var value, cheb [n]float64
		for i := range n {
			value[i] = logGammaRatio(1 + math.Exp(middle+gammaWidth/2*math.Cos(node(i, n)))/2)
		}
		for k := range n {
			for i := range n {
				cheb[k] += 2 / float64(n) * value[i] * math.Cos(float64(k)*node(i, n))
			}
		}
		cheb[0] /= 2
		// From Chebyshev polynomials to powers: T_k = 2 t T_(k-1) - T_(k-2).
		before, last := [n]float64{1}, [n]float64{0, 1}
		for k := range n {
			current := before
			if k > 0 {
				current = last
			}
			for i, c := range current {
				table[cell][i] += cheb[k] * c
			}
			if k > 0 {
				next := [n]float64{}
				for i := range n - 1 {
					next[i+1] = 2 * last[i]
				}
				for i := range n {
					next[i] -= before[i]
				}
				before, last = last, next
			}
		}
	}
	return &table
})

// at returns ln(Gamma((nu+1)/2)/Gamma(nu/2)) for nu = 2 + e^k, with
// excess = e^k given besides, and its derivative in k.
func (g *gammaPolynomials) at(k, excess float64) (value, slope float64) {
	at := (k - gammaLow) * (1 / gammaWidth)
	if !(at >= 0 && at < gammaCells) {
		a := 1 + excess/2
		return logGammaRatio(a), logGammaRatioSlope(a) * excess / 2
	}
	cell := int(at)
	t := 2*(at-float64(cell)) - 1
	coef := &g[cell]
	for i := gammaDegree; i >= 0; i-- {
		slope = slope*t + value
		value = value*t + coef[i]
	}
	return value, slope * (2 / gammaWidth)
}
