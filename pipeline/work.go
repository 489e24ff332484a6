package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sort"
	"time"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/returns"
)

// Worked is what a shard did.
type Worked struct {
	Made, FromStore int    // actions
	Refused         string // why a run of these forecasts would publish nothing; blank: no reason was found
}

// Work executes the part of a shard, and then what is left of the others', of the forecasts
// of a run: everything before the decision. The results are in the cache, where the run finds
// them. Nothing is published.
func Work(ctx context.Context, c *config.Config, shard engine.Shard, sink engine.Sink, now func() time.Time) (*Worked, error) {
	return work(ctx, c, shard, sink, now, func(r *runner, files *fetched) error {
		d, in, c, err := r.undecided(ctx, c, files)
		if err != nil {
			return err
		}
		_, err = d.forecast(ctx, r, in, c)
		return err
	})
}

// undecided prepares the forecasts of a run. What a finding of severity hold waits for is not
// their business.
func (r *runner) undecided(ctx context.Context, c *config.Config, files *fetched) (*Decision, day, *config.Config, error) {
	in, _, err := r.prepare(ctx, c, files, false)
	if err != nil {
		return nil, in, nil, err
	}
	c = c.For(in.panel.Frequency())
	return &Decision{AsOf: in.asOf, Effective: in.effective, approved: true, policy: c.Gates.Severity}, in, c, in.known(c.Bayes)
}

// WorkBacktest is Work for the dates of a backtest and of the trials of its sweep.
func WorkBacktest(ctx context.Context, c *config.Config, trials []Trial, shard engine.Shard, sink engine.Sink, now func() time.Time) (*Worked, error) {
	return work(ctx, c, shard, sink, now, func(r *runner, files *fetched) error {
		return eachReplay(ctx, r, c, trials, files, func(p *replay) error { return p.forecasts(ctx) })
	})
}

// eachReplay calls f for the backtest and for each trial of its sweep.
func eachReplay(ctx context.Context, r *runner, c *config.Config, trials []Trial, files *fetched, f func(p *replay) error) error {
	if err := checkSweep(c); err != nil {
		return err
	}
	if err := files.fetchBacktest(c); err != nil {
		return err
	}
	p, _, err := newReplay(ctx, r, c, files)
	if err != nil {
		return err
	}
	if err := f(p); err != nil {
		return err
	}
	for k, t := range trials {
		p, err := newTrial(ctx, r, k, t, files)
		if err != nil {
			return err
		}
		if err := f(p); err != nil {
			return fmt.Errorf("%s: %w", p.unit, err)
		}
	}
	return nil
}

func work(ctx context.Context, c *config.Config, shard engine.Shard, sink engine.Sink, now func() time.Time, do func(r *runner, files *fetched) error) (*Worked, error) {
	files, r, err := open(ctx, c, sink, now)
	if err != nil {
		return nil, err
	}
	release, err := r.atWork(now())
	if err != nil {
		return nil, err
	}
	defer release()
	r.Shard = &shard
	w := &Worked{}
	err = do(r, files)
	if refusal(err) {
		w.Refused, err = err.Error(), nil
	}
	if err != nil {
		return nil, err
	}
	w.Made, w.FromStore = r.Counts()
	return w, trimAfterRun(c, r.Store, now())
}

// Shards is how much is to be done, and a number of shards for it.
type Shards struct {
	AsOf    returns.Date `json:"as_of"`
	Missing []Missing    `json:"missing"`
	Seconds float64      `json:"seconds"` // of a processor, of what has a measured cost
	Shards  int          `json:"shards"`  // 0: nothing is to be done
	Workers int          `json:"workers"` // of each shard
	Unknown bool         `json:"unknown"` // some stage has no measured cost
}

// Missing are the actions of a stage whose results the cache does not have.
type Missing struct {
	Stage   string  `json:"stage"`
	Actions int     `json:"actions"`
	Each    float64 `json:"seconds_each"` // of a processor; 0: not measured yet
}

// shardSeconds is how long a shard should work: long beside the start of a process, short
// beside a night.
const shardSeconds = 600

// PlanShards counts the missing actions of the forecasts of a run, or with backtest of a
// backtest and its sweep, and proposes a number of shards of ten minutes from the costs that
// earlier runs measured. It executes the cheap stages before the fits.
func PlanShards(ctx context.Context, c *config.Config, trials []Trial, backtest bool, now func() time.Time) (*Shards, error) {
	p := &planner{}
	files, r, err := open(ctx, c, p, now)
	if err != nil {
		return nil, err
	}
	p.local, r.Executor, r.KeepGoing = r.Executor, p, true
	s := &Shards{Workers: max(1, c.Workers)}
	count := tally{}
	if backtest {
		err = eachReplay(ctx, r, c, trials, files, func(q *replay) error { return count.replay(ctx, q, p) })
	} else {
		s.AsOf, err = count.night(ctx, r, c, files, p)
	}
	if err != nil {
		return nil, err
	}
	costs, units := r.Costs(), 0
	for stage, n := range count {
		m := Missing{Stage: stage, Actions: n, Each: costs[stage].Each()}
		s.Missing = append(s.Missing, m)
		s.Seconds += float64(n) * m.Each
		s.Unknown = s.Unknown || m.Each == 0
		units = max(units, n)
	}
	sort.Slice(s.Missing, func(i, j int) bool { return s.Missing[i].Stage < s.Missing[j].Stage })
	if units > 0 {
		s.Shards = min(units, max(1, int(math.Ceil(s.Seconds/float64(s.Workers)/shardSeconds))))
	}
	return s, nil
}

// tally counts missing actions by stage. Those whose inputs are not known yet are counted by
// what comes before them: a fit for each strategy, scenarios for each date.
type tally map[string]int

// add counts the actions that a plan would execute, and those behind them, for a date with
// so many strategies.
func (t tally) add(steps []Step, strategies int, updated bool) {
	seen := map[string]int{}
	for _, s := range steps {
		if s.Status == "recompute" && s.Stage != "returns" && s.Stage != "window" && s.Stage != "baselines" {
			seen[s.Stage]++
		}
	}
	if len(seen) == 0 {
		return
	}
	if seen["evidence"] > 0 {
		seen["bayes"] = strategies
	}
	if seen["bayes"] > 0 && updated {
		seen["update"] = strategies
	}
	seen["scenarios"] = 1
	for stage, n := range seen {
		t[stage] += n
	}
}

// night counts those of a run.
func (t tally) night(ctx context.Context, r *runner, c *config.Config, files *fetched, p *planner) (returns.Date, error) {
	d, in, c, err := r.undecided(ctx, c, files)
	if err != nil {
		return 0, err
	}
	f, err := d.window(ctx, r, in, c)
	if err == nil {
		err = d.simulate(ctx, r, f, in, c)
		t.add(p.take(), len(f.tree.Parts), in.anchor != in.asOf)
	}
	if errors.Is(err, errPlanned) || refusal(err) {
		err = nil
	}
	return in.asOf, err
}

// replay counts those of every date of a backtest. An action that several dates share is
// counted once.
func (t tally) replay(ctx context.Context, q *replay, p *planner) error {
	c := *q.c
	c.Backtest.Compare = nil // their weights are cheap
	q.c = &c
	alone := q.quietly()
	alone.Sink = p
	for _, d := range q.days {
		err := q.forecastOne(ctx, alone, d)
		if err != nil && !errors.Is(err, errPlanned) {
			return err
		}
		if d.forecast != nil {
			t.add(p.take(), len(d.forecast.tree.Parts), q.on(d).anchor != d.asOf)
		}
	}
	return nil
}
