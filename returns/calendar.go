package returns

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"allocate/returns/columnar"
)

// Calendar says which days are trading sessions, and how many periods of a
// panel lie between two days.
type Calendar struct {
	name      string
	everyDay  bool            // Saturdays and Sundays are sessions, too
	holiday   func(Date) bool // of a Monday to Friday
	frequency Frequency
}

// Weekdays is the calendar of every Monday to Friday.
func Weekdays() Calendar {
	return Calendar{name: "weekdays", holiday: func(Date) bool { return false }}
}

// EveryDay is the calendar of a market that never closes.
func EveryDay() Calendar {
	return Calendar{name: "daily", everyDay: true, frequency: SevenDay}
}

// HolidayFile is the calendar of the weekdays that a file does not name. The
// file is a CSV with a column `date`, one holiday a row; other columns are for
// people.
func HolidayFile(file string, text []byte) (Calendar, error) {
	days, err := ReadDates(file, text)
	if err != nil {
		return Calendar{}, err
	}
	closed := map[Date]bool{}
	for _, d := range days {
		closed[d] = true
	}
	return Calendar{name: file, holiday: func(d Date) bool { return closed[d] }}, nil
}

// Sessions returns the calendar that returns.calendar names, for panels of a
// frequency. name and text are the holiday file's, if there is one.
func (o Options) Sessions(f Frequency, name string, text []byte) (c Calendar, err error) {
	c = Weekdays()
	switch {
	case o.Calendar == "file":
		c, err = HolidayFile(name, text)
	case o.Calendar == "daily", o.Calendar == "auto" && f == SevenDay:
		c = EveryDay()
	case exchanges[o.Calendar] != nil:
		c = Calendar{name: o.Calendar, holiday: exchanges[o.Calendar]}
	}
	c.frequency = f
	return c, err
}

// ReadDates reads a CSV with a column `date`, one day a row; other columns are
// for people.
func ReadDates(file string, text []byte) ([]Date, error) {
	var at int
	table, lines, err := columnar.ReadCSV(file, bytes.NewReader(text), func(header []string) ([]columnar.Kind, error) {
		at = slices.Index(header, "date")
		if at < 0 {
			return nil, &columnar.CellError{File: file, Row: 1, Want: fmt.Sprintf("no column \"date\" among %s; expected a file of dates with that column", list(header))}
		}
		kinds := make([]columnar.Kind, len(header))
		for i := range kinds {
			kinds[i] = columnar.String
		}
		return kinds, nil
	})
	if err != nil {
		return nil, &InputError{err}
	}
	var days []Date
	for i, s := range table.Columns[at].Strings {
		d, err := ParseDate(s)
		if err != nil {
			return nil, &InputError{&columnar.CellError{File: file, Row: lines[i], Column: "date", Value: s, Want: "not a date; expected YYYY-MM-DD"}}
		}
		days = append(days, d)
	}
	return days, nil
}

// Name returns weekdays, daily, the code of an exchange or the name of the holiday file.
func (c Calendar) Name() string { return c.name }

// IsSession reports whether d is a trading day.
func (c Calendar) IsSession(d Date) bool {
	if c.everyDay {
		return true
	}
	w := d.Weekday()
	return w != time.Saturday && w != time.Sunday && !c.holiday(d)
}

// Next returns the first session after d.
func (c Calendar) Next(d Date) Date {
	for d++; !c.IsSession(d); d++ {
	}
	return d
}

// Before returns the last session before d.
func (c Calendar) Before(d Date) Date {
	for d--; !c.IsSession(d); d-- {
	}
	return d
}

// Since returns how many rows a panel should have after day a and up to day b:
// sessions of daily data, else weeks, months or quarters.
func (c Calendar) Since(a, b Date) int {
	if c.frequency > SevenDay {
		return c.frequency.index(b) - c.frequency.index(a)
	}
	return len(c.Sessions(a+1, b))
}

// Due returns the last day that is over on a day: the session before it, or
// the end of the week, month or quarter before its own.
func (c Calendar) Due(today Date) Date {
	if c.frequency > SevenDay {
		return c.frequency.last(c.frequency.index(today) - 1)
	}
	return c.Before(today)
}

// NextRow returns a day of the period after that of d: the next session, or
// the first day of the next week, month or quarter.
func (c Calendar) NextRow(d Date) Date {
	if c.frequency > SevenDay {
		return c.frequency.last(c.frequency.index(d)) + 1
	}
	return c.Next(d)
}

// Sessions returns the sessions from..to, both included.
func (c Calendar) Sessions(from, to Date) []Date {
	var s []Date
	for d := from; d <= to; d++ {
		if c.IsSession(d) {
			s = append(s, d)
		}
	}
	return s
}

// xnysHoliday reports whether a Monday to Friday is a full-day closure.
//
// A holiday on a Sunday is kept on Monday, one on a Saturday on Friday, except
// New Year's Day: a Friday that ends the year stays open. Half days are
// sessions. Sources: NYSE Rule 7.2, NYSE's lists of holidays, and its list of
// special closings since 1885.
func xnysHoliday(d Date) bool {
	t := d.Time()
	y, m, day := t.Date()
	w := t.Weekday()
	fixed := func(month time.Month, on int) bool { // with the Saturday and Sunday rules
		return m == month && (day == on || w == time.Monday && day == on+1 || w == time.Friday && day == on-1)
	}
	nth := func(month time.Month, weekday time.Weekday, n int) bool {
		return m == month && w == weekday && (day+6)/7 == n
	}
	switch {
	case m == time.January && (day == 1 || day == 2 && w == time.Monday): // New Year's Day
		return true
	case y >= 1998 && nth(time.January, time.Monday, 3): // Martin Luther King Jr. Day
		return true
	case nth(time.February, time.Monday, 3): // Washington's Birthday
		return true
	case w == time.Friday && d == easter(y).AddDays(-2): // Good Friday
		return true
	case m == time.May && w == time.Monday && day > 24: // Memorial Day
		return true
	case y >= 2022 && fixed(time.June, 19): // Juneteenth
		return true
	case fixed(time.July, 4): // Independence Day
		return true
	case nth(time.September, time.Monday, 1): // Labor Day
		return true
	case nth(time.November, time.Thursday, 4): // Thanksgiving
		return true
	case fixed(time.December, 25): // Christmas
		return true
	case y <= 1980 && y%4 == 0 && m == time.November && w == time.Tuesday && day >= 2 && day <= 8: // presidential election
		return true
	}
	_, special := slices.BinarySearch(xnysSpecial, d)
	return special
}

// xnysSpecial lists the closures that no rule gives, sorted.
var xnysSpecial = []Date{
	NewDate(1972, 12, 28), // funeral of Harry S. Truman
	NewDate(1973, 1, 25),  // funeral of Lyndon B. Johnson
	NewDate(1977, 7, 14),  // blackout in New York
	NewDate(1985, 9, 27),  // hurricane Gloria
	NewDate(1994, 4, 27),  // funeral of Richard M. Nixon
	NewDate(2001, 9, 11),  // attack on the World Trade Center
	NewDate(2001, 9, 12),
	NewDate(2001, 9, 13),
	NewDate(2001, 9, 14),
	NewDate(2004, 6, 11),  // funeral of Ronald W. Reagan
	NewDate(2007, 1, 2),   // funeral of Gerald R. Ford
	NewDate(2012, 10, 29), // hurricane Sandy
	NewDate(2012, 10, 30),
	NewDate(2018, 12, 5), // funeral of George H. W. Bush
	NewDate(2025, 1, 9),  // funeral of James E. Carter
}

// easter returns Easter Sunday of a year: the anonymous Gregorian algorithm
// (Meeus, Astronomical Algorithms, chapter 8).
func easter(y int) Date {
	a, b, c := y%19, y/100, y%100
	d, e := b/4, b%4
	f := (b + 8) / 25
	g := (b - f + 1) / 3
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return NewDate(y, time.Month(n/31), n%31+1)
}
