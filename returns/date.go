package returns

import (
	"fmt"
	"time"
)

// Date is a civil day, counted from 1970-01-01. It carries no clock and no
// time zone, so neither can leak into a key, a file name or a comparison.
type Date int32

// NewDate returns the civil day of year, month and day in the proleptic
// Gregorian calendar.
func NewDate(year int, month time.Month, day int) Date {
	return DateOf(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

// DateOf returns the civil day that t shows in its own location.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	utc := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	return Date(utc.Unix() / 86400)
}

// ParseDate reads an ISO day (2006-01-02), a compact day (20060102), or a
// timestamp at midnight of its own zone. Anything else is an error: a date
// that must be guessed is a date that is sometimes wrong.
func ParseDate(s string) (Date, error) {
	switch len(s) {
	case 10:
		if t, err := time.Parse("2006-01-02", s); err == nil {
			return DateOf(t), nil
		}
	case 8:
		if t, err := time.Parse("20060102", s); err == nil {
			return DateOf(t), nil
		}
	default:
		if t, ok := parseTimestamp(s); ok {
			if !isMidnight(t) {
				return 0, fmt.Errorf("returns: timestamp %q is not at local midnight; expected one day per row, as YYYY-MM-DD", clip(s))
			}
			return DateOf(t), nil
		}
	}
	return 0, fmt.Errorf("returns: %q is not a date; expected YYYY-MM-DD or YYYYMMDD", clip(s))
}

// parseTimestamp reads a timestamp in its own zone, UTC if it has none.
func parseTimestamp(s string) (time.Time, bool) {
	for _, layout := range timestampLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// isMidnight reports the first instant of a day in its zone, which is not 00:00
// where daylight-saving time begins at midnight.
func isMidnight(t time.Time) bool {
	return DateOf(t.Add(-1)) != DateOf(t)
}

var timestampLayouts = []string{
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02 15:04:05Z0700",
	"2006-01-02T15:04:05Z07",
	"2006-01-02 15:04:05Z07",
	"2006-01-02T15:04",
	"2006-01-02 15:04",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05",
	"2006-01-02T15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999Z07:00",
}

// Time returns midnight UTC of the day.
func (d Date) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// String returns the day as 2006-01-02.
func (d Date) String() string { return d.Time().Format("2006-01-02") }

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.Time().Weekday() }

// AddDays returns the day n calendar days later.
func (d Date) AddDays(n int) Date { return d + Date(n) }

// AddYears returns the same day n years later; 29 February becomes 1 March
// in a year without it.
func (d Date) AddYears(n int) Date { return DateOf(d.Time().AddDate(n, 0, 0)) }

// AddMonths returns the same day of the month n months later, with the
// overflow rule of time.AddDate.
func (d Date) AddMonths(n int) Date { return DateOf(d.Time().AddDate(0, n, 0)) }

// NextWeekday returns the first Monday to Friday after d.
func (d Date) NextWeekday() Date {
	d++
	for d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
		d++
	}
	return d
}

// MarshalText writes the day as 2006-01-02.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDate reads.
func (d *Date) UnmarshalText(b []byte) error {
	v, err := ParseDate(string(b))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// clip shortens hostile or huge text for an error message.
func clip(s string) string {
	const most = 60
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most]) + "…"
}
