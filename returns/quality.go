package returns

import (
	"fmt"
	"math"
)

// Check looks for what a wrong file looks like although every cell can be
// read: a unit mistake, gaps inside a history, a series that never moves.
func Check(p *Panel, o Options) []Finding {
	var fs []Finding
	for j := range p.Len() {
		s := p.Series(j)
		name := s.Strategy.Name
		moving := make([]float64, 0, s.Len())
		for _, r := range s.Returns {
			if r != 0 {
				moving = append(moving, math.Abs(r))
			}
		}
		if len(moving) == 0 {
			fs = append(fs, Finding{Code: "data.constant", Severity: Fail, Strategy: name, Sentence: fmt.Sprintf("Strategy %q is exactly 0 on all of its %d days; remove its column, or leave it out with returns.strategies.", clip(name), s.Len())})
			continue
		}
		if m := Median(moving); m > o.MaxMedianAbs {
			fs = append(fs, Finding{
				Code: "data.unit", Severity: Fail, Strategy: name,
				Numbers:  map[string]float64{"median_abs": m, "limit": o.MaxMedianAbs},
				Sentence: fmt.Sprintf("Strategy %q moves %.3g%% on a median day, more than %.3g%%: the file %s; set returns.unit to %s, or raise returns.max_median_abs if it is right.", clip(name), 100*m, 100*o.MaxMedianAbs, looksLike(o.Unit), remedy(o.Unit)),
			})
		}
		fs = append(fs, gaps(p, j)...)
	}
	SortFindings(fs)
	return fs
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

// gaps counts the panel days inside a strategy's life on which it has none.
func gaps(p *Panel, j int) []Finding {
	s := p.Strategy(j)
	a, _ := p.Find(s.Entry)
	b, _ := p.Find(s.Last)
	n := 0
	var from, to Date
	for t := a; t <= b; t++ {
		if _, ok := p.At(t, j); !ok {
			if n == 0 {
				from = p.Date(t)
			}
			to = p.Date(t)
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return []Finding{{
		Code: "data.gap", Severity: Info, Strategy: s.Name, From: &from, To: &to,
		Numbers:  map[string]float64{"days": float64(n)},
		Sentence: fmt.Sprintf("%d days inside the history have no return; the model skips them.", n),
	}}
}
