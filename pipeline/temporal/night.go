package temporal

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	sdk "go.temporal.io/sdk/temporal"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"allocate/pipeline/store"
)

// NightQueue is the task queue of nights, which any release can serve: they are commands.
const NightQueue = "allocate-nights"

// RunCommand runs a command of the program in this process and returns its exit code and output.
type RunCommand func(ctx context.Context, args []string) (code int, output string)

// Night is a nightly run: its configuration, on a path that the workers of nights have, and how
// long it waits.
type Night struct {
	Args     []string      // of the command run: --config and others
	Retry    time.Duration // between attempts while the input is not ready
	Deadline time.Duration // after which it gives up waiting for input
	Hold     time.Duration // for which a held run waits for approval
}

// Ended is how a night ended.
type Ended struct {
	Code     int // exit code of the last command
	Output   string
	Attempts int
	Approved string // by whom
}

// Approval is the signal that publishes a held run.
const Approval = "approve"

// Exit codes of the command run that a night acts on.
const (
	published, degraded = 0, 3
	notReady, held      = 5, 8
	locked              = 11
)

// RunNight is the workflow: it runs the command until the input is ready, and waits for an
// approval where the run is held. The run itself fetches, hands batches over, gathers, applies
// the gates and publishes.
func RunNight(ctx workflow.Context, n Night) (*Ended, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 24 * time.Hour, HeartbeatTimeout: time.Minute,
		RetryPolicy: &sdk.RetryPolicy{InitialInterval: 5 * time.Second, MaximumInterval: time.Minute},
	})
	began := workflow.Now(ctx)
	approvals := workflow.GetSignalChannel(ctx, Approval)
	end := &Ended{}
	args := n.Args
	for {
		end.Attempts++
		var r commandResult
		if err := workflow.ExecuteActivity(ctx, nightActivity, args).Get(ctx, &r); err != nil {
			return nil, err
		}
		end.Code, end.Output = r.Code, r.Output
		switch r.Code {
		case published, degraded:
			return end, nil
		case notReady, locked:
			if workflow.Now(ctx).Sub(began) >= n.Deadline {
				return nil, failure(end)
			}
			if err := workflow.Sleep(ctx, n.Retry); err != nil {
				return nil, err
			}
		case held:
			if end.Approved != "" { // another finding than the approved one cannot be: approval is for the run
				return nil, failure(end)
			}
			if ok, _ := approvals.ReceiveWithTimeout(ctx, n.Hold, &end.Approved); !ok {
				return nil, failure(end)
			}
			if end.Approved == "" {
				end.Approved = "unnamed"
			}
			args = append(append([]string{}, n.Args...), "--approve")
		default:
			return nil, failure(end)
		}
	}
}

// failure fails the workflow with the command's output, once.
func failure(e *Ended) error {
	return sdk.NewNonRetryableApplicationError(e.Output, "exit", nil, e)
}

const nightActivity = "run"

type commandResult struct {
	Code   int
	Output string
}

// registerNight makes a worker one of nights.
func registerNight(w sdkworker.Worker, run RunCommand) {
	w.RegisterWorkflowWithOptions(RunNight, workflow.RegisterOptions{Name: "night"})
	w.RegisterActivityWithOptions(func(ctx context.Context, args []string) (*commandResult, error) {
		stop := store.Every(15*time.Second, func() { activity.RecordHeartbeat(ctx) })
		defer stop()
		code, output := run(ctx, append([]string{"run", "--engine", Name, "-q", "--progress", "never"}, args...))
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		const most = 100_000
		if len(output) > most {
			output = output[len(output)-most:]
		}
		return &commandResult{code, output}, nil
	}, activity.RegisterOptions{Name: nightActivity})
}

// temporary reports an error that another attempt may not have.
func temporary(err error) bool {
	var r *store.RemoteError
	return errors.As(err, &r) && r.Temporary
}
