package pipeline

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"allocate/optimize"
	"allocate/pipeline/backtest"
	"allocate/pipeline/engine"
	"allocate/reports"
	"allocate/reports/metrics"
	"allocate/returns"
)

type portfolioPath struct {
	reports.Portfolio
	trades []backtest.Trade
}

func follow(name string, path *backtest.Path, perYear float64) portfolioPath {
	x := portfolioPath{reports.Portfolio{Name: name, Returns: path.Returns, Gross: path.Gross, Missing: path.Missing}, path.Trades}
	years := float64(len(path.Days)) / perYear
	x.Turnover, x.Cost = sum(x.turnovers())/years, sum(x.costs())/years
	for _, t := range path.Trades {
		if t.Held {
			x.Held++
		} else {
			x.Trades++
		}
	}
	return x
}

func sum(x []float64) float64 {
	total := 0.0
	for _, v := range x {
		total += v
	}
	return total
}

func (x *portfolioPath) turnovers() []float64 {
	var out []float64
	for _, t := range x.trades {
		out = append(out, t.Turnover)
	}
	return out
}

func (x *portfolioPath) costs() []float64 {
	var out []float64
	for _, t := range x.trades {
		out = append(out, t.Cost)
	}
	return out
}

// entry is the number of rebalances up to and with the first trade, which buys
// the portfolio.
func (x *portfolioPath) entry() int {
	if i := slices.IndexFunc(x.trades, func(t backtest.Trade) bool { return !t.Held }); i >= 0 {
		return i + 1
	}
	return len(x.trades)
}

// rows computes every metric of every portfolio, with intervals that resample
// the portfolios' days in blocks; and turnover and costs, with intervals that
// resample their rebalances in blocks. Portfolios are done at once; they share
// nothing but the days.
func (p *replay) rows(ctx context.Context, list []portfolioPath, alpha float64) ([]reports.MetricRow, error) {
	step := p.begin("metrics", len(list))
	benchmark := slices.IndexFunc(list, func(x portfolioPath) bool { return x.Name == p.c.Backtest.Benchmark })
	all := metrics.Metrics()
	var out []reports.MetricRow
	for _, m := range all {
		out = append(out, reports.MetricRow{Key: m.Key, Name: m.Name, Unit: m.Unit, Formula: m.Formula, Source: m.Source})
	}
	turnover := reports.MetricRow{
		Key: "turnover", Name: "Turnover", Unit: "per year", Source: "definition",
		Formula: "sum over rebalances of sum|w - w_before|/2, CASH included, per year; the interval is conditional on the first trade",
	}
	costs := reports.MetricRow{
		Key: "trading_costs", Name: "Trading costs", Unit: "per year", Source: "definition",
		Formula: "sum over rebalances of cost / capital, per year; the interval is conditional on the first trade",
	}
	out = append(out, turnover, costs)
	for i := range out {
		out[i].Values = make([]reports.Estimate, len(list))
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, p.Workers))
	for k, x := range list {
		s := metrics.Sample{Returns: x.Returns, PeriodsPerYear: p.in.panel.Frequency().PeriodsPerYear(), RiskFree: p.costs.CashReturn, Alpha: alpha}
		if benchmark >= 0 && k != benchmark {
			s.Benchmark = list[benchmark].Returns
		}
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			for i, e := range p.estimates(all, s) {
				out[i].Values[k] = e
			}
			out[len(all)].Values[k] = p.yearly(x.Turnover, x.turnovers(), x.entry(), len(x.Returns))
			out[len(all)+1].Values[k] = p.yearly(x.Cost, x.costs(), x.entry(), len(x.Returns))
			step.one()
			return nil
		})
	}
	err := group.Wait()
	step.end()
	return out, err
}

// estimates are the metrics of a sample with their intervals. There is one
// stream for all: portfolios are resampled on the same days.
func (p *replay) estimates(all []metrics.Metric, s metrics.Sample) []reports.Estimate {
	o := p.c.Backtest
	nan := reports.Number(math.NaN())
	out := make([]reports.Estimate, len(all))
	for i, v := range metrics.Evaluate(all, s) {
		out[i] = reports.Estimate{Value: reports.Number(v), Low: nan, High: nan}
	}
	if o.Replicates == 0 {
		return out
	}
	b := metrics.Bootstrap{Replicates: o.Replicates, Level: o.Level}
	for i, r := range metrics.Intervals(s, all, b, engine.Streams(p.c.Seed, "bootstrap")("days")) {
		out[i].Low, out[i].High = reports.Number(r.Low), reports.Number(r.High)
	}
	return out
}

// yearly is a sum over rebalances per year, with the interval of a stationary
// bootstrap of the rebalances after the first trade. That one buys the whole
// portfolio: it happened once and would happen once.
func (p *replay) yearly(value float64, of []float64, entry, days int) reports.Estimate {
	e := reports.Estimate{Value: reports.Number(value), Low: reports.Number(math.NaN()), High: reports.Number(math.NaN())}
	o := p.c.Backtest
	if o.Replicates == 0 || entry == len(of) {
		return e
	}
	given, years := sum(of[:entry]), float64(days)/p.in.panel.Frequency().PeriodsPerYear()
	low, high := metrics.Interval(of[entry:], func(x []float64) float64 {
		return (given + sum(x)) / years
	}, o.Level, o.Replicates, engine.Streams(p.c.Seed, "bootstrap")("rebalances"))
	e.Low, e.High = reports.Number(low), reports.Number(high)
	return e
}

// rebalances lists the decisions with what was traded on them.
func (p *replay) rebalances(path *backtest.Path) []reports.Rebalance {
	traded := map[returns.Date]backtest.Trade{}
	for _, t := range path.Trades {
		traded[t.Decided] = t
	}
	var out []reports.Rebalance
	for _, d := range p.days {
		b := reports.Rebalance{Day: d.day, AsOf: d.asOf, Effective: d.effective, Weights: map[string]float64{}}
		if t, ok := traded[d.day]; ok {
			b.Traded, b.Turnover, b.Cost, b.Weights = &t.Traded, t.Turnover, t.Cost, t.Weights
		} else if d.decision.Solution != nil && d.refused == nil {
			b.Weights = weightsOf(d.decision.Solution) // decided on the last day, not traded yet
		}
		b.Refused, b.Approved = d.why(), d.approvals()
		if s := d.decision.Solution; s != nil {
			b.Method, b.Contributions = s.Method, map[string]float64{}
			for j, name := range s.Names {
				if c := s.Contributions[j]; c != 0 {
					b.Contributions[name] = c
				}
			}
			if s.Status == optimize.Fallback {
				b.Method = "fallback: " + s.Method
			}
		}
		for _, f := range d.decision.Findings {
			if f.Severity >= returns.Warn {
				b.Warnings++
			}
		}
		out = append(out, b)
	}
	return out
}

// findings says what a reader of the results must know of them.
func (p *replay) findings(b *reports.Backtest) []returns.Finding {
	found := slices.Clone(p.noted)
	refused, why := 0, ""
	var first, last returns.Date
	for _, x := range b.Rebalances {
		if x.Refused == "" {
			continue
		}
		if refused == 0 {
			first, why = x.Day, x.Refused
		}
		last = x.Day
		refused++
	}
	if refused > 0 {
		found = append(found, returns.Finding{
			Code: "backtest.refused", Severity: returns.Warn, From: &first, To: &last, Numbers: map[string]float64{"refused": float64(refused), "decisions": float64(len(b.Rebalances))},
			Sentence: fmt.Sprintf("Refused decisions: %d of %d; the previous weights were kept. First, %v: %s", refused, len(b.Rebalances), first, why),
		})
	}
	found = append(found, approvals(b.Rebalances)...)
	for _, x := range b.Portfolios {
		if x.Missing > 0 {
			found = append(found, returns.Finding{
				Code: "backtest.missing", Severity: returns.Info, Numbers: map[string]float64{"days": float64(x.Missing)},
				Sentence: fmt.Sprintf("%s held strategies without a return on %s; their value was carried forward.", x.Name, returns.Count(x.Missing, "day")),
			})
		}
	}
	if b.Forecast == nil {
		found = append(found, returns.Finding{
			Code: "backtest.few", Severity: returns.Info,
			Sentence: fmt.Sprintf("Forecasts are not tested: fewer than %d completed, non-overlapping horizons of %s.", fewestScored, b.Over()),
		})
	}
	if f := b.Forecast; f != nil {
		for _, t := range f.Tail {
			if float64(t.AcerbiSzekely.P) < 0.01 {
				found = append(found, returns.Finding{
					Code: "backtest.cvar", Severity: returns.Warn, Numbers: map[string]float64{"level": t.Level, "z2": float64(t.AcerbiSzekely.Statistic), "p": float64(t.AcerbiSzekely.P), "exceedances": float64(t.Exceedances), "expected": t.Expected},
					Sentence: fmt.Sprintf("The predicted CVaR is rejected in the %.0f%% tail: VaR exceptions %d, expected %.1f; Acerbi-Szekely p = %.2g.", 100*t.Level, t.Exceedances, t.Expected, float64(t.AcerbiSzekely.P)),
				})
			}
		}
	}
	returns.SortFindings(found)
	return found
}

// approvals counts the decisions for which a nightly run would have waited.
func approvals(all []reports.Rebalance) []returns.Finding {
	f := returns.Finding{Code: "backtest.approved", Severity: returns.Warn, Numbers: map[string]float64{"decisions": float64(len(all))}}
	for _, x := range all {
		if len(x.Approved) == 0 {
			continue
		}
		if f.From == nil {
			f.From = &x.Day
		}
		f.To = &x.Day
		f.Numbers["approved"]++
		for _, code := range x.Approved {
			f.Numbers[code]++
		}
	}
	if f.From == nil {
		return nil
	}
	var why []string
	for _, code := range slices.Sorted(maps.Keys(f.Numbers)) {
		if strings.Contains(code, ".") {
			why = append(why, fmt.Sprintf("%s: %.0f", code, f.Numbers[code]))
		}
	}
	f.Sentence = fmt.Sprintf("Decisions that need approval in a nightly run: %.0f of %d (%s); the backtest assumes approval.", f.Numbers["approved"], len(all), strings.Join(why, ", "))
	return []returns.Finding{f}
}
