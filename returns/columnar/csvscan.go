package columnar

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

const (
	maxRecord  = 16 << 20 // bytes of one row
	maxColumns = 100_000
)

// A cell is the text of one field, valid until the next record.
type cell struct {
	text   []byte
	quoted bool // then text is exact, else it is trimmed of blanks
}

// A scanner splits delimited text (RFC 4180) into rows of cells. It differs
// from encoding/csv in keeping CR LF inside quotes, in telling a quoted cell
// from a bare one, and in refusing what only looks like text: lone carriage
// returns, NUL bytes and bytes that are not UTF-8.
type scanner struct {
	file   string
	in     *bufio.Reader
	delim  byte
	line   int // of the file, the last one read
	row    int // the line the current record began on
	most   int // cells of a row, before it is refused
	record []byte
	cells  []cell
}

// next reads the next record that is not blank; io.EOF ends the text.
func (s *scanner) next() ([]cell, error) {
	for {
		s.row = s.line + 1
		line, err := s.readLine(false)
		if err != nil {
			return nil, err
		}
		quotes := bytes.Count(line, []byte{'"'})
		if quotes%2 == 1 {
			s.record = append(s.record[:0], line...)
		}
		for odd := quotes; odd%2 == 1; {
			from := len(s.record)
			if line, err = s.readLine(true); err != nil {
				if errors.Is(err, io.EOF) {
					err = s.refuse("", "a quote is opened in this row and never closed; close it, or remove a stray quote")
				}
				return nil, err
			}
			odd += bytes.Count(line[from:], []byte{'"'})
		}
		line = endOfLine(line)
		if len(bytes.TrimLeft(line, " ")) == 0 {
			continue
		}
		if err := s.check(line); err != nil {
			return nil, err
		}
		s.cells = s.cells[:0]
		if quotes == 0 {
			err = s.splitPlain(line)
		} else {
			err = s.splitQuoted(line)
		}
		return s.cells, err
	}
}

// readLine returns the next line with its end, after those before if more.
func (s *scanner) readLine(more bool) ([]byte, error) {
	if !more {
		s.record = s.record[:0]
	}
	for {
		part, err := s.in.ReadSlice('\n')
		if err == nil && !more && len(s.record) == 0 {
			s.line++
			return part, nil // in place, without a copy
		}
		s.record = append(s.record, part...)
		switch {
		case err == nil:
			s.line++
			return s.record, nil
		case len(s.record) > maxRecord:
			return nil, s.refuse("", fmt.Sprintf("a row of more than %d MiB; check for a quote that is never closed", maxRecord>>20))
		case errors.Is(err, io.EOF) && len(part) > 0:
			s.line++
			return s.record, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

func endOfLine(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'})
}

// check refuses text that is not UTF-8.
func (s *scanner) check(line []byte) error {
	if utf8.Valid(line) {
		return nil
	}
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRune(line[i:])
		if r == utf8.RuneError && n == 1 {
			from := max(0, i-20)
			return s.refuse(string(line[from:min(len(line), i+20)]), "not UTF-8; save the file as UTF-8")
		}
		i += n
	}
	return nil
}

func (s *scanner) refuse(value, want string) error {
	return &CellError{File: s.file, Row: max(s.row, 1), Value: value, Want: want}
}

// plain refuses characters that an unquoted cell may not hold.
func (s *scanner) plain(text []byte) error {
	for _, b := range text {
		switch b {
		case '\r':
			return s.refuse("", "a carriage return without a line feed (the line ends of old Macs); save the file with LF or CR LF line ends")
		case 0:
			return s.refuse("", "a NUL byte; the file is UTF-16 or not text, save it as UTF-8")
		}
	}
	return nil
}

func (s *scanner) add(c cell) error {
	if len(s.cells) >= s.most {
		return s.tooWide()
	}
	s.cells = append(s.cells, c)
	return nil
}

func (s *scanner) splitPlain(line []byte) error {
	if bytes.IndexByte(line, '\r') >= 0 || bytes.IndexByte(line, 0) >= 0 {
		return s.plain(line)
	}
	for {
		i := bytes.IndexByte(line, s.delim)
		text := line
		if i >= 0 {
			text = line[:i]
		}
		if err := s.add(cell{text: trim(text)}); err != nil {
			return err
		}
		if i < 0 {
			return nil
		}
		line = line[i+1:]
	}
}

// trim is bytes.TrimSpace with the common case first.
func trim(b []byte) []byte {
	if len(b) > 0 && b[0] > ' ' && b[0] < utf8.RuneSelf && b[len(b)-1] > ' ' && b[len(b)-1] < utf8.RuneSelf {
		return b
	}
	return bytes.TrimSpace(b)
}

// splitQuoted splits a record with quotes, undoubling them in place.
func (s *scanner) splitQuoted(line []byte) error {
	for {
		bare := bytes.TrimLeft(line, " ")
		if len(bare) == 0 || bare[0] != '"' {
			i := bytes.IndexByte(line, s.delim)
			text := line
			if i >= 0 {
				text = line[:i]
			}
			if bytes.IndexByte(text, '"') >= 0 {
				return s.refuse(string(text), "a quote inside a cell that does not begin with one; enclose the cell in quotes and double those inside")
			}
			if err := s.plain(text); err != nil {
				return err
			}
			if err := s.add(cell{text: trim(text)}); err != nil || i < 0 {
				return err
			}
			line = line[i+1:]
			continue
		}
		text, rest, ok := unquote(bare[1:])
		if !ok {
			return s.refuse(string(text), "a quoted cell that is not closed; close it, or double the quotes inside")
		}
		rest = bytes.TrimLeft(rest, " ")
		if err := s.add(cell{text: text, quoted: true}); err != nil || len(rest) == 0 {
			return err
		}
		if rest[0] != s.delim {
			return s.refuse(string(text), "text after a closing quote; double the quotes inside a cell")
		}
		line = rest[1:]
	}
}

// unquote returns the text up to the closing quote, and what follows it.
func unquote(b []byte) (text, rest []byte, ok bool) {
	n := 0
	for i := 0; i < len(b); i++ {
		if b[i] == '"' {
			if i+1 == len(b) || b[i+1] != '"' {
				return b[:n], b[i+1:], true
			}
			i++
		}
		b[n] = b[i]
		n++
	}
	return b[:n], nil, false
}

func (s *scanner) tooWide() error {
	if s.most == maxColumns {
		return s.refuse("", fmt.Sprintf("more than %d columns; split the file", maxColumns))
	}
	want := fmt.Sprintf("more cells than the %d columns of the header; make every row as wide as the header", s.most)
	if s.delim == ',' {
		want += ", and write numbers with a decimal point, not a comma"
	}
	return s.refuse("", want)
}
