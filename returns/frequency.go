package returns

import (
	"fmt"
	"slices"
	"time"
)

// Frequency is how often a panel has a row. It is the one place that knows
// how many periods make a year: every annualization, horizon, window of
// periods and label follows from it. The zero value is Daily.
type Frequency int

// The frequencies.
const (
	Daily     Frequency = iota // trading days, Monday to Friday less holidays
	SevenDay                   // every day of the week, such as crypto currencies
	Weekly                     // one row per week
	Monthly                    // one row per month
	Quarterly                  // one row per quarter
)

var frequencies = [...]struct {
	name, period string
	year, month  int // periods of a year, of a month (at least 1)
	low, high    int // median days between two rows
}{
	Daily:     {"daily", "trading day", 252, 21, 1, 4},
	SevenDay:  {"seven_day", "day", 365, 30, 1, 1},
	Weekly:    {"weekly", "week", 52, 4, 5, 9},
	Monthly:   {"monthly", "month", 12, 1, 26, 35},
	Quarterly: {"quarterly", "quarter", 4, 1, 85, 98},
}

func (f Frequency) String() string {
	if f < 0 || int(f) >= len(frequencies) {
		return fmt.Sprintf("frequency(%d)", int(f))
	}
	return frequencies[f].name
}

// ParseFrequency reads the name of a frequency.
func ParseFrequency(name string) (Frequency, error) {
	for f, x := range frequencies {
		if x.name == name {
			return Frequency(f), nil
		}
	}
	return 0, fmt.Errorf("returns: %q is not a frequency; expected daily, seven_day, weekly, monthly or quarterly", clip(name))
}

// MarshalText writes the name.
func (f Frequency) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what ParseFrequency reads.
func (f *Frequency) UnmarshalText(b []byte) error {
	v, err := ParseFrequency(string(b))
	if err != nil {
		return err
	}
	*f = v
	return nil
}

// PeriodsPerYear is the number by which a mean per period is annualized; a
// standard deviation takes its square root.
func (f Frequency) PeriodsPerYear() float64 { return float64(frequencies[f].year) }

// Year returns the whole number of periods that make a year.
func (f Frequency) Year() int { return frequencies[f].year }

// Month returns the number of periods that make a month, at least 1.
func (f Frequency) Month() int { return frequencies[f].month }

// Periods names a number of periods: "21 trading days", "1 month".
func (f Frequency) Periods(n int) string {
	return Count(n, frequencies[f].period)
}

// Days names a number of periods in short: "21 days", "4 weeks".
func (f Frequency) Days(n int) string {
	if f == Daily {
		return SevenDay.Periods(n)
	}
	return f.Periods(n)
}

// Sessions names a number of rows that a panel should have: "3 sessions",
// "1 week".
func (f Frequency) Sessions(n int) string {
	if f > SevenDay {
		return f.Periods(n)
	}
	return Count(n, "session")
}

// Period names one period: "trading day", "week".
func (f Frequency) Period() string { return frequencies[f].period }

// index numbers the period that a day is in: weeks from Monday to Sunday,
// calendar months and quarters; days otherwise.
func (f Frequency) index(d Date) int {
	switch f {
	case Weekly:
		return floorDiv(int(d)+3, 7) // 1970-01-01 was a Thursday
	case Monthly:
		y, m, _ := d.Time().Date()
		return 12*y + int(m) - 1
	case Quarterly:
		y, m, _ := d.Time().Date()
		return 4*y + (int(m)-1)/3
	}
	return int(d)
}

// last returns the last day of period k; see index.
func (f Frequency) last(k int) Date {
	switch f {
	case Weekly:
		return Date(7*k + 3)
	case Monthly:
		return NewDate(k/12, time.Month(k%12+1), 1).AddMonths(1) - 1
	case Quarterly:
		return NewDate(k/4, time.Month(3*(k%4)+1), 1).AddMonths(3) - 1
	}
	return Date(k)
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// weekendShare is the least share of Saturdays, and of Sundays, among the days
// of a seven-day market; all of them would be a seventh each. A market that
// trades from Sunday to Thursday has no Saturday.
const weekendShare = 0.07

// fewestRows is the least number of rows whose frequency can be told.
const fewestRows = 10

// detect finds the frequency from the median number of days between two rows,
// which a few missing rows do not move. ok is false where there are fewer than
// ten rows, or where the median is that of no frequency.
func detect(dates []Date) (f Frequency, median int, ok bool) {
	if len(dates) < fewestRows {
		return 0, 0, false
	}
	gaps := make([]int, len(dates)-1)
	var weekday [7]int
	for i, d := range dates {
		weekday[d.Weekday()]++
		if i > 0 {
			gaps[i-1] = int(d - dates[i-1])
		}
	}
	slices.Sort(gaps)
	median = gaps[len(gaps)/2]
	if median <= frequencies[Daily].high {
		if least := weekendShare * float64(len(dates)); median == 1 && float64(weekday[time.Saturday]) >= least && float64(weekday[time.Sunday]) >= least {
			return SevenDay, median, true
		}
		return Daily, median, true
	}
	for _, f := range []Frequency{Weekly, Monthly, Quarterly} {
		if median >= frequencies[f].low && median <= frequencies[f].high {
			return f, median, true
		}
	}
	return 0, median, false
}

// frequencyOf is the frequency of a file's rows. stated is returns.frequency;
// what the rows contradict is an error, as a wrong frequency scales every
// annual number.
func frequencyOf(dates []Date, stated string) (Frequency, error) {
	found, median, ok := detect(dates)
	if stated == "" || stated == "auto" {
		switch {
		case ok:
			return found, nil
		case len(dates) < fewestRows:
			return Daily, nil // too short for any model
		}
		return 0, fmt.Errorf("the median distance between two rows is %s, which fits no daily, seven_day, weekly, monthly or quarterly frequency; resample the returns to one of these", Count(median, "day"))
	}
	want, err := ParseFrequency(stated)
	if err != nil {
		return 0, err
	}
	if ok && found != want || !ok && len(dates) >= fewestRows {
		what := fmt.Sprintf("the median distance between two rows is %s", SevenDay.Periods(median))
		if ok {
			what += fmt.Sprintf(", as in %s data", found)
			if median == 1 {
				what = "the rows include Saturdays and Sundays, as in seven_day data"
				if found == Daily {
					what = "the rows have no weekends, as in daily data"
				}
			}
		}
		return 0, fmt.Errorf("%s, but returns.frequency is %s; correct the key, or set it to auto", what, want)
	}
	return want, nil
}
