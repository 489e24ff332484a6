package metrics

import (
	"math"
	"slices"
)

// ledger holds the sums that metrics are made of. It is filled again and again
// with resamples, so it keeps its buffers.
type ledger struct {
	sample  Sample
	defined bool    // there are days, and all numbers are finite
	free    float64 // risk-free rate per period

	r, b, active moments // of the returns, the benchmark, and r-b

	wealth        float64
	lag1          float64 // sum (r_t-m)(r_(t-1)-m)
	over, under   float64 // sums of max(r-f, 0) and max(f-r, 0)
	underSquared  float64 // sum of min(r-f, 0)^2
	wins, losses  float64 // days
	won, lost     float64 // sums of returns, positive
	winning       float64 // the longest runs, days
	losing        float64
	logs          logWealth
	deepest       float64 // of drawdowns
	depths        float64 // sum over episodes of their depth
	episodes      float64
	longest       float64
	submerged     float64 // days in a drawdown
	sumD, sumD2   float64
	cross         float64 // sum (r-mr)(b-mb)
	upR, upB      float64
	downR, downB  float64
	scratch       []float64
	tailsKnown    bool
	tailsOfSample tailMeasures
}

type tailMeasures struct{ valueAtRisk, cvar, q5, q95 float64 }

// logWealth gathers the regression of log wealth on the day. Days are centered
// on the middle of the sample, which makes them orthogonal to the constant.
type logWealth struct{ dy, y, y2, base float64 }

func newLedger(s Sample) *ledger {
	l := new(ledger)
	l.fill(s)
	return l
}

// value is NaN for a metric of nothing.
func (l *ledger) value(m Metric) float64 {
	switch {
	case !l.defined:
		return math.NaN()
	case m.of == nil:
		return m.Of(l.sample)
	}
	return m.of(l)
}

func (l *ledger) values(metrics []Metric, out []float64) {
	for i, m := range metrics {
		out[i] = l.value(m)
	}
}

func (l *ledger) fill(s Sample) {
	if s.Benchmark != nil && len(s.Benchmark) != len(s.Returns) {
		panic("metrics: benchmark and returns differ in length")
	}
	if !(s.Alpha >= 0 && s.Alpha < 1) {
		panic("metrics: alpha is not in [0, 1)")
	}
	if !(s.PeriodsPerYear > 0) {
		panic("metrics: periods per year are not above 0")
	}
	*l = ledger{sample: s, scratch: l.scratch}
	l.free = math.Expm1(math.Log1p(s.RiskFree) / s.PeriodsPerYear)
	l.r = momentsOf(s.Returns)
	l.defined = l.r.n > 0 && l.r.finite() && !math.IsNaN(l.free) && !math.IsInf(l.free, 0)
	if !l.defined {
		return
	}
	l.days()
	l.drawdowns()
	if s.Benchmark == nil {
		l.withoutBenchmark()
		return
	}
	l.b = momentsOf(s.Benchmark)
	if !l.b.finite() {
		l.withoutBenchmark()
		return
	}
	l.relate()
}

// days gathers what does not depend on wealth.
func (l *ledger) days() {
	run := 0.0 // of wins if positive, of losses if negative
	before := 0.0
	for _, r := range l.sample.Returns {
		switch {
		case r > 0:
			run = max(run, 0) + 1
			l.wins++
			l.won += r
			l.winning = max(l.winning, run)
		case r < 0:
			run = min(run, 0) - 1
			l.losses++
			l.lost -= r
			l.losing = max(l.losing, -run)
		default:
			run = 0
		}
		if e := r - l.free; e > 0 {
			l.over += e
		} else {
			l.under -= e
			l.underSquared += e * e
		}
		d := r - l.r.mean
		l.lag1 += d * before
		before = d
	}
	if l.r.m2 == 0 {
		l.lag1 = 0
	}
}

func (l *ledger) drawdowns() {
	returns := l.sample.Returns
	wealth, peak := 1.0, 1.0
	depth, length := 0.0, 0.0
	y := 0.0
	middle := float64(len(returns)-1) / 2
	for t, r := range returns {
		wealth *= max(0, 1+r)
		y += math.Log1p(max(-1, r))
		if t == 0 {
			l.logs.base = y
		}
		c := y - l.logs.base
		l.logs.dy += (float64(t) - middle) * c
		l.logs.y += c
		l.logs.y2 += c * c
		if wealth >= peak {
			peak = wealth
			if length > 0 {
				l.depths += depth
				depth, length = 0, 0
			}
			continue
		}
		d := 1 - wealth/peak
		if length == 0 {
			l.episodes++
		}
		length++
		depth = max(depth, d)
		l.longest = max(l.longest, length)
		l.deepest = max(l.deepest, d)
		l.submerged++
		l.sumD += d
		l.sumD2 += d * d
	}
	l.depths += depth
	l.wealth = wealth
}

func (l *ledger) relate() {
	l.scratch = slices.Grow(l.scratch[:0], len(l.sample.Returns))[:len(l.sample.Returns)]
	for t, r := range l.sample.Returns {
		b := l.sample.Benchmark[t]
		l.scratch[t] = r - b
		l.cross += (r - l.r.mean) * (b - l.b.mean)
		switch {
		case b > 0:
			l.upR += r
			l.upB += b
		case b < 0:
			l.downR += r
			l.downB += b
		}
	}
	l.active = momentsOf(l.scratch)
	// A difference carries the rounding of its terms, however small it is.
	if scale := max(l.r.high, -l.r.low, l.b.high, -l.b.low); l.active.m2 <= l.active.n*tiny*tiny*scale*scale {
		l.active.flatten()
	}
}

func (l *ledger) withoutBenchmark() {
	nan := math.NaN()
	l.b, l.active = moments{mean: nan, m2: nan}, moments{mean: nan, m2: nan}
	l.cross, l.upR, l.upB, l.downR, l.downB = nan, nan, nan, nan, nan
}

func (l *ledger) total() float64    { return l.wealth - 1 }
func (l *ledger) cagr() float64     { return math.Pow(l.wealth, l.sample.PeriodsPerYear/l.r.n) - 1 }
func (l *ledger) excess() float64   { return l.r.mean - l.free }
func (l *ledger) downside() float64 { return math.Sqrt(l.underSquared / l.r.n) }
func (l *ledger) pain() float64     { return l.sumD / l.r.n }
func (l *ledger) ulcer() float64    { return math.Sqrt(l.sumD2 / l.r.n) }
func (l *ledger) beta() float64     { return ratio(l.cross, l.b.m2) }

func (l *ledger) record() TrackRecord { return recordOf(l.r, l.free) }

func (l *ledger) correlation() float64 {
	return ratio(l.cross, math.Sqrt(l.r.m2)*math.Sqrt(l.b.m2))
}

// stability is NaN after a total loss, for two days or less, and for a wealth
// that never moves.
func (l *ledger) stability() float64 {
	n := l.r.n
	if n < 3 || l.wealth == 0 {
		return math.NaN()
	}
	days := n * (n*n - 1) / 12
	total := l.logs.y2 - l.logs.y*l.logs.y/n
	return ratio(l.logs.dy*l.logs.dy, days*total)
}

// tail ranks the ends of the sample, only once somebody asks.
func (l *ledger) tail() tailMeasures {
	if l.tailsKnown {
		return l.tailsOfSample
	}
	l.scratch = append(l.scratch[:0], l.sample.Returns...)
	t := &l.tailsOfSample
	t.q5 = quantile(l.scratch, 0.05)
	t.q95 = quantile(l.scratch, 0.95)
	t.valueAtRisk, t.cvar = worst(l.scratch, l.sample.Alpha)
	l.tailsKnown = true
	return *t
}
