package terminal

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"allocate/pipeline/engine"
	"allocate/returns"
)

// Findings collects the findings of a command and prints each cause once, when it is over:
// warnings in a line each, information as a count. What cannot wait, it prints at once.
type Findings struct {
	Screen *Screen
	Quiet  bool // no count of information

	mu    sync.Mutex
	found []returns.Finding
	said  map[string]bool // what was printed at once
}

// Event implements engine.Sink.
func (f *Findings) Event(e engine.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch e.Kind {
	case engine.Found:
		f.found = append(f.found, *e.Finding)
	case engine.Damaged:
		f.once("cached result is damaged; recomputing", e.Stage, e.Err)
	case engine.Waiting:
		f.once("waiting for workers", e.Stage, e.Err)
	}
}

func (f *Findings) once(what, stage string, cause error) {
	text := stage + ": " + what
	if cause != nil {
		text += ": " + cause.Error()
	}
	if f.said == nil {
		f.said = map[string]bool{}
	}
	if !f.said[text] {
		f.said[text] = true
		f.line(Warning, "warning", text)
	}
}

// line writes one message. It is not the result: a failure to write it changes nothing.
func (f *Findings) line(style Style, label, text string) {
	for i, line := range wrap(Text(text), max(0, f.Screen.room(longestLine)-len(label)-len("allocate: : ")), 0) {
		if i > 0 {
			_ = f.Screen.Line(strings.Repeat(" ", len("allocate: ")+len(label)+2), line)
			continue
		}
		_ = f.Screen.Line("allocate: ", Span{style, label}, ": ", line)
	}
}

// Print prints what was found, by falling severity, but for findings that the error or the result
// of the command says itself: told reports those.
func (f *Findings) Print(told func(returns.Finding) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var unique []returns.Finding
	seen := map[string]bool{}
	notes := 0
	for _, x := range f.found {
		key := x.Code + "\x00" + x.Strategy + "\x00" + x.Sentence
		switch {
		case seen[key] || told(x):
		case x.Severity == returns.Info:
			notes++
		default:
			unique = append(unique, x)
		}
		seen[key] = true
	}
	f.found = nil
	grouped := returns.Grouped(unique)
	slices.SortStableFunc(grouped, func(a, b returns.Finding) int { return int(b.Severity) - int(a.Severity) })
	for _, x := range grouped {
		style, label := Warning, "warning"
		if x.Severity > returns.Warn {
			style, label = Bad, x.Severity.String()
		}
		about := x.Code
		if x.Strategy != "" && !strings.Contains(x.Sentence, fmt.Sprintf("%q", x.Strategy)) {
			about += " [" + Name(x.Strategy) + "]"
		}
		f.line(style, label, about+": "+x.Sentence)
	}
	if notes > 0 && !f.Quiet {
		_ = f.Screen.Line(Span{Faint, fmt.Sprintf("allocate: %s; -v prints them", returns.Count(notes, "informational finding"))})
	}
}
