package terminal

import (
	"bytes"
	"strings"
	"testing"
)

// screenOf writes to a buffer as to a terminal of a width.
func screenOf(width int, color bool) (*Screen, *bytes.Buffer) {
	var b bytes.Buffer
	return &Screen{W: &b, Width: width, Color: color}, &b
}

func example() *Table {
	t := &Table{Columns: []Column{{Head: "strategy", Name: true}, {Head: "weight", Right: true}, {Head: "range", Right: true, Spare: true}, {Head: "finding", Prose: true}}}
	t.Add("momentum of commodities", "41.62%", "40.6 to 42.6%", "the volatility of the last month is twice that of the long run")
	t.Add(Span{Strong, "a"}, "2.44%", "2.0 to 2.9%", "")
	return t
}

// Lines of a table fit the terminal, whatever its width; names and numbers that are shown are whole
// where there is room for them.
func TestTableFits(t *testing.T) {
	for _, width := range []int{40, 50, 60, 80, 100, 120, 200} {
		s, b := screenOf(width, false)
		if err := s.Table(example()); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSuffix(line, "\n")
			if n := cells(line); n > max(width, 52) { // names, numbers and prose have least widths
				t.Errorf("width %d: a line of %d: %q", width, n, line)
			}
			if strings.HasSuffix(line, " ") {
				t.Errorf("width %d: blanks at the end of %q", width, line)
			}
		}
		if !strings.Contains(b.String(), "41.62%") {
			t.Errorf("width %d: a number is cut:\n%s", width, b.String())
		}
		if wide := width >= 90; wide != strings.Contains(b.String(), "40.6 to 42.6%") {
			t.Errorf("width %d: the spare column is shown: %v", width, !wide)
		}
	}
	s, b := screenOf(0, false)
	if err := s.Table(example()); err != nil {
		t.Fatal(err)
	}
	const want = `strategy                 weight          range  finding
momentum of commodities  41.62%  40.6 to 42.6%  the volatility of the last month is twice that of the long run
a                         2.44%    2.0 to 2.9%
`
	if b.String() != want {
		t.Errorf("not a terminal:\n%s", b.String())
	}
}

// Wide characters take two columns; a name that is cut has a mark.
func TestTableOfWideCharacters(t *testing.T) {
	table := &Table{Columns: []Column{{Head: "name", Name: true}, {Head: "x", Right: true}}}
	table.Add("戦略一二三四五六七八九十戦略一二三四五六七八九十", "1")
	table.Add("b", "22")
	s, b := screenOf(40, false)
	if err := s.Table(table); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	for _, line := range lines {
		if cells(line) != 40 {
			t.Errorf("%d columns: %q", cells(line), line)
		}
	}
	if !strings.Contains(lines[1], "…") {
		t.Errorf("no mark of a cut: %q", lines[1])
	}
}

// Whatever is in a cell, a terminal obeys nothing of it: the only sequences are those of styles.
func TestScreenObeysNothing(t *testing.T) {
	const hostile = "x\x1b[2J\x1b]0;t\x07\r\n\u009b2J\u202ey\x7f"
	s, b := screenOf(80, true)
	table := &Table{Columns: []Column{{Head: hostile, Name: true}, {Head: "p", Prose: true}}}
	table.Add(Span{Bad, hostile}, strings.Repeat(hostile+" ", 20))
	if err := s.Table(table); err != nil {
		t.Fatal(err)
	}
	_ = s.Line(Span{Good, hostile}, hostile)
	_ = s.Paragraph(Warning, strings.Repeat(hostile+" ", 20), 2)
	_ = s.Message(Bad, "allocate: ", hostile)
	text := b.String()
	for _, code := range append(codes[1:], "\x1b[0m") {
		text = strings.ReplaceAll(text, code, "")
	}
	if at := strings.IndexFunc(text, Commanding); at >= 0 {
		t.Errorf("%q", text[max(0, at-20):at+5])
	}
	if !strings.Contains(b.String(), codes[Bad]) {
		t.Error("no color at all")
	}
}

// Colors are for terminals whose user wants them.
func TestColor(t *testing.T) {
	var b bytes.Buffer
	if s := New(&b, func(string) string { return "" }); s.Color || s.Width != 0 {
		t.Errorf("a buffer is a terminal: %+v", s)
	}
	for name, want := range map[string]bool{"NO_COLOR=1": false, "TERM=dumb": false, "TERM=xterm": true, "": true} {
		key, value, _ := strings.Cut(name, "=")
		if got := colored(func(k string) string {
			if k == key {
				return value
			}
			return ""
		}); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	s, b2 := screenOf(80, false)
	_ = s.Line(Span{Bad, "x"})
	if b2.String() != "x\n" {
		t.Errorf("%q", b2.String())
	}
}

func TestReflow(t *testing.T) {
	const text = "One sentence\nthat goes on.\n\nEXIT STATUS\n  0 good   1 bad\n  2 worse\nNext one."
	const want = "One sentence that\ngoes on.\n\nEXIT STATUS\n  0 good   1 bad\n  2 worse\nNext one."
	if got := Reflow(text, 20); got != want {
		t.Errorf("%q", got)
	}
}
