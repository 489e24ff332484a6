package bayes

import (
	"math"
	"sync"
)

// tScore maps a standard normal innovation z to the Student-t innovation of
// the same probability, G(z; nu) = T_nu^-1(Phi(z)), for nu >= 2. With it a
// path needs no quantile search: ln(G/z) is a smooth function of z^2 and of
// 1/nu, so a tensor of Chebyshev polynomials over 0 <= |z| <= 8.3 carries it
// to about 1e-10; beyond that, at probability 1e-16, the search is done.
//
// A tScore is one nu's slice of that tensor, to be used for a whole path.
type tScore struct {
	nu   float64
	coef [tableZ]float64
}

const (
	tableZ    = 34   // Chebyshev terms in z^2
	tableNu   = 40   // Chebyshev terms in v = a/(a+tableBend), a = 1/nu
	tableBend = 0.13 // spreads the terms where G changes fastest, near the normal
	tableZMax = 8.3
	tableVMax = 0.5 / (0.5 + tableBend)
)

// tTable holds the tensor's coefficients, term of z^2 first.
var tTable = sync.OnceValue(func() *[tableZ][tableNu]float64 {
	var values, coef [tableZ][tableNu]float64
	for i := range tableZ {
		z := tableZMax * math.Sqrt((1+math.Cos(node(i, tableZ)))/2)
		for j := range tableNu {
			v := tableVMax * (1 + math.Cos(node(j, tableNu))) / 2
			nu := (1 - v) / (tableBend * v)
			values[i][j] = math.Log(tQuantile(z, nu) / z)
		}
	}
	for k := range tableZ {
		for l := range tableNu {
			sum := 0.0
			for i := range tableZ {
				for j := range tableNu {
					sum += values[i][j] * math.Cos(float64(k)*node(i, tableZ)) * math.Cos(float64(l)*node(j, tableNu))
				}
			}
			sum *= 4 / float64(tableZ*tableNu)
			if k == 0 {
				sum /= 2
			}
			if l == 0 {
				sum /= 2
			}
			coef[k][l] = sum
		}
	}
	return &coef
})

// node returns the angle of Chebyshev node i of n.
func node(i, n int) float64 { return math.Pi * (float64(i) + 0.5) / float64(n) }

// set prepares the score for degrees of freedom nu >= 2.
func (s *tScore) set(nu float64) {
	s.nu = nu
	a := 1 / nu
	w := 2*a/((a+tableBend)*tableVMax) - 1
	var t [tableNu]float64
	t[0], t[1] = 1, w
	for l := 2; l < tableNu; l++ {
		t[l] = 2*w*t[l-1] - t[l-2]
	}
	table := tTable()
	// Several rows at a time: one sum alone waits for each of its additions.
	k := 0
	for ; k+6 <= tableZ; k += 6 {
		r0, r1, r2, r3, r4, r5 := &table[k], &table[k+1], &table[k+2], &table[k+3], &table[k+4], &table[k+5]
		var a0, a1, a2, a3, a4, a5 float64
		for l, v := range t {
			a0 += r0[l] * v
			a1 += r1[l] * v
			a2 += r2[l] * v
			a3 += r3[l] * v
			a4 += r4[l] * v
			a5 += r5[l] * v
		}
		c := s.coef[k : k+6]
		c[0], c[1], c[2], c[3], c[4], c[5] = a0, a1, a2, a3, a4, a5
	}
	for ; k < tableZ; k += 2 {
		one, two := &table[k], &table[k+1]
		a, b := 0.0, 0.0
		for l, v := range t {
			a += one[l] * v
			b += two[l] * v
		}
		s.coef[k], s.coef[k+1] = a, b
	}
}

// each writes G(z; nu) for every z; r may be z. Four recurrences run side by
// side, because one alone waits for each of its additions.
func (s *tScore) each(z, r []float64) {
	const end = tableZMax * tableZMax
	i := 0
	for ; i+4 <= len(z); i += 4 {
		z0, z1, z2, z3 := z[i], z[i+1], z[i+2], z[i+3]
		s0, s1, s2, s3 := z0*z0, z1*z1, z2*z2, z3*z3
		if s0 > end || s1 > end || s2 > end || s3 > end {
			for j := i; j < i+4; j++ {
				r[j] = s.at(z[j])
			}
			continue
		}
		s0, s1, s2, s3 = 4*s0/end-2, 4*s1/end-2, 4*s2/end-2, 4*s3/end-2
		var a0, a1, a2, a3, b0, b1, b2, b3 float64
		for k := tableZ - 1; k > 0; k-- {
			c := s.coef[k]
			a0, b0 = s0*a0-b0+c, a0
			a1, b1 = s1*a1-b1+c, a1
			a2, b2 = s2*a2-b2+c, a2
			a3, b3 = s3*a3-b3+c, a3
		}
		c := s.coef[0]
		r[i], r[i+1] = z0*math.Exp(s0/2*a0-b0+c), z1*math.Exp(s1/2*a1-b1+c)
		r[i+2], r[i+3] = z2*math.Exp(s2/2*a2-b2+c), z3*math.Exp(s3/2*a3-b3+c)
	}
	for ; i < len(z); i++ {
		r[i] = s.at(z[i])
	}
}

// at returns G(z; nu).
func (s *tScore) at(z float64) float64 {
	zz := z * z
	if zz > tableZMax*tableZMax {
		return math.Copysign(tQuantile(math.Abs(z), s.nu), z)
	}
	u := 4*zz/(tableZMax*tableZMax) - 2 // twice the Chebyshev variable
	b1, b2 := 0.0, 0.0
	for k := tableZ - 1; k > 0; k-- {
		b1, b2 = u*b1-b2+s.coef[k], b1
	}
	return z * math.Exp(u/2*b1-b2+s.coef[0])
}

// tQuantile returns T_nu^-1(Phi(z)) for z > 0 by Newton's method on the
// logarithm of the tail (far out) or of the central probability (close in).
func tQuantile(z, nu float64) float64 {
	if z > 38 { // Phi(-z) underflows
		return math.Inf(1)
	}
	tail, center := 0.5*math.Erfc(z/math.Sqrt2), 0.5*math.Erf(z/math.Sqrt2)
	logNorm := logGammaRatio(nu/2) - 0.5*math.Log(math.Pi*nu)
	t := z * math.Exp(z*z/(4*nu))
	for range 100 {
		q, c := tTails(t, nu)
		density := t * math.Exp(logNorm-(nu+1)/2*math.Log1p(t*t/nu))
		var step float64
		if z < 0.8 {
			step = -math.Log(c/center) * c / density
		} else {
			step = math.Log(q/tail) * q / density
		}
		t *= math.Exp(max(-1, min(1, step)))
		if math.Abs(step) < 2e-15 {
			break
		}
	}
	return t
}

// tCDF returns T_nu(t).
func tCDF(t, nu float64) float64 {
	if t == 0 {
		return 0.5
	}
	tail, _ := tTails(math.Abs(t), nu)
	if t < 0 {
		return tail
	}
	return 1 - tail
}

// tTails returns P(T > t) and P(0 < T < t) for t > 0, the smaller one to full
// relative accuracy, from the incomplete beta function's continued fraction
// (Numerical Recipes, section 6.4; DLMF 8.17.22).
func tTails(t, nu float64) (tail, center float64) {
	if math.IsInf(t, 1) {
		return 0, 0.5
	}
	a, tt := nu/2, t*t
	y := tt / (nu + tt)
	front := math.Exp(logGammaRatio(a) - 0.5*math.Log(math.Pi) - a*math.Log1p(tt/nu) + 0.5*math.Log(y))
	if y < 1.5/(a+2.5) {
		center = front * betaFraction(0.5, a, y, 1e-16)
		return 0.5 - center, center
	}
	tail = 0.5 * front * betaFraction(a, 0.5, nu/(nu+tt), 1e-16) / a
	return tail, 0.5 - tail
}

// betaFraction is the continued fraction of I_x(a, b) by Lentz's method, to a
// relative tolerance.
func betaFraction(a, b, x, tolerance float64) float64 {
	const tiny = 1e-300
	away := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/away(1-(a+b)*x/(a+1))
	h := d
	for m := 1.0; m < 10000; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/away(1+even*d), away(1+even/c)
		h *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/away(1+odd*d), away(1+odd/c)
		h *= d * c
		if math.Abs(d*c-1) < tolerance {
			break
		}
	}
	return h
}
