package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"allocate/optimize"
	"allocate/pipeline/backtest"
	"allocate/pipeline/engine"
	"allocate/returns"
)

type baseline struct {
	Weights map[string]float64 `json:"weights,omitempty"`
	Error   string             `json:"error,omitempty"`
}

type baselineOptions struct {
	Names    []string         `json:"names"`
	Horizon  int              `json:"horizon"`
	Optimize optimize.Options `json:"optimize"`
}

func (p *replay) baselines(ctx context.Context, r *runner, d *replayed) error {
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
	b, err := r.Bytes(ctx, res)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, &d.others)
}

func runBaselines(ctx context.Context, c *engine.Call) ([]byte, error) {
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
				Sentence: fmt.Sprintf("%s failed on %d of %d days and kept its weights. First, %v: %s", name, failed, len(p.days), first, why),
			})
		}
	}
	return out
}

// since returns a portfolio's targets from the first decision on; the last
// earlier target is traded on that day.
func (p *replay) since(name string, targets []backtest.Target) ([]backtest.Target, error) {
	first := p.days[0].day
	var out []backtest.Target
	for _, t := range targets {
		for _, strategy := range slices.Sorted(maps.Keys(t.Weights)) {
			if strategy != backtest.Cash && !slices.Contains(p.in.all, strategy) {
				return nil, &returns.InputError{Err: fmt.Errorf("backtest.portfolios: %s holds %q on %v, which is not in the data%s", name, strategy, t.Day, returns.Suggest(strategy, p.in.all))}
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
	p.judgePortfolio(name, targets)
	if len(out) == 0 || out[0].Day > p.end() {
		return nil, &returns.InputError{Err: fmt.Errorf("backtest.portfolios: %s has no weights up to %v; expected weights within the backtest", name, p.end())}
	}
	return out, nil
}

// judgePortfolio notes weights of a file that are not of all the capital, and
// that begin after the first decision: the portfolio is in cash until then.
func (p *replay) judgePortfolio(name string, targets []backtest.Target) {
	worst, on := 1.0, returns.Date(0)
	for _, t := range targets {
		sum := 0.0
		for _, strategy := range slices.Sorted(maps.Keys(t.Weights)) {
			sum += t.Weights[strategy]
		}
		if math.Abs(sum-1) > math.Abs(worst-1) {
			worst, on = sum, t.Day
		}
	}
	note := func(sentence string, numbers map[string]float64) {
		f := returns.NewFinding("backtest.portfolio", "", 0, sentence, numbers)
		p.noted = append(p.noted, f)
	}
	if math.Abs(worst-1) > 0.02 {
		note(fmt.Sprintf("The weights of %s sum to %.2f%% of capital on %v; the remainder is held in cash, or borrowed.", name, 100*worst, on), map[string]float64{"sum": worst})
	}
	if first := p.days[0].day; len(targets) > 0 && targets[0].Day > first.AddDays(7) {
		note(fmt.Sprintf("The weights of %s begin on %v, the backtest on %v; the portfolio is in cash until then, and its metrics include that time.", name, targets[0].Day, first), nil)
	}
}

// compare follows the compared allocators and the portfolios of files over the
// same days and costs.
func (p *replay) compare(others map[string][]backtest.Target) (map[string]*backtest.Path, error) {
	paths := map[string]*backtest.Path{}
	for _, name := range slices.Sorted(maps.Keys(others)) {
		sim := backtest.NewSimulator(p.in.panel, p.costs, p.c.Backtest.Delay, p.days[0].day, p.end())
		for _, t := range others[name] {
			sim.Add(t)
		}
		var ruin *backtest.RuinError
		switch err := sim.Until(p.end()); {
		case errors.As(err, &ruin):
			p.noted = append(p.noted, returns.Finding{
				Code: "backtest.ruin", Severity: returns.Warn, From: &ruin.Day,
				Sentence: fmt.Sprintf("The portfolio %s lost all capital on %v and is excluded.", name, ruin.Day),
			})
		case err != nil:
			return nil, fmt.Errorf("%s: %w", name, err)
		default:
			paths[name] = sim.Path()
		}
	}
	return paths, nil
}
