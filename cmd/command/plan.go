package command

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"allocate/pipeline"
	"allocate/reports"
	"allocate/returns"
)

func newPlan(g *global) *cobra.Command {
	var asJSON, all, shards, ofBacktest bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what a run would recompute, and why",
		Example: `  allocate plan
  allocate plan --set bayes.draws=2000
  allocate plan --shards --backtest`,
		Long: `Lists every action of a run with its status: cached, or the inputs that differ from
the last published run (old -> new). Reads the data, but does not sample, optimize
or publish.

With --shards it counts the missing forecasts of a run, or with --backtest of a
backtest and its sweep, and proposes a number of processes for allocate work, from
the costs that earlier commands measured with this cache.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if ofBacktest && !shards {
				return &usageError{errors.New("--backtest belongs to --shards")}
			}
			if shards {
				return g.planShards(cmd, ofBacktest, asJSON, func(v any) error { return reports.WriteJSON(g.json, "  ", v) })
			}
			c, _, err := g.load(cmd)
			if err != nil {
				return err
			}
			c.Workers = max(c.Workers, runtime.GOMAXPROCS(0))
			asOf, steps, err := pipeline.Plan(cmd.Context(), c, time.Now)
			if err != nil {
				return err
			}
			if asJSON {
				return reports.WriteJSON(g.json, "  ", map[string]any{"as_of": asOf, "steps": steps})
			}
			return printPlan(g.stdout, asOf, steps, all)
		},
	}
	g.addConfigFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	cmd.Flags().BoolVar(&shards, "shards", false, "propose a number of processes for allocate work")
	cmd.Flags().BoolVar(&ofBacktest, "backtest", false, "with --shards: count the forecasts of the backtest instead of a run")
	cmd.Flags().BoolVar(&all, "all", false, "list cached results one by one, too")
	return cmd
}

func printPlan(w io.Writer, asOf returns.Date, steps []pipeline.Step, all bool) error {
	fmt.Fprintf(w, "as of %v\n", asOf)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	todo, stored := 0, map[string]int{}
	var order []string
	for _, s := range steps {
		if s.Status == "cached" && !all {
			if stored[s.Stage] == 0 {
				order = append(order, s.Stage)
			}
			stored[s.Stage]++
			continue
		}
		if s.Status != "cached" {
			todo++
		}
		for i, why := range append(s.Why, "")[:max(1, len(s.Why))] {
			if i == 0 {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", s.Stage, s.Status, printable(s.Unit), printableText(why))
			} else {
				fmt.Fprintf(table, "\t\t\t%s\n", printableText(why))
			}
		}
	}
	for _, stage := range order {
		fmt.Fprintf(table, "%s\tcached\t\t%s\n", stage, returns.Count(stored[stage], "result"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if todo == 0 {
		_, err := fmt.Fprintln(w, "all results are cached")
		return err
	}
	return nil
}
