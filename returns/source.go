package returns

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"time"
	_ "time/tzdata" // zones are known on machines without them

	"allocate/returns/columnar"
)

// InputError is a file whose content cannot be used, with the place and the
// remedy in its message.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *InputError) Unwrap() error { return e.Err }

// NotReadyError says that the data is not there yet, or does not reach the day
// a run was asked for.
type NotReadyError struct{ Message string }

func (e *NotReadyError) Error() string { return e.Message }

// File is one file of returns. Name is relative to what the user named, with
// slashes; messages use it, its ending gives the format, and its key=value
// parts are the partition keys of a hive layout.
type File struct {
	Name string
	From string // where the bytes were read: a path
	Data []byte
}

// Read turns files into one panel of simple returns as fractions. Whatever is
// wrong with their content is an *InputError, an empty file a *NotReadyError;
// what is merely worth knowing is a Finding.
func Read(files []File, o Options) (*Panel, []Finding, error) {
	blocks := make([]*block, 0, len(files))
	for _, f := range files {
		if len(f.Data) == 0 {
			return nil, nil, &NotReadyError{fmt.Sprintf("%s: the file is empty; expected a header line and one line per day", f.Name)}
		}
		b, err := readFile(f, o)
		if err != nil {
			var ready *NotReadyError
			if errors.As(err, &ready) {
				return nil, nil, err
			}
			return nil, nil, &InputError{err}
		}
		blocks = append(blocks, b)
	}
	p, findings, err := merge(blocks, o)
	if err != nil {
		return nil, nil, &InputError{err}
	}
	return p, findings, nil
}

func readFile(f File, o Options) (*block, error) {
	t := text{file: f.Name, parts: partitions(f.Name), options: o}
	var err error
	if bytes.HasPrefix(f.Data, []byte("PK\x03\x04")) || bytes.HasPrefix(f.Data, []byte("\xd0\xcf\x11\xe0")) {
		return nil, &columnar.CellError{File: f.Name, Want: "a ZIP archive or an Excel workbook; save the sheet as CSV, or the table as Parquet"}
	}
	switch format := formatOf(f); format {
	case "csv": // gzipped or not
		t.table, t.lines, err = columnar.ReadCSV(f.Name, bytes.NewReader(f.Data), t.kinds)
		if err == nil && t.misread() { // a strategy whose name speaks of a date
			t.table, t.lines, err = columnar.ReadCSV(f.Name, bytes.NewReader(f.Data), t.kinds)
		}
	case "parquet":
		t.table, err = columnar.ReadParquet(f.Name, bytes.NewReader(f.Data), int64(len(f.Data)), nil)
	case "arrow":
		t.table, err = columnar.ReadIPC(f.Name, f.Data)
	}
	if err != nil {
		return nil, err
	}
	if t.lines == nil { // not a text file: rows count from 1
		header := make([]string, len(t.table.Columns))
		for i := range header {
			header[i] = t.table.Columns[i].Name
		}
		if _, err := t.kinds(header); err != nil {
			return nil, err
		}
		t.lines = make([]int, t.table.Rows())
		for i := range t.lines {
			t.lines[i] = i + 1
		}
	}
	return t.block()
}

// formatOf depends on the file's first bytes, then by its name.
func formatOf(f File) string {
	name := strings.ToLower(f.Name)
	switch {
	case bytes.HasPrefix(f.Data, []byte("PAR1")):
		return "parquet"
	case bytes.HasPrefix(f.Data, []byte("ARROW1")):
		return "arrow"
	case strings.HasSuffix(name, ".parquet"), strings.HasSuffix(name, ".pq"):
		return "parquet"
	case strings.HasSuffix(name, ".arrow"), strings.HasSuffix(name, ".arrows"), strings.HasSuffix(name, ".feather"), strings.HasSuffix(name, ".ipc"):
		return "arrow"
	}
	return "csv"
}

// text is a decoded file on its way to a block.
type text struct {
	file      string
	parts     map[string]string // hive partition keys of the file's path
	options   Options
	table     *columnar.Table
	lines     []int // row of the file of each row of the table
	dateAt    int
	long      bool
	asNumbers []string // columns of numbers although their names speak of dates
}

var (
	dateHeaders  = []string{"date", "day", "datetime", "timestamp", "time", "as_of", "asof", "month"}
	indexHeaders = []string{"index", "unnamed: 0", "__index_level_0__", ""} // where pandas puts dates, too
)

// kinds finds the date column and the layout, and says which columns hold
// text.
func (t *text) kinds(header []string) ([]columnar.Kind, error) {
	o := t.options
	var err error
	if t.dateAt, err = findDate(t.file, header, o.DateColumn); err != nil {
		typed := t.typedDate()
		if o.DateColumn != "" || typed < 0 {
			return nil, err
		}
		t.dateAt = typed
	}
	_, named := t.parts[o.StrategyColumn]
	named = named || slices.Contains(header, o.StrategyColumn)
	t.long = o.Layout == "long" || o.Layout == "auto" && named && slices.Contains(header, o.ReturnColumn)
	kinds := make([]columnar.Kind, len(header))
	for i, name := range header {
		if i == t.dateAt || t.long && name != o.ReturnColumn || !t.long && isDateName(name) && !slices.Contains(o.Strategies, name) && !slices.Contains(t.asNumbers, name) {
			kinds[i] = columnar.String
		}
	}
	return kinds, nil
}

func findDate(file string, header []string, name string) (int, error) {
	if name != "" {
		if i := slices.Index(header, name); i >= 0 {
			return i, nil
		}
		return 0, &columnar.CellError{File: file, Row: 1, Want: fmt.Sprintf("no column %q; the header has %s; correct returns.date_column", clip(name), list(header))}
	}
	named := func(wants []string) int {
		for _, want := range wants {
			for i, h := range header {
				if strings.EqualFold(h, want) && (h != "" || i == 0) {
					return i
				}
			}
		}
		return -1
	}
	if i := named(dateHeaders); i >= 0 {
		return i, nil
	}
	if i := slices.IndexFunc(header, isDateName); i >= 0 && !slices.ContainsFunc(header[i+1:], isDateName) {
		return i, nil
	}
	if i := named(indexHeaders); i >= 0 {
		return i, nil
	}
	return 0, &columnar.CellError{File: file, Row: 1, Want: fmt.Sprintf("no date column among %s; rename one to \"date\", or set returns.date_column", list(header))}
}

// typedDate returns the one column of a Parquet or Arrow file that holds dates,
// -1 if there is none or more than one.
func (t *text) typedDate() int {
	at := -1
	if t.table == nil {
		return at
	}
	for k := range t.table.Columns {
		if kind := t.table.Columns[k].Kind; kind == columnar.Date || kind == columnar.Timestamp {
			if at >= 0 {
				return -1
			}
			at = k
		}
	}
	return at
}

// misread reports columns that were read as text for their names and hold no
// dates; they are to be read as numbers.
func (t *text) misread() bool {
	if t.long {
		return false
	}
	for k := range t.table.Columns {
		c := &t.table.Columns[k]
		if k == t.dateAt || c.Kind != columnar.String {
			continue
		}
		for i, s := range c.Strings {
			if !c.IsValid(i) {
				continue
			}
			if _, err := ParseDate(s); err != nil {
				t.asNumbers = append(t.asNumbers, c.Name)
			}
			break
		}
	}
	return len(t.asNumbers) > 0
}

// list names the first few of many for a message.
func list(names []string) string {
	const most = 6
	quoted := make([]string, 0, most+1)
	for i, n := range names {
		if i == most {
			quoted = append(quoted, fmt.Sprintf("and %d more", len(names)-most))
			break
		}
		quoted = append(quoted, fmt.Sprintf("%q", clip(n)))
	}
	return strings.Join(quoted, ", ")
}

// dates converts the date column, whatever its type.
func (t *text) dates() ([]Date, error) {
	c := &t.table.Columns[t.dateAt]
	if c.Len() == 0 {
		return nil, &columnar.CellError{File: t.file, Want: "the file has a header but no rows; expected one line per day"}
	}
	zone, own := time.UTC, time.UTC // of the days, and the one in which the file's timestamps are written
	if c.Kind == columnar.Timestamp && c.Zone != "" {
		var err error
		if zone, err = zoneOf(c.Zone); err != nil {
			return nil, &columnar.CellError{File: t.file, Column: c.Name, Value: c.Zone, Want: "unknown time zone of the timestamps; write plain dates, or set returns.timezone"}
		}
		own = zone
	}
	if t.options.Timezone != "" {
		var err error
		if zone, err = zoneOf(t.options.Timezone); err != nil {
			return nil, &columnar.CellError{File: t.file, Column: c.Name, Want: fmt.Sprintf("returns.timezone %q is not a time zone; expected a name such as America/New_York, or an offset such as +02:00", clip(t.options.Timezone))}
		}
	}
	const otherZone = "the timestamp is not midnight in its own time zone; expected one day per row, as YYYY-MM-DD; if it is midnight in another zone, set returns.timezone, such as America/New_York"
	out := make([]Date, c.Len())
	for i := range out {
		wrong := func(value, want string) error {
			return &columnar.CellError{File: t.file, Row: t.lines[i], Column: c.Name, Value: value, Want: want}
		}
		if !c.IsValid(i) {
			return nil, wrong("", "the date is missing; expected YYYY-MM-DD in every row")
		}
		switch c.Kind {
		case columnar.Date:
			out[i] = Date(c.Dates[i])
		case columnar.Timestamp:
			at := time.Unix(0, c.Times[i]).In(zone)
			if !isMidnight(at) {
				return nil, wrong(at.In(own).Format(time.RFC3339Nano), t.notMidnight(otherZone))
			}
			out[i] = DateOf(at)
		default:
			value := ""
			switch c.Kind {
			case columnar.String:
				value = c.Strings[i]
			case columnar.Int64:
				value = fmt.Sprint(c.Ints[i])
			case columnar.Float64:
				value = fmt.Sprintf("%.0f", c.Floats[i])
			}
			if at, ok := parseTimestamp(value); ok && len(value) > 10 {
				if t.options.Timezone != "" {
					at = at.In(zone)
				}
				if !isMidnight(at) {
					return nil, wrong(value, t.notMidnight(otherZone))
				}
				out[i] = DateOf(at)
				continue
			}
			d, err := ParseDate(value)
			if err != nil {
				return nil, wrong(value, "not a date; expected YYYY-MM-DD, YYYYMMDD, or a timestamp at midnight in its own time zone")
			}
			out[i] = d
		}
	}
	return out, nil
}

// notMidnight is the message about a timestamp that is not at midnight.
func (t *text) notMidnight(without string) string {
	if t.options.Timezone == "" {
		return without
	}
	return fmt.Sprintf("the timestamp is not midnight in returns.timezone, %s; correct the key, or write plain dates", t.options.Timezone)
}

// zoneOf reads UTC, an offset such as +02:00, or a name such as Europe/Paris.
func zoneOf(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, errors.New("returns: the time zone Local depends on the machine")
	}
	if at, err := time.Parse("-07:00", name); err == nil {
		_, seconds := at.Zone()
		return time.FixedZone(name, seconds), nil
	}
	return time.LoadLocation(name)
}

// numbers converts a column to simple returns, or to prices, with NaN where
// there is none.
func (t *text) numbers(c *columnar.Column) ([]float64, error) {
	var v []float64
	switch c.Kind {
	case columnar.Float64:
		v = c.Floats
	case columnar.Int64:
		v = make([]float64, len(c.Ints))
		for i, x := range c.Ints {
			v[i] = float64(x)
		}
	default:
		return nil, &columnar.CellError{File: t.file, Column: c.Name, Want: fmt.Sprintf("the column holds %v; expected numbers; name the columns to use in returns.strategies", c.Kind)}
	}
	scale := unitScale[t.options.Unit]
	prices := t.options.Kind == "prices"
	for i, x := range v {
		if !c.IsValid(i) || math.IsNaN(x) {
			v[i] = math.NaN()
			continue
		}
		wrong := func(want string) error {
			return &columnar.CellError{File: t.file, Row: t.lines[i], Column: c.Name, Value: fmt.Sprint(x), Want: want}
		}
		switch {
		case math.IsInf(x, 0):
			return nil, wrong("not a finite number; correct the cell, or leave it blank if there was no return that day")
		case prices && x <= 0:
			return nil, wrong("a price at or below 0; correct the cell, or set returns.kind to returns")
		case prices:
		case t.options.Kind == logReturns:
			v[i] = math.Expm1(x * scale)
		case x*scale < -1:
			return nil, wrong("a return below -100%; correct the cell, or set returns.unit if the file is in percent or basis points")
		default:
			v[i] = x * scale
		}
	}
	return v, nil
}

// strategyNames returns the name column of a long file, or the partition key.
func (t *text) strategyNames() (func(i int) (string, error), error) {
	o := t.options
	c, err := t.table.Column(o.StrategyColumn)
	if err != nil {
		name, ok := t.parts[o.StrategyColumn]
		if !ok {
			return nil, &columnar.CellError{File: t.file, Row: 1, Want: fmt.Sprintf("no column %q; set returns.strategy_column", clip(o.StrategyColumn))}
		}
		return func(int) (string, error) { return name, nil }, nil
	}
	return func(i int) (string, error) {
		name := ""
		switch {
		case !c.IsValid(i):
		case c.Kind == columnar.String:
			name = c.Strings[i]
		case c.Kind == columnar.Int64:
			name = fmt.Sprint(c.Ints[i])
		default:
			return "", &columnar.CellError{File: t.file, Column: c.Name, Want: fmt.Sprintf("the column holds %v; expected names", c.Kind)}
		}
		return name, nil
	}, nil
}

// byDate returns the rows in the order of their dates.
func byDate(dates []Date) []int {
	order := make([]int, len(dates))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return dates[order[a]] < dates[order[b]] })
	return order
}
