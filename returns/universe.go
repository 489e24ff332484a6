package returns

import "fmt"

// NotReadyError says that the data does not reach the day a run was asked for.
type NotReadyError struct{ Message string }

func (e *NotReadyError) Error() string { return e.Message }

// Known cuts the panel to the history that a run as of a day may see. It never
// looks past asOf, which must be a day of the panel.
func Known(p *Panel, asOf Date, o Options) (*Panel, error) {
	if _, ok := p.Find(asOf); !ok {
		if asOf > p.Last() {
			return nil, &NotReadyError{fmt.Sprintf("returns: no row yet for the as-of day %v; the file ends on %v; wait for the data, or run with --as-of %v", asOf, p.Last(), p.Last())}
		}
		before := p.AsOf(asOf)
		if before.Days() == 0 {
			return nil, &NotReadyError{fmt.Sprintf("returns: the as-of day %v is before the first row, %v", asOf, p.First())}
		}
		return nil, &NotReadyError{fmt.Sprintf("returns: the as-of day %v is no row of the file; the last one before it is %v; run with --as-of %v", asOf, before.Last(), before.Last())}
	}
	start, err := o.Window.Start(asOf, p.First())
	if err != nil {
		return nil, fmt.Errorf("returns.window: %w", err)
	}
	return p.Window(start, asOf), nil
}

// Universe keeps the strategies of a known history that can be modelled: those
// with a return on its last day and enough of them before.
func Universe(known *Panel, o Options) (*Panel, []Finding) {
	asOf := known.Last()
	var fs []Finding
	u := &Panel{dates: known.dates}
	for j, s := range known.strategies {
		if s.Last != asOf {
			last := s.Last
			fs = append(fs, Finding{
				Code: "data.no_longer", Severity: Warn, Strategy: s.Name, To: &last,
				Sentence: fmt.Sprintf("No return on %v; the last one is of %v. The strategy was left out.", asOf, s.Last),
			})
			continue
		}
		if n := known.Series(j).Len(); n < o.MinHistory {
			f := Finding{
				Code: "data.short_history", Severity: Warn, Strategy: s.Name,
				Numbers:  map[string]float64{"days": float64(n), "limit": float64(o.MinHistory)},
				Sentence: fmt.Sprintf("Strategy %q has %d returns in the window up to %v, fewer than %d; it was left out.", clip(s.Name), n, asOf, o.MinHistory),
			}
			if o.ShortHistory == "fail" {
				f.Severity = Fail
				f.Sentence = fmt.Sprintf("Strategy %q has %d returns in the window up to %v; at least %d are expected; set returns.short_history to exclude to leave it out, or lower returns.min_history.", clip(s.Name), n, asOf, o.MinHistory)
			}
			fs = append(fs, f)
			continue
		}
		u.strategies = append(u.strategies, s)
		u.values = append(u.values, known.values[j])
	}
	if u.Len() == 0 && Worst(fs) < Fail {
		fs = append(fs, Finding{Code: "data.no_strategy", Severity: Fail, Sentence: fmt.Sprintf("No strategy has a return on %v and %d of them in the window.", asOf, o.MinHistory)})
	}
	SortFindings(fs)
	return u, fs
}
