package command

import (
	"errors"
	"fmt"
	"testing"

	"allocate/config"
	"allocate/pipeline"
	"allocate/pipeline/published"
	"allocate/pipeline/store"
	"allocate/returns"
)

// Every type of error has its exit code, however deep it is wrapped.
func TestExitCodes(t *testing.T) {
	gate := func(s returns.Severity) error {
		return &published.GateError{Findings: []returns.Finding{{Code: "run.turnover", Severity: s}}}
	}
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, exitOK},
		{errDegraded, exitDegraded},
		{&usageError{errors.New("x")}, exitUsage},
		{&config.Error{Err: errors.New("x")}, exitUsage},
		{&returns.NotReadyError{Message: "x"}, exitNotReady},
		{&returns.InputError{}, exitRefused},
		{gate(returns.Fail), exitRefused},
		{gate(returns.Hold), exitHeld},
		{&pipeline.InfeasibleError{}, exitInfeasible},
		{&pipeline.UndefinedError{}, exitInfeasible},
		{&pipeline.UncertifiedError{}, exitInfeasible},
		{&published.LockedError{}, exitLocked},
		{&store.RemoteError{Temporary: true}, exitNotReady},
		{&store.RemoteError{}, exitUsage},
		{errors.New("x"), exitFailure},
	} {
		err := c.err
		if err != nil {
			err = fmt.Errorf("a command: %w", err)
		}
		if got := exitCode(err); got != c.want {
			t.Errorf("%T: exit code %d, want %d", c.err, got, c.want)
		}
	}
}
