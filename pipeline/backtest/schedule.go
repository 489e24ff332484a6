package backtest

import (
	"errors"
	"fmt"
	"slices"

	"allocate/returns"
)

// Schedule returns the days of decision among the days of a panel, from start
// to end, both included. A month (week) has its last session if the calendar's
// next row is due in another one; where the panel has no row on that session,
// the last row before it stands in. listed are the days of a file; a day that
// is no row of the panel is an error, since a decision on it would have to see
// another day's returns.
func Schedule(o Options, days []returns.Date, start, end returns.Date, sessions returns.Calendar, listed []returns.Date) ([]returns.Date, error) {
	var in []returns.Date
	for _, d := range days {
		if d >= start && d <= end {
			in = append(in, d)
		}
	}
	if len(days) == 0 {
		return nil, errors.New("backtest: the data have no days")
	}
	if len(in) == 0 {
		return nil, fmt.Errorf("backtest.start: no data from %v to %v; the data are from %v to %v; correct backtest.start and backtest.end", start, end, days[0], days[len(days)-1])
	}
	var out []returns.Date
	switch o.Schedule {
	case Listed:
		for _, d := range listed {
			if d < start || d > end {
				continue
			}
			if _, ok := slices.BinarySearch(days, d); !ok {
				return nil, fmt.Errorf("backtest.dates: no data for %v; expected a day with returns", d)
			}
			out = append(out, d)
		}
		slices.Sort(out)
		out = slices.Compact(out)
	case Every:
		for i := 0; i < len(in); i += o.Every {
			out = append(out, in[i])
		}
	default:
		period := month
		if o.Schedule == Weekly {
			period = week
		}
		for i, d := range in {
			next := sessions.NextRow(d)
			if i+1 < len(in) {
				next = in[i+1]
			}
			if period(d) != period(next) {
				out = append(out, d)
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("backtest: the schedule %s has no day between %v and %v", o.Schedule, start, end)
	}
	return out, nil
}

// month numbers calendar months, and week Monday-to-Sunday weeks.
func month(d returns.Date) int { t := d.Time(); return t.Year()*12 + int(t.Month()) }

func week(d returns.Date) int { return (int(d) + 3) / 7 } // 1970-01-01 was a Thursday
