package command

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"allocate/pipeline"
	"allocate/pipeline/published"
	"allocate/reports"
	"allocate/returns"
)

func newCheck(g *global) *cobra.Command {
	var v view
	var asJSON, prior bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Validate the input data without publishing",
		Example: `  allocate check
  allocate check --prior`,
		Long: `Reads the returns, applies the calendar, the missing-data policy and all checks,
and prints every finding with its severity: info, warn, hold (needs approval) or
fail. gates.severity sets the severity of a code.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := g.load(cmd)
			if err != nil {
				return err
			}
			c.Workers = max(c.Workers, runtime.GOMAXPROCS(0))
			v.quiet = true
			sink, finish, err := v.sink(g.stderr)
			if err != nil {
				return err
			}
			if prior {
				priors, err := pipeline.Priors(cmd.Context(), c, sink, time.Now)
				finish()
				if err != nil {
					return err
				}
				return printPriors(g, priors, asJSON)
			}
			checked, err := pipeline.Check(cmd.Context(), c, sink, time.Now)
			finish()
			var gate *published.GateError
			if err != nil && !errors.As(err, &gate) {
				return err
			}
			if asJSON {
				return errors.Join(reports.WriteJSON(g.json, "  ", checked), err)
			}
			return errors.Join(printChecked(g.stdout, checked), err)
		},
	}
	g.addConfigFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	cmd.Flags().BoolVar(&prior, "prior", false, "print prior predictive summaries instead")
	v.progress, v.format = "never", "auto"
	return cmd
}

func printChecked(w io.Writer, c *pipeline.Checked) error {
	fmt.Fprintf(w, "%s from %v to %v (%s returns, %.0f a year), %s; %d in the universe as of %v\n\n", c.Frequency.Periods(c.Days), c.First, c.Last, strings.ReplaceAll(c.Frequency.String(), "_", "-"), c.Frequency.PeriodsPerYear(), returns.Count(c.Strategies, "strategy"), c.Used, c.AsOf)
	if len(c.Findings) == 0 {
		_, err := fmt.Fprintln(w, "no findings")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "severity\tcode\tstrategy\tfrom\tto\tfinding\n")
	for _, f := range c.Findings {
		from, to := "", ""
		if f.From != nil {
			from = f.From.String()
		}
		if f.To != nil {
			to = f.To.String()
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", f.Severity, f.Code, printable(f.Strategy), from, to, printableText(f.Sentence))
	}
	return table.Flush()
}

func printPriors(g *global, priors []pipeline.Prior, asJSON bool) error {
	if asJSON {
		return reports.WriteJSON(g.json, "  ", priors)
	}
	table := tabwriter.NewWriter(g.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "strategy\tmodel\tquantity\tq5\tmedian\tq95\n")
	for _, p := range priors {
		for _, q := range p.Quantities {
			fmt.Fprintf(table, "%s\t%s\t%s\t%.4g\t%.4g\t%.4g\n", printable(p.Strategy), p.Model, q.Name, q.Q5, q.Median, q.Q95)
		}
	}
	return table.Flush()
}
