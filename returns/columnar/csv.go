package columnar

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// CellError says where in a text file something is wrong, and what would have
// been right.
type CellError struct {
	File   string // as the caller named it; may be empty
	Row    int    // line of the file, the header being line 1; 0 if the file as a whole
	Column string // header of the column; empty if the row as a whole
	Value  string // the offending text
	Want   string // what was expected, and what to change
}

func (e *CellError) Error() string {
	var b strings.Builder
	if e.File != "" {
		fmt.Fprintf(&b, "%s: ", e.File)
	}
	if e.Row > 0 {
		fmt.Fprintf(&b, "row %d: ", e.Row)
	}
	if e.Column != "" {
		fmt.Fprintf(&b, "column %q: ", clip(e.Column))
	}
	if e.Value != "" {
		fmt.Fprintf(&b, "%q: ", clip(e.Value))
	}
	b.WriteString(e.Want)
	return b.String()
}

// clip shortens hostile or huge text for an error message.
func clip(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// ReadCSV reads a delimited text with a header. The delimiter (comma,
// semicolon or tab) is the one the header has most of. kinds is called once
// with the header and decides what each column is (Float64 or String). Blank
// cells and NA, NaN, null, none, n/a and - are missing values. The second
// result gives the line of the file each row began on.
func ReadCSV(file string, r io.Reader, kinds func(header []string) ([]Kind, error)) (*Table, []int, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	if bom, err := in.Peek(3); err == nil && bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		_, _ = in.Discard(3)
	}
	first, err := in.Peek(1 << 15)
	if len(first) == 0 {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, nil, fmt.Errorf("%s: %w", file, err)
		}
		return nil, nil, &CellError{File: file, Want: "the file is empty; expected a header line and one line per day"}
	}
	cr := csv.NewReader(in)
	cr.Comma = delimiter(first)
	cr.ReuseRecord = true
	cr.FieldsPerRecord = -1 // checked here, to name the row
	record, err := cr.Read()
	if err != nil {
		return nil, nil, parseError(file, err)
	}
	header := make([]string, len(record))
	for i, name := range record {
		header[i] = strings.TrimSpace(name)
	}
	if err := checkHeader(file, header); err != nil {
		return nil, nil, err
	}
	want, err := kinds(header)
	if err != nil {
		return nil, nil, err
	}
	t := &Table{Columns: make([]Column, len(header))}
	for i, name := range header {
		t.Columns[i] = Column{Name: name, Kind: want[i]}
	}
	var lines []int
	interned := map[string]string{}
	for {
		record, err := cr.Read()
		if errors.Is(err, io.EOF) {
			return t, lines, nil
		}
		if err != nil {
			return nil, nil, parseError(file, err)
		}
		line, _ := cr.FieldPos(0)
		if len(record) != len(header) {
			return nil, nil, &CellError{File: file, Row: line, Want: fmt.Sprintf("%d cells, but the header has %d columns; make every row as wide as the header", len(record), len(header))}
		}
		for i, cell := range record {
			if err := t.Columns[i].appendText(strings.TrimSpace(cell), len(lines), interned); err != nil {
				return nil, nil, &CellError{File: file, Row: line, Column: header[i], Value: cell, Want: err.Error()}
			}
		}
		lines = append(lines, line)
	}
}

func checkHeader(file string, header []string) error {
	seen := make(map[string]bool, len(header))
	for i, name := range header {
		switch {
		case !utf8.ValidString(name):
			return &CellError{File: file, Row: 1, Value: strconv.QuoteToASCII(name), Want: "the header is not UTF-8; save the file as UTF-8"}
		case seen[name] && name != "":
			return &CellError{File: file, Row: 1, Column: name, Want: "two columns have this name; rename one"}
		case name == "" && i > 0:
			return &CellError{File: file, Row: 1, Want: fmt.Sprintf("column %d has no name; give it one or remove it", i+1)}
		}
		seen[name] = true
	}
	return nil
}

func parseError(file string, err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return &CellError{File: file, Row: p.Line, Want: fmt.Sprintf("the row cannot be split into cells (%v); check its quotes", p.Err)}
	}
	return fmt.Errorf("%s: %w", file, err)
}

func delimiter(text []byte) rune {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	best, most := ',', bytes.Count(text, []byte(","))
	for _, d := range ";\t" {
		if n := bytes.Count(text, []byte(string(d))); n > most {
			best, most = d, n
		}
	}
	return best
}

// appendText adds one cell as row number row of the column.
func (c *Column) appendText(cell string, row int, interned map[string]string) error {
	missing := isMissing(cell)
	if missing && c.Valid == nil {
		c.Valid = make([]bool, row, 2*row+16)
		for i := range c.Valid {
			c.Valid[i] = true
		}
	}
	if c.Valid != nil {
		c.Valid = append(c.Valid, !missing)
	}
	if c.Kind == String {
		s, ok := interned[cell]
		if !ok {
			s = strings.Clone(cell)
			interned[s] = s
		}
		c.Strings = append(c.Strings, s)
		return nil
	}
	if missing {
		c.Floats = append(c.Floats, 0)
		return nil
	}
	v, err := strconv.ParseFloat(cell, 64)
	switch {
	case err != nil && errors.Is(err, strconv.ErrRange), err == nil && math.IsInf(v, 0):
		return errors.New("not a finite number; correct the cell, or leave it blank if there was no return that day")
	case err != nil:
		return errors.New("not a number; expected a number with a decimal point, or a blank cell if there was no return that day")
	}
	c.Floats = append(c.Floats, v)
	return nil
}

func isMissing(cell string) bool {
	switch len(cell) {
	case 0:
		return true
	case 1:
		return cell == "-"
	case 2:
		return strings.EqualFold(cell, "NA")
	case 3:
		return strings.EqualFold(cell, "NaN") || strings.EqualFold(cell, "N/A")
	case 4:
		return strings.EqualFold(cell, "null") || strings.EqualFold(cell, "none") || strings.EqualFold(cell, "#N/A")
	}
	return false
}

// WriteCSV writes the table as comma-separated text with a header, LF line
// ends, missing values blank, dates as YYYY-MM-DD through format, and floats
// in the shortest form that reads back to the same bits.
func WriteCSV(w io.Writer, t *Table, format func(day int32) string) error {
	if err := t.Validate(); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	record := make([]string, len(t.Columns))
	for i := range t.Columns {
		record[i] = t.Columns[i].Name
	}
	if err := out.Write(record); err != nil {
		return err
	}
	for row := range t.Rows() {
		for i := range t.Columns {
			c := &t.Columns[i]
			switch {
			case !c.IsValid(row):
				record[i] = ""
			case c.Kind == Float64:
				record[i] = strconv.FormatFloat(c.Floats[row], 'g', -1, 64)
			case c.Kind == Int64:
				record[i] = strconv.FormatInt(c.Ints[row], 10)
			case c.Kind == String:
				record[i] = c.Strings[row]
			default:
				record[i] = format(c.Dates[row])
			}
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
