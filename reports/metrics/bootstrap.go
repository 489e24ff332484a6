package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Bootstrap says how to resample. Its zero value is not usable; start from
// [DefaultBootstrap].
type Bootstrap struct {
	Replicates  int     // resamples, at least 1
	Level       float64 // probability that an interval shall hold, in (0, 1)
	BlockLength float64 // expected, in days, at least 1; 0 chooses the longest [BlockLength] of values and squares of all series
}

// DefaultBootstrap is 1000 replicates, intervals of 90 % and the automatic
// block length.
func DefaultBootstrap() Bootstrap { return Bootstrap{Replicates: 1000, Level: 0.9} }

// Interval returns the interval, see [Range], of a metric of daily values by
// the stationary bootstrap of Politis & Romano, "The stationary bootstrap", JASA
// 1994: blocks of geometric length that wrap around the end. The expected length
// of a block is the longer of [BlockLength] of the values and of their squares.
// It has the unit of the metric.
//
// The interval shows sampling error under the assumption that the days are
// stationary. NaN if the metric is undefined for the sample or for more than
// 1-level of the replicates, or a value is not finite. The slice that metric
// sees is reused. The same source gives the same interval.
func Interval(sample []float64, metric func([]float64) float64, level float64, replicates int, src rand.Source) (low, high float64) {
	b := Bootstrap{Replicates: replicates, Level: level}
	replicate := slices.Clone(sample)
	own := []float64{math.NaN()}
	if len(sample) > 0 {
		own[0] = metric(replicate)
	}
	ranges := b.run(src, own, [][]float64{sample}, [][]float64{replicate}, func(out []float64) {
		out[0] = metric(replicate)
	})
	return ranges[0].Low, ranges[0].High
}

// Intervals returns the range of each metric, all from the same resamples: a
// benchmark is resampled on the same days as the returns. It takes hardly
// longer than one [Interval].
func Intervals(s Sample, metrics []Metric, b Bootstrap, src rand.Source) []Range {
	from, to, replicate := pairs(s)
	var l ledger
	return b.run(src, Evaluate(metrics, s), from, to, func(out []float64) {
		l.fill(replicate)
		l.values(metrics, out)
	})
}

// Difference is how far a metric of one series is above that of another.
type Difference struct {
	Value float64 // of the samples themselves
	Range
	PValue float64 // two-sided, of no difference; see [PairedIntervals]
}

// PairedIntervals compares a with b, two samples of the same days, in each
// metric. The p-value inverts the percentile interval: it is 1-level for the
// level at which the interval just reaches zero,
//
//	min(1, 2 (1 + min(#(d <= 0), #(d >= 0))) / (1 + B)),
//
// of B defined replicates d (Davison & Hinkley 1997, eq. 4.11). NaN as the
// interval.
func PairedIntervals(a, b Sample, metrics []Metric, boot Bootstrap, src rand.Source) []Difference {
	fromA, toA, replicateA := pairs(a)
	fromB, toB, replicateB := pairs(b)
	var la, lb ledger
	other := make([]float64, len(metrics))
	below, above := make([]int, len(metrics)), make([]int, len(metrics))
	from, to := append(fromA, fromB...), append(toA, toB...)
	own, vb := Evaluate(metrics, a), Evaluate(metrics, b)
	for i := range own {
		own[i] -= vb[i]
	}
	ranges := boot.run(src, own, from, to, func(out []float64) {
		la.fill(replicateA)
		la.values(metrics, out)
		lb.fill(replicateB)
		lb.values(metrics, other)
		for i := range out {
			out[i] -= other[i]
			if out[i] <= 0 {
				below[i]++
			}
			if out[i] >= 0 {
				above[i]++
			}
		}
	})
	out := make([]Difference, len(metrics))
	for i, r := range ranges {
		p := math.NaN()
		if !math.IsNaN(r.Low) {
			p = min(1, 2*float64(1+min(below[i], above[i]))/float64(1+boot.Replicates-r.Undefined))
		}
		out[i] = Difference{Value: own[i], Range: r, PValue: p}
	}
	return out
}

// pairs lists the series of a sample and the buffers for their resamples.
func pairs(s Sample) (from, to [][]float64, replicate Sample) {
	replicate = s
	replicate.Returns = make([]float64, len(s.Returns))
	from, to = [][]float64{s.Returns}, [][]float64{replicate.Returns}
	if s.Benchmark != nil {
		replicate.Benchmark = make([]float64, len(s.Benchmark))
		from, to = append(from, s.Benchmark), append(to, replicate.Benchmark)
	}
	return from, to, replicate
}

// run gathers the ranges of what measure makes of resamples, around its values
// for the sample itself.
func (b Bootstrap) run(src rand.Source, own []float64, from, to [][]float64, measure func(out []float64)) []Range {
	return b.ranges(b.replicates(src, len(own), from, to, measure), own)
}

// replicates fills the buffers to with resamples of from, on the same days, and
// gathers what measure makes of each; a value's replicates lie together. nil if
// there is nothing to resample.
func (b Bootstrap) replicates(src rand.Source, values int, from, to [][]float64, measure func(out []float64)) []float64 {
	if b.Replicates < 1 || !(b.Level > 0 && b.Level < 1) || b.BlockLength != 0 && !(b.BlockLength >= 1) {
		panic("metrics: a bootstrap needs a replicate, a level in (0, 1), and a block length of 0 or at least 1")
	}
	for _, x := range from {
		if len(x) != len(from[0]) {
			panic("metrics: series to resample together differ in length")
		}
	}
	length := b.BlockLength
	if length == 0 {
		length = dependence(from...)
	}
	if math.IsNaN(length) || len(from[0]) == 0 {
		return nil
	}
	rng := rand.New(src)
	row := make([]float64, values)
	all := make([]float64, values*b.Replicates)
	for k := range b.Replicates {
		resample(rng, length, from, to)
		measure(row)
		for i, v := range row {
			all[i*b.Replicates+k] = v
		}
	}
	return all
}

// resample draws blocks that start anywhere and whose length is geometric with
// the given mean, by inversion: one logarithm a block, not one coin a day.
func resample(rng *rand.Rand, length float64, from, to [][]float64) {
	n := len(from[0])
	scale := 0.0 // of one day per block
	if length > 1 {
		scale = 1 / math.Log1p(-1/length)
	}
	for at := 0; at < n; {
		start := rng.IntN(n)
		size := n - at
		if u := math.Log(1-rng.Float64()) * scale; u < float64(size) {
			size = min(size, 1+int(u))
		}
		for i, x := range from {
			block := to[i][at : at+size]
			for done := copy(block, x[start:]); done < size; {
				done += copy(block[done:], x)
			}
		}
		at += size
	}
}
