package returns

import (
	"fmt"
	"math"
	"slices"
)

// Check looks for what wrong data looks like although every cell can be read.
// Severities are the usual ones; Rate applies those of a policy.
func Check(known *Panel, o Options, sessions Calendar) []Finding {
	fs := checkSessions(known, sessions)
	for j := range known.Len() {
		fs = append(fs, checkSeries(known.Series(j), o)...)
	}
	return append(fs, checkIdentical(known)...)
}

// seldomFlat is the share of flat days below which a long flat stretch is odd.
const seldomFlat = 0.1

func checkSeries(s *Series, o Options) []Finding {
	var fs []Finding
	name := s.Strategy.Name
	tell := func(code string, numbers map[string]float64, format string, args ...any) *Finding {
		fs = append(fs, finding(code, name, fmt.Sprintf(format, args...), numbers))
		return &fs[len(fs)-1]
	}
	moving := make([]float64, 0, s.Len())
	for _, r := range s.Returns {
		if r != 0 {
			moving = append(moving, r)
		}
	}
	if len(moving) == 0 {
		tell("data.constant", nil, "Strategy %q is exactly 0 on all of its %d days; remove its column, or leave it out with returns.strategies.", clip(name), s.Len())
		return fs
	}
	centre := Median(moving)
	size, spread := make([]float64, len(moving)), make([]float64, len(moving))
	for i, r := range moving {
		size[i], spread[i] = math.Abs(r), math.Abs(r-centre)
	}
	if m := Median(size); m > o.MaxMedianAbs {
		tell("data.unit", map[string]float64{"median_abs": m, "limit": o.MaxMedianAbs},
			"Strategy %q moves %.3g%% on a median day, more than %.3g%%: the file %s; set returns.unit to %s, or raise returns.max_median_abs if it is right.", clip(name), 100*m, 100*o.MaxMedianAbs, looksLike(o.Unit), remedy(o.Unit))
	}
	if robust := robustSpread(moving, spread); robust > 0 && len(moving) >= 20 {
		worst, at := 0.0, 0
		for t, r := range s.Returns {
			if z := math.Abs(r-centre) / robust; r != 0 && z > worst {
				worst, at = z, t
			}
		}
		if worst > o.MaxRobustZ {
			d := s.Dates[at]
			f := tell("data.outlier", map[string]float64{"z": worst, "limit": o.MaxRobustZ, "return": s.Returns[at]},
				"The return of %+.2f%% on %v is %.0f robust standard deviations from the median, more than %.4g; is it right?", 100*s.Returns[at], d, worst, o.MaxRobustZ)
			*f = f.between(d, d)
		}
	}
	if n, last := longestRepeat(s.Returns); n >= 4 {
		from, to := s.Dates[last-n+1], s.Dates[last]
		f := tell("data.repeated_value", map[string]float64{"days": float64(n), "return": s.Returns[last]}, "The same return, %v, stands on %d days in a row; was a value carried forward?", s.Returns[last], n)
		*f = f.between(from, to)
	}
	flat := s.Flat()
	switch {
	case flat.Trailing >= 5 && 2*flat.Trailing > 3*flat.Earlier:
		tell("data.stopped", map[string]float64{"days": float64(flat.Trailing), "longest_before": float64(flat.Earlier)},
			"Strategy %q is exactly 0 on its last %d days, longer than ever before (%d): has it stopped?", clip(name), flat.Trailing, flat.Earlier)
	case flat.Share < seldomFlat && flat.LongestRun > o.MaxFlatDays:
		tell("data.flat_stretch", map[string]float64{"days": float64(flat.LongestRun), "limit": float64(o.MaxFlatDays)},
			"The return is exactly 0 on %d days in a row, although the strategy is seldom flat.", flat.LongestRun)
	}
	if flat.Share >= seldomFlat {
		tell("data.flat_days", map[string]float64{"share": flat.Share, "longest_run": float64(flat.LongestRun)},
			"The return is exactly 0 on %.0f%% of the days, up to %d in a row; %s.", 100*flat.Share, flat.LongestRun, flat.Pattern)
	}
	return fs
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

// checkSessions compares the days of the panel with the calendar.
func checkSessions(p *Panel, sessions Calendar) []Finding {
	var fs []Finding
	var gone, extra []Date
	expected := sessions.Sessions(p.First(), p.Last())
	for i, j := 0, 0; i < p.Days() || j < len(expected); {
		switch {
		case j == len(expected) || i < p.Days() && p.dates[i] < expected[j]:
			extra = append(extra, p.dates[i])
			i++
		case i == p.Days() || expected[j] < p.dates[i]:
			gone = append(gone, expected[j])
			j++
		default:
			i, j = i+1, j+1
		}
	}
	if len(gone) > 0 {
		f := finding("data.missing_session", "", fmt.Sprintf("%d sessions of the calendar %s have no row, the last on %v.", len(gone), sessions.Name(), gone[len(gone)-1]), map[string]float64{"days": float64(len(gone))}).between(gone[0], gone[len(gone)-1])
		if sessions.Name() == Weekdays().Name() {
			f.Severity = Info // every holiday is one
		}
		fs = append(fs, f)
	}
	if len(extra) > 0 {
		fs = append(fs, finding("data.no_session", "", fmt.Sprintf("%d rows are on days that are no session of the calendar %s, the last on %v.", len(extra), sessions.Name(), extra[len(extra)-1]), map[string]float64{"days": float64(len(extra))}).between(extra[0], extra[len(extra)-1]))
	}
	return fs
}

// checkIdentical finds pairs of strategies with the same returns on nearly all
// days that either of them moves.
func checkIdentical(p *Panel) []Finding {
	var fs []Finding
	for _, pair := range alike(p) {
		i, j := pair[0], pair[1]
		same, both := 0, 0
		for t, a := range p.values[i] {
			b := p.values[j][t]
			if a != a || b != b || a == 0 && b == 0 {
				continue
			}
			both++
			if a == b {
				same++
			}
		}
		if both >= 20 && float64(same) >= 0.99*float64(both) {
			fs = append(fs, finding("data.identical", p.strategies[i].Name, fmt.Sprintf("Its returns are those of %q on %d of %d days; one of the two is enough.", clip(p.strategies[j].Name), same, both), map[string]float64{"days": float64(same)}))
		}
	}
	return fs
}

// alike returns the pairs i < j that have the same returns in some month of
// days: candidates, found without comparing every pair.
func alike(p *Panel) [][2]int {
	const month = 20
	var pairs [][2]int
	seen := map[[2]int]bool{}
	for first := 0; first+month <= p.Days(); first += month {
		byHash := map[uint64][]int{}
		for j, v := range p.values {
			hash, moves := uint64(14695981039346656037), 0 // FNV-1a over whole numbers
			for _, r := range v[first : first+month] {
				if r == r && r != 0 {
					moves++
				}
				hash = (hash ^ math.Float64bits(r)) * 1099511628211
			}
			if moves >= month/2 {
				byHash[hash] = append(byHash[hash], j)
			}
		}
		for _, group := range byHash {
			for a, i := range group {
				for _, j := range group[a+1:] {
					if k := [2]int{i, j}; !seen[k] {
						seen[k] = true
						pairs = append(pairs, k)
					}
				}
			}
		}
	}
	slices.SortFunc(pairs, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	return pairs
}

// Stale is the finding that the data does not reach the session it should.
func Stale(sentence string) Finding { return finding("data.stale", "", sentence, nil) }
