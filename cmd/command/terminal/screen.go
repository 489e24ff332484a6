package terminal

import (
	"io"
	"os"
	"strings"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
)

// Style is how a piece of text is set apart.
type Style int

// The styles.
const (
	Plain Style = iota
	Strong
	Faint
	Good
	Warning
	Bad
)

var codes = [...]string{Plain: "", Strong: "\x1b[1m", Faint: "\x1b[2m", Good: "\x1b[32m", Warning: "\x1b[33m", Bad: "\x1b[31m"}

// Span is text in a style.
type Span struct {
	Style Style
	Text  string
}

// Screen is a stream for people. Everything that is written to it by its methods is cleared of
// what a terminal would obey.
type Screen struct {
	W     io.Writer
	Width int  // columns; 0: not a terminal, lines are as long as they are
	Color bool // styles are shown
}

// narrowest is the least width that lines are fitted to.
const narrowest = 40

// New returns the screen of a stream. env reads the environment: NO_COLOR (of any value) and
// TERM=dumb switch colors off.
func New(w io.Writer, env func(string) string) *Screen {
	s := &Screen{W: w}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return s
	}
	s.Width = 80
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		s.Width = max(narrowest, width)
	}
	s.Color = colored(env)
	return s
}

// colored reports whether the user of a terminal wants colors.
func colored(env func(string) string) bool { return env("NO_COLOR") == "" && env("TERM") != "dumb" }

// Is reports whether a stream is a terminal.
func Is(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// paint returns cleared text in its style.
func (s *Screen) paint(style Style, text string) string {
	text = Text(text)
	if !s.Color || style == Plain || text == "" {
		return text
	}
	return codes[style] + text + "\x1b[0m"
}

// Line writes one line of spans and strings.
func (s *Screen) Line(parts ...any) error {
	var b strings.Builder
	for _, p := range parts {
		x := span(p)
		b.WriteString(s.paint(x.Style, x.Text))
	}
	_, err := io.WriteString(s.W, b.String()+"\n")
	return err
}

// longestLine is the width that paragraphs are wrapped to on wider terminals: longer lines are
// hard to read.
const longestLine = 110

// Paragraph writes text, on a terminal in lines that fit it, those after the first indented.
func (s *Screen) Paragraph(style Style, text string, indent int) error {
	for i, line := range wrap(Text(text), s.room(longestLine), indent) {
		lead := ""
		if i > 0 {
			lead = strings.Repeat(" ", indent)
		}
		if err := s.Line(lead, Span{style, line}); err != nil {
			return err
		}
	}
	return nil
}

// Message writes a text of one or more lines after a label, on a terminal in lines that fit it.
func (s *Screen) Message(style Style, label, text string) error {
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if i > 0 {
			label = line[:len(line)-len(strings.TrimLeft(line, " "))]
			line = line[len(label):]
		}
		room := s.room(longestLine)
		if room > 0 {
			room -= cells(label)
		}
		for k, part := range wrap(Text(line), room, 0) {
			lead := Span{Plain, label}
			switch {
			case i == 0 && k == 0:
				lead.Style = style
			case k > 0:
				lead.Text = strings.Repeat(" ", cells(label))
			}
			if err := s.Line(lead, part); err != nil {
				return err
			}
		}
	}
	return nil
}

// room is the width for lines, 0 for any.
func (s *Screen) room(most int) int {
	if s.Width == 0 {
		return 0
	}
	return min(s.Width, most)
}

// Reflow fits the paragraphs of a text to a width: lines that do not begin with a blank. Others
// are kept as they are.
func Reflow(text string, width int) string {
	var out, paragraph []string
	flush := func() {
		if len(paragraph) > 0 {
			out = append(out, wrap(strings.Join(paragraph, " "), width, 0)...)
			paragraph = nil
		}
	}
	for _, line := range strings.Split(text, "\n") {
		if line != "" && line[0] != ' ' && line != strings.ToUpper(line) {
			paragraph = append(paragraph, line)
			continue
		}
		flush()
		out = append(out, line)
	}
	flush()
	return strings.Join(out, "\n")
}

// wrap cuts text into lines of at most width columns, at blanks; lines after the first have
// indent columns less. 0 is any width.
func wrap(text string, width, indent int) []string {
	if width == 0 || cells(text) <= width {
		return []string{text}
	}
	var lines []string
	line, room := "", width
	for _, word := range strings.Fields(text) {
		if line != "" && cells(line)+1+cells(word) > room {
			lines, line, room = append(lines, line), "", width-indent
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// cells is the number of columns that text takes.
func cells(text string) int { return runewidth.StringWidth(text) }

// cut shortens text to a number of columns.
func cut(text string, width int) string { return runewidth.Truncate(text, width, "…") }

// span returns what a cell holds.
func span(v any) Span {
	switch x := v.(type) {
	case Span:
		return x
	case string:
		return Span{Text: x}
	}
	panic("terminal: a cell is a string or a Span")
}
