package command

import (
	"io"
	"os"

	"allocate/cmd/command/terminal"
)

// Text of other people on its way to a terminal, a log or a JSON document.
var (
	printableText = terminal.Text
	printable     = terminal.Name
)

// screenOf is the screen of a stream.
func screenOf(w io.Writer) *terminal.Screen { return terminal.New(w, os.Getenv) }

// shown writes lines for people.
func shown(w io.Writer) io.Writer { return terminal.Filter{W: w, Show: terminal.Lines} }

// asJSONText writes JSON.
func asJSONText(w io.Writer) io.Writer { return terminal.Filter{W: w, Show: terminal.JSON} }

// asData writes the bytes of a file, as they are unless a person would see them.
func asData(w io.Writer) io.Writer {
	if terminal.Is(w) {
		return shown(w)
	}
	return w
}
