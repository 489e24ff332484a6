package returns

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"allocate/returns/columnar"
)

// Inspection is what files of returns say about how to read them.
type Inspection struct {
	Options Options           // that read the files
	Reasons map[string]string // why, by key below returns; keys that no evidence is about are missing
	Panel   *Panel
}

// candidates are the readings that Inspect compares, the most common first.
var candidates = []struct{ kind, unit string }{{"returns", "fraction"}, {"returns", "percent"}, {"returns", "bp"}, {"prices", "fraction"}}

// Inspect finds the options that read files: layout and columns, kind and unit of the numbers,
// frequency and calendar. o has what is known. An error is that of the most common reading, which
// says what is wrong with the files.
func Inspect(files []File, o Options) (*Inspection, error) {
	n := &Inspection{Options: o, Reasons: map[string]string{}}
	n.layout(files)
	var first error
	for k, c := range candidates {
		n.Options.Kind, n.Options.Unit = c.kind, c.unit
		p, _, err := Read(files, n.Options)
		if k == 0 {
			first = err
		}
		if err != nil {
			continue
		}
		size := p.typicalReturn()
		if k < len(candidates)-1 && c.kind == "returns" && size > o.MaxMedianAbs*p.frequency.rootDays() {
			continue
		}
		n.Panel = p
		n.explain(size)
		return n, nil
	}
	if first == nil { // large numbers, in any unit
		n.Options.Kind, n.Options.Unit = candidates[0].kind, candidates[0].unit
		p, _, err := Read(files, n.Options)
		if err != nil {
			return nil, err
		}
		n.Panel = p
		n.explain(p.typicalReturn())
		return n, nil
	}
	return nil, first
}

// typicalReturn is the median over the strategies of the median absolute return other than 0.
func (p *Panel) typicalReturn() float64 {
	var sizes []float64
	for j := range p.Len() {
		var size []float64
		for _, r := range p.Series(j).Returns {
			if r != 0 {
				size = append(size, max(r, -r))
			}
		}
		if len(size) > 0 {
			sizes = append(sizes, Median(size))
		}
	}
	if len(sizes) == 0 {
		return 0
	}
	return Median(sizes)
}

// explain finds frequency and calendar, and says why.
func (n *Inspection) explain(size float64) {
	p := n.Panel
	period := p.frequency.Period()
	typical := fmt.Sprintf("the median absolute return is %.2g%% a %s", 100*size, period)
	switch {
	case n.Options.Kind == "prices":
		n.Reasons["kind"] = "all values are positive and near the previous one; " + typical
	default:
		n.Reasons["kind"] = "simple returns; log_returns cannot be told from them: set it if they are"
		n.Reasons["unit"] = "read in this unit, " + typical
	}
	if f, median, ok := detect(p.dates); ok {
		n.Options.Frequency = f.String()
		n.Reasons["frequency"] = fmt.Sprintf("the median distance of two rows is %s; files of another frequency will be refused", Count(median, "day"))
		if f == SevenDay {
			n.Reasons["frequency"] = "the rows include Saturdays and Sundays; files of another frequency will be refused"
		}
	}
	n.calendar()
}

// leastHolidays is the number of holidays of an exchange within the data from which it can be told.
const leastHolidays = 5

// calendar finds the exchange whose holidays have no row.
func (n *Inspection) calendar() {
	p := n.Panel
	if p.frequency != Daily {
		return
	}
	weekdays := len(Weekdays().Sessions(p.First(), p.Last()))
	best, least, holidays := "", weekdays, 0
	names := make([]string, 0, len(exchanges))
	for name := range exchanges {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		sessions := Calendar{name: name, holiday: exchanges[name]}.Sessions(p.First(), p.Last())
		if apart := differing(p.dates, sessions); apart < least {
			best, least, holidays = name, apart, weekdays-len(sessions)
		}
	}
	apart := differing(p.dates, Weekdays().Sessions(p.First(), p.Last()))
	switch {
	case best != "" && holidays >= leastHolidays && 5*least <= apart && 100*least <= len(p.dates):
		n.Options.Calendar = best
		n.Reasons["calendar"] = fmt.Sprintf("%d of the %d rows and sessions of %s differ (weekdays: %d)", least, len(p.dates), best, apart)
	case 100*apart <= len(p.dates):
		n.Options.Calendar = "weekdays"
		n.Reasons["calendar"] = fmt.Sprintf("%d weekdays without a row, or rows on weekends", apart)
	default:
		n.Options.Calendar = "auto"
		n.Reasons["calendar"] = fmt.Sprintf("no exchange fits: %d weekdays without a row, or rows on weekends; file and returns.holidays name the holidays of a market", apart)
	}
}

// differing counts the days that are in one of two sorted lists only.
func differing(a, b []Date) int {
	count, i, j := 0, 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case j == len(b) || i < len(a) && a[i] < b[j]:
			count, i = count+1, i+1
		case i == len(a) || b[j] < a[i]:
			count, j = count+1, j+1
		default:
			i, j = i+1, j+1
		}
	}
	return count
}

// layout finds whether the files are wide or long, and the columns of long ones.
func (n *Inspection) layout(files []File) {
	if len(files) == 0 || n.Options.Layout != "auto" {
		return
	}
	columns, err := cellsOf(files[0])
	if err != nil {
		return // Read reports it
	}
	header := make([]string, len(columns))
	for i, c := range columns {
		header[i] = c.name
	}
	date, err := findDate(files[0].Name, header, n.Options.DateColumn)
	if err != nil { // no header says so: the one column of dates
		dated := func(c cellColumn) bool { return c.dates }
		date = slices.IndexFunc(columns, dated)
		if date < 0 || slices.ContainsFunc(columns[date+1:], dated) {
			return
		}
		n.Options.DateColumn = header[date]
		n.Reasons["date_column"] = "the one column of dates"
	}
	if len(columns) < 3 {
		return // one strategy
	}
	strategy, value, texts := -1, -1, 0
	for i, c := range columns {
		switch {
		case i == date:
		case !c.numbers:
			if texts++; c.repeats || strategy < 0 {
				strategy = i
			}
		case value < 0 || returnRank(c.name) > returnRank(columns[value].name):
			value = i
		}
	}
	o := &n.Options
	switch {
	case strategy < 0 || value < 0 || !columns[strategy].repeats:
		if texts == 0 {
			o.Layout = "wide"
			n.Reasons["layout"] = fmt.Sprintf("the header has the date column %q, all other columns hold numbers", header[date])
		}
		return
	default:
		o.Layout, o.StrategyColumn, o.ReturnColumn = "long", header[strategy], header[value]
		n.Reasons["layout"] = fmt.Sprintf("the names in the column %q repeat: a row per date and strategy", header[strategy])
	}
}

// cellColumn is a column of a file: whether it holds numbers, and whether a value repeats.
type cellColumn struct {
	name                    string
	numbers, dates, repeats bool // all values are numbers, are dates; some value repeats
}

// mostInspected is the number of rows of which the layout is told.
const mostInspected = 5000

// cellsOf describes the columns of a file.
func cellsOf(f File) ([]cellColumn, error) {
	var t *columnar.Table
	var err error
	switch formatOf(f) {
	case "csv":
		t, _, err = columnar.ReadCSV(f.Name, bytes.NewReader(f.Data), func(header []string) ([]columnar.Kind, error) {
			kinds := make([]columnar.Kind, len(header))
			for i := range kinds {
				kinds[i] = columnar.String
			}
			return kinds, nil
		})
	case "parquet":
		t, err = columnar.ReadParquet(f.Name, bytes.NewReader(f.Data), int64(len(f.Data)), nil)
	case "arrow":
		t, err = columnar.ReadIPC(f.Name, f.Data)
	default:
		err = errors.New("unknown format")
	}
	if err != nil {
		return nil, err
	}
	columns := make([]cellColumn, len(t.Columns))
	for i := range t.Columns {
		c := &t.Columns[i]
		columns[i] = cellColumn{name: c.Name, numbers: true}
		if c.Kind != columnar.String {
			continue
		}
		seen := map[string]bool{}
		columns[i].dates = len(c.Strings) > 0
		for k := range min(len(c.Strings), mostInspected) {
			s := strings.TrimSpace(c.Strings[k])
			if !c.IsValid(k) || s == "" {
				continue
			}
			if _, err := strconv.ParseFloat(s, 64); err != nil && !missingWord(s) {
				columns[i].numbers = false
			}
			if _, err := ParseDate(s); err != nil {
				columns[i].dates = false
			}
			columns[i].repeats = columns[i].repeats || seen[s]
			seen[s] = true
		}
	}
	return columns, nil
}

// missingWord reports how files write a missing number.
func missingWord(s string) bool {
	return slices.Contains([]string{"na", "n/a", "nan", "null", "none", "-"}, strings.ToLower(s))
}

// returnRank says how much the header of a column speaks of returns (2) or prices (1).
func returnRank(name string) int {
	name = strings.ToLower(name)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) })
	}
	switch {
	case has("ret", "pnl", "perf"):
		return 2
	case has("price", "nav", "close", "value"):
		return 1
	}
	return 0
}
