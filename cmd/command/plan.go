package command

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"allocate/cmd/command/terminal"
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
			return printPlan(g.screen, asOf, steps, all)
		},
	}
	g.addConfigFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	cmd.Flags().BoolVar(&shards, "shards", false, "propose a number of processes for allocate work")
	cmd.Flags().BoolVar(&ofBacktest, "backtest", false, "with --shards: count the forecasts of the backtest instead of a run")
	cmd.Flags().BoolVar(&all, "all", false, "list cached results one by one, too")
	return cmd
}

func printPlan(w *terminal.Screen, asOf returns.Date, steps []pipeline.Step, all bool) error {
	_ = w.Line(fmt.Sprintf("as of %v", asOf))
	table := &terminal.Table{Columns: []terminal.Column{{}, {}, {Name: true}, {Prose: true}}}
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
		style := terminal.Plain
		if s.Status != "cached" {
			todo++
			style = terminal.Warning
		}
		for i, why := range append(s.Why, "")[:max(1, len(s.Why))] {
			if i == 0 {
				table.Add(s.Stage, terminal.Span{Style: style, Text: s.Status}, printable(s.Unit), why)
			} else {
				table.Add("", "", "", why)
			}
		}
	}
	for _, stage := range order {
		table.Add(stage, "cached", "", returns.Count(stored[stage], "result"))
	}
	if err := w.Table(table); err != nil {
		return err
	}
	if todo == 0 {
		return w.Line("all results are cached")
	}
	return nil
}
