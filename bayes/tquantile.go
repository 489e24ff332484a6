package bayes

import (
	"math"
	"sync"
)

// tScore maps a standard normal innovation z to the Student-t innovation of
// the same probability, G(z; nu) = T_nu^-1(Phi(z)), for nu >= 2. With it a
// path needs no quantile search: ln(G/z) is a smooth function of z^2 and of
// 1/nu, so a tensor of Chebyshev polynomials over 0 <= |z| <= 8.3 carries it
// to about 1e-10. From the tensor a grid is made, in which interpolation (cubic in
// z, quintic in 1/nu) takes a third of the time, to 1e-9; beyond 8.3, at probability 1e-16, the
// search is done.
//
// A tScore is one nu's place in that grid, to be used for a whole path.
type tScore struct {
	nu     float64
	row    int // first of gridRows of the grid
	weight [gridRows]float64
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

// tSlice is the tensor at one nu.
type tSlice [tableZ]float64

func (s *tSlice) set(v float64) {
	w := 2*v/tableVMax - 1
	var t [tableNu]float64
	t[0], t[1] = 1, w
	for l := 2; l < tableNu; l++ {
		t[l] = 2*w*t[l-1] - t[l-2]
	}
	for k, row := range tTable() {
		s[k] = 0
		for l, v := range t {
			s[k] += row[l] * v
		}
	}
}

// at returns ln(G/z).
func (s *tSlice) at(z float64) float64 {
	u := 4*z*z/(tableZMax*tableZMax) - 2 // twice the Chebyshev variable
	b1, b2 := 0.0, 0.0
	for k := tableZ - 1; k > 0; k-- {
		b1, b2 = u*b1-b2+s[k], b1
	}
	return u/2*b1 - b2 + s[0]
}

const (
	gridPerZ  = 64
	gridZ     = 536 // columns: z from -1/64 on, one beyond each end of the table and a few
	gridNu    = 200 // rows: v from 0 to tableVMax
	gridRows  = 6   // that an interpolation takes
	gridSpace = tableVMax / (gridNu - 1)
)

// tGrid holds ln(G/z), row by row.
var tGrid = sync.OnceValue(func() *[gridNu * gridZ]float64 {
	var grid [gridNu * gridZ]float64
	for i := range gridNu {
		var s tSlice
		s.set(float64(i) * gridSpace)
		for k := range gridZ {
			grid[i*gridZ+k] = s.at(float64(k-1) / gridPerZ)
		}
	}
	return &grid
})

// set prepares the score for degrees of freedom nu >= 2.
func (s *tScore) set(nu float64) {
	s.nu = nu
	inverse := 1 / nu
	x := inverse / ((inverse + tableBend) * gridSpace)
	s.row = min(max(int(x)-2, 0), gridNu-gridRows)
	x -= float64(s.row)
	a, b, c, d, e := x-1, x-2, x-3, x-4, x-5
	s.weight = [gridRows]float64{-a * b * c * d * e / 120, x * b * c * d * e / 24, -x * a * c * d * e / 12, x * a * b * d * e / 12, -x * a * b * c * e / 24, x * a * b * c * d / 120}
}

// each writes G(z; nu) for every z; r may be z.
func (s *tScore) each(z, r []float64) {
	rows := s.rows()
	for i, x := range z {
		r[i] = s.interpolate(rows, x)
	}
}

// at returns G(z; nu).
func (s *tScore) at(z float64) float64 { return s.interpolate(s.rows(), z) }

func (s *tScore) rows() []float64 { return tGrid()[s.row*gridZ : (s.row+gridRows)*gridZ] }

func (s *tScore) interpolate(rows []float64, z float64) float64 {
	y := math.Abs(z)
	if !(y <= tableZMax) {
		return math.Copysign(tQuantile(y, s.nu), z)
	}
	y *= gridPerZ
	k := int(y) // columns k to k+3 are z from (k-1)/64 on
	x := y - float64(k) + 1
	a, b, c := x-1, x-2, x-3
	ab, cx := a*b, c*x
	w0, w1, w2, w3 := -ab*c/6, cx*b/2, -cx*a/2, ab*x/6
	sum := 0.0
	for i, weight := range s.weight {
		p := rows[i*gridZ+k : i*gridZ+k+4 : i*gridZ+k+4]
		sum += weight * (w0*p[0] + w1*p[1] + w2*p[2] + w3*p[3])
	}
	return z * math.Exp(sum)
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
