package command

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"allocate/config"
	"allocate/pipeline"
	"allocate/pipeline/walkforward"
	"allocate/reports"
	"allocate/returns"
)

// errIncomplete is an evaluation without the forecasts of some fits.
var errIncomplete = errors.New("some fits failed; their days are left out of the tables above")

func newWalkforward(g *global) *cobra.Command {
	var v view
	var asJSON bool
	var csvFile, start string
	var o walkforward.Options
	cmd := &cobra.Command{
		Use:   "walkforward",
		Short: "Evaluate return models out of sample, strategy by strategy",
		Example: `  allocate walkforward --models student_t,gjr_t --csv scores.csv
  allocate walkforward --models gjr_t --dependence t_copula,dcc_t_copula`,
		Long: `Refits every model to every strategy at intervals of --refit, on the estimation
window returns.window, and scores its forecasts of the days before the next fit:
VaR exceptions at 5% and 1%, log score and CRPS, one day ahead and over the horizon.
The first model is the reference of log score and CRPS.

With --dependence, the copulas of all strategies together are scored too: the log
density of their joint returns on a day, given the previous days, under each model,
against the first dependence; --json has a table of years.

VaR exceptions are counted by volatility regime, the ratio of the standard deviation
of the last 21 days to that of the history: calm (below 0.67), middle, high (above
1.33). Where at least 10% of the returns are 0, student_t is hurdle_student_t. A
hurdle model gives a return of 0 a probability, other models a density; the log
score does not compare the two.

Evaluates up to --as-of (default: the last day of the data). Nothing is published. Results
are cached: an interrupted evaluation resumes.

EXIT STATUS
  0 evaluated   1 failure   3 evaluated, but some fits failed
  4 bad usage or configuration   5 input not ready   6 every fit failed
  130 interrupted`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := g.load(cmd)
			if err != nil {
				return err
			}
			if c.Workers == 0 {
				c.Workers = runtime.GOMAXPROCS(0)
			}
			if start != "" {
				if o.Start, err = returns.ParseDate(start); err != nil {
					return &usageError{fmt.Errorf("--start: %w", err)}
				}
			}
			if len(o.Models) == 0 {
				o.Models = defaultModels(c)
			}
			if asJSON {
				v.events = g.json
			}
			sink, finish, err := v.sink(g.stderr)
			if err != nil {
				return err
			}
			report, err := pipeline.WalkForward(cmd.Context(), c, o, sink, time.Now)
			finish(err)
			if err != nil {
				return err
			}
			if csvFile != "" {
				var text bytes.Buffer
				if err := report.WriteCSV(&text); err != nil {
					return err
				}
				if err := writeFile(csvFile, text.Bytes(), true); err != nil {
					return err
				}
			}
			if asJSON {
				err = reports.WriteJSON(g.json, "", struct {
					Event string `json:"event"`
					*walkforward.Report
				}{"outcome", report})
			} else {
				err = printWalkforward(g.stdout, report)
			}
			g.unread(err)
			if len(report.Failures) > 0 {
				return errIncomplete
			}
			return nil
		},
	}
	g.addConfigFlags(cmd, "as-of", "cache")
	addEngineFlag(cmd)
	v.addFlags(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&o.Models, "models", nil, "return models to compare, as bayes.model names them; the first is the reference (default student_t and bayes.model)")
	f.StringSliceVar(&o.Dependences, "dependence", nil, "forms of dependence to compare on all strategies together, as scenarios.dependence names them; the first is the reference (default none)")
	f.StringVar(&start, "start", "", "earliest day of evaluation, YYYY-MM-DD; blank: as soon as there is the minimum history")
	f.IntVar(&o.MinHistory, "min-history", 0, "returns before the first fit of a strategy; 0: five years")
	f.IntVar(&o.Refit, "refit", 0, "periods from one fit to the next; 0: a year")
	f.StringVar(&csvFile, "csv", "", "file for the table of strategies as CSV; an existing file is overwritten")
	f.BoolVar(&asJSON, "json", false, "print events and results on standard output, one JSON object per line")
	return cmd
}

// defaultModels are the static reference and the configured model.
func defaultModels(c *config.Config) []string {
	models := []string{"student_t"}
	if c.Bayes.Model != models[0] {
		models = append(models, c.Bayes.Model)
	}
	return models
}

// printWalkforward prints the tables of all strategies together, and what has no
// forecast.
func printWalkforward(w io.Writer, r *walkforward.Report) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "VaR exceptions\tahead\tlevel\tcalm\tmiddle\thigh\tall")
	for i := range r.Models {
		m := &r.Models[i]
		for _, ahead := range []struct {
			name string
			*walkforward.Coverage
		}{{r.Frequency.Days(1), &m.Day}, {r.Frequency.Days(r.Horizon), &m.Horizon}} {
			for _, level := range []string{"5%", "1%"} {
				fmt.Fprintf(table, "%s\t%s\t%s", printable(m.Model), ahead.name, level)
				for _, e := range []walkforward.Exceedances{ahead.Calm, ahead.Middle, ahead.High, ahead.All} {
					x := e.Below5
					if level == "1%" {
						x = e.Below1
					}
					fmt.Fprintf(table, "\t%s", percentOrNone(reports.Number(float64(x)/float64(e.Forecasts))))
				}
				fmt.Fprintln(table)
			}
		}
	}
	m := r.Models[0]
	fmt.Fprintf(table, "forecasts\t%s\t\t%d\t%d\t%d\t%d\n", r.Frequency.Days(1), m.Day.Calm.Forecasts, m.Day.Middle.Forecasts, m.Day.High.Forecasts, m.Day.All.Forecasts)
	fmt.Fprintf(table, "forecasts\t%s\t\t%d\t%d\t%d\t%d\n", r.Frequency.Days(r.Horizon), m.Horizon.Calm.Forecasts, m.Horizon.Middle.Forecasts, m.Horizon.High.Forecasts, m.Horizon.All.Forecasts)
	if len(r.Models) > 1 {
		fmt.Fprintf(table, "\nagainst %s\tlog score per %s (s.e.)\tbetter on\tCRPS ratio, %s\tbetter on\n", printable(r.Reference), strings.TrimPrefix(r.Frequency.Days(1), "1 "), r.Frequency.Days(r.Horizon))
		for _, m := range r.Models[1:] {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", printable(m.Model), signed(m.LogScore), outOf(m.Better.LogScore, m.Compared.LogScore), ratioOrNone(float64(m.CRPSRatio)), outOf(m.Better.CRPS, m.Compared.CRPS))
		}
	}
	if len(r.Joint) > 0 {
		fmt.Fprintf(table, "\nall strategies, against %s\tmodel\tcopula log score per %s (s.e.)\tworst year\n", printable(r.Joint[0].Dependence), strings.TrimPrefix(r.Frequency.Days(1), "1 "))
		for _, j := range r.Joint {
			if j.Dependence != r.Joint[0].Dependence {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", printable(j.Dependence), printable(j.Model), signed(j.LogScore), worstYear(j.Years))
			}
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%v to %v, %s\n", r.First, r.Last, returns.Count(evaluated(r), "strategy"))
	if n := len(r.Short); n > 0 {
		_, err = fmt.Fprintf(w, "%s with too short a history: %s\n", returns.Count(n, "strategy"), printableText(strings.Join(r.Short, ", ")))
	}
	for _, line := range failureLines(r) {
		_, err = fmt.Fprintln(w, line)
	}
	return err
}

func worstYear(years []walkforward.Year) string {
	if len(years) == 0 {
		return "-"
	}
	worst := slices.MinFunc(years, func(a, b walkforward.Year) int { return cmp.Compare(a.Mean, b.Mean) })
	return fmt.Sprintf("%+.4f in %d", float64(worst.Mean), worst.Year)
}

func evaluated(r *walkforward.Report) int {
	names := map[string]bool{}
	for i := range r.Strategies {
		if r.Strategies[i].Day.All.Forecasts > 0 {
			names[r.Strategies[i].Strategy] = true
		}
	}
	return len(names)
}

// failureLines say once for a model which strategies lack forecasts, with the first
// reason.
func failureLines(r *walkforward.Report) []string {
	var lines []string
	for i := range r.Models {
		model, fits, why := r.Models[i].Model, 0, ""
		var of []string
		for _, f := range r.Failures {
			if f.Model == model {
				fits += f.Fits
				of = append(of, f.Strategy)
				why = cmp.Or(why, f.Why)
			}
		}
		if fits > 0 {
			lines = append(lines, fmt.Sprintf("%s of %s failed, of %s; for %s: %s", returns.Count(fits, "fit"), printable(model), printableText(strings.Join(of, ", ")), printable(of[0]), printableText(why)))
		}
	}
	return lines
}

func signed(d walkforward.Difference) string {
	switch {
	case d.Days == 0 || math.IsNaN(float64(d.Mean)):
		return "-"
	case math.IsNaN(float64(d.SE)):
		return fmt.Sprintf("%+.4f", float64(d.Mean))
	}
	return fmt.Sprintf("%+.4f (%.4f)", float64(d.Mean), float64(d.SE))
}

func outOf(better, compared int) string {
	if compared == 0 {
		return "-"
	}
	return fmt.Sprintf("%d of %d", better, compared)
}

func ratioOrNone(x float64) string {
	if math.IsNaN(x) {
		return "-"
	}
	return fmt.Sprintf("%.4f", x)
}
