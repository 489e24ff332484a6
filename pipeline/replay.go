package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"allocate/config"
	"allocate/optimize"
	"allocate/pipeline/backtest"
	"allocate/returns"
	"allocate/scenarios"
)

// replayed is one day of decision of a backtest.
type replayed struct {
	day, asOf, effective returns.Date // of decision, of the last return seen, and the next session
	forecast             *forecast
	decision             *Decision
	others               map[string]baseline // what the compared allocators hold
	refused              error               // why nothing was decided
}

// baseline is what one of the compared allocators decided.
type baseline struct {
	Weights map[string]float64 `json:"weights,omitempty"`
	Error   string             `json:"error,omitempty"`
}

// replay is the nightly decision through time.
type replay struct {
	*Runner
	c        *config.Config
	in       day
	sessions returns.Calendar
	days     []*replayed
	noted    []returns.Finding // on the way
}

// newReplay reads the panel and settles the schedule.
func newReplay(ctx context.Context, r *Runner, c *config.Config, files *sourceFiles) (*replay, ManifestStage, error) {
	in, sessions, read, err := r.readPanel(ctx, c, files)
	if err != nil {
		return nil, read, err
	}
	p := &replay{Runner: r, c: c, in: in, sessions: sessions}
	var days []returns.Date
	for t := range in.panel.Days() {
		days = append(days, in.panel.Date(t))
	}
	o := c.Backtest
	start, end := firstDecision(in.panel, c.Returns.MinHistory), in.panel.Last()
	if o.Start != "" {
		start, _ = returns.ParseDate(o.Start) // Validate has seen it
	}
	if o.End != "" {
		end, _ = returns.ParseDate(o.End)
	}
	decisions, err := backtest.Schedule(o, days, start, end, sessions, files.dates)
	if err != nil {
		return nil, read, &config.Error{Err: err}
	}
	for _, d := range decisions {
		at, _ := slices.BinarySearch(days, d)
		if at -= o.Purge; at < 0 {
			continue
		}
		p.days = append(p.days, &replayed{day: d, asOf: days[at], effective: sessions.Next(d)})
	}
	if len(p.days) == 0 {
		return nil, read, &config.Error{Err: fmt.Errorf("backtest.purge: %d sessions before the first decisions there is no data", o.Purge)}
	}
	return p, read, nil
}

// firstDecision is the first day on which some strategy has enough returns.
func firstDecision(p *returns.Panel, least int) returns.Date {
	first := p.Last()
	for j := range p.Len() {
		if s := p.Series(j); s.Len() >= least && least > 0 {
			first = min(first, s.Dates[least-1])
		}
	}
	return first
}

// waiting is how many days are at work for each processor: results are synced
// to disk one by one, and while one day waits for that another computes.
const waiting = 3

// foresee makes every day's forecast, several days at once: none depends on
// another. Each works alone, since there are days enough to keep every
// processor busy.
func (p *replay) foresee(ctx context.Context) error {
	began := p.Now()
	p.Sink.Event(Event{Kind: StageStarted, Stage: "forecasts", Total: len(p.days)})
	alone := *p.Runner
	alone.Workers, alone.Sink = 1, quiet{p.Sink}
	alone.Stages = Stages(1)
	local, _ := p.Executor.(Local)
	alone.Executor = Local{Stages: alone.Stages, Sources: local.Sources}
	done := make(chan struct{}, len(p.days))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(waiting * max(1, p.Workers))
	for _, d := range p.days {
		group.Go(func() error {
			err := p.foreseeOne(ctx, &alone, d)
			done <- struct{}{}
			p.Sink.Event(Event{Kind: ActionProgress, Stage: "forecasts", Done: len(done), Total: len(p.days)})
			return err
		})
	}
	err := group.Wait()
	p.Sink.Event(Event{Kind: StageFinished, Stage: "forecasts", Total: len(p.days), Elapsed: p.Now().Sub(began)})
	return err
}

// foreseeOne makes one day's forecast, and what the compared allocators would
// hold. That data or sampler are refused is part of the result; other errors
// end the backtest.
func (p *replay) foreseeOne(ctx context.Context, r *Runner, d *replayed) error {
	in := p.in
	in.asOf, in.effective = d.asOf, d.effective
	in.window = windowOptions{AsOf: d.asOf, Returns: p.c.Returns.Judging()}
	d.decision = &Decision{AsOf: d.asOf, Effective: d.effective, approved: true, policy: p.c.Gates.Severity}
	var err error
	if d.forecast, err = d.decision.look(ctx, r, in, p.c); err != nil {
		return d.refuse(err)
	}
	if err := p.baselines(ctx, r, d); err != nil {
		return err
	}
	return d.refuse(p.imagineOnce(ctx, r, d, in))
}

// refuse notes an error that means that a night would have published nothing,
// and returns any other.
func (d *replayed) refuse(err error) error {
	var gate *GateError
	var none *InfeasibleError
	var undefined *UndefinedError
	var uncertified *UncertifiedError
	var late *returns.NotReadyError
	if errors.As(err, &gate) || errors.As(err, &none) || errors.As(err, &undefined) || errors.As(err, &uncertified) || errors.As(err, &late) {
		d.refused = err
		return nil
	}
	return err
}

// memo is a day's forecast, remembered as a whole, so that a second backtest
// need not look at every posterior to find that nothing has changed.
type memo struct {
	Inputs   []Input           `json:"inputs"`
	Unusable []string          `json:"unusable,omitempty"`
	Set      ContentID         `json:"set"`
	Findings []returns.Finding `json:"findings"`
}

// imagineOnce is Decision.imagine, remembered.
func (p *replay) imagineOnce(ctx context.Context, r *Runner, d *replayed, in day) error {
	c := *p.c
	c.Scenarios.Holdout, c.Bayes.Replicates = 0, 0 // what came judges the forecasts better; neither changes a weight
	versions := map[string]int{}
	for _, stage := range []string{"bayes", "scenarios"} {
		versions[stage] = r.Stages[stage].Version
	}
	a, err := r.action(&c, "forecast", "", struct {
		Versions map[string]int
		Bayes    any
		Set      scenarioOptions
	}{versions, c.Bayes, scenarioOptions{d.asOf, c.Scenarios}}, true, d.series()...)
	if err != nil {
		return err
	}
	if content, err := r.Store.Lookup(a.ID()); err == nil && len(r.Fresh) == 0 {
		var m memo
		if b, err := r.Store.Get(content); err == nil && json.Unmarshal(b, &m) == nil && r.Store.Has(m.Set) {
			f := d.forecast
			f.inputs, f.unusable, f.set = m.Inputs, m.Unusable, m.Set
			return d.decision.gate(r, "forecast", m.Findings)
		}
	}
	known := len(d.decision.Findings)
	if err := d.decision.imagine(ctx, r, d.forecast, in, &c); err != nil {
		return err
	}
	f := d.forecast
	b, err := json.Marshal(memo{f.inputs, f.unusable, f.set, d.decision.Findings[known:]})
	if err != nil {
		return err
	}
	content, err := r.Store.Put(b)
	if err != nil {
		return err
	}
	return r.Store.Record(a.ID(), content)
}

// series are the day's histories as inputs.
func (d *replayed) series() []Input {
	var series []Input
	for _, part := range d.forecast.tree.Parts {
		series = append(series, Input{"series " + part.Name, part.Content})
	}
	return series
}

// baselineOptions are those of the compared allocators.
type baselineOptions struct {
	Names    []string         `json:"names"`
	Horizon  int              `json:"horizon"`
	Optimize optimize.Options `json:"optimize"`
}

// baselines decides for the compared allocators.
func (p *replay) baselines(ctx context.Context, r *Runner, d *replayed) error {
	if len(p.c.Backtest.Compare) == 0 {
		return nil
	}
	options, err := p.in.decision(p.c.Optimize, d.series(), nil)
	if err != nil {
		return err
	}
	o := baselineOptions{p.c.Backtest.Compare, p.c.Scenarios.Horizon, options.Optimize}
	o.Optimize.Frontier, o.Optimize.MaxTurnover = 0, nil
	res, err := d.decision.one(ctx, r, p.c, "baselines", o, false, d.series()...)
	if err != nil {
		return err
	}
	return json.Unmarshal(res.Bytes, &d.others)
}

func runBaselines(ctx context.Context, c *Call) ([]byte, error) {
	var o baselineOptions
	if err := c.Options(&o); err != nil {
		return nil, err
	}
	var series []*returns.Series
	for _, in := range c.Action.Inputs {
		s, err := inputSeries(c, in.Name)
		if err != nil {
			return nil, err
		}
		series = append(series, s)
	}
	out := map[string]baseline{}
	for _, name := range o.Names {
		w, err := backtest.Allocate(ctx, name, series, o.Horizon, o.Optimize)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		b := baseline{Weights: w}
		if err != nil {
			b.Error = err.Error()
		}
		out[name] = b
	}
	return json.Marshal(out)
}

// decide goes through the days in order: each decision knows what the one
// before has left, drifted and after costs, and the simulator follows.
func (p *replay) decide(ctx context.Context) (*backtest.Path, error) {
	began := p.Now()
	p.Sink.Event(Event{Kind: StageStarted, Stage: "decisions", Total: len(p.days)})
	costs, err := p.costs()
	if err != nil {
		return nil, err
	}
	sim := backtest.NewSimulator(p.in.panel, costs, p.c.Backtest.Delay, p.days[0].day, p.end())
	alone := *p.Runner
	alone.Sink = quiet{p.Sink}
	for k, d := range p.days {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := sim.Until(d.day); err != nil {
			return nil, err
		}
		target := backtest.Target{Day: d.day, Hold: true}
		if d.refused == nil {
			if err := p.decideOne(ctx, &alone, d, sim.Held()); err != nil {
				return nil, err
			}
		}
		if s := d.decision.Solution; d.refused == nil {
			target = backtest.Target{Day: d.day, Weights: weightsOf(s)}
		}
		sim.Add(target)
		p.Sink.Event(Event{Kind: ActionProgress, Stage: "decisions", Done: k + 1, Total: len(p.days)})
	}
	if err := sim.Until(p.end()); err != nil {
		return nil, err
	}
	p.Sink.Event(Event{Kind: StageFinished, Stage: "decisions", Total: len(p.days), Elapsed: p.Now().Sub(began)})
	return sim.Path(), nil
}

func (p *replay) decideOne(ctx context.Context, r *Runner, d *replayed, held map[string]float64) error {
	c := *p.c
	c.Optimize.Frontier = 0
	if held != nil {
		d.decision.Held = &Holding{From: "backtest", AsOf: d.day, Weights: held}
	}
	_, err := d.decision.decide(ctx, r, d.forecast, p.in, &c)
	if err = d.refuse(err); err != nil || d.refused != nil {
		return err
	}
	return nil
}

// weightsOf is a solution's weights by name.
func weightsOf(s *optimize.Solution) map[string]float64 {
	w := map[string]float64{}
	for i, name := range s.Names {
		if s.Weights[i] != 0 {
			w[name] = s.Weights[i]
		}
	}
	return w
}

// end is the last day of the backtest.
func (p *replay) end() returns.Date {
	if p.c.Backtest.End != "" {
		if d, err := returns.ParseDate(p.c.Backtest.End); err == nil {
			return min(d, p.in.panel.Last())
		}
	}
	return p.in.panel.Last()
}

// costs is the cost model, which optimizer and simulator share.
func (p *replay) costs() (backtest.Costs, error) {
	o, err := p.in.decision(p.c.Optimize, p.everyone(), nil)
	if err != nil {
		return backtest.Costs{}, err
	}
	b := p.c.Backtest
	costs := backtest.Costs{
		PerUnit: map[string]float64{}, Default: o.Optimize.CostBP / 1e4, Fixed: b.FixedBP / 1e4, Borrow: b.BorrowBP / 1e4,
		CashReturn: b.CashReturn, NoTrade: b.NoTrade, MinTrade: b.MinTrade,
	}
	for _, x := range o.Optimize.Costs {
		costs.PerUnit[x.Name] = x.BP / 1e4
	}
	return costs, nil
}

// everyone is every strategy of the panel, as inputs without content.
func (p *replay) everyone() []Input {
	var inputs []Input
	for _, name := range p.in.all {
		inputs = append(inputs, Input{Name: "series " + name})
	}
	return inputs
}

// compare follows the compared allocators and the portfolios of files over the
// same days and costs.
func (p *replay) compare(others map[string][]backtest.Target) (map[string]*backtest.Path, error) {
	costs, err := p.costs()
	if err != nil {
		return nil, err
	}
	paths := map[string]*backtest.Path{}
	for _, name := range slices.Sorted(maps.Keys(others)) {
		sim := backtest.NewSimulator(p.in.panel, costs, p.c.Backtest.Delay, p.days[0].day, p.end())
		for _, t := range others[name] {
			sim.Add(t)
		}
		var ruin *backtest.RuinError
		switch err := sim.Until(p.end()); {
		case errors.As(err, &ruin):
			p.noted = append(p.noted, returns.Finding{
				Code: "backtest.ruin", Severity: returns.Warn, From: &ruin.Day,
				Sentence: fmt.Sprintf("The portfolio %s has lost all its capital on %v and is left out.", name, ruin.Day),
			})
		case err != nil:
			return nil, fmt.Errorf("%s: %w", name, err)
		default:
			paths[name] = sim.Path()
		}
	}
	return paths, nil
}

// targets are what the compared allocators decided.
func (p *replay) targets() map[string][]backtest.Target {
	out := map[string][]backtest.Target{}
	for _, name := range p.c.Backtest.Compare {
		failed, why := 0, ""
		var first returns.Date
		for _, d := range p.days {
			b, ok := d.others[name]
			if ok && b.Error != "" {
				if failed == 0 {
					first, why = d.day, strings.Join(strings.Fields(b.Error), " ")
				}
				failed++
			}
			out[name] = append(out[name], backtest.Target{Day: d.day, Weights: b.Weights, Hold: !ok || b.Error != ""})
		}
		if failed > 0 {
			p.noted = append(p.noted, returns.Finding{
				Code: "backtest.compared", Severity: returns.Warn, From: &first, Numbers: map[string]float64{"failed": float64(failed), "decisions": float64(len(p.days))},
				Sentence: fmt.Sprintf("%s decided nothing on %d of %d days and kept what it held. The first was %v: %s", name, failed, len(p.days), first, why),
			})
		}
	}
	return out
}

// quiet passes on what a person should hear of the many small stages of a
// backtest: damage to the store.
type quiet struct{ to Sink }

// Event implements Sink.
func (q quiet) Event(e Event) {
	if e.Kind == Damaged {
		q.to.Event(e)
	}
}

// runPortfolio is what a decision's weights return in every scenario: inputs
// scenarios and solution.
func runPortfolio(_ context.Context, c *Call) ([]byte, error) {
	set, _, err := inputSet(c, "scenarios")
	if err != nil {
		return nil, err
	}
	b, err := c.Input("solution")
	if err != nil {
		return nil, err
	}
	var s optimize.Solution
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, err
	}
	return portfolioTable(set, weightsOf(&s))
}

// portfolioTable writes the scenarios' returns of a portfolio, and their
// probabilities if they differ.
func portfolioTable(set *scenarios.Set, weights map[string]float64) ([]byte, error) {
	one := &scenarios.Set{AsOf: set.AsOf, Horizon: set.Horizon, Names: []string{"portfolio"}, Prob: set.Prob, Returns: make([]float64, set.Len())}
	for j, name := range set.Names {
		w := weights[name]
		for i := range one.Returns {
			one.Returns[i] += w * set.Returns[i*len(set.Names)+j]
		}
	}
	t, err := one.Table(nil)
	if err != nil {
		return nil, err
	}
	return encodeTable(t, nil)
}
