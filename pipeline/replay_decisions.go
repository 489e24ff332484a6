package pipeline

import (
	"context"
	"slices"
	"strings"

	"allocate/optimize"
	"allocate/pipeline/backtest"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/returns"
)

// decide goes through the days in order: each decision knows what the one
// before has left, drifted and after costs, and the simulator follows.
func (p *replay) decide(ctx context.Context) (*backtest.Path, error) {
	step := p.begin("decisions", len(p.days))
	sim := backtest.NewSimulator(p.in.panel, p.costs, p.c.Backtest.Delay, p.days[0].day, p.end())
	alone := p.quietly()
	var published *replayed // the last day whose decision was not refused
	for _, d := range p.days {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := sim.Until(d.day); err != nil {
			return nil, err
		}
		if err := p.fallBack(ctx, alone, d, published); err != nil {
			return nil, err
		}
		target := backtest.Target{Day: d.day, Hold: true}
		if d.refused == nil {
			if err := p.decideDay(ctx, alone, d, sim.Held()); err != nil {
				return nil, err
			}
		}
		if d.refused == nil {
			target.Weights = weightsOf(d.decision.Solution)
			target.Hold = d.decision.Solution.Method == optimize.Hold // no rounding of them is traded
			published = d
		}
		sim.Add(target)
		step.one()
	}
	if err := sim.Until(p.end()); err != nil {
		return nil, err
	}
	step.end()
	return sim.Path(), nil
}

// decideDay optimizes a day's weights and checks their change, as a nightly run
// does.
func (p *replay) decideDay(ctx context.Context, r *runner, d *replayed, held map[string]float64) error {
	c := *p.c
	c.Optimize.Frontier = 0
	if held != nil {
		d.decision.Held = &published.Holding{From: "backtest", AsOf: d.day, Weights: held}
	}
	best, err := d.decision.decide(ctx, r, d.forecast, p.in, &c)
	if err = d.refuse(err); err != nil || d.refused != nil {
		return err
	}
	d.solution = best.Content
	var change []returns.Finding
	d.decision.Turnover, change = checkChange(d.decision.Held, d.decision.Solution, c.Gates)
	return d.refuse(d.decision.gate(r, "optimize", change))
}

// fallBack recomputes the forecast of a day if a strategy's posterior is unusable
// and the last published decision had a usable one, which it falls back on, as
// a nightly run would. It runs in the order of the days, since only the
// decision determines whether a run publishes.
func (p *replay) fallBack(ctx context.Context, r *runner, d, published *replayed) error {
	if d.forecast == nil || len(d.forecast.unusable) == 0 || published == nil {
		return nil
	}
	good := published.posteriors()
	if !slices.ContainsFunc(d.forecast.unusable, func(name string) bool { return good[name] != "" }) {
		return nil
	}
	again := &forecast{window: d.forecast.window, tree: d.forecast.tree}
	d.refused, d.decision.Findings, d.forecast = nil, nil, again
	if err := d.decision.gate(r, "window", again.tree.Findings); err != nil {
		return d.refuse(err)
	}
	in := p.on(d)
	in.lastPosteriors = good
	return d.refuse(d.decision.simulate(ctx, r, again, in, p.simulated()))
}

func (d *replayed) posteriors() map[string]engine.ContentID {
	good := map[string]engine.ContentID{}
	for _, in := range d.forecast.inputs {
		if name, ok := strings.CutPrefix(in.Name, "posterior "); ok {
			good[name] = in.Content
		}
	}
	return good
}

// approvals are the codes of the findings with which a nightly run would wait
// for approval; the backtest assumes approval.
func (d *replayed) approvals() []string {
	if d.refused != nil {
		return nil
	}
	var codes []string
	for _, f := range d.decision.Findings {
		if f.Severity == returns.Hold {
			codes = append(codes, f.Code)
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}
