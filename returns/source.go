package returns

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sort"
	"strings"

	"allocate/returns/columnar"
)

// InputError is a file whose content cannot be used, with the place and the
// remedy in its message.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *InputError) Unwrap() error { return e.Err }

var dateHeaders = []string{"date", "day", "datetime", "timestamp", "time", "index", "unnamed: 0", ""}

// Read turns the text of one file into a panel of simple returns as
// fractions. file is the name that messages use. Whatever is wrong with the
// content is an *InputError, an empty
// file a *NotReadyError; what is merely worth knowing is a Finding.
func Read(file string, r io.Reader, o Options) (*Panel, []Finding, error) {
	in := bufio.NewReader(r)
	if _, err := in.Peek(1); errors.Is(err, io.EOF) {
		return nil, nil, &NotReadyError{fmt.Sprintf("%s: the file is empty; expected a header line and one line per day", file)}
	}
	var long bool
	var dateAt int
	table, lines, err := columnar.ReadCSV(file, in, func(header []string) ([]columnar.Kind, error) {
		var err error
		if dateAt, err = findDate(file, header, o.DateColumn); err != nil {
			return nil, err
		}
		long = o.Layout == "long" || o.Layout == "auto" && slices.Contains(header, o.StrategyColumn) && slices.Contains(header, o.ReturnColumn)
		kinds := make([]columnar.Kind, len(header))
		for i, name := range header {
			if i == dateAt || long && name != o.ReturnColumn {
				kinds[i] = columnar.String
			}
		}
		return kinds, nil
	})
	if err != nil {
		return nil, nil, &InputError{err}
	}
	text := rows{file: file, table: table, lines: lines, dateAt: dateAt, scale: map[string]float64{"fraction": 1, "percent": 1e-2, "bp": 1e-4}[o.Unit]}
	if err := text.parseDates(); err != nil {
		return nil, nil, &InputError{err}
	}
	var p *Panel
	var findings []Finding
	if long {
		p, findings, err = text.long(o)
	} else {
		p, findings, err = text.wide(o)
	}
	if err != nil {
		return nil, nil, &InputError{err}
	}
	return p, findings, nil
}

func findDate(file string, header []string, name string) (int, error) {
	if name != "" {
		if i := slices.Index(header, name); i >= 0 {
			return i, nil
		}
		return 0, &columnar.CellError{File: file, Row: 1, Want: fmt.Sprintf("no column %q; the header has %s; correct returns.date_column", clip(name), list(header))}
	}
	for _, want := range dateHeaders {
		for i, h := range header {
			if strings.EqualFold(h, want) && (h != "" || i == 0) {
				return i, nil
			}
		}
	}
	return 0, &columnar.CellError{File: file, Row: 1, Want: fmt.Sprintf("no date column among %s; name one \"date\", or set returns.date_column", list(header))}
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

// rows is a text table on its way to a panel.
type rows struct {
	file   string
	table  *columnar.Table
	lines  []int // line of the file of each row
	dateAt int
	dates  []Date // one per row
	scale  float64
}

func (in *rows) parseDates() error {
	c := &in.table.Columns[in.dateAt]
	if c.Len() == 0 {
		return &columnar.CellError{File: in.file, Want: "the file has a header but no rows; expected one line per day"}
	}
	in.dates = make([]Date, c.Len())
	for i, s := range c.Strings {
		d, err := ParseDate(s)
		if err != nil {
			return &columnar.CellError{File: in.file, Row: in.lines[i], Column: c.Name, Value: s, Want: "not a date; expected YYYY-MM-DD or YYYYMMDD, or a timestamp at midnight"}
		}
		in.dates[i] = d
	}
	return nil
}

// value converts the cell of column c in row i to a simple return.
func (in *rows) value(c *columnar.Column, i int, column string) (float64, error) {
	if !c.IsValid(i) {
		return math.NaN(), nil
	}
	r := c.Floats[i] * in.scale
	if r <= -1 {
		return 0, &columnar.CellError{File: in.file, Row: in.lines[i], Column: column, Value: fmt.Sprint(c.Floats[i]), Want: "a return at or below -100%; correct the cell, or set returns.unit if the file is in percent or basis points"}
	}
	return r, nil
}

func (in *rows) wide(o Options) (*Panel, []Finding, error) {
	order := make([]int, len(in.dates))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return in.dates[order[a]] < in.dates[order[b]] })
	kept := order[:0:0]
	repeated := 0
	for _, i := range order {
		if n := len(kept); n > 0 && in.dates[kept[n-1]] == in.dates[i] {
			if err := in.sameRow(kept[n-1], i); err != nil {
				return nil, nil, err
			}
			repeated++
			continue
		}
		kept = append(kept, i)
	}
	dates := make([]Date, len(kept))
	for t, i := range kept {
		dates[t] = in.dates[i]
	}
	var strategies []Strategy
	var values [][]float64
	var empty []string
	for k := range in.table.Columns {
		c := &in.table.Columns[k]
		if k == in.dateAt || len(o.Strategies) > 0 && !slices.Contains(o.Strategies, c.Name) {
			continue
		}
		if c.Name == "" {
			return nil, nil, &columnar.CellError{File: in.file, Row: 1, Want: fmt.Sprintf("column %d has no name; give it one or remove it", k+1)}
		}
		v := make([]float64, len(kept))
		some := false
		for t, i := range kept {
			r, err := in.value(c, i, c.Name)
			if err != nil {
				return nil, nil, err
			}
			v[t] = r
			some = some || r == r
		}
		if !some {
			empty = append(empty, c.Name)
			continue
		}
		strategies = append(strategies, Strategy{Name: c.Name})
		values = append(values, v)
	}
	return in.finish(dates, strategies, values, repeated, empty, o)
}

// sameRow reports two rows of one date that disagree.
func (in *rows) sameRow(a, b int) error {
	for k := range in.table.Columns {
		c := &in.table.Columns[k]
		if k == in.dateAt {
			continue
		}
		if c.IsValid(a) != c.IsValid(b) || c.Floats[a] != c.Floats[b] {
			return in.conflict(a, b, c, c.Name)
		}
	}
	return nil
}

func (in *rows) conflict(a, b int, c *columnar.Column, column string) error {
	show := func(i int) string {
		if !c.IsValid(i) {
			return "blank"
		}
		return fmt.Sprint(c.Floats[i])
	}
	return &columnar.CellError{File: in.file, Row: in.lines[b], Column: column, Value: show(b), Want: fmt.Sprintf("%v stands here a second time; row %d says %s; keep one of the two rows", in.dates[b], in.lines[a], show(a))}
}

func (in *rows) long(o Options) (*Panel, []Finding, error) {
	names, err := in.table.Column(o.StrategyColumn)
	if err != nil {
		return nil, nil, &columnar.CellError{File: in.file, Row: 1, Want: fmt.Sprintf("no column %q; set returns.strategy_column", clip(o.StrategyColumn))}
	}
	c, err := in.table.Column(o.ReturnColumn)
	if err != nil {
		return nil, nil, &columnar.CellError{File: in.file, Row: 1, Want: fmt.Sprintf("no column %q; set returns.return_column", clip(o.ReturnColumn))}
	}
	dates := slices.Clone(in.dates)
	slices.Sort(dates)
	dates = slices.Compact(dates)
	at := make(map[Date]int, len(dates))
	for t, d := range dates {
		at[d] = t
	}
	column := map[string]int{}
	var strategies []Strategy
	var values [][]float64
	var origin [][]int32 // row + 1 that filled each cell, 0 for none
	repeated := 0
	for i, name := range names.Strings {
		if len(o.Strategies) > 0 && !slices.Contains(o.Strategies, name) {
			continue
		}
		if name == "" {
			return nil, nil, &columnar.CellError{File: in.file, Row: in.lines[i], Column: o.StrategyColumn, Want: "the strategy has no name"}
		}
		j, ok := column[name]
		if !ok {
			j = len(strategies)
			column[name] = j
			strategies = append(strategies, Strategy{Name: name})
			v := make([]float64, len(dates))
			for t := range v {
				v[t] = math.NaN()
			}
			values = append(values, v)
			origin = append(origin, make([]int32, len(dates)))
		}
		r, err := in.value(c, i, o.ReturnColumn)
		if err != nil {
			return nil, nil, err
		}
		t := at[in.dates[i]]
		if first := int(origin[j][t]) - 1; first >= 0 {
			if c.IsValid(first) != c.IsValid(i) || c.Floats[first] != c.Floats[i] {
				return nil, nil, in.conflict(first, i, c, o.ReturnColumn)
			}
			repeated++
			continue
		}
		origin[j][t] = int32(i + 1)
		values[j][t] = r
	}
	var empty []string
	full, fullValues := strategies[:0:0], values[:0:0]
	for j, s := range strategies {
		if slices.ContainsFunc(values[j], func(r float64) bool { return r == r }) {
			full, fullValues = append(full, s), append(fullValues, values[j])
		} else {
			empty = append(empty, s.Name)
		}
	}
	return in.finish(dates, full, fullValues, repeated, empty, o)
}

func (in *rows) finish(dates []Date, strategies []Strategy, values [][]float64, repeated int, empty []string, o Options) (*Panel, []Finding, error) {
	for _, name := range o.Strategies {
		if !slices.ContainsFunc(strategies, func(s Strategy) bool { return s.Name == name }) {
			return nil, nil, &columnar.CellError{File: in.file, Row: 1, Want: fmt.Sprintf("no returns of strategy %q, which returns.strategies names", clip(name))}
		}
	}
	if len(strategies) == 0 {
		return nil, nil, &columnar.CellError{File: in.file, Row: 1, Want: "no strategy has any return; expected at least one column of returns beside the date"}
	}
	p, err := NewPanel(dates, strategies, values)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", in.file, err)
	}
	var findings []Finding
	if repeated > 0 {
		findings = append(findings, Finding{Code: "data.repeated_rows", Severity: Info, Numbers: map[string]float64{"rows": float64(repeated)}, Sentence: fmt.Sprintf("%d rows stand in the file more than once with the same values; each was read once.", repeated)})
	}
	for _, name := range empty {
		findings = append(findings, Finding{Code: "data.empty_strategy", Severity: Warn, Strategy: name, Sentence: "The strategy has no return in the whole file and was left out."})
	}
	return p, findings, nil
}
