package columnar

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// CellError says where in a file something is wrong, and what would have been
// right.
type CellError struct {
	File   string // as the caller named it; may be empty
	Row    int    // of a text, the line of the file, the header being line 1; of Parquet and Arrow, the row from 1; 0 if the file as a whole
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
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// ReadCSV reads a delimited text with a header, plain or gzipped. The
// delimiter (comma, semicolon or tab) is the one the header has most of, or the
// one that a first line such as sep=; names, which Excel writes. kinds
// is called once with the header and decides what each column is (Float64 or
// String). The second result gives the line of the file each row began on.
//
// Bare cells are trimmed; blank ones and NA, N/A, #N/A, NaN, null, none and -
// are missing. A quoted cell of a String column is taken as it stands. A
// number is decimal, with a point: no inf, hexadecimal or digit separator.
// Blank lines are passed over. A UTF-8 byte order mark is dropped.
//
// Refused, with the line and a remedy: UTF-16, bytes that are not UTF-8, NUL
// bytes and lone carriage returns outside quotes, unbalanced quotes, rows
// wider or narrower than the header, a row above 16 MiB, more than 100,000
// columns.
func ReadCSV(file string, r io.Reader, kinds func(header []string) ([]Kind, error)) (*Table, []int, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	var paid *unfolding
	if magic, _ := in.Peek(2); string(magic) == "\x1f\x8b" {
		z, err := newUnfolding(file, in, maxInflated)
		if err != nil {
			return nil, nil, err
		}
		paid, in = z, bufio.NewReaderSize(z, 1<<16)
	}
	first, err := in.Peek(1 << 15)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	switch {
	case len(bytes.TrimSpace(first)) == 0 && err != nil:
		return nil, nil, &CellError{File: file, Want: "the file is empty; expected a header line and one line per day"}
	case bytes.HasPrefix(first, []byte("\xff\xfe")), bytes.HasPrefix(first, []byte("\xfe\xff")):
		return nil, nil, &CellError{File: file, Row: 1, Want: "the file is UTF-16 (Excel's \"Unicode text\"); save it as \"CSV UTF-8\""}
	case bytes.HasPrefix(first, []byte("\xef\xbb\xbf")):
		_, _ = in.Discard(3)
		first = first[3:]
	}
	s := &scanner{file: file, in: in, delim: delimiter(first), most: maxColumns}
	if n, delim := separatorLine(first); n > 0 {
		_, _ = in.Discard(n)
		s.line, s.delim = 1, delim
	}
	cells, err := s.next()
	if errors.Is(err, io.EOF) {
		return nil, nil, &CellError{File: file, Want: "the file is empty; expected a header line and one line per day"}
	}
	if err != nil {
		return nil, nil, readError(file, err)
	}
	header := make([]string, len(cells))
	for i, c := range cells {
		header[i] = string(c.text)
	}
	if err := checkHeader(file, s.row, header); err != nil {
		return nil, nil, err
	}
	want, err := kinds(header)
	if err != nil {
		return nil, nil, err
	}
	t := &Table{Columns: make([]Column, len(header))}
	rowBytes := int64(8)
	for i, name := range header {
		if want[i] != Float64 && want[i] != String {
			return nil, nil, fmt.Errorf("%s: column %q: a text has no %v columns, only float64 and string", file, clip(name), want[i])
		}
		t.Columns[i] = Column{Name: name, Kind: want[i]}
		rowBytes += want[i].bytesEach()
	}
	s.most = len(header)
	var lines []int
	interned := map[string]string{}
	for {
		cells, err := s.next()
		if errors.Is(err, io.EOF) {
			return t, lines, nil
		}
		if err != nil {
			return nil, nil, readError(file, err)
		}
		if len(cells) < len(header) {
			return nil, nil, s.refuse("", fmt.Sprintf("%d cells, but the header has %d columns; make every row as wide as the header", len(cells), len(header)))
		}
		if err := paid.pay(rowBytes); err != nil {
			return nil, nil, err
		}
		for i, cell := range cells {
			if err := t.Columns[i].appendText(cell, len(lines), interned, paid); err != nil {
				var whole *CellError // of the file, not of this cell
				if errors.As(err, &whole) {
					return nil, nil, err
				}
				return nil, nil, &CellError{File: file, Row: s.row, Column: header[i], Value: string(cell.text), Want: err.Error()}
			}
		}
		lines = append(lines, s.row)
	}
}

func readError(file string, err error) error {
	var cell *CellError
	if errors.As(err, &cell) {
		return err
	}
	return fmt.Errorf("%s: %w", file, err)
}

func checkHeader(file string, row int, header []string) error {
	seen := make(map[string]bool, len(header))
	for i, name := range header {
		switch {
		case seen[name] && name != "":
			return &CellError{File: file, Row: row, Column: name, Want: "two columns have this name; rename one"}
		case name == "" && i > 0:
			return &CellError{File: file, Row: row, Want: fmt.Sprintf("column %d has no name; give it one or remove it", i+1)}
		}
		seen[name] = true
	}
	return nil
}

// separatorLine returns the length of a first line that names the delimiter,
// and the delimiter; 0 if there is none.
func separatorLine(text []byte) (int, byte) {
	end := bytes.IndexByte(text, '\n') + 1
	line := bytes.Trim(endOfLine(text[:end]), "\"")
	if len(line) != 5 || !bytes.EqualFold(line[:4], []byte("sep=")) {
		return 0, 0
	}
	return end, line[4]
}

// delimiter is the one most frequent outside quotes in the first line.
func delimiter(text []byte) byte {
	var count [256]int
	quoted := false
	for _, b := range text {
		if b == '\n' && !quoted {
			break
		}
		if b == '"' {
			quoted = !quoted
		} else if !quoted {
			count[b]++
		}
	}
	best := byte(',')
	for _, d := range []byte(";\t") {
		if count[d] > count[best] {
			best = d
		}
	}
	return best
}

// appendText adds one cell as row number row of the column.
func (c *Column) appendText(in cell, row int, interned map[string]string, paid *unfolding) error {
	missing := isMissing(in.text) && (c.Kind == Float64 || !in.quoted)
	if missing && c.Valid == nil {
		c.Valid = make([]bool, row, row+row/4+8)
		for i := range c.Valid {
			c.Valid[i] = true
		}
	}
	if c.Valid != nil {
		c.Valid = append(c.Valid, !missing)
	}
	if c.Kind == String {
		s, ok := interned[string(in.text)]
		if !ok {
			if err := paid.pay(64 + int64(len(in.text))); err != nil {
				return err
			}
			s = string(in.text)
			interned[s] = s
		}
		c.Strings = append(c.Strings, s)
		return nil
	}
	if missing {
		c.Floats = append(c.Floats, 0)
		return nil
	}
	v, err := number(in.text)
	c.Floats = append(c.Floats, v)
	return err
}

// number reads a finite decimal number with a point.
func number(text []byte) (float64, error) {
	for _, b := range text {
		if b-'0' > 9 && b != '.' && b != '-' && b != '+' && b != 'e' && b != 'E' {
			return 0, notNumber(text)
		}
	}
	v, err := strconv.ParseFloat(string(text), 64)
	switch {
	case err == nil:
		return v, nil
	case errors.Is(err, strconv.ErrRange):
		return 0, errors.New("not a finite number; correct the cell, or leave it blank if there was no return that day")
	}
	return 0, notNumber(text)
}

// notNumber says what is wrong with a cell that is not a number, and what
// it probably was meant to be.
func notNumber(text []byte) error {
	const want = "expected a number with a decimal point, or a blank cell if there was no return that day"
	rest := bytes.TrimLeft(text, "+-")
	if v, err := strconv.ParseFloat(string(text), 64); err == nil && (math.IsInf(v, 0) || math.IsNaN(v)) {
		return errors.New("not a finite number; correct the cell, or leave it blank if there was no return that day")
	}
	if decimalComma(rest) {
		return errors.New("a decimal comma; write numbers with a decimal point (in pandas: to_csv(decimal=\".\"), in Excel: an English locale)")
	}
	if n := len(text) - 1; n > 0 && text[n] == '%' {
		return errors.New("a percent sign; write a fraction, or remove the signs and set returns.unit to percent")
	}
	if bytes.ContainsAny(rest, "xX_") {
		return errors.New("not a decimal number; " + want + ", without hexadecimal digits or separators")
	}
	return errors.New("not a number; " + want)
}

func decimalComma(text []byte) bool {
	whole, part, found := bytes.Cut(text, []byte{','})
	digits := func(b []byte) bool { return len(bytes.Trim(b, "0123456789")) == 0 }
	return found && len(part) > 0 && digits(whole) && digits(bytes.TrimRight(part, "eE+-0123456789"))
}

func isMissing(cell []byte) bool {
	switch len(cell) {
	case 0:
		return true
	case 1:
		return cell[0] == '-'
	case 2:
		return equalFold(cell, "na")
	case 3:
		return equalFold(cell, "nan") || equalFold(cell, "n/a")
	case 4:
		return equalFold(cell, "null") || equalFold(cell, "none") || equalFold(cell, "#n/a")
	}
	return false
}

func equalFold(cell []byte, lower string) bool {
	for i, b := range cell {
		if b|0x20 != lower[i]|0x20 || b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
