package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var yamlLine = regexp.MustCompile(`line (\d+)`)

// yamlProblems are the parser's complaints, and what to do about each.
var yamlProblems = []struct{ says, means string }{
	{"mapping values are not allowed", "a colon where none is expected; put the text in quotes, or correct the indentation"},
	{"cannot start any token", "a tab or a special character; indent with blanks, and put text that begins with @, %, ` or a tab in quotes"},
	{"did not find expected key", "the indentation does not match the previous lines"},
	{"did not find expected '-' indicator", "the indentation does not match the previous list"},
	{"could not find expected ':'", "a key without a colon"},
	{"did not find expected ',' or ']'", "a list without a closing ]"},
	{"did not find expected ',' or '}'", "a section without a closing }"},
	{"unexpected end of stream", "a quote without a closing quote"},
	{"already defined", "a duplicate key"},
	{"unknown anchor", "an unquoted *; put the text in quotes"},
}

// notYAML says in plain words what the parser's complaint means.
func notYAML(err error) string {
	for _, p := range yamlProblems {
		if strings.Contains(err.Error(), p.says) {
			return p.means
		}
	}
	return "check its indentation, colons, quotes and brackets"
}

// notYAMLFile names the line, too.
func notYAMLFile(path string, err error) error {
	where := path + ":1" // the parser leaves the first line out
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			where = fmt.Sprintf("%s:%d", path, n)
		}
	}
	return fmt.Errorf("%s: invalid YAML: %s", where, notYAML(err))
}

// mostKeys is how many keys one section of a file may have; all sections of a
// configuration have far fewer.
const mostKeys = 1000

// crowded returns the line at which a section has more than mostKeys keys, 0 if
// none has. The parser compares every key of a section with every other, which
// for tens of thousands takes minutes; this reads each line once.
func crowded(text string) int {
	type section struct{ indent, keys int }
	var open []section
	n := 0
	for line := range strings.Lines(text) {
		n++
		content := strings.TrimSpace(line)
		indent := len(line) - len(strings.TrimLeft(line, " "))
		for strings.HasPrefix(content, "- ") { // an item is a section of its own
			for len(open) > 0 && open[len(open)-1].indent > indent {
				open = open[:len(open)-1]
			}
			item := strings.TrimLeft(content[2:], " ")
			indent += len(content) - len(item)
			content = item
		}
		if content == "" || content[0] == '#' || !strings.Contains(content, ":") {
			continue
		}
		for len(open) > 0 && open[len(open)-1].indent > indent {
			open = open[:len(open)-1]
		}
		if len(open) == 0 || open[len(open)-1].indent < indent {
			open = append(open, section{indent: indent})
		}
		top := &open[len(open)-1]
		if top.keys++; top.keys > mostKeys {
			return n
		}
	}
	return 0
}
