package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"allocate/config"
	"allocate/pipeline/store"
	"allocate/returns"
)

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
	var gate *GateError
	var none *InfeasibleError
	var undefined *UndefinedError
	var uncertified *UncertifiedError
	var late *returns.NotReadyError
	return errors.As(err, &gate) || errors.As(err, &none) || errors.As(err, &undefined) || errors.As(err, &uncertified) || errors.As(err, &late)
}

// failure is a stage that could not compute what it was asked.
func failure(err error) bool {
	var failed *StageError
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
