// Package command is the command line of the program: its commands, what they print, and the
// exit codes.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"allocate/cmd/command/terminal"
	"allocate/config"
	"allocate/pipeline"
	"allocate/pipeline/published"
	"allocate/pipeline/store"
	"allocate/returns"
)

// The exit codes. 2 is left to crashes of the Go runtime; a code that is not
// in this list is a failure.
const (
	exitOK          = 0 // published, or already published
	exitFailure     = 1
	exitDegraded    = 3   // published under a fallback
	exitUsage       = 4   // bad usage or configuration
	exitNotReady    = 5   // input missing, not reaching the as-of date, or stale
	exitRefused     = 6   // a gate on data or sampler refused
	exitInfeasible  = 7   // no weights satisfy the limits, or the optimum is not certified
	exitHeld        = 8   // held for approval
	exitLocked      = 11  // another run works in the output folder
	exitInterrupted = 130 // stopped by a signal; run again to resume
)

const exitHelp = `EXIT STATUS
  0 published, or already published   1 failure   3 published, degraded
  4 bad usage or configuration   5 input not ready   6 data or sampler refused
  7 infeasible or not certified   8 held for approval   11 locked
  130 interrupted`

// Run runs the command of the process's arguments and returns its exit code. more are commands
// beside the usual ones.
func Run(more ...func(l *Loader) *cobra.Command) int {
	// A reader that goes away is an error of a write, not the end of a run.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the process
	}()
	return Main(ctx, os.Args[1:], os.Stdout, os.Stderr, more...)
}

// Loader gives commands of other packages the configuration as the usual commands load it.
type Loader struct{ g *global }

// AddFlags gives a command the flags of a configuration.
func (l *Loader) AddFlags(cmd *cobra.Command) { l.g.addConfigFlags(cmd) }

// Load loads the configuration of a command with these flags.
func (l *Loader) Load(cmd *cobra.Command) (*config.Config, error) {
	c, _, err := l.g.load(cmd)
	return c, err
}

// File is the configuration file that the flags name, as a path; "" where there is none.
func (l *Loader) File() string {
	if l.g.file != "" {
		return l.g.file
	}
	return defaultConfig
}

// Stdout is where results go.
func (l *Loader) Stdout() io.Writer { return l.g.stdout }

// Usage makes an error one of usage, with its exit code.
func Usage(err error) error { return &usageError{err} }

// Main runs one command and returns its exit code. It is the only place where
// errors become codes.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer, more ...func(l *Loader) *cobra.Command) int {
	root := newRoot(stdout, stderr, more...)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && ctx.Err() != nil {
		fmt.Fprintln(stderr, "allocate: interrupted; run again to resume from the cached results")
		return exitInterrupted
	}
	if err != nil {
		_ = screenOf(stderr).Message(terminal.Bad, "allocate: ", err.Error())
	}
	return exitCode(err)
}

func exitCode(err error) int {
	var (
		usage       *usageError
		bad         *config.Error
		notReady    *returns.NotReadyError
		input       *returns.InputError
		gate        *published.GateError
		infeasible  *pipeline.InfeasibleError
		undefined   *pipeline.UndefinedError
		uncertified *pipeline.UncertifiedError
		nothing     *allRefused
		locked      *published.LockedError
		remote      *store.RemoteError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errDegraded), errors.Is(err, errIncomplete):
		return exitDegraded
	case errors.As(err, &usage), errors.As(err, &bad):
		return exitUsage
	case errors.As(err, &notReady):
		return exitNotReady
	case errors.As(err, &remote) && remote.Temporary:
		return exitNotReady
	case errors.As(err, &remote):
		return exitUsage
	case errors.As(err, &input):
		return exitRefused
	case errors.As(err, &gate):
		if returns.Worst(gate.Findings) == returns.Hold {
			return exitHeld
		}
		return exitRefused
	case errors.As(err, &infeasible), errors.As(err, &undefined), errors.As(err, &uncertified), errors.As(err, &nothing):
		return exitInfeasible
	case errors.As(err, &locked):
		return exitLocked
	}
	return exitFailure
}

// errDegraded is not a failure: the run was published, with something to look at.
var errDegraded = errors.New("published, degraded: see the warnings above or on the tear sheet")

// usageError is a command line that cannot be understood.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }
