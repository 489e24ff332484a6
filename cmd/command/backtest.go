package command

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"allocate/cmd/command/terminal"
	"allocate/config"
	"allocate/pipeline"
	"allocate/reports"
	"allocate/returns"
)

func newBacktest(g *global) *cobra.Command {
	var v view
	var asJSON bool
	var png string
	cmd := &cobra.Command{
		Use:   "backtest",
		Short: "Walk-forward backtest, net of costs, against benchmark allocators",
		Example: `  allocate backtest --set backtest.start=2015-01-01
  allocate backtest --set backtest.schedule=weekly --png charts`,
		Long: `Computes the weights on every date of backtest.schedule, using only data available
at the time, and simulates them net of costs, as well as the allocators of
backtest.compare. Risk forecasts are tested against realized returns. Results are
published below <out>/backtest. backtest.sweep backtests every combination of
values and estimates the probability of backtest overfitting.

Results are cached: an interrupted backtest resumes, and shares its results with
nightly runs.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, trials, err := g.loadSweep(cmd)
			if err != nil {
				return err
			}
			if asJSON {
				v.events = g.json
			}
			sink, finish, err := v.sink(g.stderr)
			if err != nil {
				return err
			}
			tested, err := pipeline.Backtest(cmd.Context(), c, trials, sink, time.Now)
			finish(err)
			if err != nil {
				return err
			}
			r := tested.Report
			if png != "" {
				if err := writeFigures(png, r); err != nil {
					return err
				}
			}
			if asJSON {
				var names []string
				for _, p := range r.Portfolios {
					names = append(names, p.Name)
				}
				err = reports.WriteJSON(g.json, "", map[string]any{"event": "outcome", "dir": tested.Dir, "fresh": tested.Fresh, "portfolios": names, "metrics": tested.Report.Metrics, "forecast": tested.Report.Forecast, "sweep": tested.Report.Sweep})
			} else {
				err = printBacktest(g.screen, g.stdout, tested)
			}
			g.unread(err)
			refused := 0
			for _, b := range r.Rebalances {
				if b.Refused != "" {
					refused++
				}
			}
			switch {
			case refused == len(r.Rebalances):
				return &allRefused{r.Rebalances[0].Refused}
			case refused > 0:
				return errDegraded
			}
			return nil
		},
	}
	g.addConfigFlags(cmd)
	addEngineFlag(cmd)
	v.addFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print events and results on standard output, one JSON object per line")
	cmd.Flags().StringVar(&png, "png", "", "folder for the charts as PNG; existing files are overwritten")
	return cmd
}

func writeFigures(dir string, b *reports.Backtest) error {
	figures, err := reports.BacktestFigures(b)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range figures {
		if err := writeFile(filepath.Join(dir, f.File), f.PNG, true); err != nil {
			return err
		}
	}
	return nil
}

type allRefused struct{ why string }

func (e *allRefused) Error() string {
	return "every decision of the backtest was refused: " + e.why
}

// loadSweep loads the configuration, and one for every combination of values of
// its sweep.
func (g *global) loadSweep(cmd *cobra.Command) (*config.Config, []pipeline.Trial, error) {
	c, _, err := g.load(cmd)
	if err != nil {
		return nil, nil, err
	}
	prepare := func(c *config.Config) *config.Config {
		if c.Workers == 0 {
			c.Workers = runtime.GOMAXPROCS(0)
		}
		return c
	}
	combinations := [][]string{nil}
	for _, s := range c.Backtest.Sweep {
		var next [][]string
		for _, before := range combinations {
			for _, value := range s.Values {
				next = append(next, append(slices.Clone(before), value))
			}
		}
		combinations = next
	}
	if len(c.Backtest.Sweep) == 0 {
		return prepare(c), nil, nil
	}
	var trials []pipeline.Trial
	sets := g.sets
	defer func() { g.sets = sets }()
	for _, values := range combinations {
		g.sets = slices.Clone(sets)
		for k, value := range values {
			g.sets = append(g.sets, c.Backtest.Sweep[k].Key+"="+value)
		}
		one, _, err := g.load(cmd)
		if err != nil {
			return nil, nil, fmt.Errorf("backtest.sweep, values %v: %w", values, err)
		}
		trials = append(trials, pipeline.Trial{Values: values, Config: prepare(one)})
	}
	return prepare(c), trials, nil
}

// headline are the metrics of the table on the terminal.
var headline = []string{"cagr", "annual_volatility", "sharpe", "max_drawdown", "cvar"}

// backtestMetrics is the table of allocators, with or without the intervals of the metrics.
func backtestMetrics(b *reports.Backtest, intervals bool) *terminal.Table {
	table := &terminal.Table{Columns: []terminal.Column{{Head: "portfolio", Name: true}}}
	for _, key := range headline {
		if m := b.Metric(key); m != nil {
			table.Columns = append(table.Columns, terminal.Column{Head: m.Name, Right: !intervals, Spare: key == "cvar"})
		}
	}
	table.Columns = append(table.Columns, terminal.Column{Head: "Turnover p.a.", Right: true, Spare: true}, terminal.Column{Head: "Costs p.a.", Right: true, Spare: true})
	for k, p := range b.Portfolios {
		row := []any{printable(p.Name)}
		if k == 0 {
			row[0] = terminal.Span{Style: terminal.Strong, Text: printable(p.Name)}
		}
		for _, key := range headline {
			if m := b.Metric(key); m != nil {
				e := m.Values[k]
				if !intervals {
					e.Low, e.High = reports.Number(math.NaN()), reports.Number(math.NaN())
				}
				row = append(row, estimate(m, e))
			}
		}
		table.Add(append(row, fmt.Sprintf("%.2f", p.Turnover), fmt.Sprintf("%.2f%%", 100*p.Cost))...) // their intervals are in metrics.csv
	}
	return table
}

// printBacktest prints the table of allocators, how true the forecasts were, and the page last. On
// a narrow terminal intervals are on the page only.
func printBacktest(screen *terminal.Screen, w io.Writer, t *pipeline.BacktestResult) error {
	b := t.Report
	table, intervals := backtestMetrics(b, true), true
	if !screen.Fits(table) {
		table, intervals = backtestMetrics(b, false), false
	}
	if err := screen.Table(table); err != nil {
		return err
	}
	about := fmt.Sprintf("%v to %v, %s", b.First, b.Last, returns.Count(len(b.Rebalances), "decision"))
	if m := b.Metric("cagr"); m != nil && !math.IsNaN(float64(m.Values[0].Low)) {
		if intervals {
			about += fmt.Sprintf("; in brackets: %.0f%% CI by stationary bootstrap", 100*b.Level)
		} else {
			about += "; confidence intervals are in the report"
		}
	}
	_ = screen.Line()
	_ = screen.Paragraph(terminal.Plain, about, 0)
	if f := b.Forecast; f != nil {
		_ = screen.Line()
		_ = screen.Paragraph(terminal.Plain, fmt.Sprintf("forecasts over %s, %d of %d non-overlapping: PIT uniformity p = %.2g; CRPS %.4f (in-sample benchmark %.4f)", b.Over(), f.Apart, f.Scored, float64(f.PIT.P), f.CRPS, f.CRPSNaive), 0)
		for _, x := range f.Tail {
			_ = screen.Paragraph(terminal.Plain, fmt.Sprintf("%.0f%% tail: VaR exceptions %d, expected %.1f (Kupiec p = %.2g); predicted CVaR %.2f%%, mean loss beyond VaR %s (Acerbi-Szekely Z2 %.2f, p = %.2g)",
				100*x.Level, x.Exceedances, x.Expected, float64(x.Kupiec.P), 100*x.MeanCVaR, percentOrNone(x.MeanLoss), float64(x.AcerbiSzekely.Statistic), float64(x.AcerbiSzekely.P)), 2)
		}
	}
	if s := b.Sweep; s != nil {
		printSweep(w, s)
	}
	what := terminal.Span{Style: terminal.Good, Text: "published"}
	if !t.Fresh {
		what.Text = "already published"
	}
	return errors.Join(screen.Line(), screen.Line(what, ": "+filepath.Join(t.Dir, "backtest.json")), screen.Line("report: "+filepath.Join(t.Dir, "tearsheet.html")))
}

func printSweep(w io.Writer, s *reports.Sweep) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w)
	for _, key := range s.Keys {
		fmt.Fprintf(table, "%s\t", printable(key))
	}
	fmt.Fprintln(table, "Mean return\tSharpe ratio\tCVaR per period")
	for _, t := range s.Trials {
		for _, v := range t.Values {
			fmt.Fprintf(table, "%s\t", printable(v))
		}
		sharpe := "-"
		if !math.IsNaN(float64(t.Sharpe)) {
			sharpe = fmt.Sprintf("%.2f", float64(t.Sharpe))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", percentOrNone(t.Return), sharpe, percentOrNone(t.CVaR))
	}
	_ = table.Flush() // a terminal that is gone
	for k, t := range s.Trials {
		if t.Refused != "" {
			fmt.Fprintf(w, "trial %d has refused decisions: %s\n", k+1, printableText(t.Refused))
		}
	}
	if o := s.Overfit; o != nil {
		fmt.Fprintf(w, "best: trial %d; probability of backtest overfitting %.2f; deflated Sharpe ratio %.2f; out-of-sample Sharpe ratio of the selected trial (CSCV) %.2f\n", o.Best+1, float64(o.PBO), float64(o.DeflatedSharpe), float64(o.OutOfSample))
	}
}

func estimate(m *reports.MetricRow, e reports.Estimate) string {
	show := func(x reports.Number) string {
		if m.Unit == "ratio" {
			return fmt.Sprintf("%.2f", float64(x))
		}
		return fmt.Sprintf("%.2f%%", 100*float64(x))
	}
	switch {
	case math.IsNaN(float64(e.Value)):
		return "-"
	case math.IsNaN(float64(e.Low)):
		return show(e.Value)
	}
	return fmt.Sprintf("%s (%s, %s)", show(e.Value), show(e.Low), show(e.High))
}

func percentOrNone(x reports.Number) string {
	if math.IsNaN(float64(x)) {
		return "-"
	}
	return fmt.Sprintf("%.2f%%", 100*float64(x))
}
