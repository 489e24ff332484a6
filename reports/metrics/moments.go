package metrics

import "math"

// tiny is the standard deviation, relative to the largest number, below which
// numbers are equal but for rounding. Ratios over it would be noise.
const tiny = 1e-14

// moments are centered power sums, computed in two passes: those of daily
// returns cancel badly in one.
type moments struct {
	n, mean    float64
	m2, m3, m4 float64 // sums of powers of x-mean
	low, high  float64
}

func momentsOf(x []float64) moments {
	m := moments{n: float64(len(x)), low: math.Inf(1), high: math.Inf(-1)}
	for _, v := range x {
		m.mean += v
		m.low, m.high = min(m.low, v), max(m.high, v)
	}
	m.mean /= m.n
	// Correction for the rounding of the mean (Chan, Golub & LeVeque 1983, eq. 1.7).
	var missed, m2, m3, m4 float64
	for _, v := range x {
		d := v - m.mean
		s := d * d
		missed += d
		m2 += s
		m3 += s * d
		m4 += s * s
	}
	e := missed / m.n
	m.mean += e
	m.m2, m.m3, m.m4 = m2-missed*e, m3-3*e*m2, m4-4*e*m3
	if scale := max(m.high, -m.low); m.m2 <= m.n*tiny*tiny*scale*scale {
		m.flatten()
	}
	return m
}

func (m *moments) flatten() { m.m2, m.m3, m.m4 = 0, 0, 0 }

func (m moments) finite() bool {
	return !math.IsNaN(m.mean) && !math.IsInf(m.low, 0) && !math.IsInf(m.high, 0)
}

// sd has the divisor n-1 and is NaN for one number.
func (m moments) sd() float64 {
	if m.n < 2 {
		return math.NaN()
	}
	return math.Sqrt(m.m2 / (m.n - 1))
}

func (m moments) skewness() float64 {
	return ratio(m.m3*math.Sqrt(m.n), m.m2*math.Sqrt(m.m2))
}

// kurtosis is 3 for a normal distribution.
func (m moments) kurtosis() float64 { return ratio(m.m4*m.n, m.m2*m.m2) }
