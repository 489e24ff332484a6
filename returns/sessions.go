package returns

import (
	"fmt"
	"math"
)

func checkSessions(p *Panel, c Calendar) []Finding {
	if p.frequency > SevenDay {
		return checkPeriods(p, c)
	}
	var gone, extra []Date
	expected := c.Sessions(p.First(), p.Last())
	longest, run, at := 0, 0, 0 // sessions in a row without a row, and where they begin in gone
	for i, j := 0, 0; i < p.Days() || j < len(expected); {
		switch {
		case j == len(expected) || i < p.Days() && p.dates[i] < expected[j]:
			extra = append(extra, p.dates[i])
			i++
		case i == p.Days() || expected[j] < p.dates[i]:
			gone = append(gone, expected[j])
			if run++; run > longest {
				longest, at = run, len(gone)-run
			}
			j++
		default:
			i, j, run = i+1, j+1, 0
		}
	}
	fs := missed(p, c, gone, longest, at, len(expected))
	if len(extra) > 0 {
		share := float64(len(extra)) / float64(p.Days())
		fs = append(fs, NewFinding("data.no_session", "", beyondFive(len(extra), p.Days()), fmt.Sprintf("Rows that are not sessions of the calendar %s: %d of %d, the last on %v; set returns.calendar to the market's calendar.", c.Name(), len(extra), p.Days(), extra[len(extra)-1]), map[string]float64{"days": float64(len(extra)), "share": share}).between(extra[0], extra[len(extra)-1]))
	}
	return fs
}

// checkPeriods expects one row in every week, month or quarter.
func checkPeriods(p *Panel, c Calendar) []Finding {
	f := p.frequency
	var gone, again []Date
	longest, at := 0, 0
	for t := 1; t < p.Days(); t++ {
		before, now := f.index(p.dates[t-1]), f.index(p.dates[t])
		if now == before {
			again = append(again, p.dates[t])
		}
		if n := now - before - 1; n > longest {
			longest, at = n, len(gone)
		}
		for k := before + 1; k < now; k++ {
			gone = append(gone, f.last(k))
		}
	}
	fs := missed(p, c, gone, longest, at, f.index(p.Last())-f.index(p.First())+1)
	if len(again) > 0 {
		share := float64(len(again)) / float64(p.Days())
		fs = append(fs, NewFinding("data.no_session", "", beyondFive(len(again), p.Days()), fmt.Sprintf("Rows that are the second of their %s: %d of %d, the last on %v; keep one row per period.", f.Period(), len(again), p.Days(), again[len(again)-1]), map[string]float64{"days": float64(len(again)), "share": share}).between(again[0], again[len(again)-1]))
	}
	return fs
}

// beyondFive is the share of n of all rows, without the first five.
func beyondFive(n, rows int) float64 { return max(0, float64(n-5)) / float64(rows) }

// missed reports sessions, or periods, without a row.
func missed(p *Panel, c Calendar, gone []Date, longest, at, expected int) []Finding {
	if len(gone) == 0 {
		return nil
	}
	f := p.frequency
	numbers := map[string]float64{"days": float64(len(gone)), "longest": float64(longest)}
	what := fmt.Sprintf("%s of the calendar %s", f.Sessions(len(gone)), c.Name())
	if f > SevenDay {
		what = f.Periods(len(gone))
	}
	sentence := fmt.Sprintf("%s without a row, the last on %v.", what, gone[len(gone)-1])
	if longest > 1 {
		sentence = fmt.Sprintf("%s without a row, up to %d in a row (%v to %v), the last on %v.", what, longest, gone[at], gone[at+longest-1], gone[len(gone)-1])
	}
	missing := NewFinding("data.missing_session", "", float64(longest)/float64(f.Month()), sentence, numbers).between(gone[0], gone[len(gone)-1])
	if c.exact() { // a calendar of weekdays has every holiday missing
		missing.Severity = max(missing.Severity, Warn)
	}
	fs := []Finding{missing}
	if share := float64(len(gone)) / float64(expected); share >= 0.1 && expected >= fewestJudged {
		fs = append(fs, NewFinding("data.sparse", "", share, fmt.Sprintf("%.0f%% of the %s have no row; check the frequency of the rows and returns.calendar.", 100*share, f.Sessions(expected)), map[string]float64{"share": share, "days": float64(len(gone))}).between(p.First(), p.Last()))
	}
	return fs
}

// exact reports a calendar that knows its holidays.
func (c Calendar) exact() bool { return c.name != Weekdays().name }

// checkFrequency looks for strategies whose returns come at another frequency
// than the panel's rows: a monthly index beside daily strategies has one return
// in 21, each of a whole month.
func checkFrequency(p *Panel) []Finding {
	fs := lastRows(p, "", p.dates)
	for j, s := range p.strategies {
		own := p.Series(j)
		f, _, ok := detect(own.Dates)
		if ok && f == p.frequency && len(fs) == 0 {
			fs = append(fs, lastRows(p, s.Name, own.Dates)...)
		}
		if !ok || own.Len() < fewestJudged || f == p.frequency || f <= SevenDay && p.frequency <= SevenDay {
			continue
		}
		fs = append(fs, finding("data.frequency", s.Name, fmt.Sprintf("Strategy %q has %s returns (%d in %s), the panel is %s; use a separate file, or convert all strategies to one frequency.", clip(s.Name), f, own.Len(), p.frequency.Sessions(p.rowsBetween(s.Entry, s.Last)), p.frequency), map[string]float64{"periods_per_year": f.PeriodsPerYear(), "panel_periods_per_year": p.frequency.PeriodsPerYear()}))
	}
	return fs
}

// lastRows reports a feed whose last twenty rows are of a longer frequency.
func lastRows(p *Panel, name string, dates []Date) []Finding {
	if len(dates) < 3*fewestJudged {
		return nil
	}
	f, _, ok := detect(dates[len(dates)-fewestJudged:])
	if !ok || f <= SevenDay && p.frequency <= SevenDay || f <= p.frequency {
		return nil
	}
	what := "The last rows are"
	if name != "" {
		what = fmt.Sprintf("The last returns of %q are", clip(name))
	}
	found := finding("data.frequency", name, fmt.Sprintf("%s %s, the earlier ones %s; the model treats each as one %s. Check whether the feed has changed.", what, f, p.frequency, p.frequency.Period()), map[string]float64{"periods_per_year": f.PeriodsPerYear()})
	found.Severity = Warn
	return []Finding{found.between(dates[len(dates)-fewestJudged], dates[len(dates)-1])}
}

// rowsBetween counts the rows from one day to another, both included.
func (p *Panel) rowsBetween(from, to Date) int {
	a, _ := p.Find(from)
	b, _ := p.Find(to)
	return b - a + 1
}

// gapSize is the size of data.gap: the longest run in months, at least.
func gapSize(p *Panel, longest int) float64 {
	return math.Round(100*float64(longest)/float64(p.frequency.Month())) / 100
}
