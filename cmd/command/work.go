package command

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"allocate/pipeline"
	"allocate/pipeline/engine"
	"allocate/returns"
)

// arrays are the variables by which schedulers tell a process of an array its index, the first
// index, the step between two, and the number of processes.
var arrays = []struct{ index, first, step, of string }{
	{"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP", "SLURM_ARRAY_TASK_COUNT"},
	{"JOB_COMPLETION_INDEX", "", "", "JOB_COMPLETIONS"},
	{"AWS_BATCH_JOB_ARRAY_INDEX", "", "", "AWS_BATCH_JOB_ARRAY_SIZE"},
}

// shardOf is the shard of a flag, else of the scheduler's variables.
func shardOf(flag string, env func(string) (string, bool)) (engine.Shard, error) {
	if flag != "" {
		return engine.ParseShard(flag)
	}
	for _, a := range arrays {
		index, ok := env(a.index)
		if !ok {
			continue
		}
		of, ok := env(a.of)
		if !ok {
			return engine.Shard{}, fmt.Errorf("%s is set, and %s is not: set it to the number of processes, or give --shard i/n", a.index, a.of)
		}
		if first, ok := env(a.first); ok && a.first != "" {
			step, ok := env(a.step)
			if !ok {
				step = "1"
			}
			var i, f, by int
			if _, err := fmt.Sscan(index+" "+first+" "+step, &i, &f, &by); err != nil || by < 1 {
				return engine.Shard{}, fmt.Errorf("%s=%q, %s=%q, %s=%q: expected numbers", a.index, index, a.first, first, a.step, step)
			}
			index = fmt.Sprint((i - f) / by)
		}
		s, err := engine.ParseShard(index + "/" + of)
		if err != nil {
			return s, fmt.Errorf("%s and %s: %w", a.index, a.of, err)
		}
		return s, nil
	}
	return engine.Shard{}, fmt.Errorf("expected --shard i/n, or the variables of an array of Slurm, Kubernetes or AWS Batch (%s, %s or %s)", arrays[0].index, arrays[1].index, arrays[2].index)
}

func newWork(g *global) *cobra.Command {
	var v view
	var text string
	var ofBacktest bool
	cmd := &cobra.Command{
		Use:   "work",
		Short: "Compute a part of the forecasts of a run or backtest into a shared cache",
		Example: `  allocate work --shard 0/4
  allocate work --backtest --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"`,
		Long: `One of n identical commands, on any machines, that share a cache (a folder or a
bucket). Each computes its own part of the missing forecasts first, then helps with
what is left of the others. Nothing is published: the run or backtest that follows
finds the results in the cache. A command that ends half-way may be started again.

Without --shard, i and n are those of an array of Slurm (SLURM_ARRAY_TASK_ID and
_COUNT), Kubernetes (JOB_COMPLETION_INDEX, with JOB_COMPLETIONS set to the number)
or AWS Batch (AWS_BATCH_JOB_ARRAY_INDEX and _SIZE). A forecast that will be refused
is not a failure here; the run reports it.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			shard, err := shardOf(text, os.LookupEnv)
			if err != nil {
				return &usageError{err}
			}
			c, trials, err := g.loadSweep(cmd)
			if err != nil {
				return err
			}
			sink, finish, err := v.sink(g.stderr)
			if err != nil {
				return err
			}
			var done *pipeline.Worked
			if ofBacktest {
				done, err = pipeline.WorkBacktest(cmd.Context(), c, trials, shard, sink, time.Now)
			} else {
				done, err = pipeline.Work(cmd.Context(), c, shard, sink, time.Now)
			}
			finish(err)
			if err != nil {
				return err
			}
			fmt.Fprintf(g.stdout, "shard %v: computed %s; %d were in the cache\n", shard, returns.Count(done.Made, "result"), done.FromStore)
			if done.Refused != "" {
				fmt.Fprintf(g.stdout, "the run will be refused: %s\n", printableText(done.Refused))
			}
			return nil
		},
	}
	g.addConfigFlags(cmd)
	v.addFlags(cmd)
	cmd.Flags().StringVar(&text, "shard", "", "part of this process: i/n, with i from 0 to n-1")
	cmd.Flags().BoolVar(&ofBacktest, "backtest", false, "compute the forecasts of the backtest and its sweep instead of a run")
	return cmd
}

func printShards(w io.Writer, s *pipeline.Shards, backtest bool) error {
	if s.Shards == 0 {
		_, err := fmt.Fprintln(w, "all forecasts are cached")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "stage\tmissing\tseconds each")
	for _, m := range s.Missing {
		each := "not measured"
		if m.Each > 0 {
			each = fmt.Sprintf("%.2g", m.Each)
		}
		fmt.Fprintf(table, "%s\t%d\t%s\n", m.Stage, m.Actions, each)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if s.Unknown {
		_, err := fmt.Fprintln(w, "The number of processes depends on costs that are not measured yet: a run of one date with this cache measures them.")
		return err
	}
	command := "allocate work"
	if backtest {
		command += " --backtest"
	}
	wall := time.Duration(s.Seconds / float64(s.Shards*s.Workers) * float64(time.Second)).Round(time.Second)
	_, err := fmt.Fprintf(w, "%.0f seconds of a processor; proposed: n = %d, of %v each on %s:\n  %s --shard i/%d\n", s.Seconds, s.Shards, wall, returns.Count(s.Workers, "processor"), command, s.Shards)
	return err
}

func (g *global) planShards(cmd *cobra.Command, backtest, asJSON bool, encode func(v any) error) error {
	c, trials, err := g.loadSweep(cmd)
	if err != nil {
		return err
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	s, err := pipeline.PlanShards(cmd.Context(), c, trials, backtest, time.Now)
	if err != nil {
		return err
	}
	if asJSON {
		return encode(s)
	}
	return printShards(g.stdout, s, backtest)
}
