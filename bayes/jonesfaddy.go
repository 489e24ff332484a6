package bayes

import (
	"math"
	"sync"
)

// jonesFaddy is the skewed Student-t of Jones and Faddy (Journal of the Royal
// Statistical Society B 65, 2003), in units of sqrt(c), c = (a+b) s^2 of its scale s:
//
//	f(u) = (u + R)^(a-b) R^-(a+b+1) / (2^(a+b-1) B(a, b)),   R = sqrt(1 + u^2)
//
// for a, b > 1, where the variance exists. With a = b it is a Student-t with 2a
// degrees of freedom and c = nu sigma^2. The lower tail has 2a degrees of freedom
// and the upper 2b; losses are longer than gains for a < b. It is parametrized by
//
//	nu   = a + b > 2                       the mean of the two
//	skew = (a-b)/(a+b-2) in (-1, 1)        so that a, b = 1 + (nu-2)(1 +- skew)/2
//
// As ln((u+R)^2) is the logit of a Beta(a, b) variate, u is
// (X-Y)/(2 sqrt(XY)) of independent X ~ Gamma(a), Y ~ Gamma(b).
type jonesFaddy struct {
	a, b, nu float64 // nu = a + b
	mean     float64 // E u = (a-b)/2 g(a) g(b), g(x) = Gamma(x-1/2)/Gamma(x)
}

// newJonesFaddy takes nu and skew.
func newJonesFaddy(nu, skew float64) jonesFaddy {
	f := jonesFaddy{a: 1 + (nu-2)*(1+skew)/2, b: 1 + (nu-2)*(1-skew)/2, nu: nu}
	f.mean = (f.a - f.b) / 2 / (gammaRatio(f.a-0.5) * gammaRatio(f.b-0.5))
	return f
}

// mode returns the mode of u, (a-b)/sqrt((2a+1)(2b+1)).
func (f *jonesFaddy) mode() float64 { return (f.a - f.b) / math.Sqrt((2*f.a+1)*(2*f.b+1)) }

// narrow returns 1 - ((a-b)/(a+b+1))^2.
func (f *jonesFaddy) narrow() float64 { return (2*f.a + 1) * (2*f.b + 1) / ((f.nu + 1) * (f.nu + 1)) }

// jfDensity has besides what a log density needs, with derivatives by k = ln(nu-2)
// and by x = atanh skew.
type jfDensity struct {
	jonesFaddy
	logNu, excess float64 // excess = nu-2
	skew          float64
	variance      float64 // of u; E u^2 = (skew^2 + 1/excess)/(1 - skew^2)
	mode          float64 // of u
	narrow        float64 // 1 - d^2, d = (a-b)/(a+b+1): 1/((a+b+1) narrow^2) is the curvature's variance at the mode
	logC          float64 // ln of the density at u = 0

	slopes struct{ a, b, mean, variance, mode, logNarrow, logC [2]float64 }
}

// set computes everything at k and x.
func (f *jfDensity) set(k, x float64) {
	ratio, ratioSlope, logNu, excess := nuTable().at(k)
	f.logNu, f.excess = logNu, excess
	e := math.Exp(-2 * math.Abs(x))
	large := 1 / (1 + e) // (1 + |skew|)/2
	small := e * large
	thin := math.Log(1 + e)
	up, down := large, small
	tUp, tDown := k-thin, k-thin-2*math.Abs(x) // ln(a-1), ln(b-1)
	if x < 0 {
		up, down, tUp, tDown = down, up, tDown, tUp
	}
	f.nu, f.a, f.b, f.skew = 2+excess, 1+excess*up, 1+excess*down, up-down
	table := jfTable()
	var a, b jfValues
	table.at(tUp, &a)
	table.at(tDown, &b)
	half, halfSlope := table.binet(k - math.Ln2)

	// ln of 1/(2^(nu-1) B(a, b)) is that of a Student-t, less ln Gamma(a) + ln Gamma(b) - 2 ln Gamma(nu/2).
	inA, inB, inNu := 1/f.a, 1/f.b, 1/f.nu
	logA, logB := a.log-(logNu-math.Ln2), b.log-(logNu-math.Ln2) // ln(2a/nu), ln(2b/nu)
	f.logC = ratio - logPi/2 - (a.binet + b.binet - 2*half + (f.a-0.5)*logA + (f.b-0.5)*logB)
	psiA := logA - 0.5*inA + a.binetSlope + (inNu - halfSlope) // less that of nu/2
	psiB := logB - 0.5*inB + b.binetSlope + (inNu - halfSlope)
	s := &f.slopes
	upA, upB := f.a-1, f.b-1
	turn := 2 * excess * large * small // da/dx = -db/dx
	s.a, s.b = [2]float64{upA, turn}, [2]float64{upB, -turn}
	s.logC = [2]float64{ratioSlope - (upA*psiA + upB*psiB), -turn * (psiA - psiB)}

	lift := (f.a - f.b) / 2
	f.mean = lift * a.g * b.g
	byA, byB := a.g*b.g/2+lift*a.gSlope*b.g, -a.g*b.g/2+lift*a.g*b.gSlope
	s.mean = [2]float64{upA*byA + upB*byB, turn * (byA - byB)}
	skew, perRest, perExcess := f.skew, 1/(4*large*small), 1/excess
	square := (skew*skew + perExcess) * perRest
	f.variance = square - f.mean*f.mean
	s.variance[0] = -perExcess*perRest - 2*f.mean*s.mean[0]
	s.variance[1] = 2*skew*(1+square) - 2*f.mean*s.mean[1]

	wideA, wideB := 1/(2*f.a+1), 1/(2*f.b+1)
	root := math.Sqrt(wideA * wideB)
	f.mode = 2 * lift * root
	s.mode[0] = (upA-upB)*root - f.mode*(upA*wideA+upB*wideB)
	s.mode[1] = 2*turn*root - f.mode*turn*(wideA-wideB)

	d, per := 2*lift/(f.nu+1), 1/(f.nu+1)
	f.narrow = 4 * (f.a + 0.5) * (f.b + 0.5) * per * per // without cancellation
	s.logNarrow[0] = -2 * d * (upA - upB - d*excess) * per / f.narrow
	s.logNarrow[1] = -4 * d * turn * per / f.narrow
}

// jfValues are functions of x = 1 + e^t: ln Gamma(x) without Stirling's
// (x-1/2) ln x - x + ln(2 pi)/2, its slope in x, Gamma(x-1/2)/Gamma(x), its slope
// in x, and ln x. Their coefficients have the same names.
type jfValues struct{ binet, binetSlope, g, gSlope, log float64 }

// They are tabulated as nuPolynomials are, being analytic in the same strip. Cells
// of half the width need fewer powers.
const (
	jfWidth = nuWidth / 2
	jfCells = 2 * nuCells
	jfTerms = 8 // even
)

type jfPolynomials [jfCells][jfTerms]jfValues

var jfTable = sync.OnceValue(func() *jfPolynomials {
	var table jfPolynomials
	for cell := range table {
		middle := nuLow + jfWidth*(float64(cell)+0.5)
		series := func(f func(v jfValues) float64) []float64 {
			return powerSeries(jfTerms, func(u float64) float64 { return f(jfDirect(middle + jfWidth/2*u)) })
		}
		binet, binetSlope := series(func(v jfValues) float64 { return v.binet }), series(func(v jfValues) float64 { return v.binetSlope })
		g, gSlope := series(func(v jfValues) float64 { return v.g }), series(func(v jfValues) float64 { return v.gSlope })
		log := series(func(v jfValues) float64 { return v.log })
		for i := range table[cell] {
			table[cell][i] = jfValues{binet[i], binetSlope[i], g[i], gSlope[i], log[i]}
		}
	}
	return &table
})

// jfDirect evaluates them without the table.
func jfDirect(t float64) (v jfValues) {
	x := 1 + math.Exp(t)
	v.binet, v.binetSlope = binet(x)
	v.g = 1 / gammaRatio(x-0.5)
	v.gSlope = -v.g * logGammaRatioSlope(x-0.5)
	v.log = math.Log(x)
	return v
}

// at evaluates them at t = ln(x-1).
func (p *jfPolynomials) at(t float64, v *jfValues) {
	c, u := p.cell(t)
	if c == nil {
		*v = jfDirect(t)
		return
	}
	top := &c[jfTerms-1]
	binet, binetSlope, g, gSlope, log := top.binet, top.binetSlope, top.g, top.gSlope, top.log
	for i := jfTerms - 2; i >= 0; i-- {
		a := &c[i]
		binet = binet*u + a.binet
		binetSlope = binetSlope*u + a.binetSlope
		g = g*u + a.g
		gSlope = gSlope*u + a.gSlope
		log = log*u + a.log
	}
	v.binet, v.binetSlope, v.g, v.gSlope, v.log = binet, binetSlope, g, gSlope, log
}

// binet is at for the first two.
func (p *jfPolynomials) binet(t float64) (value, slope float64) {
	c, u := p.cell(t)
	if c == nil {
		return binet(1 + math.Exp(t))
	}
	for i := jfTerms - 1; i >= 0; i-- {
		value = value*u + c[i].binet
		slope = slope*u + c[i].binetSlope
	}
	return value, slope
}

// cell returns the coefficients at t and the place in their cell, in -1..1; nil
// outside the table.
func (p *jfPolynomials) cell(t float64) (c *[jfTerms]jfValues, u float64) {
	at := (t - nuLow) * (1 / jfWidth)
	if !(at >= 0 && at < jfCells) {
		return nil, 0
	}
	cell := int(at)
	return &p[cell], 2*(at-float64(cell)) - 1
}

// binet returns ln Gamma(x) - ((x-1/2) ln x - x + ln(2 pi)/2) and its derivative,
// by Stirling's series (DLMF 5.11.1) from x + n > 15 down.
func binet(x float64) (value, slope float64) {
	for ; x < 15; x++ {
		log := math.Log1p(1 / x)
		value += (x+0.5)*log - 1
		slope += log - (x+0.5)/(x*(x+1))
	}
	coef := [...]float64{1. / 12, -1. / 360, 1. / 1260, -1. / 1680, 1. / 1188, -691. / 360360, 1. / 156}
	r := 1 / (x * x)
	power := 1 / x
	for i, c := range coef {
		value += c * power
		slope -= float64(2*i+1) * c * power / x
		power *= r
	}
	return value, slope
}
