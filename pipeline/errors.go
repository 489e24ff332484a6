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

// errorTypes are examples of the error types that exit codes and refusals depend
// on. They keep their type across the boundary of a process.
var errorTypes = []error{
	&config.Error{}, &returns.InputError{}, &returns.NotReadyError{}, &columnar.CellError{}, &scenarios.NameError{}, &scenarios.ViewsError{},
	&InfeasibleError{}, &UndefinedError{}, &UncertifiedError{}, &published.GateError{}, &published.LockedError{}, &published.RetractedError{}, &store.RemoteError{},
}

func init() {
	for _, example := range errorTypes {
		engine.RegisterError(example)
	}
}

// InfeasibleError says that no weights satisfy the limits, and which of them
// conflict.
type InfeasibleError = optimize.InfeasibleError

// UndefinedError says that the objective has no optimum.
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
			// A hold: the revision was retracted deliberately.
			Code: "run.retracted", Severity: returns.Hold,
			Sentence: fmt.Sprintf("The result equals the retracted revision %s (%s). Change the inputs, or publish it again with --approve.", retracted.Dir, retracted.Why),
		}}}
	}
	return dir, fresh, err
}

// refuse records an error with which a nightly run would have published
// nothing, and returns any other. A backtest continues with the current weights
// after refused data and after a stage that failed to compute. An invalid
// configuration, unreadable files or store, and an interruption end it.
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

// failure reports a stage that failed to compute its result. An input that it could not
// read says nothing about the date: neither a file, nor content of the cache, nor a server.
func failure(err error) bool {
	var failed *engine.StageError
	var bad *config.Error
	var file *fs.PathError
	var remote *store.RemoteError
	if !errors.As(err, &failed) || errors.As(err, &bad) || errors.As(err, &file) || errors.As(err, &remote) {
		return false
	}
	if errors.Is(err, store.ErrMissing) || errors.Is(err, store.ErrDamaged) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	return slices.Contains([]string{"bayes", "scenarios", "optimize", "walkforward"}, failed.Stage)
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
