package bayes

import "math"

// garchWork holds the daily quantities of a pass over T days.
type garchWork struct {
	y, h   []float64 // y_t, h_t
	inY    []float64 // derivative of ln f_t by y_t
	direct []float64 // derivative of ln f_t by h_t, through y_t too
	carry  []float64 // of h_{t+1} by h_t
}

func newGarchWork(n int) garchWork {
	all := make([]float64, 5*n)
	return garchWork{all[:n:n], all[n : 2*n : 2*n], all[2*n : 3*n : 3*n], all[3*n : 4*n : 4*n], all[4*n:]}
}

// garchSums are the sums of a log likelihood and its derivatives: by the level and
// the slope of the mean in the variance; by the coefficients of the recursion; and by
// the skewed t's a, b and 1/(nu-2), and the widths (1 -+ lambda)^-2 of its sides. next
// is h_{T+1}.
type garchSums struct {
	logH, logTail, next                     float64
	level, slope, alpha, delta, beta, omega float64
	a, b, k                                 float64
	side                                    [2]float64
}

// rescale moves the exponent of a product of positive numbers to a count, before it can
// leave the range of a float64: one logarithm is enough for many factors. That it has
// left it is told by NaN.
func rescale(product float64, exponent int) (float64, int) {
	const bias = 1023
	bits := math.Float64bits(product)
	e := int(bits >> 52)
	if e == 0 || e >= 2047 { // also of a negative product
		return math.NaN(), exponent
	}
	return math.Float64frombits(bits&(1<<52-1) | bias<<52), exponent + e - bias
}

// forward runs over the days. With H = h + k U^2 / (1 -+ lambda)^2 and
// U = a sqrt(h) + b y, k = 1/(nu-2),
//
//	ln f = ln b + ln c + nu/2 ln h - (nu+1)/2 ln H.
//
// With keep it leaves what backward needs, and the sums that need no more than one
// day.
//
// The variance of a day waits for that of the day before it, and all else for
// nothing: the recursion is written as a polynomial in h, whose coefficients need the
// day's return alone,
//
//	h' = omega + A (c - s h)^2 + beta h = (omega + A c^2) + h (beta - 2 A c s + A s^2 h),
//
// where A = alpha +- delta by the sign of y = c - s h, which nearly always is that of
// c. There are no branches that a processor could not predict.
func (m *garchDays) forward(g *garch, level, slope float64, keep bool) (d garchSums) {
	s := &g.skew
	n := len(m.y)
	w := &m.work
	ys, hs, inYs, direct, carry := w.y[:n], w.h[:n], w.inY[:n], w.direct[:n], w.carry[:n]
	constant := slope*m.h0 - level
	omega, beta, a, b := g.omega, g.beta, s.a, s.b
	// By the sign bit, of y and of U.
	news, spread := [2]float64{g.alpha + g.delta, g.alpha - g.delta}, [2]float64{s.k * s.g[1], s.k * s.g[0]}
	var inSide [2]float64
	productH, productTail, exponentH, exponentTail := 1.0, 1.0, 0, 0
	scale := -(s.nu + 1) / 2
	h := g.first
	for t, r := range m.y {
		c := r + constant
		in := news[math.Float64bits(c)>>63]
		x := in * c
		y := c - slope*h
		next := (omega + x*c) + h*((beta-2*x*slope)+in*slope*slope*h)
		if y*c < 0 {
			in = news[math.Float64bits(y)>>63]
			next = omega + in*y*y + beta*h
		}
		root := math.Sqrt(h)
		u := a*root + b*y
		side := math.Float64bits(u) >> 63
		wide := spread[side] * u
		tail := h + wide*u
		productH *= h
		productTail *= tail
		if t&15 == 15 {
			productH, exponentH = rescale(productH, exponentH)
			productTail, exponentTail = rescale(productTail, exponentTail)
		}
		if keep {
			grows := beta - 2*in*y*slope
			if next > hMax {
				grows = 0
			}
			per := scale / tail
			inU := 2 * per * wide
			d.a += inU * root
			d.b += inU * y
			inSide[side] += per * u * u
			inY := inU * b
			ys[t], hs[t], inYs[t], carry[t] = y, h, inY, grows
			direct[t] = per + (s.nu*root+inU*a*h)/(2*h*root) - inY*slope
		}
		if next > hMax {
			next = hMax
		}
		h = next
	}
	d.next = h
	d.logH = math.Log(productH) + float64(exponentH)*math.Ln2
	d.logTail = math.Log(productTail) + float64(exponentTail)*math.Ln2
	d.k = inSide[1]*s.g[0] + inSide[0]*s.g[1]
	d.side = [2]float64{s.k * inSide[1], s.k * inSide[0]}
	return d
}

// backward completes the sums with the derivatives through the recursion (the
// adjoint method): the sensitivity to h_t is that of day t and that of h_{t+1}
// through it.
func (m *garchDays) backward(g *garch, d *garchSums) {
	n := len(m.y)
	w := &m.work
	ys, hs, inYs, direct, carry := w.y[:n], w.h[:n], w.inY[:n], w.direct[:n], w.carry[:n]
	up := 0.0 // derivative by h_{t+1}
	alpha, delta := 2*g.alpha, 2*g.delta
	for t := n - 1; t >= 0; t-- {
		y, h := ys[t], hs[t]
		if t+1 < n && hs[t+1] == hMax {
			up = 0
		}
		size := math.Abs(y)
		inY := inYs[t] + up*(alpha*y+delta*size)
		news := up * y
		d.alpha += news * y
		d.delta += news * size
		d.beta += up * h
		d.omega += up
		d.level -= inY
		d.slope -= inY * (h - m.h0)
		up = direct[t] + up*carry[t]
	}
}
