package returns

import (
	"fmt"
	"slices"
	"strings"
)

// Code describes one code of Finding: its meaning, and how its severity
// follows from its size. [Codes] lists all of them, of every stage; the
// manual, gates.severity and gates.degraded know no others.
type Code struct {
	Name  string
	About string // its meaning
	Size  string // what the steps measure; blank: the severity does not depend on a size
	Steps []Step // from the smallest size on
	Why   string // why these steps; blank where the only one is plain
}

// Step is the severity of a finding from a size on.
type Step struct {
	From     float64
	Severity Severity
	When     string // in place of From: a condition that the stage itself decides
}

// fixed is the one step of a finding that has no size.
func fixed(s Severity) []Step { return []Step{{Severity: s}} }

// Codes lists every code in the order of the manual: by stage, then by name.
func Codes() []Code { return slices.Clone(codes) }

// CodeNames lists the names of all codes.
func CodeNames() []string {
	list := make([]string, len(codes))
	for i, c := range codes {
		list[i] = c.Name
	}
	return list
}

// CodeOf returns the description of a code, and whether there is one.
func CodeOf(name string) (Code, bool) {
	for _, c := range codes {
		if c.Name == name {
			return c, true
		}
	}
	return Code{}, false
}

// HasCode reports whether some code begins with a prefix.
func HasCode(prefix string) bool {
	return slices.ContainsFunc(codes, func(c Code) bool { return strings.HasPrefix(c.Name, prefix) })
}

// Grade returns the severity that a size has, Info below the first step. Steps
// with a condition are the stage's own.
func (c Code) Grade(size float64) Severity {
	s := Info
	for i, step := range c.Steps {
		if step.When == "" && (i == 0 && step.From == 0 || size >= step.From) {
			s = step.Severity
		}
	}
	return s
}

// NewFinding makes a Finding with the severity that its size has; size is
// ignored where the code has none. It panics if there is no such code.
func NewFinding(code, strategy string, size float64, sentence string, numbers map[string]float64) Finding {
	c, ok := CodeOf(code)
	if !ok {
		panic("returns: no such code: " + code)
	}
	return Finding{Code: code, Severity: c.Grade(size), Strategy: strategy, Sentence: sentence, Numbers: numbers}
}

// finding makes a Finding whose severity depends on no size.
func finding(code, strategy, sentence string, numbers map[string]float64) Finding {
	return NewFinding(code, strategy, 0, sentence, numbers)
}

// between adds the days a finding is about.
func (f Finding) between(from, to Date) Finding {
	f.From, f.To = &from, &to
	return f
}

// Scale describes the steps for the manual: "info; warn from 0.28".
func (c Code) Scale() string {
	var parts []string
	for _, s := range c.Steps {
		switch {
		case s.When != "":
			parts = append(parts, fmt.Sprintf("%v %s", s.Severity, s.When))
		case s.From == 0:
			parts = append(parts, s.Severity.String())
		default:
			parts = append(parts, fmt.Sprintf("%v from %v", s.Severity, s.From))
		}
	}
	return strings.Join(parts, "; ")
}
