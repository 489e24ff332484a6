package bayes

import "math"

// reduction is a sum over all days in a box around the posterior, as one
// function of two variables, the location and ln c.
//
// The data enter a Student-t likelihood only through
// F(mu, ln c) = sum w ln(1+(y-mu)^2/c) with c = nu sigma^2, and one of Jones and
// Faddy through sum w asinh((y-mu)/sqrt(c)) besides. Both are analytic: in ln c
// within pi of the real line, in mu within sqrt(c) of it. A tensor of Chebyshev
// polynomials therefore converges geometrically, and its two partial derivatives
// are the sums of the gradient; of F, dF/dmu = -2u and dF/dln c = -share. One
// evaluation costs about a hundred multiplications whatever the number of days.
// Outside the box the days themselves are summed.
type reduction struct {
	n                         float64 // sum of the days' weights
	mu, muScale, logC, lScale float64 // box: |mu - .mu| muScale <= 1, likewise ln c
	terms                     []int   // by order in mu: number of orders in ln c kept
	most                      int     // largest of terms
	coef                      []float64
	// bound is an upper estimate of |error| of F in the box: the sum of the
	// coefficients dropped and the geometric continuation of those beyond.
	bound float64
}

const (
	reduceOrders    = 40   // most orders in either variable
	reduceTolerance = 1e-9 // of F of a Student-t, relative to 1 + 1e-3 sum of weights
)

// reduce approximates f(mu, c), a sum over days of weights that add up to n, on
// |mu - mu0| <= halfMu, |ln c - logC0| <= halfLogC, to an error of tolerance times
// 1 + n/1000. It returns nil where more than reduceOrders orders would be needed.
func reduce(f func(mu, c float64) float64, n, tolerance, mu0, halfMu, logC0, halfLogC float64) *reduction {
	tolerance *= 1 + 1e-3*n
	orders := func(nearest float64) int { // for singularities this far off, in half-widths
		rho := nearest + math.Sqrt(nearest*nearest+1)
		return max(6, int(math.Ceil(math.Log(1e12)/math.Log(rho))))
	}
	nu := orders(math.Exp((logC0-halfLogC)/2) / halfMu)
	nv := orders(math.Pi / halfLogC)
	for nu <= reduceOrders && nv <= reduceOrders {
		r := &reduction{n: n, mu: mu0, muScale: 1 / halfMu, logC: logC0, lScale: 1 / halfLogC}
		full := r.interpolate(f, nu, nv)
		tailU, tailV := edge(full, nu, nv)
		if tailU > tolerance {
			nu += 2 + nu/4
		}
		if tailV > tolerance {
			nv += 2 + nv/4
		}
		if tailU <= tolerance && tailV <= tolerance {
			r.keep(full, nu, nv, tolerance)
			r.bound += 2 * (tailU + tailV) // what interpolation cuts off, it also folds back
			return r
		}
	}
	return nil
}

// interpolate returns the Chebyshev coefficients, nu x nv row-major, of the
// polynomial through f at the nodes of the box.
func (r *reduction) interpolate(f func(mu, c float64) float64, nu, nv int) []float64 {
	values, half, coef := make([]float64, nu*nv), make([]float64, nu*nv), make([]float64, nu*nv)
	for j := range nv {
		c := math.Exp(r.logC + math.Cos(node(j, nv))/r.lScale)
		for i := range nu {
			values[i*nv+j] = f(r.mu+math.Cos(node(i, nu))/r.muScale, c)
		}
	}
	cu, cv := cosines(nu), cosines(nv)
	for k := range nu {
		for i := range nu {
			x := cu[k*nu+i]
			for j := range nv {
				half[k*nv+j] += x * values[i*nv+j]
			}
		}
	}
	for k := range nu {
		for l := range nv {
			sum := 0.0
			for j := range nv {
				sum += half[k*nv+j] * cv[l*nv+j]
			}
			coef[k*nv+l] = sum
		}
	}
	return coef
}

// cosines is the matrix that takes values at n nodes to coefficients.
func cosines(n int) []float64 {
	m := make([]float64, n*n)
	for k := range n {
		scale := 2 / float64(n)
		if k == 0 {
			scale = 1 / float64(n)
		}
		for i := range n {
			m[k*n+i] = scale * math.Cos(float64(k)*node(i, n))
		}
	}
	return m
}

// edge estimates what the orders beyond nu and nv would add: the size of the
// last two, continued geometrically at the rate of the last half.
func edge(coef []float64, nu, nv int) (tailU, tailV float64) {
	continued := func(n int, size func(k int) float64) float64 {
		last := size(n-1) + size(n-2)
		first := size(n/2) + size(n/2-1)
		if last == 0 {
			return 0
		}
		rate := math.Pow(last/first, 1/float64(n-1-n/2)) // per order
		if !(rate < 0.9) {
			rate = 0.9
		}
		return last / (1 - rate)
	}
	tailU = continued(nu, func(k int) float64 {
		sum := 0.0
		for l := range nv {
			sum += math.Abs(coef[k*nv+l])
		}
		return sum
	})
	tailV = continued(nv, func(l int) float64 {
		sum := 0.0
		for k := range nu {
			sum += math.Abs(coef[k*nv+l])
		}
		return sum
	})
	return tailU, tailV
}

// keep stores, of each order in mu, the orders in ln c up to the last one that
// matters.
func (r *reduction) keep(full []float64, nu, nv int, tolerance float64) {
	share := tolerance / float64(nu)
	for k := range nu {
		row := full[k*nv : (k+1)*nv]
		n, dropped := nv, 0.0
		for n > 0 && dropped+math.Abs(row[n-1]) <= share {
			dropped += math.Abs(row[n-1])
			n--
		}
		r.bound += dropped
		r.terms, r.most = append(r.terms, n), max(r.most, n)
		r.coef = append(r.coef, row[:n]...)
	}
	for len(r.terms) > 2 && r.terms[len(r.terms)-1] == 0 {
		r.terms = r.terms[:len(r.terms)-1]
	}
}

// at returns the three sums of a Student-t; ok is false outside the box.
func (r *reduction) at(mu, logC float64) (s tSums, ok bool) {
	u, v, inside := r.inside(mu, logC)
	if !inside {
		return s, false
	}
	var b chebyshev
	b.set(v, r.most)
	f, fu, fv := r.sum(u, &b)
	return tSums{f, -fv * r.lScale, -fu * r.muScale / 2}, true
}

// inside returns the place in the box, in its half-widths.
func (r *reduction) inside(mu, logC float64) (u, v float64, ok bool) {
	u, v = (mu-r.mu)*r.muScale, (logC-r.logC)*r.lScale
	return u, v, u >= -1 && u <= 1 && v >= -1 && v <= 1
}

// chebyshev are the polynomials T_k(v) and their derivatives.
type chebyshev struct{ t, dt [reduceOrders + 2]float64 }

// set computes those of order below most, each from two of half its order.
func (c *chebyshev) set(v float64, most int) {
	t, dt := &c.t, &c.dt
	t[0], t[1], dt[1] = 1, v, 1
	for k := 2; k < most; k += 2 {
		h := k / 2
		a, da := t[h], dt[h]
		t[k], dt[k] = 2*a*a-1, 4*a*da
		b, db := t[h+1], dt[h+1]
		t[k+1], dt[k+1] = 2*a*b-v, 2*(da*b+a*db)-1
	}
}

// sum returns the function and its derivatives by the half-widths of the box.
func (r *reduction) sum(u float64, c *chebyshev) (f, fu, fv float64) {
	coef := r.coef
	tu, before := 1.0, u // T_j(u), T_(j-1)(u)
	du, dBefore := 0.0, 1.0
	for _, n := range r.terms {
		row, tk, dk := coef[:n], c.t[:n], c.dt[:n]
		coef = coef[n:]
		var b, db float64
		for k, a := range row {
			b += a * tk[k]
			db += a * dk[k]
		}
		f += b * tu
		fu += b * du
		fv += db * tu
		tu, before, du, dBefore = 2*u*tu-before, tu, 2*(tu+u*du)-dBefore, du
	}
	return f, fu, fv
}
