package returns

import (
	"slices"
	"time"
)

// exchanges are the calendars that go by a market identifier code (ISO 10383).
// There is no maintained Go library of exchange calendars to take them from:
// those of public holidays do not know the days on which an exchange alone is
// open or closed. For any other market returns.calendar is file.
var exchanges = map[string]func(Date) bool{
	"XNYS": xnysHoliday, // New York Stock Exchange, from 1971
	"XLON": xlonHoliday, // London Stock Exchange, closed on the bank holidays of England and Wales, from 1990
	"XPAR": xparHoliday, // Euronext: one calendar in Paris, Amsterdam, Brussels and Lisbon, from 2002
}

// xlonHoliday reports whether a Monday to Friday is a bank holiday of England
// and Wales. One on a weekend is kept on the next weekday that is none. Source:
// Banking and Financial Dealings Act 1971, and the proclamations of the years
// in xlonSpecial.
func xlonHoliday(d Date) bool {
	y, m, day := d.Time().Date()
	monday := d.Weekday() == time.Monday
	switch {
	case m == time.January && (day == 1 || monday && day <= 3): // New Year's Day
		return true
	case d == easter(y)-2 || d == easter(y)+1: // Good Friday, Easter Monday
		return true
	case m == time.May && monday && day <= 7: // Early May
		return y != 1995 && y != 2020 // moved to 8 May, 50 and 75 years after the war
	case m == time.May && monday && day > 24: // Spring
		return y != 2002 && y != 2012 && y != 2022 // moved to the jubilees
	case m == time.August && monday && day > 24: // Summer
		return true
	case m == time.December && (day == 25 || day == 26): // Christmas, Boxing Day
		return true
	case m == time.December && (day == 27 || day == 28): // in place of those on a weekend
		return monday || d.Weekday() == time.Tuesday
	}
	_, special := slices.BinarySearch(xlonSpecial, d)
	return special
}

// xlonSpecial lists the bank holidays that no rule gives, sorted.
var xlonSpecial = []Date{
	NewDate(1995, 5, 8),   // Early May, moved to VE Day
	NewDate(1999, 12, 31), // millennium
	NewDate(2002, 6, 3),   // Golden Jubilee
	NewDate(2002, 6, 4),   // Spring, moved
	NewDate(2011, 4, 29),  // wedding of Prince William
	NewDate(2012, 6, 4),   // Spring, moved
	NewDate(2012, 6, 5),   // Diamond Jubilee
	NewDate(2020, 5, 8),   // Early May, moved to VE Day
	NewDate(2022, 6, 2),   // Spring, moved
	NewDate(2022, 6, 3),   // Platinum Jubilee
	NewDate(2022, 9, 19),  // funeral of Queen Elizabeth II
	NewDate(2023, 5, 8),   // coronation of King Charles III
}

// xparHoliday reports whether a Monday to Friday is a full-day closure of
// Euronext. A holiday on a weekend is not kept on another day. Source:
// Euronext's trading hours and holidays.
func xparHoliday(d Date) bool {
	y, m, day := d.Time().Date()
	switch {
	case d == easter(y)-2 || d == easter(y)+1: // Good Friday, Easter Monday
		return true
	case m == time.January && day == 1, m == time.May && day == 1, m == time.December && (day == 25 || day == 26):
		return true
	}
	return false
}
