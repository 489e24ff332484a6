package pipeline

import (
	"context"

	"allocate/pipeline/backtest"
)

// decide goes through the days in order: each decision knows what the one
// before has left, drifted and after costs, and the simulator follows.
func (p *replay) decide(ctx context.Context) (*backtest.Path, error) {
	step := p.begin("decisions", len(p.days))
	sim := backtest.NewSimulator(p.in.panel, p.costs, p.c.Backtest.Delay, p.days[0].day, p.end())
	alone := *p.Runner
	alone.Sink = quiet{p.Sink}
	for _, d := range p.days {
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
		step.one()
	}
	if err := sim.Until(p.end()); err != nil {
		return nil, err
	}
	step.end()
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
