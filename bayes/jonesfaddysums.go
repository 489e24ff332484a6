package bayes

import "math"

// jfSums are the sums through which the data enter the likelihood of Jones and
// Faddy, those of the Student-t and, with r = y - m,
//
//	asinh = sum w asinh(r/sqrt(c))
//	inM   = its derivative by m:    -sum w/sqrt(c + r^2)
//	inC   = its derivative by ln c: -sum w r/sqrt(c + r^2)/2
type jfSums struct {
	tSums
	asinh, inM, inC float64
}

// jfSums evaluates them day by day. Without weights there is one logarithm for
// many days, of running products: of 1 + r^2/c, and of |r|/sqrt(c) + sqrt(1 + r^2/c)
// for either sign of r, since asinh x = sign(x) ln(|x| + sqrt(1 + x^2)).
func (d *days) jfSums(m, c float64) (s jfSums) {
	inv := 1 / math.Sqrt(c)
	product, arm := 1.0, [2]float64{1, 1}
	for i, y := range d.y {
		w := 1.0
		if d.w != nil {
			w = d.w[i]
		}
		x := (y - m) * inv
		t := 1 + x*x
		root := math.Sqrt(t)
		each := 1 / root
		rim := math.Abs(x) + root
		s.share += w * each * each
		s.u += w * each * each * x
		s.inM -= w * each
		s.inC -= w * each * x
		if d.w != nil || !(t < 1e100) {
			s.log += w * math.Log(t)
			s.asinh += w * math.Copysign(math.Log(rim), x) // a weight of compressed days may be negative
			continue
		}
		if product *= t; product > 1e200 {
			s.log += math.Log(product)
			product = 1
		}
		side := math.Float64bits(x) >> 63
		if arm[side] *= rim; arm[side] > 1e200 {
			s.asinh += math.Copysign(math.Log(arm[side]), x)
			arm[side] = 1
		}
	}
	s.log += math.Log(product)
	s.asinh += math.Log(arm[0]) - math.Log(arm[1])
	s.share, s.u, s.inM, s.inC = d.n-s.share, s.u*inv, s.inM*inv, s.inC/2
	return s
}

// asinh is the sum of that name alone.
func (d *days) asinh(m, c float64) float64 {
	inv, sum := 1/math.Sqrt(c), 0.0
	for i, y := range d.y {
		x := (y - m) * inv
		v := math.Copysign(math.Log(math.Abs(x)+math.Sqrt(1+x*x)), x)
		if d.w != nil {
			v *= d.w[i]
		}
		sum += v
	}
	return sum
}

// jfReduction has both functions in one box, with the coefficients of either side
// by side: one pass evaluates them.
type jfReduction struct {
	box   *reduction
	terms []int // as of a reduction, for either function
	most  int
	coef  [][2]float64 // of log and of asinh
	bound [2]float64
}

// reduceJF is reduce for the two functions; nil where either is.
func reduceJF(d *days, m0, halfM, logC0, halfLogC float64) *jfReduction {
	log := reduce(d.tLog, d.n, jfTolerance, m0, halfM, logC0, halfLogC)
	if log == nil {
		return nil
	}
	asinh := reduce(d.asinh, d.n, jfTolerance, m0, halfM, logC0, halfLogC)
	if asinh == nil {
		return nil
	}
	r := &jfReduction{box: log, most: max(log.most, asinh.most), bound: [2]float64{log.bound, asinh.bound}}
	at := [2]int{}
	for j := range max(len(log.terms), len(asinh.terms)) {
		from := len(r.coef)
		for side, f := range [2]*reduction{log, asinh} {
			if j >= len(f.terms) {
				continue
			}
			n := f.terms[j]
			for len(r.coef) < from+n {
				r.coef = append(r.coef, [2]float64{})
			}
			for k, v := range f.coef[at[side] : at[side]+n] {
				r.coef[from+k][side] = v
			}
			at[side] += n
		}
		r.terms = append(r.terms, len(r.coef)-from)
	}
	return r
}

// jfTolerance is reduceTolerance of these two: of a log density, some 1e-6.
const jfTolerance = 1e-7

// at returns the sums; ok is false outside the box.
func (r *jfReduction) at(m, logC float64) (s jfSums, ok bool) {
	u, v, inside := r.box.inside(m, logC)
	if !inside {
		return s, false
	}
	var c chebyshev
	c.set(v, r.most)
	coef := r.coef
	tu, before := 1.0, u // T_j(u), T_(j-1)(u)
	du, dBefore := 0.0, 1.0
	var f, fu, fv, g, gu, gv float64
	for _, n := range r.terms {
		row, tk, dk := coef[:n], c.t[:n], c.dt[:n]
		coef = coef[n:]
		var b, db, e, de float64
		for k := range row {
			t, d := tk[k], dk[k]
			b += row[k][0] * t
			db += row[k][0] * d
			e += row[k][1] * t
			de += row[k][1] * d
		}
		f += b * tu
		fu += b * du
		fv += db * tu
		g += e * tu
		gu += e * du
		gv += de * tu
		tu, before, du, dBefore = 2*u*tu-before, tu, 2*(tu+u*du)-dBefore, du
	}
	muScale, lScale := r.box.muScale, r.box.lScale
	s.tSums = tSums{f, -fv * lScale, -fu * muScale / 2}
	s.asinh, s.inM, s.inC = g, gu*muScale, gv*lScale
	return s, true
}
