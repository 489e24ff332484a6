package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"allocate/config"
	"allocate/pipeline/backtest"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/reports"
	"allocate/returns"
)

// BacktestResult is the result of a backtest.
type BacktestResult struct {
	Dir    string // folder of the published revision
	Fresh  bool   // false: the same files had been published before
	Report *reports.Backtest
}

// Trial is one configuration of a sweep, and the values that make it.
type Trial struct {
	Values []string
	Config *config.Config
}

// Backtest replays the nightly decision through time and publishes the results below <out>/backtest/<last day>. trials are the configurations of a
// sweep, if there is one; they share the store with each other and with nightly
// runs, and differ from c only in the keys of the sweep.
func Backtest(ctx context.Context, c *config.Config, trials []Trial, sink engine.Sink, now func() time.Time) (*BacktestResult, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := checkSweep(c); err != nil {
		return nil, err
	}
	started := now()
	files, err := fetch(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := files.fetchBacktest(c); err != nil {
		return nil, err
	}
	out := filepath.Join(c.Out, "backtest")
	release, err := published.Lock(out)
	if err != nil {
		return nil, err
	}
	defer release()
	published.ClearStaging(out)
	r, err := newRunner(c, files, sink, now)
	if err != nil {
		return nil, err
	}
	atWork, err := r.atWork(now())
	if err != nil {
		return nil, err
	}
	defer atWork()
	p, read, err := newReplay(ctx, r, c, files)
	if err != nil {
		return nil, err
	}
	report, err := p.run(ctx, files)
	if err != nil {
		return nil, err
	}
	stages := append([]published.ManifestStage{read}, p.accounts()...)
	if len(trials) > 0 {
		var more []published.ManifestStage
		if report.Sweep, more, err = sweep(ctx, r, p.c, files, trials); err != nil {
			return nil, err
		}
		stages = addAccounts(stages, more)
	}
	parts, err := p.write(report)
	if err != nil {
		return nil, err
	}
	m := &published.Manifest{
		AsOf: report.Last, Effective: p.sessions.Next(report.Last), Outcome: "backtest", Started: started, Finished: now(), Seed: c.Seed,
		Versions: published.Versions(), Inputs: files.manifest(), Config: c.Published(), Stages: stages, Files: parts, Findings: report.Findings,
	}
	dir, fresh, err := publish(out, m, r.Store, false, func(fs []returns.Finding) []returns.Finding { emitFindings(r, fs); return fs })
	if err != nil {
		return nil, err
	}
	return &BacktestResult{Dir: dir, Fresh: fresh, Report: report}, published.WriteIndex(c.Out)
}

func (f *fetched) fetchBacktest(c *config.Config) error {
	b := c.Backtest
	if b.Schedule == backtest.Listed {
		text, err := f.addBeside("dates", filepath.Base(b.Dates), b.Dates)
		if err != nil {
			return err
		}
		if f.dates, err = returns.ReadDates(filepath.Base(b.Dates), text); err != nil {
			return err
		}
	}
	for _, x := range b.Portfolios {
		text, err := f.addBeside("portfolio", x.Name, x.Path)
		if err != nil {
			return err
		}
		targets, err := published.ParseTargets(x.Path, text, published.AnyGross)
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
func (p *replay) run(ctx context.Context, files *fetched) (*reports.Backtest, error) {
	given := map[string][]backtest.Target{}
	for _, x := range p.c.Backtest.Portfolios {
		var err error
		if given[x.Name], err = p.since(x.Name, files.portfolios[x.Name]); err != nil {
			return nil, err
		}
	}
	if err := p.forecasts(ctx); err != nil {
		return nil, err
	}
	ours, err := p.decide(ctx)
	if err != nil {
		return nil, err
	}
	if len(ours.Days) == 0 {
		return nil, &config.Error{Err: errors.New("backtest: no data after the first decision; choose an earlier backtest.start")}
	}
	others := p.targets()
	maps.Copy(others, given)
	paths, err := p.compare(others)
	if err != nil {
		return nil, err
	}
	o := p.c.Backtest
	report := &reports.Backtest{
		First: ours.Days[0], Last: ours.Days[len(ours.Days)-1], Frequency: p.in.panel.Frequency(), PerYear: p.in.panel.Frequency().PeriodsPerYear(), Horizon: p.c.Scenarios.Horizon, Alpha: p.c.Optimize.Alpha, Level: o.Level,
		Benchmark: o.Benchmark, Days: ours.Days, Decimals: p.c.Optimize.Decimals,
	}
	list := []portfolioPath{follow(backtest.Ours, ours, report.PerYear)}
	names := slices.Clone(o.Compare)
	for _, x := range o.Portfolios {
		names = append(names, x.Name)
	}
	for _, name := range names {
		if path := paths[name]; path != nil {
			list = append(list, follow(name, path, report.PerYear))
		}
	}
	for _, x := range list {
		report.Portfolios = append(report.Portfolios, x.Portfolio)
	}
	report.Rebalances = p.rebalances(ours)
	all, err := p.predictions(ctx, p.quietly())
	if err != nil {
		return nil, err
	}
	report.Forecast = p.score(all, report.Rebalances)
	if report.Metrics, err = p.rows(ctx, list, report.Alpha); err != nil {
		return nil, err
	}
	report.Findings = p.findings(report)
	for i := range report.Findings {
		p.Sink.Event(engine.Event{Kind: engine.Found, Stage: "backtest", Finding: &report.Findings[i]})
	}
	report.LastWeights, err = p.nightlyWeights()
	return report, err
}

// nightlyWeights is weights.csv as the nightly run of the last decision writes it.
func (p *replay) nightlyWeights() ([]byte, error) {
	d := p.days[len(p.days)-1]
	if d.refused != nil {
		return nil, nil
	}
	run := reports.Run{AsOf: d.asOf, Effective: d.effective, Optimize: p.c.Optimize, Solution: d.decision.Solution, Excluded: append(excluded(p.in.all, d.forecast.tree), d.forecast.unusable...)}
	var b bytes.Buffer
	err := reports.WriteWeights(&b, &run)
	return b.Bytes(), err
}

func (p *replay) write(b *reports.Backtest) ([]engine.Part, error) {
	var parts []engine.Part
	for _, f := range reports.BacktestFiles() {
		var text bytes.Buffer
		if err := f.Write(&text, b); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		id, err := p.Store.Put(text.Bytes())
		if err != nil {
			return nil, err
		}
		parts = append(parts, engine.Part{Name: f.Name, Content: id})
	}
	return parts, nil
}
