package returns

import (
	"fmt"
	"slices"
)

// Clean applies the policies for days inside a history that have no return.
// Days before a strategy's first return or after its last are no gaps. Days
// are dropped for all strategies where the policy of one with a gap there is
// drop_day. Filling is always reported as a finding.
func Clean(p *Panel, o Options) (*Panel, []Finding) {
	var fs []Finding
	values := slices.Clone(p.values)
	drop := make([]bool, p.Days())
	dropped := 0
	for j, s := range p.strategies {
		gaps := interiorGaps(p, j)
		if len(gaps) == 0 {
			continue
		}
		from, to := p.dates[gaps[0]], p.dates[gaps[len(gaps)-1]]
		longest := longestRun(gaps)
		share := float64(len(gaps)) / float64(p.rowsBetween(s.Entry, s.Last))
		number := map[string]float64{"days": float64(len(gaps)), "longest": float64(longest), "share": share}
		tell := func(code string, size float64, format string, args ...any) *Finding {
			fs = append(fs, NewFinding(code, s.Name, size, fmt.Sprintf(format, args...), number).between(from, to))
			return &fs[len(fs)-1]
		}
		gap, days := gapSize(p, longest), Count(len(gaps), "return")+" inside the history are missing"
		if longest > 1 {
			days += fmt.Sprintf(", up to %d in a row", longest)
		}
		if len(gaps) == 1 {
			days = "1 return inside the history is missing"
		}
		if share >= 0.1 && p.rowsBetween(s.Entry, s.Last) >= fewestJudged {
			tell("data.sparse", share, "%.0f%% of the returns inside the history are missing; the strategy has %d of %d.", 100*share, p.rowsBetween(s.Entry, s.Last)-len(gaps), p.rowsBetween(s.Entry, s.Last))
		}
		switch o.missingOf(s.Name) {
		case "error":
			f := tell("data.gap", gap, "Strategy %q lacks %s inside its history, the first on %v; complete the file, or set returns.missing to model, zero or drop_day.", clip(s.Name), Count(len(gaps), "return"), from)
			f.Severity = Fail
		case "zero":
			v := slices.Clone(values[j])
			for _, t := range gaps {
				v[t] = 0
			}
			values[j] = v
			tell("data.filled", share, "%s; set to 0 (returns.missing: zero).", days)
		case "drop_day":
			for _, t := range gaps {
				if !drop[t] {
					drop[t] = true
					dropped++
				}
			}
			tell("data.gap", gap, "%s; these days are dropped for every strategy (returns.missing: drop_day).", days)
		default:
			tell("data.gap", gap, "%s; the likelihood omits those days.", days)
		}
	}
	q := &Panel{dates: p.dates, strategies: p.strategies, values: values, frequency: p.frequency}
	if dropped == 0 {
		return q, fs
	}
	q.dates = nil
	for t, d := range p.dates {
		if !drop[t] {
			q.dates = append(q.dates, d)
		}
	}
	for j, v := range values {
		kept := make([]float64, 0, len(q.dates))
		for t, r := range v {
			if !drop[t] {
				kept = append(kept, r)
			}
		}
		q.values[j] = kept
	}
	return q, fs
}

func longestRun(rising []int) int {
	longest, run := 0, 0
	for i, t := range rising {
		if i > 0 && t == rising[i-1]+1 {
			run++
		} else {
			run = 1
		}
		longest = max(longest, run)
	}
	return longest
}

// interiorGaps returns the days between a strategy's first and last return on
// which it has none.
func interiorGaps(p *Panel, j int) []int {
	s := p.strategies[j]
	a, _ := p.Find(s.Entry)
	b, _ := p.Find(s.Last)
	var gaps []int
	for t := a; t <= b; t++ {
		if r := p.values[j][t]; r != r {
			gaps = append(gaps, t)
		}
	}
	return gaps
}
