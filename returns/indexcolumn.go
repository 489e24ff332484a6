package returns

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"allocate/returns/columnar"
)

// Files carry columns that are no strategy: the row index that pandas and R
// write, a second date, the parts of a date. Read as prices such a column rises
// without risk and receives the capital. They are told by name and by content,
// and left out with a finding, unless returns.strategies names them.

type excludedColumn struct{ name, why string }

// indexNames are names of row indices, in lower case.
var indexNames = []string{"", "index", "rowname", "rownames", "row_names", "row.names", "row", "row_number", "rownum", "obs"}

// dateParts are names of parts of a date; a column of whole numbers so named
// is one.
var dateParts = []string{"year", "month", "day", "weekday", "dayofweek", "day_of_week", "week", "quarter", "yyyymm", "yearmonth"}

// numberedIndex is how pandas names an index without a name.
var numberedIndex = regexp.MustCompile(`^(unnamed: ?\d+(_level_\d+)?|level_\d+|__index_level_\d+__)$`)

// isIndexName reports a name that only row indices have: index, Unnamed: 3,
// level_0, __index_level_0__.
func isIndexName(name string) bool {
	n := strings.ToLower(strings.TrimSpace(name))
	return slices.Contains(indexNames, n) || numberedIndex.MatchString(n)
}

// isDateName reports a name that announces dates, so that a text file's column
// is not read as numbers.
func isDateName(name string) bool {
	n := strings.ToLower(strings.TrimSpace(name))
	if n == "" {
		return false
	}
	for _, part := range strings.FieldsFunc(n, func(r rune) bool { return r == '_' || r == ' ' || r == '.' || r == '-' }) {
		if slices.Contains([]string{"date", "datetime", "timestamp", "time", "dt", "asof"}, part) {
			return true
		}
	}
	return slices.Contains(dateHeaders, n) && n != "index"
}

// pandasIndex returns the names of the columns that a Parquet or Arrow file's
// pandas metadata calls its index.
func pandasIndex(t *columnar.Table) []string {
	var about struct {
		IndexColumns []any `json:"index_columns"`
	}
	if json.Unmarshal([]byte(t.Meta["pandas"]), &about) != nil {
		return nil // no such metadata, or another program's
	}
	var names []string
	for _, c := range about.IndexColumns {
		if name, ok := c.(string); ok {
			names = append(names, name)
		}
	}
	return names
}

// notReturns says why column k of a wide file is no strategy; blank if it is
// one. dates are those of the rows.
func (t *text) notReturns(k int, dates []Date) string {
	c := &t.table.Columns[k]
	if slices.Contains(t.options.Strategies, c.Name) {
		return ""
	}
	switch {
	case slices.Contains(pandasIndex(t.table), c.Name):
		return "it is the index of a pandas data frame"
	case isIndexName(c.Name):
		return "its name is that of a row index"
	case c.Kind == columnar.Date || c.Kind == columnar.Timestamp:
		return "it holds dates"
	case c.Kind == columnar.String:
		for i, s := range c.Strings {
			if _, err := ParseDate(s); c.IsValid(i) && err != nil {
				return ""
			}
		}
		return "it holds dates"
	}
	if v := presentNumbers(c); len(v) >= fewestRows && followDates(v, dates) {
		return "it holds dates, as days, seconds or years"
	}
	whole := wholeNumbers(c)
	if len(whole) < fewestRows {
		return ""
	}
	switch {
	case slices.Contains(dateParts, strings.ToLower(c.Name)):
		return "it holds part of a date"
	case counts(whole):
		return "it numbers the rows"
	case areDates(whole):
		return "it holds dates, as YYYYMMDD"
	case isCalendarPart(whole, dates):
		return "it holds part of a date"
	case len(whole) >= 3*fewestJudged && onlyRise(whole):
		return "it holds increasing whole numbers, as identifiers and counts do"
	}
	return ""
}

func presentNumbers(c *columnar.Column) []float64 {
	out := make([]float64, 0, c.Len())
	for i := range c.Len() {
		switch {
		case !c.IsValid(i):
			return nil
		case c.Kind == columnar.Int64:
			out = append(out, float64(c.Ints[i]))
		case c.Kind == columnar.Float64:
			out = append(out, c.Floats[i])
		default:
			return nil
		}
	}
	return out
}

// onlyRise reports numbers of which none is below the one before, and most are
// above it.
func onlyRise(v []float64) bool {
	rises := 0
	for i := 1; i < len(v); i++ {
		if v[i] < v[i-1] {
			return false
		}
		if v[i] > v[i-1] {
			rises++
		}
	}
	return 10*rises >= 9*(len(v)-1)
}

// isCalendarPart reports numbers that say the year, the month, the quarter or
// the weekday of every row.
func isCalendarPart(v []float64, dates []Date) bool {
	parts := []func(d Date) float64{
		func(d Date) float64 { return float64(d.Time().Year()) },
		func(d Date) float64 { return float64(d.Time().Month()) },
		func(d Date) float64 { return float64(d.Time().Day()) },
		func(d Date) float64 { return float64((int(d.Time().Month()) + 2) / 3) },
		func(d Date) float64 { return float64(100*d.Time().Year() + int(d.Time().Month())) },
		func(d Date) float64 { return float64(10*d.Time().Year() + (int(d.Time().Month())+2)/3) },
	}
	return slices.ContainsFunc(parts, func(part func(Date) float64) bool {
		for i, d := range dates {
			if v[i] != part(d) {
				return false
			}
		}
		return true
	})
}

// wholeNumbers returns the values of a column without blanks that holds whole
// numbers only; nil of any other.
func wholeNumbers(c *columnar.Column) []float64 {
	out := make([]float64, 0, c.Len())
	for i := range c.Len() {
		v := 0.0
		switch {
		case !c.IsValid(i):
			return nil
		case c.Kind == columnar.Int64:
			v = float64(c.Ints[i])
		case c.Kind == columnar.Float64:
			v = c.Floats[i]
		default:
			return nil
		}
		if v != math.Trunc(v) || math.IsInf(v, 0) {
			return nil
		}
		out = append(out, v)
	}
	return out
}

// counts reports numbers that rise, or fall, by 1 from nearly every row to the
// next, as they still do where some rows were removed.
func counts(v []float64) bool {
	ones, way := 0, math.Copysign(1, v[len(v)-1]-v[0])
	for i := 1; i < len(v); i++ {
		switch step := way * (v[i] - v[i-1]); {
		case step <= 0:
			return false
		case step == 1:
			ones++
		}
	}
	return 10*ones >= 9*(len(v)-1)
}

// areDates reports numbers that are days as YYYYMMDD.
func areDates(v []float64) bool {
	for _, x := range v {
		if x < 19000101 || x > 22001231 {
			return false
		}
		if _, err := ParseDate(fmt.Sprintf("%.0f", x)); err != nil {
			return false
		}
	}
	return true
}

// followDates reports numbers that are the rows' dates in another unit: days,
// seconds, milliseconds, microseconds or nanoseconds since some day, or years,
// up to an hour of daylight-saving time, or three days of how fractions of a year are counted.
func followDates(v []float64, dates []Date) bool {
	n := len(v) - 1
	days := float64(dates[n] - dates[0])
	if days == 0 {
		return false
	}
	unit := (v[n] - v[0]) / days
	off := 0.05 // days
	switch {
	case math.Abs(unit*365.2425-1) < 0.02:
		off = 3
	case !slices.ContainsFunc([]float64{1, 86400, 86400e3, 86400e6, 86400e9}, func(u float64) bool { return math.Abs(unit/u-1) < 0.01 }):
		return false
	}
	for i := range v {
		if math.Abs(v[i]-v[0]-unit*float64(dates[i]-dates[0])) > off*unit {
			return false
		}
	}
	return true
}

// bars are the columns of one instrument's price bars.
var bars = []string{"open", "high", "low", "close", "adj close", "adj_close", "adjclose", "adjusted", "volume", "vwap", "dividends", "stock splits"}

// checkBars refuses a wide file of one instrument's bars, whose open, high, low
// and close would be four strategies.
func (t *text) checkBars() error {
	var found []string
	has := map[string]bool{}
	for k := range t.table.Columns {
		name := t.table.Columns[k].Name
		n := strings.ToLower(strings.TrimSpace(name))
		if at := strings.LastIndexByte(n, '.'); at >= 0 { // AAPL.Close, as quantmod writes it
			n = n[at+1:]
		}
		if slices.Contains(bars, n) && t.wanted(name) {
			found = append(found, name)
			has[n] = true
		}
	}
	closes := has["close"] || has["adj close"] || has["adj_close"] || has["adjclose"] || has["adjusted"]
	if len(t.options.Strategies) > 0 || !closes || !(has["open"] || has["volume"] || has["high"] && has["low"]) {
		return nil
	}
	return &columnar.CellError{File: t.file, Row: 1, Want: fmt.Sprintf("the columns %s are price bars of one instrument, not strategies; name one in returns.strategies, such as [%s], and set returns.kind to prices", list(found), found[max(0, slices.IndexFunc(found, func(s string) bool {
		return strings.Contains(strings.ToLower(s), "close") || strings.Contains(strings.ToLower(s), "adj")
	}))])}
}
