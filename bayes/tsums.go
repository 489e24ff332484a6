package bayes

import (
	"math"

	"allocate/returns"
)

// days are the returns that a likelihood is made of, with their weights.
type days struct {
	y []float64 // returns per period
	w []float64 // weight of each, positive; nil: all 1
	n float64   // sum of the weights

	apart  bool      // the mean has weights of its own
	ofMean []float64 // as w, for the mean, if apart

	rootYear float64 // square root of the periods of a year, by which a Sharpe ratio is annualized
}

// daysOf are the days of a series, weighted by the half-lives of o.
func daysOf(s *returns.Series, o Options) days {
	d := newDays(s.Returns, forgetting(s.Len(), o.HalfLife))
	if d.apart = o.HalfLife != o.HalfLifeMean; d.apart {
		d.ofMean = forgetting(s.Len(), o.HalfLifeMean)
	}
	d.rootYear = math.Sqrt(s.Frequency.PeriodsPerYear())
	return d
}

// weight is that of a day.
func (d *days) weight(i int) float64 {
	if d.w == nil {
		return 1
	}
	return d.w[i]
}

// where are the days for which keep says so, asked in order.
func (d *days) where(keep func(i int) bool) days {
	var y, w, ofMean []float64
	for i, r := range d.y {
		if !keep(i) {
			continue
		}
		y = append(y, r)
		if d.w != nil {
			w = append(w, d.w[i])
		}
		if d.ofMean != nil {
			ofMean = append(ofMean, d.ofMean[i])
		}
	}
	out := newDays(y, w)
	out.apart, out.ofMean, out.rootYear = d.apart, ofMean, d.rootYear
	return out
}

// memories are the days with the weights for everything but the mean, and with those
// for the mean.
func (d *days) memories() (scale, mean days) {
	scale, mean = newDays(d.y, d.w), newDays(d.y, d.ofMean)
	scale.rootYear, mean.rootYear = d.rootYear, d.rootYear
	return scale, mean
}

// newDays are trading days.
func newDays(y, w []float64) days {
	d := days{y: y, w: w, n: float64(len(y)), rootYear: math.Sqrt(returns.Daily.PeriodsPerYear())}
	if w != nil {
		d.n = 0
		for _, v := range w {
			d.n += v
		}
	}
	return d
}

// forgetting returns the weights 2^(-age/halfLife) of n days in order, the last
// of age 0; nil for a half-life of 0, which forgets nothing.
func forgetting(n int, halfLife float64) []float64 {
	if halfLife == 0 {
		return nil
	}
	w := make([]float64, n)
	for i := range w {
		w[i] = math.Exp2(-float64(n-1-i) / halfLife)
	}
	return w
}

// tSums are the three sums through which the data enter the Student-t
// likelihood, with r = y - mu:
//
//	log   = sum w ln(1 + r^2/c)
//	share = sum w r^2/(c + r^2)
//	u     = sum w r/(c + r^2)
type tSums struct{ log, share, u float64 }

// tSums evaluates them day by day. Without weights that takes one logarithm
// for many days (of their running product) and one division for four.
func (d *days) tSums(mu, c float64) tSums {
	inv := 1 / c
	if d.w != nil {
		var s tSums
		for i, v := range d.y {
			r, w := v-mu, d.w[i]
			t := 1 + r*r*inv
			each := w / t
			s.log += w * math.Log(t)
			s.share += each
			s.u += each * r
		}
		return tSums{s.log, d.n - s.share, s.u * inv}
	}
	y := d.y
	product := 1.0
	var sumLog, sumInv, sumU float64 // sumInv: sum of 1/t, t = 1 + r^2/c
	i := 0
	for ; i+4 <= len(y); i += 4 {
		r0, r1, r2, r3 := y[i]-mu, y[i+1]-mu, y[i+2]-mu, y[i+3]-mu
		t0, t1, t2, t3 := 1+r0*r0*inv, 1+r1*r1*inv, 1+r2*r2*inv, 1+r3*r3*inv
		t01, t23 := t0*t1, t2*t3
		all := t01 * t23
		if !(all < 1e100) { // days far out in the tail: one by one
			for _, r := range [4]float64{r0, r1, r2, r3} {
				t := 1 + r*r*inv
				sumLog += math.Log(t)
				sumInv += 1 / t
				sumU += r / t
			}
			continue
		}
		d := 1 / all
		d01, d23 := d*t23, d*t01 // 1/(t0 t1), 1/(t2 t3)
		sumInv += d01*(t0+t1) + d23*(t2+t3)
		sumU += d01*(r0*t1+r1*t0) + d23*(r2*t3+r3*t2)
		if product *= all; product > 1e200 {
			sumLog += math.Log(product)
			product = 1
		}
	}
	for ; i < len(y); i++ {
		r := y[i] - mu
		t := 1 + r*r*inv
		sumLog += math.Log(t)
		sumInv += 1 / t
		sumU += r / t
	}
	return tSums{sumLog + math.Log(product), d.n - sumInv, sumU * inv}
}

// tLog is the first of the three sums alone, which needs no division.
func (d *days) tLog(mu, c float64) float64 {
	inv, sum := 1/c, 0.0
	if d.w != nil {
		for i, v := range d.y {
			r := v - mu
			sum += d.w[i] * math.Log(1+r*r*inv)
		}
		return sum
	}
	y := d.y
	product := 1.0
	i := 0
	for ; i+4 <= len(y); i += 4 {
		r0, r1, r2, r3 := y[i]-mu, y[i+1]-mu, y[i+2]-mu, y[i+3]-mu
		t0, t1, t2, t3 := 1+r0*r0*inv, 1+r1*r1*inv, 1+r2*r2*inv, 1+r3*r3*inv
		all := (t0 * t1) * (t2 * t3)
		if !(all < 1e100) {
			sum += math.Log(t0) + math.Log(t1) + math.Log(t2) + math.Log(t3)
			continue
		}
		if product *= all; product > 1e200 {
			sum += math.Log(product)
			product = 1
		}
	}
	for ; i < len(y); i++ {
		r := y[i] - mu
		sum += math.Log(1 + r*r*inv)
	}
	return sum + math.Log(product)
}
