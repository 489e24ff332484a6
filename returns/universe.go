package returns

import (
	"fmt"
	"math"
	"slices"
)

// Known cuts the panel to the history that a run as of a day may see, with a window as
// long as o.Window on the day end, asOf or before. It never looks past asOf, which must
// be a day of the panel.
func Known(p *Panel, asOf, end Date, o Options) (*Panel, error) {
	if _, ok := p.Find(asOf); !ok {
		if asOf > p.Last() {
			return nil, &NotReadyError{fmt.Sprintf("no data yet for %v; the data end on %v; wait for the data, or run with --as-of %v", asOf, p.Last(), p.Last())}
		}
		before := p.AsOf(asOf)
		if before.Days() == 0 {
			return nil, &NotReadyError{fmt.Sprintf("the as-of date %v is before the first row, %v; choose a later date (as_of, --as-of)", asOf, p.First())}
		}
		return nil, &NotReadyError{fmt.Sprintf("no data for %v; the last row before it is %v; run with --as-of %v", asOf, before.Last(), before.Last())}
	}
	start, err := o.Window.Start(end, p.First())
	if err != nil {
		return nil, fmt.Errorf("returns.window: %w", err)
	}
	known := p.Window(start, asOf)
	if o.History == "live" {
		known = known.live()
	}
	return known, nil
}

// live keeps the returns from each strategy's live_from on; a strategy that
// has none or no return since is left out.
func (p *Panel) live() *Panel {
	q := &Panel{dates: p.dates, frequency: p.frequency}
	for j, s := range p.strategies {
		if s.LiveFrom == nil || s.Last < *s.LiveFrom {
			continue
		}
		v := slices.Clone(p.values[j])
		first := -1
		for t := range v {
			if p.dates[t] < *s.LiveFrom {
				v[t] = math.NaN()
			} else if first < 0 && v[t] == v[t] {
				first = t
			}
		}
		s.Entry = p.dates[first]
		q.strategies = append(q.strategies, s)
		q.values = append(q.values, v)
	}
	return q
}

// Universe keeps the strategies of a known history that can be modeled: those
// with a return on its last day, which they have not left by then, and enough
// of them. A strategy that has ended stays in the universe of every day up to
// its exit. sessions is the calendar that says how late a missing return is.
func Universe(known *Panel, o Options, sessions Calendar) (*Panel, []Finding) {
	var fs []Finding
	asOf := known.Last()
	u := &Panel{dates: known.dates, frequency: known.frequency}
	for j, s := range known.strategies {
		n := known.Series(j).Len()
		switch {
		case s.Exit != nil && *s.Exit <= asOf:
			fs = append(fs, finding("data.no_longer", s.Name, fmt.Sprintf("The strategy ended on %v (exit in the metadata); its weight is 0.", *s.Exit), nil))
			continue
		case s.Last != asOf:
			late := sessions.Since(s.Last, asOf)
			if late > o.LateSessions {
				fs = append(fs, finding("data.no_longer", s.Name, fmt.Sprintf("The strategy counts as ended: its last return is of %v, %s before %v; its weight is 0.", s.Last, known.frequency.Sessions(late), asOf), map[string]float64{"sessions": float64(late)}))
				continue
			}
			fs = append(fs, finding("data.late", s.Name, fmt.Sprintf("Strategy %q has no return on %v; its last is of %v, %s earlier. Wait for the data, give it an exit in returns.metadata, or lower the severity of data.late to exclude it.", clip(s.Name), asOf, s.Last, known.frequency.Sessions(late)), map[string]float64{"sessions": float64(late), "limit": float64(o.LateSessions)}))
			continue
		case n < o.MinHistory:
			f := finding("data.short_history", s.Name, fmt.Sprintf("Strategy %q has %s in the window up to %v, fewer than %d; set returns.short_history to exclude, lower returns.min_history, or widen returns.window.", clip(s.Name), Count(n, "return"), asOf, o.MinHistory), map[string]float64{"days": float64(n), "limit": float64(o.MinHistory)})
			if o.ShortHistory == "exclude" {
				f.Severity = Info
				f.Sentence = fmt.Sprintf("The strategy has %s in the window up to %v, fewer than %d; its weight is 0.", Count(n, "return"), asOf, o.MinHistory)
			}
			fs = append(fs, f)
			continue
		}
		u.strategies = append(u.strategies, s)
		u.values = append(u.values, known.values[j])
	}
	if u.Len() == 0 && Worst(fs) < Fail {
		fs = append(fs, finding("data.no_strategy", "", fmt.Sprintf("No strategy has a return on %v and %d returns in the window.", asOf, o.MinHistory), nil))
	}
	return u, fs
}
