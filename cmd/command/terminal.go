package command

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// Names, keys, values and paths come from files and from other people. What of
// them a terminal would obey, control characters and those that turn the
// direction of text, is replaced on its way out; here and nowhere else.

// commanding reports a character that a terminal obeys instead of showing it.
// Line ends and tabs are for the layout of whole texts; see printable.
func commanding(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r == 0x061c || r >= 0x200e && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// printableLines is text of several lines without what a terminal would obey.
func printableLines(s string) string {
	return strings.Map(func(r rune) rune {
		if commanding(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// printableText is printableLines for what stands within a line.
func printableText(s string) string {
	return strings.NewReplacer("\n", "\ufffd", "\t", "\ufffd").Replace(printableLines(s))
}

// oneLine is printableLines for one line of a log, with its end: a line end
// within it would forge a log line.
func oneLine(s string) string {
	body, end := strings.CutSuffix(s, "\n")
	body = strings.ReplaceAll(printableLines(body), "\n", "\ufffd")
	if end {
		body += "\n"
	}
	return body
}

// printable is printableText for a cell of a table: long names are cut.
func printable(s string) string {
	out := []rune(printableText(s))
	if len(out) > 60 {
		out = append(out[:59], '…')
	}
	return string(out)
}

// escapedJSON writes such characters, which occur in strings of JSON only, as
// escapes: an equivalent document.
func escapedJSON(s string) string {
	if !strings.ContainsFunc(s, commanding) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if commanding(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// filter writes text as it may be shown.
type filter struct {
	w    io.Writer
	show func(string) string
}

func (f filter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(f.w, f.show(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// shown writes lines for people.
func shown(w io.Writer) io.Writer { return filter{w, printableLines} }

// asJSONText writes JSON.
func asJSONText(w io.Writer) io.Writer { return filter{w, escapedJSON} }

// asData writes the bytes of a file, as they are unless a person would see them.
func asData(w io.Writer) io.Writer {
	if isTerminal(w) {
		return shown(w)
	}
	return w
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
