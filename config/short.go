package config

import (
	"fmt"
	"io"
	"strings"
)

// Setting is a key of a short configuration, its value and why it has it.
type Setting struct {
	Key   string
	Value any
	Why   string
}

// WriteShort writes a configuration of a few keys, with a comment above each; keys of one section
// follow each other.
func WriteShort(w io.Writer, head []string, settings []Setting) error {
	known := map[string]bool{}
	for _, f := range Fields() {
		known[f.Key] = true
	}
	var b strings.Builder
	for _, line := range head {
		for _, part := range wrap(line, 78) {
			b.WriteString("# " + printableComment(part) + "\n") // which may quote the name of a file
		}
	}
	open := ""
	for _, s := range settings {
		if !known[s.Key] {
			panic("config: " + s.Key + " is no key")
		}
		section, name, nested := strings.Cut(s.Key, ".")
		indent := "  "
		if !nested {
			section, name, indent = "", s.Key, ""
		}
		if section != open {
			fmt.Fprintf(&b, "\n%s:\n", section)
			open = section
		}
		if s.Why != "" {
			// A reason may quote a header of the file, which may have line ends.
			for _, line := range wrap(s.Why, 78-len(indent)) {
				b.WriteString(indent + "# " + printableComment(line) + "\n")
			}
		}
		fmt.Fprintf(&b, "%s%s: %s\n", indent, name, FormatValue(s.Value))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printableComment is text that YAML allows in a comment.
func printableComment(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfeff || r >= 0x2028 && r <= 0x202e {
			return '?'
		}
		return r
	}, s)
}
