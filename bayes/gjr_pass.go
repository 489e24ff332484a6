package bayes

import "math"

// garchWork is what a pass over T days keeps of each.
type garchWork struct {
	y, h   []float64 // y_t, h_t
	direct []float64 // derivative of ln f_t by h_t, y_t being given
	inY    []float64 // derivative of ln f_t by y_t
}

func newGarchWork(n int) garchWork {
	return garchWork{make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)}
}

// garchSums are the sums of a log likelihood and its derivatives: by the level and
// the slope of the mean in the variance; by v, through the bound; by the
// coefficients of the recursion and h_1; and by the skewed t's a, b and 1/(nu-2),
// and the widths (1 -+ lambda)^-2 of its sides.
type garchSums struct {
	logH, logTail                                     float64
	level, slope, v, alpha, delta, beta, omega, first float64
	a, b, k                                           float64
	side                                              [2]float64
}

// pass runs over the days three times: forward through the recursion; over the
// days by themselves; and backward for the gradient (the adjoint method): the
// sensitivity to h_t is that of day t and that of h_{t+1} through it. With
// H = h + k U^2 / (1 -+ lambda)^2 and U = a sqrt(h) + b y, k = 1/(nu-2),
//
//	ln f = ln b + ln c + nu/2 ln h - (nu+1)/2 ln H.
//
// The two recursions wait for every multiplication of theirs; all else is kept out
// of them, and free of branches on the sign of a return, which no processor
// predicts.
func (m *gjrModel) pass(g *garch, level, slope float64) (d garchSums) {
	s := &g.skew
	n := len(m.y)
	ys, hs, direct, inYs := m.work.y[:n], m.work.h[:n], m.work.direct[:n], m.work.inY[:n]
	most := hMax * g.v
	h, constant := g.first, slope*m.h0-level
	for t, r := range m.y {
		y := r + constant - slope*h
		ys[t], hs[t] = y, h
		h = min(g.omega+(g.alpha*y+g.delta*math.Abs(y))*y+g.beta*h, most)
	}

	middle, half := (s.g[0]+s.g[1])/2, (s.g[1]-s.g[0])/2
	productH, productTail := 1.0, 1.0
	even, odd := 0.0, 0.0 // of the squares, and with the sign of U
	for t, y := range ys {
		h := hs[t]
		root := math.Sqrt(h)
		u := s.a*root + s.b*y
		width := middle + half*math.Copysign(1, u)
		tail := h + s.k*width*u*u
		productH *= h
		productTail *= tail
		if t&15 == 15 {
			d.logH += math.Log(productH)
			d.logTail += math.Log(productTail)
			productH, productTail = 1, 1
		}
		w := -(s.nu + 1) / 2 / tail
		inU := 2 * w * s.k * width * u
		d.a += inU * root
		d.b += inU * y
		square := w * u * u
		d.k += square * width
		even += square
		odd += math.Copysign(square, u)
		inYs[t] = inU * s.b
		direct[t] = w + (s.nu+inU*s.a*root)/(2*h)
	}
	d.logH += math.Log(productH)
	d.logTail += math.Log(productTail)
	// square is negative: Copysign makes it positive where U is.
	d.side = [2]float64{s.k * (even + odd) / 2, s.k * (even - odd) / 2}

	up := 0.0 // derivative by h_{t+1}
	alpha, delta := 2*g.alpha, 2*g.delta
	for t := n - 1; t >= 0; t-- {
		y, h := ys[t], hs[t]
		if t+1 < n && hs[t+1] == most {
			d.v += up * hMax
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
		up = direct[t] + up*g.beta - inY*slope
	}
	d.first = up * g.first
	return d
}
