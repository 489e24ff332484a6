package published

import (
	"fmt"
	"strings"

	"allocate/returns"
)

// GateError is a run that was refused because of its findings.
type GateError struct{ Findings []returns.Finding }

func (e *GateError) Error() string {
	lines := []string{"refused, nothing was published:"}
	for _, f := range returns.Grouped(e.Findings) {
		if f.Severity >= returns.Hold {
			name := ""
			if quoted := fmt.Sprintf("%q", f.Strategy); f.Strategy != "" && !strings.Contains(f.Sentence, quoted) {
				name = " [" + f.Strategy + "]"
			}
			lines = append(lines, "  "+f.Code+name+": "+f.Sentence)
		}
	}
	return strings.Join(lines, "\n")
}

// LockedError says that another run works in the output folder.
type LockedError struct{ Path, Holder string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("another run holds the lock of this output folder: %s is locked by %s; wait for it to end", e.Path, e.Holder)
}

// RetractedError is a result that was published before and retracted.
type RetractedError struct{ Dir, Why string }

func (e *RetractedError) Error() string {
	return fmt.Sprintf("the result equals the retracted revision %s (%s); change the inputs, or publish it again with --approve", e.Dir, e.Why)
}
