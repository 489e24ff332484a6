package returns

import (
	"fmt"
	"math"
	"slices"
)

// Check looks for what wrong data looks like although every cell can be read.
// Severities are those of [Codes]; Rate applies those of a policy.
func Check(known *Panel, o Options, sessions Calendar) []Finding {
	fs := checkSessions(known, sessions)
	fs = append(fs, checkSmallUnit(known, o)...)
	fs = append(fs, checkScale(known)...)
	for j := range known.Len() {
		fs = append(fs, checkSeries(known.Series(j), o)...)
	}
	fs = append(fs, checkFrequency(known)...)
	return append(fs, checkDuplicates(known)...)
}

// longFlat is the run of zero returns above which a strategy with few zeros is
// reported.
const longFlat = 21

// seldomFlat is the share of flat days below which a long flat stretch is odd.
const seldomFlat = 0.1

// fewestJudged is the least number of returns whose spread says anything.
const fewestJudged = 20

func checkSeries(s *Series, o Options) []Finding {
	var fs []Finding
	name := s.Strategy.Name
	tell := func(code string, size float64, numbers map[string]float64, format string, args ...any) *Finding {
		fs = append(fs, NewFinding(code, name, size, fmt.Sprintf(format, args...), numbers))
		return &fs[len(fs)-1]
	}
	moving := make([]float64, 0, s.Len())
	for _, r := range s.Returns {
		if r != 0 {
			moving = append(moving, r)
		}
	}
	if len(moving) == 0 {
		tell("data.constant", 0, nil, "Strategy %q has only zero returns (%d); remove its column, or exclude it with returns.strategies.", clip(name), s.Len())
		return fs
	}
	if constant(moving) && (len(moving) == s.Len() || len(moving) >= fewestJudged) {
		which := ""
		if len(moving) < s.Len() {
			which = " that are not 0"
		}
		tell("data.constant", 0, map[string]float64{"return": moving[0]}, "Strategy %q has constant returns: all %d%s are %v; remove its column, or exclude it with returns.strategies.", clip(name), len(moving), which, moving[0])
		return fs
	}
	center := Median(moving)
	size, spread := make([]float64, len(moving)), make([]float64, len(moving))
	for i, r := range moving {
		size[i], spread[i] = math.Abs(r), math.Abs(r-center)
	}
	if m, most := Median(size), o.MaxMedianAbs*s.Frequency.rootDays(); m > most && o.Kind != "prices" { // prices have no unit
		f := tell("data.unit", m/most, map[string]float64{"median_abs": m, "limit": most},
			"The median absolute return of %q is %.3g%% per %s, above %.3g%%: the file %s; set returns.unit to %s, or raise returns.max_median_abs if the value is right.", clip(name), 100*m, s.Frequency.Period(), 100*most, looksLike(o.Unit), remedy(o.Unit))
		if f.Severity < Fail {
			f.Sentence = fmt.Sprintf("The median absolute return of %q is %.3g%% per %s, above %.3g%%; correct returns.unit, or raise returns.max_median_abs.", clip(name), 100*m, s.Frequency.Period(), 100*most)
		}
	}
	fs = append(fs, checkLevels(s)...)
	if robust := robustSpread(moving, spread); robust > 0 && len(moving) >= fewestJudged {
		worst, at := 0.0, 0
		for t, r := range s.Returns {
			if z := math.Abs(r-center) / robust; r != 0 && z > worst {
				worst, at = z, t
			}
		}
		if worst > o.MaxRobustZ {
			d := s.Dates[at]
			f := tell("data.outlier", worst/o.MaxRobustZ, map[string]float64{"z": worst, "limit": o.MaxRobustZ, "return": s.Returns[at]},
				"The return of %+.2f%% on %v is %.0f robust standard deviations from the median, above %.4g; verify it.", 100*s.Returns[at], d, worst, o.MaxRobustZ)
			*f = f.between(d, d)
		}
	}
	if n, last := longestRepeat(s.Returns); n >= 4 {
		from, to := s.Dates[last-n+1], s.Dates[last]
		f := tell("data.repeated_value", float64(n), map[string]float64{"days": float64(n), "return": s.Returns[last]}, "The return %v repeats %d times in a row; check for a value carried forward.", s.Returns[last], n)
		*f = f.between(from, to)
	}
	flat := s.ZeroReturns()
	switch {
	case flat.Trailing >= 5 && 2*flat.Trailing > 3*flat.Earlier:
		tell("data.stopped", 0, map[string]float64{"days": float64(flat.Trailing), "longest_before": float64(flat.Earlier)},
			"Strategy %q has %d zero returns up to its last day, its longest such run (previous: %d); check whether it has stopped.", clip(name), flat.Trailing, flat.Earlier)
	case flat.Share < seldomFlat && flat.LongestRun > longFlat:
		tell("data.flat_stretch", 0, map[string]float64{"days": float64(flat.LongestRun), "limit": longFlat},
			"The return is 0 on %d days in a row, unusual for this strategy.", flat.LongestRun)
	}
	if flat.Share >= seldomFlat {
		tell("data.flat_days", 0, map[string]float64{"share": flat.Share, "longest_run": float64(flat.LongestRun)},
			"%.0f%% of the returns are 0, up to %d in a row; %s.", 100*flat.Share, flat.LongestRun, flat.Pattern)
	}
	return fs
}

// constant reports returns that differ by no more than the rounding of prices
// or of a feed leaves: a spread below a thousandth of the mean.
func constant(v []float64) bool {
	s := Series{Returns: v}
	mean, sd := s.Moments()
	return slices.Min(v) == slices.Max(v) || sd < 1e-3*math.Abs(mean)
}

// rootDays is the square root of the trading days of a period, by which the
// usual size of a return grows.
func (f Frequency) rootDays() float64 {
	return math.Sqrt(max(1, Daily.PeriodsPerYear()/f.PeriodsPerYear()))
}

// robustSpread estimates a standard deviation that a few wild days do not
// move: the larger of what the median deviation and what the central 90% of
// the returns stand for in a normal distribution. Days of mere costs can make
// the first nearly 0.
func robustSpread(moving, deviation []float64) float64 {
	s := slices.Clone(moving)
	slices.Sort(s)
	n := len(s) - 1
	return max(1.4826*Median(deviation), (s[n*95/100]-s[n*5/100])/(2*1.6449))
}

func looksLike(unit string) string {
	if unit == "fraction" {
		return "looks like percent read as fractions"
	}
	return fmt.Sprintf("does not look like %s", unit)
}

func remedy(unit string) string {
	if unit == "fraction" {
		return "percent (or bp)"
	}
	return "the file's own unit"
}

// smallestMove is the median absolute return per trading day that at least one
// strategy of a file in percent or basis points exceeds: 0.05% a day is 1% a
// year.
const smallestMove = 5e-4

// clearlyWrong is the size of data.unit from which a unit is refused.
const clearlyWrong = 2.5

// checkSmallUnit looks for fractions that were declared to be percent or basis
// points: then no strategy moves. A file of fractions may well be of cash.
func checkSmallUnit(p *Panel, o Options) []Finding {
	if o.Kind == "prices" || o.Unit == "fraction" || o.Unit == "" || p.Len() == 0 {
		return nil
	}
	largest := 0.0
	for j := range p.Len() {
		var size []float64
		for _, r := range p.Series(j).Returns {
			if r != 0 {
				size = append(size, math.Abs(r))
			}
		}
		if len(size) > 0 {
			largest = max(largest, Median(size))
		}
	}
	limit := smallestMove * p.frequency.rootDays()
	if largest == 0 || largest >= limit {
		return nil
	}
	return []Finding{NewFinding("data.unit", "", limit/largest*clearlyWrong, fmt.Sprintf("The largest median absolute return is %.3g%% per %s: the file does not look like %s; set returns.unit to its unit, such as fraction, or lower the severity of data.unit.", 100*largest, p.frequency.Period(), o.Unit), map[string]float64{"median_abs": largest, "limit": limit})}
}

// checkScale looks for strategies that move far less than the others: in
// another unit, or no returns at all. They receive nearly all of the capital.
func checkScale(p *Panel) []Finding {
	if p.Len() < 2 {
		return nil
	}
	sd := make([]float64, p.Len())
	for j := range sd {
		_, sd[j] = p.Series(j).Moments()
	}
	var fs []Finding
	for j, s := range p.strategies {
		others := Median(append(slices.Clone(sd[:j]), sd[j+1:]...))
		if !(sd[j] > 0) || !(others/sd[j] >= 25) {
			continue // constants are reported by checkSeries
		}
		f := NewFinding("data.scale", s.Name, others/sd[j], fmt.Sprintf("The standard deviation of %q is %.2g%%; the median of the others is %.2g%%, %.0f times as large. Check its unit (returns.unit): it would receive nearly all of the capital.", clip(s.Name), 100*sd[j], 100*others, others/sd[j]), map[string]float64{"sd": sd[j], "others": others})
		if slices.Min(p.Series(j).Returns) > 0 && others/sd[j] < 2000 {
			f.Severity = min(f.Severity, Warn) // interest
		}
		fs = append(fs, f)
	}
	return fs
}

// checkLevels looks for numbers that are no returns but levels: cumulative
// returns, yields, an index.
func checkLevels(s *Series) []Finding {
	n := s.Len()
	if n < fewestJudged {
		return nil
	}
	var fs []Finding
	mean, _ := s.Moments()
	if slices.Min(s.Returns) > 0 {
		annual := mean * s.Frequency.PeriodsPerYear()
		fs = append(fs, NewFinding("data.all_positive", s.Strategy.Name, annual, fmt.Sprintf("All %d returns of %q are positive, %.3g%% p.a.; check for yields, levels or prices (returns.kind) and the unit (returns.unit).", n, clip(s.Strategy.Name), 100*annual), map[string]float64{"annual_mean": annual, "days": float64(n)}))
	}
	if slices.Max(s.Returns) <= 0 {
		fs = append(fs, finding("data.never_positive", s.Strategy.Name, fmt.Sprintf("None of the %d returns of %q is positive; check for drawdowns or costs.", n, clip(s.Strategy.Name)), map[string]float64{"days": float64(n)}))
	}
	if rho := s.autocorrelation(); rho >= 0.9 {
		fs = append(fs, NewFinding("data.persistent", s.Strategy.Name, rho, fmt.Sprintf("The lag-1 autocorrelation of %q is %.2f, as of cumulative returns, yields or levels; convert them to returns per %s, or set returns.kind to prices.", clip(s.Strategy.Name), rho, s.Frequency.Period()), map[string]float64{"autocorrelation": rho}))
	}
	return fs
}

// autocorrelation is that of the returns with those of the row before.
func (s *Series) autocorrelation() float64 {
	mean, _ := s.Moments()
	cross, squares := 0.0, 0.0
	for t, r := range s.Returns {
		squares += (r - mean) * (r - mean)
		if t > 0 {
			cross += (r - mean) * (s.Returns[t-1] - mean)
		}
	}
	return cross / squares
}

// longestRepeat returns the length of the longest run of one value other than
// 0, and the index it ends at.
func longestRepeat(v []float64) (n, last int) {
	run := 0
	for i, r := range v {
		if i > 0 && r == v[i-1] && r != 0 {
			run++
		} else {
			run = 1
		}
		if run > n && r != 0 {
			n, last = run, i
		}
	}
	return n, last
}

// Stale is the finding that the data does not reach the session it should.
func Stale(sentence string) Finding { return finding("data.stale", "", sentence, nil) }
