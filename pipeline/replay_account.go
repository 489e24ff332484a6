package pipeline

import (
	"slices"
	"sync/atomic"
	"time"

	"allocate/pipeline/engine"
	"allocate/pipeline/published"
)

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
