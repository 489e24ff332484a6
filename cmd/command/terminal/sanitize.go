package terminal

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Commanding reports a character that a terminal obeys instead of showing it.
// Line ends and tabs are for the layout of whole texts; see Text.
func Commanding(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r == 0x061c || r >= 0x200e && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// Lines is text of several lines without what a terminal would obey.
func Lines(s string) string {
	return strings.Map(func(r rune) rune {
		if Commanding(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// Text is Lines for what stands within a line.
func Text(s string) string {
	return strings.NewReplacer("\n", "\ufffd", "\t", "\ufffd").Replace(Lines(s))
}

// LogLine is Lines for one line of a log, with its end: a line end within it
// would forge a log line.
func LogLine(s string) string {
	body, end := strings.CutSuffix(s, "\n")
	body = strings.ReplaceAll(Lines(body), "\n", "\ufffd")
	if end {
		body += "\n"
	}
	return body
}

// longestName is how many characters of a name a table shows.
const longestName = 60

// Name is Text for a name in a table: long ones are cut.
func Name(s string) string {
	out := []rune(Text(s))
	if len(out) > longestName {
		out = append(out[:longestName-1], '…')
	}
	return string(out)
}

// JSON writes such characters, which occur in strings of JSON only, as
// escapes: an equivalent document.
func JSON(s string) string {
	if !strings.ContainsFunc(s, Commanding) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if Commanding(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Filter writes text as Show returns it.
type Filter struct {
	W    io.Writer
	Show func(string) string
}

func (f Filter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(f.W, f.Show(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
