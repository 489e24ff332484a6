package pipeline

import (
	"fmt"
	"strings"

	"allocate/optimize"
	"allocate/returns"
)

// InfeasibleError says that no weights satisfy the limits, and which of them
// conflict.
type InfeasibleError = optimize.InfeasibleError

// UndefinedError says that what the objective asks for does not exist.
type UndefinedError = optimize.UndefinedError

// GateError is a run that was refused because of what was found.
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

// StageError is a stage that could not do an action. It reads as its cause.
type StageError struct {
	Stage string
	Err   error
}

func (e *StageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *StageError) Unwrap() error { return e.Err }

// LockedError says that another run works in the output folder.
type LockedError struct{ Path, Holder string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("another run works in this output folder: %s is held by %s; wait for it to end", e.Path, e.Holder)
}

// UncertifiedError is a solution whose certified gap is too wide to publish.
type UncertifiedError struct{ Gap, Limit float64 }

func (e *UncertifiedError) Error() string {
	return fmt.Sprintf("the optimum is not certified: relative gap %.3g, limit %.3g (optimize.max_gap); nothing was published", e.Gap, e.Limit)
}
