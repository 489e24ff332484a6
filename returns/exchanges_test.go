package returns

import (
	"strings"
	"testing"
)

// TestExchangeHolidays compares calendars with the lists that were published
// for whole years: of bank holidays in England and Wales (gov.uk), and of
// Euronext. Days on a weekend are not in the lists.
func TestExchangeHolidays(t *testing.T) {
	for _, c := range []struct {
		calendar Calendar
		year     int
		want     string
	}{
		{exchange("XLON"), 1999, "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28 12-31"},
		{exchange("XLON"), 2002, "01-01 03-29 04-01 05-06 06-03 06-04 08-26 12-25 12-26"},
		{exchange("XLON"), 2009, "01-01 04-10 04-13 05-04 05-25 08-31 12-25 12-28"},
		{exchange("XLON"), 2010, "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28"},
		{exchange("XLON"), 2011, "01-03 04-22 04-25 04-29 05-02 05-30 08-29 12-26 12-27"},
		{exchange("XLON"), 2012, "01-02 04-06 04-09 05-07 06-04 06-05 08-27 12-25 12-26"},
		{exchange("XLON"), 2016, "01-01 03-25 03-28 05-02 05-30 08-29 12-26 12-27"},
		{exchange("XLON"), 2019, "01-01 04-19 04-22 05-06 05-27 08-26 12-25 12-26"},
		{exchange("XLON"), 2020, "01-01 04-10 04-13 05-08 05-25 08-31 12-25 12-28"},
		{exchange("XLON"), 2021, "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28"},
		{exchange("XLON"), 2022, "01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27"},
		{exchange("XLON"), 2023, "01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26"},
		{exchange("XLON"), 2024, "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26"},
		{exchange("XLON"), 2025, "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26"},
		{exchange("XPAR"), 2019, "01-01 04-19 04-22 05-01 12-25 12-26"},
		{exchange("XPAR"), 2021, "01-01 04-02 04-05"},
		{exchange("XPAR"), 2022, "04-15 04-18 12-26"},
		{exchange("XPAR"), 2024, "01-01 03-29 04-01 05-01 12-25 12-26"},
		{exchange("XPAR"), 2025, "01-01 04-18 04-21 05-01 12-25 12-26"},
	} {
		var got []string
		for d := NewDate(c.year, 1, 1); d < NewDate(c.year+1, 1, 1); d++ {
			if Weekdays().IsSession(d) && !c.calendar.IsSession(d) {
				got = append(got, d.String()[5:])
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s %d: %s, want %s", c.calendar.Name(), c.year, strings.Join(got, " "), c.want)
		}
	}
	for name := range exchanges {
		o := options()
		o.Calendar = name
		if k, err := o.Sessions(Daily, "", nil); err != nil || k.Name() != name || o.Validate() != nil {
			t.Errorf("%s: %v, %v, %v", name, k.Name(), err, o.Validate())
		}
	}
}

// exchange is the calendar of a market identifier code.
func exchange(code string) Calendar {
	o := DefaultOptions()
	o.Calendar = code
	c, err := o.Sessions(Daily, "", nil)
	if err != nil {
		panic(err)
	}
	return c
}
