package command

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"allocate/cmd/command/terminal"
	"allocate/config"
	"allocate/pipeline"
	"allocate/pipeline/engine"
	"allocate/reports"
)

func newRun(g *global) *cobra.Command {
	var v view
	var how pipeline.RunOptions
	var asJSON, degradedOK bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Compute and publish the weights for a date",
		Example: `  allocate run
  allocate run --as-of 2022-12-28 --dry-run
  allocate run --set optimize.max_weight=20% --approve`,
		Long: `Reads the returns, samples the posterior of each strategy, simulates joint
scenarios, minimizes CVaR (or another optimize.objective), and publishes weights,
summary, tear sheet and lineage below <out>/<as_of>. Cached results of earlier or
interrupted runs are reused.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, origins, err := g.load(cmd)
			if err != nil {
				return err
			}
			if c.Workers == 0 {
				c.Workers = runtime.GOMAXPROCS(0)
			}
			scheduled := slices.ContainsFunc(slices.Collect(maps.Values(origins)), func(o config.Origin) bool { return o.Kind == "file" })
			for key, o := range origins {
				if o.Kind == "set" && scheduled {
					how.Overrides = append(how.Overrides, key)
				}
			}
			slices.Sort(how.Overrides)
			if asJSON {
				v.events = g.json
			}
			sink, finish, err := v.sink(g.stderr)
			if err != nil {
				return err
			}
			var account engine.Memory
			started := time.Now()
			outcome, err := pipeline.Run(cmd.Context(), c, how, engine.Tee{sink, &account}, time.Now)
			finish(err)
			if c.Gates.Textfile != "" && !how.DryRun {
				code := exitCode(err)
				if outcome != nil && outcome.Degraded {
					code = exitDegraded
				}
				if cmd.Context().Err() != nil {
					code = exitInterrupted
				}
				err = errors.Join(err, writeTextfile(c.Gates, g.portfolio(c), code, started, time.Now(), outcome, err, &account))
			}
			if err != nil {
				return err
			}
			if asJSON {
				err = reports.WriteJSON(g.json, "", map[string]any{"event": "outcome", "dir": outcome.Dir, "fresh": outcome.Fresh, "dry_run": outcome.DryRun, "degraded": outcome.Degraded, "verdict": outcome.Decision.Verdict, "as_of": outcome.Decision.AsOf, "effective": outcome.Decision.Effective, "cvar": outcome.Decision.Solution.CVaR, "expected_return": outcome.Decision.Solution.Mean})
			} else {
				err = printOutcome(g.screen, outcome)
			}
			g.unread(err)
			if outcome.Degraded && !degradedOK {
				return errDegraded
			}
			return nil
		},
	}
	g.addConfigFlags(cmd)
	addEngineFlag(cmd)
	v.addFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print events and results on standard output, one JSON object per line")
	cmd.Flags().BoolVar(&how.Approve, "approve", false, "publish despite findings of severity hold")
	cmd.Flags().BoolVar(&degradedOK, "degraded-ok", false, "exit 0, not 3, if the weights were published with a fallback")
	cmd.Flags().BoolVar(&how.DryRun, "dry-run", false, "compute and print the weights without publishing")
	cmd.Flags().BoolVar(&how.KeepGoing, "keep-going", false, "continue with the other strategies if one fails; the run still fails")
	cmd.Flags().BoolVar(&how.NoCache, "no-cache", false, "ignore cached results")
	cmd.Flags().StringVar(&how.From, "from", "", "recompute from this stage on")
	return cmd
}

// printOutcome writes the weights that were decided, the largest first, as a table, and the page
// last. It reads no file: names in files are quoted.
func printOutcome(w *terminal.Screen, o *pipeline.Outcome) error {
	s := o.Decision.Solution
	held := o.Decision.Held
	table := &terminal.Table{Columns: []terminal.Column{{Head: "strategy", Name: true}, {Head: "weight", Right: true}}}
	if held != nil {
		table.Columns = append(table.Columns, terminal.Column{Head: "previous", Right: true}, terminal.Column{Head: "change", Right: true})
	}
	legend := ""
	if s.Ranges != nil {
		legend = "range: of the portfolios within one standard error of the best"
		table.Columns = append(table.Columns, terminal.Column{Head: "range", Right: true, Spare: true})
	}
	table.Columns = append(table.Columns, terminal.Column{Head: "share of CVaR", Right: true, Spare: true})
	zero, total := 0, s.Contributed()
	order := make([]int, len(s.Names))
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(math.Abs(s.Weights[b]), math.Abs(s.Weights[a])) })
	for _, j := range order {
		name, before := s.Names[j], 0.0
		if held != nil {
			before = held.Weights[name]
		}
		if s.Weights[j] == 0 && math.Abs(before) < math.Pow10(-s.Decimals) {
			zero++
			continue
		}
		row := []any{terminal.Span{Style: terminal.Strong, Text: printable(name)}, fmt.Sprintf("%.2f%%", 100*s.Weights[j])}
		if held != nil {
			row = append(row, fmt.Sprintf("%.2f%%", 100*before), fmt.Sprintf("%+.2f pp", math.Round(1e4*(s.Weights[j]-before))/100+0)) // no -0.00
		}
		if s.Ranges != nil {
			row = append(row, fmt.Sprintf("%.1f to %.1f%%", 100*s.Ranges[j].Low, 100*s.Ranges[j].High))
		}
		share := "-" // of no risk there are no shares
		if total != 0 {
			share = fmt.Sprintf("%.2f%%", 100*s.Contributions[j]/total)
		}
		table.Add(append(row, share)...)
	}
	if err := w.Table(table); err != nil {
		return err
	}
	if zero > 0 {
		_ = w.Line(fmt.Sprintf("not held: %d more", zero))
	}
	if legend != "" {
		_ = w.Line(terminal.Span{Style: terminal.Faint, Text: legend})
	}
	risk := ""
	if math.Abs(s.Risk-s.CVaR) > 5e-5 && s.Method != "quadratic" {
		risk = fmt.Sprintf(" (%.2f%% as limited by optimize.max_cvar: spectrum, costs and robust radius included)", 100*s.Risk)
	}
	certified := fmt.Sprintf("certified gap %.1g", max(0, s.Certificate.ExactGap)) // below 0 by rounding
	if x := s.Indifference; x != nil && x.Turnover < x.BestTurnover {
		certified = fmt.Sprintf("certified to be at most %.3f%% of capital from the best", 100*x.Distance)
	}
	_ = w.Line()
	_ = w.Paragraph(terminal.Strong, o.Decision.Verdict, 0)
	_ = w.Paragraph(terminal.Plain, fmt.Sprintf("as of %v, effective %v: expected return %+.2f%%, CVaR %.2f%%%s, VaR %.2f%% over %s; %s",
		o.Decision.AsOf, o.Decision.Effective, 100*s.Mean, 100*s.CVaR, risk, 100*s.VaR, o.Decision.Horizon, certified), 0)
	for _, sentence := range o.Decision.FirstScreen() {
		_ = w.Paragraph(terminal.Plain, sentence, 0)
	}
	if o.DryRun {
		return w.Line("dry run: not published")
	}
	verb := terminal.Span{Style: terminal.Good, Text: "published"}
	if !o.Fresh {
		verb.Text = "already published"
	}
	return errors.Join(w.Line(verb, ": "+filepath.Join(o.Dir, "weights.csv")), w.Line("report: "+filepath.Join(o.Dir, "tearsheet.html")))
}
