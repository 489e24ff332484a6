package command

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"allocate/cmd/command/terminal"
	"allocate/config"
	"allocate/pipeline/published"
	"allocate/reports"
	"allocate/returns"
)

func newList(g *global) *cobra.Command {
	var asJSON, all bool
	var most int
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the published runs and backtests",
		Example: `  allocate list
  allocate list --last 60 --all
  allocate list --json`,
		Long: `Lists the runs of the output folder, the newest last, with expected return and CVaR
over the horizon, turnover, number of positions and findings of severity warn and
above; then the backtests. Of a date it lists the newest revision; --all lists
earlier and retracted ones, too.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if most < 0 {
				return &usageError{fmt.Errorf("--last is %d; expected a number of runs, or 0 for all", most)}
			}
			c, err := g.loadFolders(cmd)
			if err != nil {
				return err
			}
			runs, err := published.Entries(c.Out)
			if err != nil {
				return err
			}
			tests, err := published.BacktestEntries(c.Out)
			if err != nil {
				return err
			}
			if !all {
				runs = standing(runs)
			}
			older := 0
			if most > 0 && len(runs) > most {
				older = len(runs) - most
				runs = runs[older:]
			}
			if asJSON {
				return reports.WriteJSON(g.json, "  ", map[string]any{"out": c.Out, "older": older, "runs": runs, "backtests": tests})
			}
			return printList(g.screen, c.Out, runs, older, tests)
		},
	}
	g.addConfigFlags(cmd, "out")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	cmd.Flags().BoolVar(&all, "all", false, "list earlier and retracted revisions, too")
	cmd.Flags().IntVar(&most, "last", 20, "number of runs; 0: all")
	return cmd
}

// standing keeps the newest revision of each date that was not retracted.
func standing(runs []published.Entry) (kept []published.Entry) {
	for _, r := range runs {
		if r.Retracted != "" {
			continue
		}
		if n := len(kept); n > 0 && kept[n-1].AsOf == r.AsOf {
			kept[n-1] = r
			continue
		}
		kept = append(kept, r)
	}
	return kept
}

func printList(w *terminal.Screen, out string, runs []published.Entry, older int, tests []published.BacktestEntry) error {
	if len(runs) == 0 && len(tests) == 0 {
		return w.Line(fmt.Sprintf("no runs in %s; next: allocate run", out))
	}
	if older > 0 {
		_ = w.Line(terminal.Span{Style: terminal.Faint, Text: fmt.Sprintf("%s more: --last 0", returns.Count(older, "earlier run"))})
	}
	table := &terminal.Table{Columns: []terminal.Column{
		{Head: "run"},
		{Head: "expected", Right: true},
		{Head: "CVaR", Right: true},
		{Head: "over", Spare: true},
		{Head: "turnover", Right: true},
		{Head: "positions", Right: true, Spare: true},
		{Head: "largest", Name: true, Spare: true},
		{Head: "findings", Right: true, Spare: true},
		{Head: "status", Prose: true},
	}}
	var turnovers []float64
	for _, r := range runs {
		status := terminal.Span{Text: r.Outcome}
		if strings.Contains(r.Outcome, "degraded") {
			status.Style = terminal.Warning
		}
		if r.Latest {
			status.Text += ", latest"
		}
		if r.Retracted != "" {
			status = terminal.Span{Style: terminal.Bad, Text: "retracted: " + r.Retracted}
		}
		if f := r.Figures; f != nil {
			turnover := "-"
			if f.Turnover != nil {
				turnover = fmt.Sprintf("%.2f%%", 100**f.Turnover)
				turnovers = append(turnovers, *f.Turnover)
			}
			table.Add(r.Run, fmt.Sprintf("%+.2f%%", 100*f.Expected), fmt.Sprintf("%.2f%%", 100*f.CVaR), f.Horizon, turnover, fmt.Sprint(f.Positions), printable(f.Largest), fmt.Sprint(f.Warnings), status)
		} else {
			table.Add(r.Run, "-", "-", "", "-", "-", "", "-", terminal.Span{Style: terminal.Bad, Text: "damaged: " + r.Damaged})
		}
	}
	if table.Len() > 0 {
		if err := w.Table(table); err != nil {
			return err
		}
	}
	if len(turnovers) > 2 {
		_ = w.Line(terminal.Span{Style: terminal.Faint, Text: "turnover "}, terminal.Sparkline(turnovers))
	}
	if len(tests) > 0 {
		if table.Len() > 0 {
			_ = w.Line()
		}
		if err := w.Table(backtestTable(tests)); err != nil {
			return err
		}
	}
	return w.Line(terminal.Span{Style: terminal.Faint, Text: "overview: " + filepath.Join(out, "index.html")})
}

func backtestTable(tests []published.BacktestEntry) *terminal.Table {
	table := &terminal.Table{Columns: []terminal.Column{
		{Head: "backtest"}, {Head: "from"}, {Head: "to"}, {Head: "decisions", Right: true, Spare: true}, {Head: "refused", Right: true, Spare: true}, {Head: "return p.a.", Right: true}, {Head: "Sharpe", Right: true}, {Head: "drawdown", Right: true}, {Head: "", Prose: true},
	}}
	number := func(format string, x, by float64) string {
		if math.IsNaN(x) {
			return "-"
		}
		return fmt.Sprintf(format, by*x)
	}
	for _, b := range tests {
		if b.Damaged != "" {
			table.Add(b.Run, "", "", "", "", "", "", "", terminal.Span{Style: terminal.Bad, Text: "damaged: " + b.Damaged})
			continue
		}
		note := ""
		if b.Sweep > 0 {
			note = returns.Count(b.Sweep, "trial")
		}
		table.Add(b.Run, b.First.String(), b.Last.String(), fmt.Sprint(b.Decisions), fmt.Sprint(b.Refused), number("%+.2f%%", float64(b.Return), 100), number("%.2f", float64(b.Sharpe), 1), number("%.2f%%", float64(b.Drawdown), 100), note)
	}
	return table
}

// loadFolders loads the configuration for a command that only reads what was published: without a
// configuration file the folders are those of the flags and defaults.
func (g *global) loadFolders(cmd *cobra.Command) (*config.Config, error) {
	c, _, err := g.loadWith(cmd, func(src *config.Source) {
		if src.File == "" && !given(*src, "returns.path") {
			src.Sets = append(src.Sets, "returns.path=-") // which the command does not read
		}
	})
	return c, err
}
