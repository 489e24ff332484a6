package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"allocate/config"
	"allocate/pipeline/backtest"
	"allocate/reports"
	"allocate/reports/metrics"
	"allocate/returns"
)

// Tested is what a backtest came to.
type Tested struct {
	Dir    string // folder of the published revision
	Fresh  bool   // false: the same files had been published before
	Report *reports.Backtest
}

// Trial is one configuration of a sweep, and the values that make it.
type Trial struct {
	Values []string
	Config *config.Config
}

// Backtest replays the nightly decision through time and publishes what came
// of it below <out>/backtest/<last day>. trials are the configurations of a
// sweep, if there is one; they share the store with each other and with nightly
// runs, and differ from c only in what the sweep sets.
func Backtest(ctx context.Context, c *config.Config, trials []Trial, sink Sink, now func() time.Time) (*Tested, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	started := now()
	files, err := gather(c)
	if err != nil {
		return nil, err
	}
	if err := files.gatherBacktest(c); err != nil {
		return nil, err
	}
	out := filepath.Join(c.Out, "backtest")
	release, err := lock(out)
	if err != nil {
		return nil, err
	}
	defer release()
	clearStaging(out)
	r, err := newRunner(c, files, sink, now)
	if err != nil {
		return nil, err
	}
	p, read, err := newReplay(ctx, r, c, files)
	if err != nil {
		return nil, err
	}
	report, err := p.run(ctx, files)
	if err != nil {
		return nil, err
	}
	if len(trials) > 0 {
		if report.Sweep, err = sweep(ctx, r, c, files, trials); err != nil {
			return nil, err
		}
	}
	parts, err := p.write(report)
	if err != nil {
		return nil, err
	}
	m := &Manifest{
		AsOf: report.Last, Effective: p.sessions.Next(report.Last), Outcome: "backtest", Started: started, Finished: now(), Seed: c.Seed,
		Versions: versions(), Inputs: files.manifest(), Config: c, Stages: []ManifestStage{read}, Files: parts, Findings: report.Findings,
	}
	dir, fresh, err := publish(out, m, r.Store)
	if err != nil {
		return nil, err
	}
	return &Tested{Dir: dir, Fresh: fresh, Report: report}, writeIndex(c.Out)
}

// gatherBacktest finds the files that only a backtest reads.
func (f *sourceFiles) gatherBacktest(c *config.Config) error {
	b := c.Backtest
	if b.Schedule == backtest.Listed {
		s, text, err := f.add("dates", filepath.Base(b.Dates), b.Dates)
		if err != nil {
			return err
		}
		f.beside = append(f.beside, s)
		if f.dates, err = returns.ReadDates(filepath.Base(b.Dates), text); err != nil {
			return err
		}
	}
	for _, x := range b.Portfolios {
		s, _, err := f.add("portfolio", x.Name, x.Path)
		if err != nil {
			return err
		}
		f.beside = append(f.beside, s)
		targets, err := readTargets(x.Path)
		if err != nil {
			return err
		}
		if f.portfolios == nil {
			f.portfolios = map[string][]backtest.Target{}
		}
		f.portfolios[x.Name] = targets
	}
	return nil
}

// run does everything but write.
func (p *replay) run(ctx context.Context, files *sourceFiles) (*reports.Backtest, error) {
	if err := p.foresee(ctx); err != nil {
		return nil, err
	}
	ours, err := p.decide(ctx)
	if err != nil {
		return nil, err
	}
	if len(ours.Days) == 0 {
		return nil, &config.Error{Err: errors.New("backtest: no day of the data is after the first decision; choose an earlier start")}
	}
	others := p.targets()
	for name, t := range files.portfolios {
		if others[name], err = p.since(name, t); err != nil {
			return nil, err
		}
	}
	paths, err := p.compare(others)
	if err != nil {
		return nil, err
	}
	o := p.c.Backtest
	report := &reports.Backtest{
		First: ours.Days[0], Last: ours.Days[len(ours.Days)-1], Horizon: p.c.Scenarios.Horizon, Alpha: p.c.Optimize.Alpha, Level: o.Level,
		Benchmark: o.Benchmark, Days: ours.Days, Decimals: p.c.Optimize.Decimals, Portfolios: []reports.Portfolio{portfolio(backtest.Ours, ours)},
	}
	names := slices.Clone(o.Compare)
	for _, x := range o.Portfolios {
		names = append(names, x.Name)
	}
	for _, name := range names {
		if path := paths[name]; path != nil {
			report.Portfolios = append(report.Portfolios, portfolio(name, path))
		}
	}
	report.Rebalances = p.rebalances(ours)
	quietly := *p.Runner
	quietly.Sink = quiet{p.Sink}
	all, err := p.predictions(ctx, &quietly)
	if err != nil {
		return nil, err
	}
	report.Forecast = p.score(all, report.Rebalances)
	report.Metrics = p.rows(report.Portfolios, report.Alpha)
	report.Findings = p.findings(report)
	for i := range report.Findings {
		p.Sink.Event(Event{Kind: Found, Stage: "backtest", Finding: &report.Findings[i]})
	}
	report.Last1, err = p.lastWeights()
	return report, err
}

// since is a portfolio's targets from the first decision on; what it held
// before is traded on that day.
func (p *replay) since(name string, targets []backtest.Target) ([]backtest.Target, error) {
	first := p.days[0].day
	var out []backtest.Target
	for _, t := range targets {
		for _, strategy := range slices.Sorted(maps.Keys(t.Weights)) {
			if strategy != backtest.Cash && !slices.Contains(p.in.all, strategy) {
				return nil, &returns.InputError{Err: fmt.Errorf("backtest.portfolios: %s holds %q on %v, which is no strategy of the data%s", name, strategy, t.Day, returns.Suggest(strategy, p.in.all))}
			}
		}
	}
	for _, t := range targets {
		if t.Day <= first {
			t.Day = first
			out = []backtest.Target{t}
			continue
		}
		out = append(out, t)
	}
	if len(out) == 0 || out[0].Day > p.end() {
		return nil, &returns.InputError{Err: fmt.Errorf("backtest.portfolios: %s has no weights up to %v; give a file with weights in the time of the backtest", name, p.end())}
	}
	return out, nil
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
			first, why = x.Day, strings.Join(strings.Fields(x.Refused), " ")
		}
		last = x.Day
		refused++
	}
	if refused > 0 {
		found = append(found, returns.Finding{
			Code: "backtest.refused", Severity: returns.Warn, From: &first, To: &last, Numbers: map[string]float64{"refused": float64(refused), "decisions": float64(len(b.Rebalances))},
			Sentence: fmt.Sprintf("On %d of %d days a nightly run would have published nothing; what was held was kept. The first was %v: %s", refused, len(b.Rebalances), first, why),
		})
	}
	for _, x := range b.Portfolios {
		if x.Missing > 0 {
			found = append(found, returns.Finding{
				Code: "backtest.missing", Severity: returns.Info, Numbers: map[string]float64{"days": float64(x.Missing)},
				Sentence: fmt.Sprintf("%s held strategies on %d days on which they had no return; their value was kept.", x.Name, x.Missing),
			})
		}
	}
	if b.Forecast == nil {
		found = append(found, returns.Finding{
			Code: "backtest.few", Severity: returns.Info,
			Sentence: fmt.Sprintf("Fewer than %d horizons of %d days that do not overlap are over: the predictions are not scored.", fewestScored, b.Horizon),
		})
	}
	if f := b.Forecast; f != nil {
		for _, t := range f.Tail {
			if float64(t.AcerbiSzekely.P) < 0.01 {
				found = append(found, returns.Finding{
					Code: "backtest.cvar", Severity: returns.Warn, Numbers: map[string]float64{"level": t.Level, "z2": float64(t.AcerbiSzekely.Statistic), "p": float64(t.AcerbiSzekely.P), "exceedances": float64(t.Exceedances), "expected": t.Expected},
					Sentence: fmt.Sprintf("Risk was understated: at the %.0f%% tail there were %d losses beyond the predicted VaR where %.1f were expected, and the test of the predicted CVaR has p = %.2g.", 100*t.Level, t.Exceedances, t.Expected, float64(t.AcerbiSzekely.P)),
				})
			}
		}
	}
	returns.SortFindings(found)
	return found
}

// lastWeights is weights.csv as the nightly run of the last decision writes it.
func (p *replay) lastWeights() ([]byte, error) {
	d := p.days[len(p.days)-1]
	if d.refused != nil {
		return nil, nil
	}
	run := reports.Run{AsOf: d.asOf, Effective: d.effective, Optimize: p.c.Optimize, Solution: d.decision.Solution, LeftOut: append(leftOut(p.in.all, d.forecast.tree), d.forecast.unusable...)}
	var b bytes.Buffer
	err := reports.WriteWeights(&b, &run)
	return b.Bytes(), err
}

// write stores the published files.
func (p *replay) write(b *reports.Backtest) ([]Part, error) {
	var parts []Part
	for _, f := range reports.BacktestFiles() {
		var text bytes.Buffer
		if err := f.Write(&text, b); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		id, err := p.Store.Put(text.Bytes())
		if err != nil {
			return nil, err
		}
		parts = append(parts, Part{Name: f.Name, Content: id})
	}
	return parts, nil
}

// overfitBlocks cuts the days of a sweep into blocks for its cross-validation.
const overfitBlocks = 16

// unswept are keys, or sections, that a sweep cannot compare: the trials share
// the data and the days.
var unswept = []string{"as_of", "out", "cache", "workers", "returns.path", "returns.metadata", "returns.holidays", "gates.", "backtest.schedule", "backtest.every", "backtest.dates", "backtest.start", "backtest.end", "backtest.compare", "backtest.portfolios", "backtest.benchmark", "backtest.level", "backtest.replicates"}

// sweep replays every configuration and says what the best of them is worth.
func sweep(ctx context.Context, r *Runner, c *config.Config, files *sourceFiles, trials []Trial) (*reports.Sweep, error) {
	out := &reports.Sweep{}
	for i, s := range c.Backtest.Sweep {
		out.Keys = append(out.Keys, s.Key)
		for _, fixed := range unswept {
			if s.Key == strings.TrimSuffix(fixed, ".") || strings.HasSuffix(fixed, ".") && strings.HasPrefix(s.Key, fixed) {
				return nil, &config.Error{Err: fmt.Errorf("backtest.sweep[%d].key: %s says which data or days are compared, or changes no decision; sweep keys of bayes, scenarios, optimize or costs, and start one backtest for each of these", i, s.Key)}
			}
		}
	}
	var all [][]float64
	var at []int // of each of all, among the trials
	days := math.MaxInt
	for k, t := range trials {
		one := *t.Config
		one.Backtest.Compare, one.Backtest.Portfolios = nil, nil
		p, _, err := newReplay(ctx, r, &one, files)
		if err != nil {
			return nil, fmt.Errorf("trial %d (%s): %w", k+1, strings.Join(t.Values, ", "), err)
		}
		named := fmt.Sprintf("trial %d (%s)", k+1, strings.Join(t.Values, ", "))
		if err := p.foresee(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", named, err)
		}
		path, err := p.decide(ctx)
		var ruin *backtest.RuinError
		if errors.As(err, &ruin) {
			nan := reports.Number(math.NaN())
			out.Trials = append(out.Trials, reports.SweepTrial{Values: t.Values, Return: nan, Sharpe: nan, CVaR: nan, Refused: err.Error()})
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", named, err)
		}
		refused := ""
		for _, d := range p.days {
			if d.refused != nil && refused == "" {
				refused = strings.Join(strings.Fields(d.refused.Error()), " ")
			}
		}
		m := metrics.Sample{Returns: path.Returns, RiskFree: c.Backtest.CashReturn, Alpha: c.Optimize.Alpha}
		value := func(key string) reports.Number {
			metric, _ := metrics.Lookup(key)
			return reports.Number(metric.Of(m))
		}
		out.Trials = append(out.Trials, reports.SweepTrial{Values: t.Values, Return: value("annual_mean"), Sharpe: value("sharpe"), CVaR: value("cvar"), Returns: path.Returns, Refused: refused})
		if !math.IsNaN(float64(value("sharpe"))) {
			all, at = append(all, path.Returns), append(at, k)
		}
		days = min(days, len(path.Returns))
	}
	if len(all) >= 2 && days >= 2*overfitBlocks {
		out.Overfit = overfit(all, days, c)
		out.Overfit.Best = at[out.Overfit.Best]
	}
	return out, nil
}

// overfit asks how much of the best trial's Sharpe ratio is the luck of the
// choice. Trials may begin on different days: the last days, which all have, are
// compared.
func overfit(all [][]float64, days int, c *config.Config) *reports.Overfit {
	n := len(all)
	matrix := make([]float64, days*n)
	sharpes := make([]float64, n)
	best := 0
	for j, x := range all {
		x = x[len(x)-days:]
		for t, v := range x {
			matrix[t*n+j] = v
		}
		sharpes[j] = metrics.NewTrackRecord(x, c.Backtest.CashReturn).Sharpe
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
	record := metrics.NewTrackRecord(all[best][len(all[best])-days:], c.Backtest.CashReturn)
	return &reports.Overfit{
		PBO: reports.Number(metrics.CrossValidate(matrix, n, overfitBlocks).Probability), Blocks: overfitBlocks, Best: best,
		DeflatedSharpe: reports.Number(record.Deflated(n, variance)), OutOfSample: reports.Number(purged(all, days, c)),
	}
}

// purged is the mean annual Sharpe ratio, over the splits of combinatorial
// purged cross-validation (10 groups, 2 of them the test), of the trial that was
// best on each split's training days.
func purged(all [][]float64, days int, c *config.Config) float64 {
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
		return metrics.NewTrackRecord(some, c.Backtest.CashReturn).Sharpe
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
	return total / float64(len(splits)) * math.Sqrt(metrics.Year)
}
