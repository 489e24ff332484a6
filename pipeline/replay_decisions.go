package pipeline

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"

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

// accounts adds up what the stages did for all days of a replay, as the stages
// of one run; "forecast" is a day whose stages bayes and scenarios were remembered
// as a whole. Seconds are those of all days together, of which several were at
// work at once. Each action has the day of decision as its unit; those of a stage
// that has one for every strategy are only counted: the action scenarios names
// their results.
func (p *replay) accounts() []published.ManifestStage {
	var all []published.ManifestStage
	for _, d := range p.days {
		unit := d.day.String()
		if p.unit != "" {
			unit = p.unit + " " + unit
		}
		for _, s := range d.decision.Stages {
			actions := []published.ManifestAction{}
			for _, a := range s.Actions {
				if a.Unit == "" {
					a.Unit = unit
					actions = append(actions, a)
				}
			}
			s.Actions = actions
			all = addAccounts(all, []published.ManifestStage{s})
		}
	}
	return all
}

// addAccounts adds further accounts to those there are.
func addAccounts(all, more []published.ManifestStage) []published.ManifestStage {
	for _, s := range more {
		at := slices.IndexFunc(all, func(x published.ManifestStage) bool { return x.Name == s.Name })
		if at < 0 {
			all = append(all, s)
			continue
		}
		x := &all[at]
		x.Seconds += s.Seconds
		x.FromStore += s.FromStore
		x.Made += s.Made
		x.PeakMiB = max(x.PeakMiB, s.PeakMiB)
		x.Actions = append(x.Actions, s.Actions...)
	}
	return all
}

// discard passes on what a person should hear of the many small stages of a
// backtest: damage to the store, and that nothing is done.
type discard struct{ to engine.Sink }

// Event implements Sink.
func (q discard) Event(e engine.Event) {
	if e.Kind == engine.Damaged || e.Kind == engine.Waiting {
		q.to.Event(e)
	}
}

// quietly returns a runner of the many small stages of a backtest.
func (r *runner) quietly() *runner {
	quiet := *r.Runner
	quiet.Sink = discard{r.Sink}
	return &runner{&quiet, r.list}
}

// alone is quietly with one worker, also within a stage, for parts that are worked on
// several at once.
func (r *runner) alone() *runner {
	alone := r.quietly()
	alone.Workers = 1
	if _, here := r.Executor.(engine.Local); here {
		alone.Stages = Stages(1)
		alone.Executor = engine.Local{Stages: alone.Stages}
	}
	return alone
}

// step tells of a stage that has many parts, each of many small actions: the days of
// decision of a replay, the fits of an evaluation.
type step struct {
	sink        engine.Sink
	now         func() time.Time
	began       time.Time
	stage, unit string
	done        atomic.Int64
	total       int
}

func (p *replay) begin(stage string, total int) *step { return p.runner.begin(stage, p.unit, total) }

func (r *runner) begin(stage, unit string, total int) *step {
	s := &step{sink: r.Sink, now: r.Now, began: r.Now(), stage: stage, unit: unit, total: total}
	s.sink.Event(engine.Event{Kind: engine.StageStarted, Stage: stage, Unit: s.unit, Total: total})
	return s
}

// one says that a part is done, from any goroutine.
func (s *step) one() {
	s.sink.Event(engine.Event{Kind: engine.StageProgress, Stage: s.stage, Unit: s.unit, Done: int(s.done.Add(1)), Total: s.total, Elapsed: s.now().Sub(s.began)})
}

func (s *step) end() {
	s.sink.Event(engine.Event{Kind: engine.StageFinished, Stage: s.stage, Unit: s.unit, Total: s.total, Elapsed: s.now().Sub(s.began)})
}
