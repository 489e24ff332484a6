package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"allocate/config"
	"allocate/optimize"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/pipeline/store"
	"allocate/returns"
	"allocate/returns/columnar"
	"allocate/scenarios"
)

// What an action may fail with, and what exit codes and refusals go by, is the
// same wherever the action ran.
func init() {
	for _, example := range []error{
		&config.Error{}, &returns.InputError{}, &returns.NotReadyError{}, &columnar.CellError{}, &scenarios.NameError{}, &scenarios.ViewsError{},
		&InfeasibleError{}, &UndefinedError{}, &UncertifiedError{}, &published.GateError{}, &published.LockedError{}, &published.RetractedError{},
	} {
		engine.RegisterError(example)
	}
}

// InfeasibleError says that no weights satisfy the limits, and which of them
// conflict.
type InfeasibleError = optimize.InfeasibleError

// UndefinedError says that what the objective asks for does not exist.
type UndefinedError = optimize.UndefinedError

// UncertifiedError is a solution whose certified gap is too wide to publish.
type UncertifiedError struct{ Gap, Limit float64 }

func (e *UncertifiedError) Error() string {
	return fmt.Sprintf("the optimum is not certified: relative gap %.3g, above optimize.max_gap %.3g; nothing was published", e.Gap, e.Limit)
}

// publish publishes a run. A result that was retracted is held.
func publish(out string, m *published.Manifest, s engine.Store, approved bool, damaged func([]returns.Finding) []returns.Finding) (dir string, fresh bool, err error) {
	dir, fresh, err = published.Publish(out, m, s, approved, damaged)
	var retracted *published.RetractedError
	if errors.As(err, &retracted) {
		err = &published.GateError{Findings: []returns.Finding{{
			// A hold: somebody has decided that these weights are bad.
			Code: "run.retracted", Severity: returns.Hold,
			Sentence: fmt.Sprintf("The result equals the retracted revision %s (%s). Change the inputs, or publish it again with --approve.", retracted.Dir, retracted.Why),
		}}}
	}
	return dir, fresh, err
}

// refuse notes an error that means that a night would have published nothing,
// and returns any other. That may be an answer, such as data that is refused, or
// the failure of one of the stages that compute: a backtest of many days goes on
// after either, and the current weights are kept. A configuration that cannot be meant,
// files or a store that cannot be read, and an interruption end it.
func (d *replayed) refuse(err error) error {
	if err == nil || !refusal(err) && !failure(err) {
		return err
	}
	d.refused = err
	return nil
}

// refusal is a decision not to publish.
func refusal(err error) bool {
	var gate *published.GateError
	var none *InfeasibleError
	var undefined *UndefinedError
	var uncertified *UncertifiedError
	var late *returns.NotReadyError
	return errors.As(err, &gate) || errors.As(err, &none) || errors.As(err, &undefined) || errors.As(err, &uncertified) || errors.As(err, &late)
}

// failure is a stage that could not compute what it was asked.
func failure(err error) bool {
	var failed *engine.StageError
	var bad *config.Error
	var file *fs.PathError
	if !errors.As(err, &failed) || errors.As(err, &bad) || errors.As(err, &file) {
		return false
	}
	if errors.Is(err, store.ErrMissing) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	return slices.Contains([]string{"bayes", "scenarios", "optimize"}, failed.Stage)
}

// why says in a line why nothing was decided; blank: it was.
func (d *replayed) why() string {
	if d.refused == nil {
		return ""
	}
	text := d.refused.Error()
	if !refusal(d.refused) {
		text, _, _ = strings.Cut(text, "\n") // a panic has its stack below
	}
	return strings.Join(strings.Fields(text), " ")
}
