package metrics

import "math"

// BlockLength returns the expected block length, in days, at which the
// stationary bootstrap estimates the variance of the mean of x best: Politis &
// White, "Automatic block-length selection for the dependent bootstrap",
// Econometric Reviews 2004, with the correction of Patton, Politis & White 2009,
//
//	b = (2 G^2 / D)^(1/3) n^(1/3), D = 2 g(0)^2,
//	g(0) = sum_k lambda(k/M) R(k), G = sum_k lambda(k/M) |k| R(k), |k| <= M,
//
// R the autocovariance and lambda the flat-top window of Politis & Romano 1995.
// The bandwidth is M = 2m: m is the smallest lag, at least 1, after which
// K_n = max(5, ceil(log10 n)) autocorrelations in a row are below 2
// sqrt(log10(n)/n), and the last significant lag if none is.
//
// The length is at least 1, independent days, and at most ceil(min(3 sqrt(n),
// n/3)). It is 1 for numbers that are too few or do not vary, and NaN for those
// that are not finite. It does not change with the scale or mean of x.
func BlockLength(x []float64) float64 {
	n := float64(len(x))
	m := momentsOf(x)
	switch {
	case len(x) > 0 && !m.finite():
		return math.NaN()
	case len(x) < 10 || m.m2 == 0:
		return 1
	}
	// Lags up to the last that any rule below looks at.
	row := max(5, int(math.Ceil(math.Log10(n))))
	lags := min(int(math.Ceil(math.Sqrt(n)))+row, len(x)-1)
	r := autocovariances(x, m.mean, lags)

	bandwidth := min(2*cutoff(r, row, 2*math.Sqrt(math.Log10(n)/n)), lags)
	spectrum, slope := r[0], 0.0
	for k := 1; k <= bandwidth; k++ {
		window := min(1, 2*(1-float64(k)/float64(bandwidth)))
		spectrum += 2 * window * r[k]
		slope += 2 * window * float64(k) * r[k]
	}
	longest := math.Ceil(min(3*math.Sqrt(n), n/3))
	length := math.Cbrt(slope * slope / (spectrum * spectrum) * n)
	if math.IsNaN(length) { // a spectrum and a slope of zero
		return 1
	}
	return min(max(length, 1), longest)
}

// autocovariances have the divisor n, which keeps them positive definite.
func autocovariances(x []float64, mean float64, lags int) []float64 {
	d := make([]float64, len(x))
	for t, v := range x {
		d[t] = v - mean
	}
	r := make([]float64, lags+1)
	for k := range r {
		for t, v := range d[k:] {
			r[k] += v * d[t]
		}
		r[k] /= float64(len(x))
	}
	return r
}

// cutoff is the lag after which autocorrelations are negligible.
func cutoff(r []float64, row int, negligible float64) int {
	last, quiet := 0, 0
	for k := 1; k < len(r); k++ {
		if math.Abs(r[k]) >= negligible*r[0] {
			last, quiet = k, 0
			continue
		}
		if quiet++; quiet == row {
			return max(1, k-row)
		}
	}
	return max(1, last)
}

// dependence is the block length for any metric of these series: the longest
// that their values or squares ask for. Returns are hardly correlated but their
// squares are for weeks, and blocks that are short for those would understate
// how uncertain volatility, CVaR and drawdowns are.
func dependence(series ...[]float64) float64 {
	length := 1.0
	for _, x := range series {
		mean := momentsOf(x).mean
		squares := make([]float64, len(x))
		for t, v := range x {
			squares[t] = (v - mean) * (v - mean)
		}
		length = max(length, BlockLength(x), BlockLength(squares)) // NaN wins
	}
	return length
}
