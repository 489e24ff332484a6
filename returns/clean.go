package returns

import (
	"fmt"
	"slices"
)

// Clean applies the policies for days inside a history that have no return.
// What is before a strategy's first return or after its last is no gap. Days
// are dropped for all strategies where the policy of one with a gap there is
// drop_day. Nothing is ever filled in silence.
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
		number := map[string]float64{"days": float64(len(gaps))}
		tell := func(code, format string, args ...any) *Finding {
			fs = append(fs, finding(code, s.Name, fmt.Sprintf(format, args...), number).between(from, to))
			return &fs[len(fs)-1]
		}
		switch o.missingOf(s.Name) {
		case "error":
			f := tell("data.gap", "Strategy %q has no return on %d days inside its history, the first on %v; fill them in the file, or set returns.missing to model, zero or drop_day.", clip(s.Name), len(gaps), from)
			f.Severity = Fail
		case "zero":
			v := slices.Clone(values[j])
			for _, t := range gaps {
				v[t] = 0
			}
			values[j] = v
			tell("data.filled", "%d days inside the history had no return and were set to 0, as returns.missing says.", len(gaps))
		case "drop_day":
			for _, t := range gaps {
				if !drop[t] {
					drop[t] = true
					dropped++
				}
			}
			tell("data.gap", "%d days inside the history have no return; they are left out for every strategy, as returns.missing says.", len(gaps))
		default:
			tell("data.gap", "%d days inside the history have no return; the model skips them.", len(gaps))
		}
	}
	q := &Panel{dates: p.dates, strategies: p.strategies, values: values}
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
