package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"allocate/config"
	"allocate/pipeline/backtest"
	"allocate/pipeline/published"
	"allocate/reports"
	"allocate/reports/metrics"
)

// overfitBlocks cuts the days of a sweep into blocks for its cross-validation.
const overfitBlocks = 16

// unswept are keys, or sections, that a sweep cannot compare: the trials share
// the data and the days.
var unswept = []string{"as_of", "out", "cache", "workers", "returns.path", "returns.metadata", "returns.holidays", "gates.", "backtest.schedule", "backtest.every", "backtest.dates", "backtest.start", "backtest.end", "backtest.compare", "backtest.portfolios", "backtest.benchmark", "backtest.level", "backtest.replicates"}

func checkSweep(c *config.Config) error {
	var errs []error
	for i, s := range c.Backtest.Sweep {
		for _, fixed := range unswept {
			if s.Key == strings.TrimSuffix(fixed, ".") || strings.HasSuffix(fixed, ".") && strings.HasPrefix(s.Key, fixed) {
				errs = append(errs, fmt.Errorf("backtest.sweep[%d].key: %s selects the data or the days, or does not affect decisions; sweep keys of bayes, scenarios or optimize, or run one backtest per value", i, s.Key))
			}
		}
	}
	if len(errs) > 0 {
		return &config.Error{Err: errors.Join(errs...)}
	}
	return nil
}

// newTrial is the replay of one configuration of a sweep, without what all share.
func newTrial(ctx context.Context, r *runner, k int, t Trial, files *fetched) (*replay, error) {
	one := *t.Config
	one.Backtest.Compare, one.Backtest.Portfolios = nil, nil
	named := fmt.Sprintf("trial %d (%s)", k+1, strings.Join(t.Values, ", "))
	p, _, err := newReplay(ctx, r, &one, files)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", named, err)
	}
	p.unit = named
	return p, nil
}

// sweep replays every configuration and estimates the overfitting of the best. It
// returns the account of what that took, too.
func sweep(ctx context.Context, r *runner, c *config.Config, files *fetched, trials []Trial) (*reports.Sweep, []published.ManifestStage, error) {
	out := &reports.Sweep{}
	for _, s := range c.Backtest.Sweep {
		out.Keys = append(out.Keys, s.Key)
	}
	var stages []published.ManifestStage
	var all [][]float64
	var at []int                      // of each of all, among the trials
	days, perYear := math.MaxInt, 0.0 // periods
	for k, t := range trials {
		p, err := newTrial(ctx, r, k, t, files)
		if err != nil {
			return nil, nil, err
		}
		named := p.unit
		perYear = p.in.panel.Frequency().PeriodsPerYear()
		if err := p.forecasts(ctx); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", named, err)
		}
		path, err := p.decide(ctx)
		stages = addAccounts(stages, p.accounts())
		var ruin *backtest.RuinError
		if errors.As(err, &ruin) {
			nan := reports.Number(math.NaN())
			out.Trials = append(out.Trials, reports.SweepTrial{Values: t.Values, Return: nan, Sharpe: nan, CVaR: nan, Refused: err.Error()})
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", named, err)
		}
		refused := ""
		for _, d := range p.days {
			if refused == "" {
				refused = d.why()
			}
		}
		m := metrics.Sample{Returns: path.Returns, PeriodsPerYear: perYear, RiskFree: cashReturn(c), Alpha: c.Optimize.Alpha}
		value := func(key string) reports.Number {
			metric, _ := metrics.Lookup(key)
			return reports.Number(metric.Of(m))
		}
		out.Trials = append(out.Trials, reports.SweepTrial{Values: t.Values, Return: value("annual_mean"), Sharpe: value("sharpe"), CVaR: value("cvar"), Returns: path.Returns, Refused: refused})
		if !math.IsNaN(float64(value("sharpe"))) { // it is where nothing was ever held
			all, at = append(all, path.Returns), append(at, k)
			days = min(days, len(path.Returns))
		}
	}
	if len(all) >= 2 && days >= 2*overfitBlocks {
		out.Overfit = overfit(all, days, c, perYear)
		out.Overfit.Best = at[out.Overfit.Best]
	}
	return out, stages, nil
}

// overfit asks how much of the best trial's Sharpe ratio is the luck of the
// choice. Trials may begin on different days: the last days, which all have, are
// compared.
func overfit(all [][]float64, days int, c *config.Config, perYear float64) *reports.Overfit {
	n := len(all)
	matrix := make([]float64, days*n)
	sharpes := make([]float64, n)
	best := 0
	for j, x := range all {
		x = x[len(x)-days:]
		for t, v := range x {
			matrix[t*n+j] = v
		}
		sharpes[j] = metrics.NewTrackRecord(x, cashReturn(c), perYear).Sharpe
		if sharpes[j] > sharpes[best] {
			best = j
		}
	}
	mean, variance := 0.0, 0.0
	for _, s := range sharpes {
		mean += s / float64(n)
	}
	for _, s := range sharpes {
		variance += (s - mean) * (s - mean) / float64(n-1)
	}
	record := metrics.NewTrackRecord(all[best][len(all[best])-days:], cashReturn(c), perYear)
	return &reports.Overfit{
		PBO: reports.Number(metrics.CrossValidate(matrix, n, overfitBlocks).Probability), Blocks: overfitBlocks, Best: best,
		DeflatedSharpe: reports.Number(record.Deflated(n, variance)), OutOfSample: reports.Number(purged(all, days, c, perYear)),
	}
}

// purged is the mean annual Sharpe ratio, over the splits of combinatorial
// purged cross-validation (10 groups, 2 of them the test), of the trial that was
// best on each split's training days.
func purged(all [][]float64, days int, c *config.Config, perYear float64) float64 {
	const groups, tests = 10, 2
	if days < 10*groups {
		return math.NaN()
	}
	splits := metrics.PurgedSplits(metrics.PurgedOptions{Days: days, Groups: groups, TestGroups: tests, Purge: min(c.Scenarios.Horizon, days/groups/2)})
	pick := func(x []float64, ranges []metrics.Span) float64 {
		x = x[len(x)-days:]
		var some []float64
		for _, r := range ranges {
			some = append(some, x[r.From:r.To]...)
		}
		return metrics.NewTrackRecord(some, cashReturn(c), perYear).Sharpe
	}
	total := 0.0
	for _, s := range splits {
		best, at := math.Inf(-1), 0
		for j, x := range all {
			if v := pick(x, s.Train); v > best {
				best, at = v, j
			}
		}
		total += pick(all[at], s.Test)
	}
	return total / float64(len(splits)) * math.Sqrt(perYear)
}
