package command

import (
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
			finish()
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
				err = printBacktest(g.stdout, tested)
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

func printBacktest(w io.Writer, t *pipeline.BacktestResult) error {
	b := t.Report
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "portfolio")
	for _, key := range headline {
		if m := b.Metric(key); m != nil {
			fmt.Fprintf(table, "\t%s", m.Name)
		}
	}
	fmt.Fprintln(table, "\tTurnover p.a.\tCosts p.a.")
	for k, p := range b.Portfolios {
		fmt.Fprint(table, printable(p.Name))
		for _, key := range headline {
			if m := b.Metric(key); m != nil {
				fmt.Fprintf(table, "\t%s", estimate(m, m.Values[k]))
			}
		}
		fmt.Fprintf(table, "\t%.2f\t%.2f%%\n", p.Turnover, 100*p.Cost) // their intervals are in metrics.csv
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%v to %v, %s", b.First, b.Last, returns.Count(len(b.Rebalances), "decision"))
	if m := b.Metric("cagr"); m != nil && !math.IsNaN(float64(m.Values[0].Low)) {
		fmt.Fprintf(w, "; in brackets: %.0f%% CI by stationary bootstrap", 100*b.Level)
	}
	fmt.Fprintln(w)
	if f := b.Forecast; f != nil {
		fmt.Fprintf(w, "\nforecasts over %s, %d of %d non-overlapping: PIT uniformity p = %.2g; CRPS %.4f (in-sample benchmark %.4f)\n", b.Over(), f.Apart, f.Scored, float64(f.PIT.P), f.CRPS, f.CRPSNaive)
		for _, x := range f.Tail {
			fmt.Fprintf(w, "  %.0f%% tail: VaR exceptions %d, expected %.1f (Kupiec p = %.2g); predicted CVaR %.2f%%, mean loss beyond VaR %s (Acerbi-Szekely Z2 %.2f, p = %.2g)\n",
				100*x.Level, x.Exceedances, x.Expected, float64(x.Kupiec.P), 100*x.MeanCVaR, percentOrNone(x.MeanLoss), float64(x.AcerbiSzekely.Statistic), float64(x.AcerbiSzekely.P))
		}
	}
	if s := b.Sweep; s != nil {
		printSweep(w, s)
	}
	what := "published"
	if !t.Fresh {
		what = "already published"
	}
	_, err := fmt.Fprintf(w, "\n%s: %s\n", what, printableText(filepath.Join(t.Dir, "backtest.json")))
	return err
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
