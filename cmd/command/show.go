package command

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"allocate/bayes"
	"allocate/cmd/command/terminal"
	"allocate/pipeline"
	"allocate/pipeline/published"
	"allocate/reports"
	"allocate/returns"
)

func newShow(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show [RUN] [STRATEGY [STRATEGY]]",
		Aliases: []string{"compare"},
		Short:   "Show a decision, a posterior, or two strategies compared",
		Example: `  allocate show
  allocate show 2022-12-28
  allocate show 2022-12-28/r1 momentum
  allocate compare momentum carry --json`,
		Long: `RUN is a date (its newest revision), DATE/rN, latest or a folder; by default the
latest run. Without a strategy the decision is printed: weights, risk and findings.
With one, its posterior: annual return, volatility and Sharpe ratio with 90% credible
intervals, parameters with MCMC diagnostics and histograms, and its return over the
horizon. With two, both side by side, with the probability that the first
outperforms the second over the horizon. Histograms are of cached results.

` + exitHelp,
		Args: cobra.MaximumNArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			run := "latest"
			if len(args) > 0 && published.IsRun(args[0]) {
				run, args = args[0], args[1:]
			}
			if len(args) > 2 {
				return &usageError{fmt.Errorf("%q is no run, and three strategies cannot be compared; see: %s --help", args[0], cmd.CommandPath())}
			}
			c, err := g.loadFolders(cmd)
			if err != nil {
				return err
			}
			dir, err := published.Find(c.Out, run)
			if err != nil {
				return err
			}
			m, s, err := published.ReadSummary(dir)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				if asJSON {
					return reports.WriteJSON(g.json, "  ", map[string]any{"dir": dir, "run": m.AsOf.String() + fmt.Sprintf("/r%d", m.Revision), "outcome": m.Outcome, "summary": s})
				}
				return printDecision(g.screen, dir, m, s)
			}
			store, err := pipeline.OpenStore(c.Cache)
			if err != nil {
				return err
			}
			shown, err := published.Compare(dir, s, store, args)
			if err != nil {
				return err
			}
			if asJSON {
				return reports.WriteJSON(g.json, "  ", shown)
			}
			return printStrategies(g.screen, s, shown)
		},
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return g.completeRuns(cmd, true), cobra.ShellCompDirectiveNoFileComp
		},
	}
	g.addConfigFlags(cmd, "out", "cache")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}

// completeRuns lists the runs of the output folder, and the strategies of the latest.
func (g *global) completeRuns(cmd *cobra.Command, strategies bool) (words []cobra.Completion) {
	c, err := g.loadFolders(cmd)
	if err != nil {
		return nil
	}
	list := published.NewList(c.Out)
	for i := len(list) - 1; i >= 0; i-- {
		words = append(words, fmt.Sprintf("%v/r%d", list[i].Day, list[i].Number))
	}
	if strategies {
		if _, s, err := published.ReadSummary(filepath.Join(c.Out, "latest")); err == nil {
			for _, x := range s.Strategies {
				words = append(words, x.Name)
			}
		}
	}
	return words
}

// printDecision prints the decision of a run from its summary.
func printDecision(w *terminal.Screen, dir string, m *published.Manifest, s *reports.Summary) error {
	_ = w.Line(terminal.Span{Style: terminal.Strong, Text: fmt.Sprintf("%v/r%d", s.AsOf, m.Revision)}, fmt.Sprintf(", effective %v, %s", s.Effective, m.Outcome))
	_ = w.Paragraph(terminal.Plain, s.Verdict, 0)
	if why := s.Why(); why != "" {
		_ = w.Paragraph(terminal.Plain, why, 0)
	}
	_ = w.Line()
	table := &terminal.Table{Columns: []terminal.Column{
		{Head: "strategy", Name: true},
		{Head: "weight", Right: true},
		{Head: "previous", Right: true},
		{Head: "change", Right: true},
		{Head: "range", Right: true, Spare: true},
		{Head: "share of CVaR", Right: true, Spare: true},
		{Head: "Sharpe (90% CI)", Spare: true},
	}}
	list := slices.Clone(s.Strategies)
	slices.SortStableFunc(list, func(a, b reports.StrategySummary) int {
		return cmp.Compare(math.Abs(b.Weight), math.Abs(a.Weight))
	})
	zero := 0
	for _, x := range list {
		if x.Weight == 0 && math.Abs(x.Held) < 5e-7 {
			zero++
			continue
		}
		before, change, span, share := "-", "-", "", "-"
		if s.HeldFrom != nil {
			before, change = fmt.Sprintf("%.2f%%", 100*x.Held), fmt.Sprintf("%+.2f pp", math.Round(1e4*(x.Weight-x.Held))/100+0)
		}
		if x.WeightRange != nil {
			span = fmt.Sprintf("%.1f to %.1f%%", 100*x.WeightRange.Low, 100*x.WeightRange.High)
		}
		if s.CVaR != 0 {
			share = fmt.Sprintf("%.2f%%", 100*x.RiskContribution/s.CVaR)
		}
		table.Add(terminal.Span{Style: terminal.Strong, Text: printable(x.Name)}, fmt.Sprintf("%.2f%%", 100*x.Weight), before, change, span, share, ratioCI(x.Sharpe))
	}
	if err := w.Table(table); err != nil {
		return err
	}
	if zero > 0 {
		_ = w.Line(fmt.Sprintf("not held: %d more", zero))
	}
	_ = w.Line()
	_ = w.Paragraph(terminal.Plain, fmt.Sprintf("expected return %+.2f%% (%s p.a., 90%% CI %s to %s), CVaR %.0f%% %.2f%%, VaR %.2f%%, probability of loss %s over %s", 100*s.ExpectedRet, percent(s.ExpectedSpan.Mean), percent(s.ExpectedSpan.Q5), percent(s.ExpectedSpan.Q95), 100*s.Alpha, 100*s.CVaR, 100*s.VaR, probability(s.ProbLoss), s.Over()), 0)
	for _, f := range returns.Grouped(s.Findings) {
		if f.Severity >= returns.Warn {
			_ = w.Paragraph(terminal.Warning, f.String(), 2)
		}
	}
	return w.Line("report: " + filepath.Join(dir, "tearsheet.html"))
}

// percent prints a fraction, - where there is none.
func percent(x reports.Number) string {
	if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
		return "-"
	}
	return fmt.Sprintf("%.2f%%", 100*float64(x))
}

// probability prints a probability, never 0% or 100% where it is neither.
func probability(p float64) string {
	switch {
	case p > 0.999 && p < 1:
		return ">99.9%"
	case p < 0.001 && p > 0:
		return "<0.1%"
	}
	return fmt.Sprintf("%.1f%%", 100*p)
}

func ratioCI(x reports.Interval) string {
	if math.IsNaN(float64(x.Mean)) {
		return "-"
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f)", float64(x.Mean), float64(x.Q5), float64(x.Q95))
}

func percentCI(x reports.Interval) string {
	return fmt.Sprintf("%s (%s to %s)", percent(x.Mean), percent(x.Q5), percent(x.Q95))
}

// binsFor is the number of bins of a histogram beside the columns of a table.
func binsFor(w *terminal.Screen) int {
	if w.Width == 0 {
		return 32
	}
	return max(12, min(32, w.Width-60))
}

// printStrategies prints one or two strategies of a run.
func printStrategies(w *terminal.Screen, s *reports.Summary, c *published.Comparison) error {
	heading := &terminal.Table{Columns: []terminal.Column{{Head: ""}}}
	for _, x := range c.Strategies {
		heading.Columns = append(heading.Columns, terminal.Column{Head: printable(x.Summary.Name)})
	}
	row := func(label string, value func(x *published.ShownStrategy) string) {
		cells := []any{label}
		for i := range c.Strategies {
			cells = append(cells, value(&c.Strategies[i]))
		}
		heading.Add(cells...)
	}
	row("weight", func(x *published.ShownStrategy) string { return fmt.Sprintf("%.2f%%", 100*x.Summary.Weight) })
	row("share of CVaR", func(x *published.ShownStrategy) string {
		if s.CVaR == 0 {
			return "-"
		}
		return fmt.Sprintf("%.2f%%", 100*x.Summary.RiskContribution/s.CVaR)
	})
	row("annual return", func(x *published.ShownStrategy) string { return percentCI(x.Summary.AnnualReturn) })
	row("annual volatility", func(x *published.ShownStrategy) string { return percentCI(x.Summary.AnnualVolatility) })
	row("Sharpe ratio", func(x *published.ShownStrategy) string { return ratioCI(x.Summary.Sharpe) })
	row("probability mean > 0", func(x *published.ShownStrategy) string { return probability(x.Summary.ProbMeanPositive) })
	row("expected return, "+s.Over(), func(x *published.ShownStrategy) string { return fmt.Sprintf("%+.2f%%", 100*x.Summary.ExpectedHorizon) })
	row("model", func(x *published.ShownStrategy) string { return x.Summary.Model })
	row("returns", func(x *published.ShownStrategy) string { return returns.Thousands(x.Summary.Days) })
	row("MCMC diagnostics", func(x *published.ShownStrategy) string { return string(x.Summary.Verdict) })
	row("max R-hat, min ESS", func(x *published.ShownStrategy) string {
		rhat, ess := worstOf(x.Summary.Posterior)
		return fmt.Sprintf("%.3f, %.0f", rhat, ess)
	})
	row("divergences", func(x *published.ShownStrategy) string { return fmt.Sprint(x.Summary.Divergent) })
	_ = w.Line(terminal.Span{Style: terminal.Faint, Text: fmt.Sprintf("%v/r%d; in brackets: 90%% CI", s.AsOf, c.Revision)})
	if err := w.Table(heading); err != nil {
		return err
	}
	for i := range c.Strategies {
		if err := printPosterior(w, &c.Strategies[i], s.Over()); err != nil {
			return err
		}
	}
	if c.Outperformance != nil {
		a, b := c.Strategies[0].Summary.Name, c.Strategies[1].Summary.Name
		_ = w.Line()
		_ = w.Paragraph(terminal.Strong, fmt.Sprintf("%s outperforms %s over %s with probability %s; correlation of their returns %.2f; both in their worst 5%%: %s (0.25%% if independent)", printable(a), printable(b), s.Over(), probability(*c.Outperformance), *c.Correlation, probability(*c.JointTail)), 0)
	}
	if c.Uncached != "" {
		return w.Paragraph(terminal.Faint, c.Uncached, 0)
	}
	return nil
}

// printPosterior prints the parameters of a strategy with histograms of their draws.
func printPosterior(w *terminal.Screen, x *published.ShownStrategy, over string) error {
	_ = w.Line()
	bins := binsFor(w)
	table := &terminal.Table{Columns: []terminal.Column{{Head: printable(x.Summary.Name), Name: true}, {Head: "mean", Right: true}, {Head: "90% CI"}, {Head: "R-hat", Right: true, Spare: true}, {Head: "ESS", Right: true, Spare: true}, {Head: "draws, 1% to 99%"}}}
	for _, p := range x.Summary.Posterior {
		drawn, rhat, ess := "constant", "", ""
		if !constantParameter(p) {
			drawn, rhat, ess = central(x.Draws[p.Name], bins), fmt.Sprintf("%.3f", float64(p.RHat)), fmt.Sprintf("%.0f", min(float64(p.ESSBulk), float64(p.ESSTail)))
		}
		table.Add(p.Name, fmt.Sprintf("%.4g", float64(p.Mean)), fmt.Sprintf("%.4g to %.4g", float64(p.Q5), float64(p.Q95)), rhat, ess, drawn)
	}
	if h := x.HorizonReturns; len(h) > 0 {
		sorted := slices.Sorted(slices.Values(h))
		at := func(q float64) float64 { return sorted[int(q*float64(len(sorted)-1))] }
		table.Add("return, "+over, fmt.Sprintf("%+.2f%%", 100*x.Summary.ExpectedHorizon), fmt.Sprintf("%.2f%% to %.2f%%", 100*at(0.05), 100*at(0.95)), "", "", central(h, bins))
	}
	if table.Len() == 0 {
		return errors.New("the run has no posterior of " + x.Summary.Name)
	}
	return w.Table(table)
}

// constantParameter reports a parameter that the model does not sample, which has no diagnostics.
func constantParameter(p bayes.Summary) bool { return p.Q5 == p.Q95 }

// worstOf returns the largest R-hat and the smallest effective sample size of sampled parameters.
func worstOf(list []bayes.Summary) (rhat, ess float64) {
	ess = math.Inf(1)
	for _, p := range list {
		if !constantParameter(p) {
			rhat, ess = max(rhat, float64(p.RHat)), min(ess, float64(p.ESSBulk), float64(p.ESSTail))
		}
	}
	return rhat, ess
}

// central draws the histogram of the central 98% of values.
func central(values []float64, bins int) string {
	if len(values) == 0 {
		return ""
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted) - 1
	return terminal.Histogram(values, sorted[n/100], sorted[n-n/100], bins)
}
