package command

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"allocate/cmd/command/terminal"
	"allocate/pipeline"
	"allocate/pipeline/published"
	"allocate/reports"
	"allocate/returns"
)

func newCheck(g *global) *cobra.Command {
	var v view
	var asJSON, prior, all bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Validate the input data without publishing",
		Example: `  allocate check
  allocate check --prior`,
		Long: `Reads the returns, applies the calendar, the missing-data policy and all checks,
and prints the findings with their severities: info, warn, hold (needs approval) or
fail; those of several strategies with the same cause are one line. gates.severity sets the severity of a code.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := g.load(cmd)
			if err != nil {
				return err
			}
			c.Workers = max(c.Workers, runtime.GOMAXPROCS(0))
			v.quiet, v.silent = true, true
			sink, finish, err := v.sink(g.stderr)
			if err != nil {
				return err
			}
			if prior {
				priors, err := pipeline.Priors(cmd.Context(), c, sink, time.Now)
				finish(err)
				if err != nil {
					return err
				}
				return printPriors(g, priors, asJSON)
			}
			checked, err := pipeline.Check(cmd.Context(), c, sink, time.Now)
			finish(err)
			var gate *published.GateError
			if err != nil && !errors.As(err, &gate) {
				return err
			}
			if asJSON {
				return errors.Join(reports.WriteJSON(g.json, "  ", checked), err)
			}
			return errors.Join(printChecked(g.screen, checked, all), err)
		},
	}
	g.addConfigFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	cmd.Flags().BoolVar(&all, "all", false, "print the finding of each strategy on its own line, also where several have the same")
	cmd.Flags().BoolVar(&prior, "prior", false, "print prior predictive summaries instead")
	v.progress = "never"
	return cmd
}

func printChecked(w *terminal.Screen, c *pipeline.Checked, all bool) error {
	_ = w.Paragraph(terminal.Strong, fmt.Sprintf("%s from %v to %v (%s returns, %.0f a year), %s; %d in the universe as of %v", c.Frequency.Periods(c.Days), c.First, c.Last, strings.ReplaceAll(c.Frequency.String(), "_", "-"), c.Frequency.PeriodsPerYear(), returns.Count(c.Strategies, "strategy"), c.Used, c.AsOf), 0)
	_ = w.Line()
	if len(c.Findings) == 0 {
		return w.Line("no findings")
	}
	table := &terminal.Table{Columns: []terminal.Column{{Head: "severity"}, {Head: "code"}, {Head: "strategy", Name: true}, {Head: "from", Spare: true}, {Head: "to", Spare: true}, {Head: "finding", Prose: true}}}
	styles := map[returns.Severity]terminal.Style{returns.Warn: terminal.Warning, returns.Hold: terminal.Bad, returns.Fail: terminal.Bad}
	findings := c.Findings
	if !all {
		findings = returns.Grouped(findings)
	}
	for _, f := range findings {
		from, to := "", ""
		if f.From != nil {
			from = f.From.String()
		}
		if f.To != nil {
			to = f.To.String()
		}
		table.Add(terminal.Span{Style: styles[f.Severity], Text: f.Severity.String()}, f.Code, printable(f.Strategy), from, to, f.Sentence)
	}
	return w.Table(table)
}

func printPriors(g *global, priors []pipeline.Prior, asJSON bool) error {
	if asJSON {
		return reports.WriteJSON(g.json, "  ", priors)
	}
	table := &terminal.Table{Columns: []terminal.Column{{Head: "strategy", Name: true}, {Head: "model"}, {Head: "quantity"}, {Head: "q5", Right: true}, {Head: "median", Right: true}, {Head: "q95", Right: true}}}
	for _, p := range priors {
		for _, q := range p.Quantities {
			table.Add(printable(p.Strategy), p.Model, q.Name, fmt.Sprintf("%.4g", q.Q5), fmt.Sprintf("%.4g", q.Median), fmt.Sprintf("%.4g", q.Q95))
		}
	}
	return g.screen.Table(table)
}
