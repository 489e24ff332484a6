// Command allocate-temporal is the command allocate with Temporal: `--engine temporal` hands actions
// over to workers, `worker` is one, `schedule` keeps the nightly schedule, and `approve` publishes a
// held night.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/log"

	"allocate/cmd/command"
	"allocate/pipeline/engine"
	"allocate/pipeline/temporal"
)

func main() {
	os.Exit(command.Run(newWorker, newSchedule, newApprove))
}

// connection is on the server that the environment names, as Temporal's own tools read it.
const connection = `The server is set by TEMPORAL_ADDRESS (default localhost:7233), TEMPORAL_NAMESPACE,
TEMPORAL_API_KEY and TEMPORAL_TLS_*, or by Temporal's configuration file.`

func newWorker(l *command.Loader) *cobra.Command {
	var slots int
	var grace time.Duration
	var local string
	var nights, verbose bool
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Execute actions that other machines hand over, until it is stopped",
		Example: `  allocate-temporal worker --slots 16
  allocate-temporal worker --nights`,
		Long: `Serves the task queue of this release and architecture. A batch is executed for a
cache that the machine reaches: a shared folder, or a bucket with the credentials of
the environment. The first signal ends the worker when its batches in progress are done,
or after --grace; unfinished batches go to other workers.

` + connection,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if slots < 1 || slots > 4096 || grace < 0 {
				return command.Usage(fmt.Errorf("--slots is %d, --grace %v; expected 1 to 4096, and at least 0", slots, grace))
			}
			warnings := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
			c, err := temporal.Dial(log.NewStructuredLogger(warnings))
			if err != nil {
				return err
			}
			defer c.Close()
			w := &temporal.Worker{Slots: slots, Local: local, Grace: grace}
			if nights {
				w.Run = run
			}
			if verbose {
				w.Executed = func(a engine.Action, seconds float64, err error) {
					text := ""
					if err != nil {
						text = err.Error()
					}
					b, _ := json.Marshal(map[string]any{"event": "executed", "stage": a.Stage, "unit": a.Unit, "action": a.ID(), "seconds": seconds, "error": text})
					fmt.Fprintf(os.Stderr, "%s\n", b)
				}
			}
			fmt.Fprintln(l.Stdout(), "serving")
			return w.Serve(cmd.Context(), c)
		},
	}
	cmd.Flags().IntVar(&slots, "slots", runtime.GOMAXPROCS(0), "batches at once")
	cmd.Flags().DurationVar(&grace, "grace", time.Minute, "for batches in progress after a signal")
	cmd.Flags().StringVar(&local, "local", ".cache", "folder of copies of results in a bucket")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "log every action that was executed, as JSON lines")
	cmd.Flags().BoolVar(&nights, "nights", false, "also run nights of the schedule, which need the configuration and the output folder")
	return cmd
}

func run(ctx context.Context, args []string) (int, string) {
	var out bytes.Buffer
	code := command.Main(ctx, args, &out, &out)
	return code, out.String()
}

func newSchedule(l *command.Loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "Create, show or delete the nightly schedule",
		Example: `  allocate-temporal schedule create book1 --config /etc/allocate/allocate.yaml
  allocate-temporal schedule show book1`,
		Long: `A night is a workflow: it runs until the input is ready, and waits for an approval if
the run is held. At most one night runs at a time.

` + connection,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCreate(l), newShow(l), newDelete(l))
	return cmd
}

func newCreate(l *command.Loader) *cobra.Command {
	s := temporal.Schedule{}
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Create the schedule, or replace it",
		Example: `  allocate-temporal schedule create book1 --config /etc/allocate/allocate.yaml --cron "0 2 * * 2-6" --zone Europe/Berlin`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := l.Load(cmd); err != nil {
				return err
			}
			s.Name, s.File = args[0], l.File()
			if err := s.Validate(); err != nil {
				return command.Usage(err)
			}
			return withServer(func(c *temporal.Server) error {
				next, err := c.Create(cmd.Context(), s)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(l.Stdout(), "schedule %s: next night %s\n", s.Name, next)
				return err
			})
		},
	}
	l.AddFlags(cmd)
	cmd.Flags().StringVar(&s.Cron, "cron", "0 2 * * 2-6", "minute, hour, day of the month, month, day of the week")
	cmd.Flags().StringVar(&s.Zone, "zone", "UTC", "time zone of --cron")
	cmd.Flags().DurationVar(&s.CatchUp, "catch-up", 12*time.Hour, "after an outage, nights missed within this time are run")
	cmd.Flags().DurationVar(&s.Night.Retry, "retry", 10*time.Minute, "between attempts while the input is not ready")
	cmd.Flags().DurationVar(&s.Night.Deadline, "deadline", 6*time.Hour, "after which a night gives up waiting for input")
	cmd.Flags().DurationVar(&s.Night.Hold, "hold", 72*time.Hour, "for which a held night waits for an approval")
	return cmd
}

func newShow(l *command.Loader) *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Print the schedule and its last nights",
		Example: `  allocate-temporal schedule show book1`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withServer(func(c *temporal.Server) error {
				text, err := c.Show(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				_, err = fmt.Fprint(l.Stdout(), text)
				return err
			})
		},
	}
}

func newDelete(l *command.Loader) *cobra.Command {
	return &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete the schedule; a night in progress goes on",
		Example: `  allocate-temporal schedule delete book1`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withServer(func(c *temporal.Server) error {
				if err := c.Delete(cmd.Context(), args[0]); err != nil {
					return err
				}
				_, err := fmt.Fprintf(l.Stdout(), "schedule %s: deleted\n", args[0])
				return err
			})
		},
	}
}

func newApprove(l *command.Loader) *cobra.Command {
	var who string
	cmd := &cobra.Command{
		Use:     "approve NIGHT",
		Short:   "Publish a night that is held for approval",
		Example: `  allocate-temporal approve NIGHT --by ana`,
		Long:    "NIGHT is the identifier that schedule show prints.\n\n" + connection,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withServer(func(c *temporal.Server) error {
				if err := c.Approve(cmd.Context(), args[0], who); err != nil {
					return err
				}
				_, err := fmt.Fprintf(l.Stdout(), "night %s: approved\n", args[0])
				return err
			})
		},
	}
	cmd.Flags().StringVar(&who, "by", os.Getenv("USER"), "name of who approves, for the record")
	return cmd
}

func withServer(f func(c *temporal.Server) error) error {
	c, err := temporal.Dial(nil)
	if err != nil {
		return err
	}
	defer c.Close()
	return f(&temporal.Server{Client: c})
}
