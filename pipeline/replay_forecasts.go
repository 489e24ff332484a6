package pipeline

import (
	"context"
	"encoding/json"
	"errors"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/pipeline/store"
	"allocate/returns"
)

// waiting is the number of days in progress per processor: results are synced
// to disk one by one, and one day computes while another waits.
const waiting = 3

// forecasts makes every day's forecast, several days at once: none depends on
// another. Each works alone, since there are days enough to keep every
// processor busy.
func (p *replay) forecasts(ctx context.Context) error {
	step := p.begin("forecasts", len(p.days))
	alone := p.alone()
	ids := make([]engine.ActionID, len(p.days))
	for i, d := range p.days {
		ids[i] = store.Sum([]byte("forecast as of " + d.asOf.String()))
	}
	err := p.Shard.Each(ctx, ids, waiting*max(1, p.Workers), func(ctx context.Context, i int) error {
		err := p.forecastOne(ctx, alone, p.days[i])
		if !errors.Is(err, engine.ErrTaken) {
			step.one()
		}
		return err
	})
	step.end()
	return err
}

// forecastOne makes one day's forecast, and what the compared allocators would
// hold. That data or sampler are refused is part of the result; other errors
// end the backtest.
func (p *replay) forecastOne(ctx context.Context, r *runner, d *replayed) error {
	in := p.on(d)
	d.decision = &Decision{AsOf: d.asOf, Effective: d.effective, approved: true, policy: p.c.Gates.Severity}
	var err error
	if d.forecast, err = d.decision.window(ctx, r, in, p.c); err != nil {
		return d.refuse(err)
	}
	if err := p.baselines(ctx, r, d); err != nil {
		return err
	}
	return d.refuse(p.simulateOnce(ctx, r, d, in))
}

// on is the starting point of a day's run.
func (p *replay) on(d *replayed) day {
	in := p.in
	in.asOf, in.effective = d.asOf, d.effective
	in.window = windowOptions{AsOf: d.asOf, Returns: p.c.Returns.Judging()}
	in.fixAnchor(p.c.Bayes, p.sessions)
	return in
}

// simulated is the configuration without the checks of the models in a nightly
// run: realized returns test the forecasts better, and no check changes a
// weight.
func (p *replay) simulated() *config.Config {
	c := *p.c
	c.Scenarios.Holdout, c.Bayes.Replicates = new(int), 0 // neither judges a decision
	return &c
}

// memo is a day's forecast, remembered as a whole, so that a second backtest
// need not look at every posterior to find that nothing has changed.
type memo struct {
	Inputs   []engine.Input   `json:"inputs"`
	Unusable []string         `json:"unusable,omitempty"`
	Set      engine.ContentID `json:"set"`
	Gates    []stageFindings  `json:"gates"` // as the stages made them: another backtest may have another policy
}

// simulateOnce is Decision.simulate, remembered.
func (p *replay) simulateOnce(ctx context.Context, r *runner, d *replayed, in day) error {
	c := p.simulated()
	versions := map[string]int{}
	for _, stage := range []string{"evidence", "bayes", "scenarios"} {
		versions[stage] = r.Stages[stage].Version
	}
	var anchor *returns.Date
	if in.anchor != in.asOf {
		anchor, versions["update"] = &in.anchor, r.Stages["update"].Version
	}
	a, err := r.action(c, "forecast", "", struct {
		Versions map[string]int
		Bayes    any
		Set      scenarioOptions
		Anchor   *returns.Date `json:",omitempty"`
	}{versions, in.settings(c.Bayes, d.forecast.tree.Parts), scenarioOptions{AsOf: d.asOf, Scenarios: c.Scenarios}, anchor}, true, d.series()...)
	if err != nil {
		return err
	}
	if done, err := d.recall(r, a); done || err != nil {
		return err
	}
	return r.Exclusive(a.ID(), func() error {
		if r.Shard != nil { // another may have made it since
			if done, err := d.recall(r, a); done || err != nil {
				return err
			}
		}
		known := len(d.decision.told)
		if err := d.decision.simulate(ctx, r, d.forecast, in, c); err != nil {
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
	})
}

// recall takes the day's forecast from the store, if it is there.
func (d *replayed) recall(r *runner, a engine.Action) (done bool, err error) {
	content, err := r.Store.Lookup(a.ID())
	if err != nil || len(r.Fresh) > 0 {
		return false, nil
	}
	var m memo
	if b, err := r.Store.Get(content); err != nil || json.Unmarshal(b, &m) != nil || !r.Store.Has(m.Set) {
		return false, nil
	}
	d.decision.Stages = append(d.decision.Stages, published.ManifestStage{Name: "forecast", FromStore: 1, PeakMiB: peakMiB(), Actions: []published.ManifestAction{{Action: a.ID(), Content: content}}})
	f := d.forecast
	f.inputs, f.unusable, f.set = m.Inputs, m.Unusable, m.Set
	for _, g := range m.Gates {
		if err := d.decision.gate(r, g.Stage, g.Findings); err != nil {
			return true, err
		}
	}
	return true, nil
}
