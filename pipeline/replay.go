package pipeline

import (
	"context"
	"fmt"
	"slices"

	"allocate/config"
	"allocate/optimize"
	"allocate/pipeline/backtest"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/returns"
)

type replayed struct {
	day, asOf, effective returns.Date // of decision, of the last return seen, and the next session
	forecast             *forecast
	decision             *Decision
	solution             engine.ContentID    // of the decision
	others               map[string]baseline // what the compared allocators hold
	refused              error               // why nothing was decided
}

// replay is the nightly decision through time.
type replay struct {
	*runner
	c        *config.Config
	in       day
	sessions returns.Calendar
	costs    backtest.Costs
	days     []*replayed
	noted    []returns.Finding // on the way
	unit     string            // which trial of a sweep it is; blank: it is none
}

// newReplay reads the panel and settles the schedule.
func newReplay(ctx context.Context, r *runner, c *config.Config, files *fetched) (*replay, published.ManifestStage, error) {
	in, sessions, read, err := r.readPanel(ctx, c, files)
	if err != nil {
		return nil, read, err
	}
	c = c.For(in.panel.Frequency())
	p := &replay{runner: r, c: c, in: in, sessions: sessions}
	if err := in.known(c.Bayes); err != nil {
		return nil, read, err
	}
	if p.costs, err = costModel(&in, c); err != nil {
		return nil, read, err
	}
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
		return nil, read, &config.Error{Err: fmt.Errorf("backtest.purge: no data %d sessions before the first decision", o.Purge)}
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

func (d *replayed) series() []engine.Input {
	var series []engine.Input
	for _, part := range d.forecast.tree.Parts {
		series = append(series, engine.Input{Name: "series " + part.Name, Content: part.Content})
	}
	return series
}

func weightsOf(s *optimize.Solution) map[string]float64 {
	w := map[string]float64{}
	for i, name := range s.Names {
		if s.Weights[i] != 0 {
			w[name] = s.Weights[i]
		}
	}
	return w
}

func (p *replay) end() returns.Date {
	if p.c.Backtest.End != "" {
		if d, err := returns.ParseDate(p.c.Backtest.End); err == nil {
			return min(d, p.in.panel.Last())
		}
	}
	return p.in.panel.Last()
}
