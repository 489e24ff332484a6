package pipeline

import (
	"context"
	"encoding/json"

	"golang.org/x/sync/errgroup"

	"allocate/config"
)

// waiting is how many days are at work for each processor: results are synced
// to disk one by one, and while one day waits for that another computes.
const waiting = 3

// foresee makes every day's forecast, several days at once: none depends on
// another. Each works alone, since there are days enough to keep every
// processor busy.
func (p *replay) foresee(ctx context.Context) error {
	step := p.begin("forecasts", len(p.days))
	alone := *p.Runner
	alone.Workers, alone.Sink = 1, quiet{p.Sink}
	if local, here := p.Executor.(Local); here {
		alone.Stages = Stages(1)
		alone.Executor = Local{Stages: alone.Stages, Sources: local.Sources}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(waiting * max(1, p.Workers))
	for _, d := range p.days {
		group.Go(func() error {
			err := p.foreseeOne(ctx, &alone, d)
			step.one()
			return err
		})
	}
	err := group.Wait()
	step.end()
	return err
}

// foreseeOne makes one day's forecast, and what the compared allocators would
// hold. That data or sampler are refused is part of the result; other errors
// end the backtest.
func (p *replay) foreseeOne(ctx context.Context, r *Runner, d *replayed) error {
	in := p.on(d)
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

// on is what the night of a day starts from.
func (p *replay) on(d *replayed) day {
	in := p.in
	in.asOf, in.effective = d.asOf, d.effective
	in.window = windowOptions{AsOf: d.asOf, Returns: p.c.Returns.Judging()}
	return in
}

// imagining is the configuration without what judges the models of a night:
// realized returns judge the forecasts better, and none of it changes a weight.
func (p *replay) imagining() *config.Config {
	c := *p.c
	c.Scenarios.Holdout, c.Bayes.Replicates = new(int), 0 // neither judges a decision
	return &c
}

// memo is a day's forecast, remembered as a whole, so that a second backtest
// need not look at every posterior to find that nothing has changed.
type memo struct {
	Inputs   []Input   `json:"inputs"`
	Unusable []string  `json:"unusable,omitempty"`
	Set      ContentID `json:"set"`
	Gates    []gated   `json:"gates"` // as the stages made them: another backtest may have another policy
}

// imagineOnce is Decision.imagine, remembered.
func (p *replay) imagineOnce(ctx context.Context, r *Runner, d *replayed, in day) error {
	c := p.imagining()
	versions := map[string]int{}
	for _, stage := range []string{"bayes", "scenarios"} {
		versions[stage] = r.Stages[stage].Version
	}
	a, err := r.action(c, "forecast", "", struct {
		Versions map[string]int
		Bayes    any
		Set      scenarioOptions
	}{versions, in.settings(c.Bayes, d.forecast.tree.Parts), scenarioOptions{d.asOf, c.Scenarios}}, true, d.series()...)
	if err != nil {
		return err
	}
	if content, err := r.Store.Lookup(a.ID()); err == nil && len(r.Fresh) == 0 {
		var m memo
		if b, err := r.Store.Get(content); err == nil && json.Unmarshal(b, &m) == nil && r.Store.Has(m.Set) {
			d.decision.Stages = append(d.decision.Stages, ManifestStage{Name: "forecast", FromStore: 1, PeakMiB: peakMiB(), Actions: []ManifestAction{{Action: a.ID(), Content: content}}})
			f := d.forecast
			f.inputs, f.unusable, f.set = m.Inputs, m.Unusable, m.Set
			for _, g := range m.Gates {
				if err := d.decision.gate(r, g.Stage, g.Findings); err != nil {
					return err
				}
			}
			return nil
		}
	}
	known := len(d.decision.told)
	if err := d.decision.imagine(ctx, r, d.forecast, in, c); err != nil {
		return err
	}
	f := d.forecast
	b, err := json.Marshal(memo{f.inputs, f.unusable, f.set, d.decision.told[known:]})
	if err != nil {
		return err
	}
	content, err := r.Store.Put(b)
	if err != nil {
		return err
	}
	return r.Store.Record(a.ID(), content)
}
