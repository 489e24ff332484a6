package main

import (
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
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what a run would recompute, and why",
		Example: `  allocate plan
  allocate plan --set bayes.draws=2000`,
		Long: `Lists every action of a run with its status: cached, or the inputs that differ from
the last published run (old -> new). Reads the data, but does not sample, optimize
or publish.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
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
