package engine

import (
	"context"
	"errors"
	"math"

	"golang.org/x/sync/errgroup"

	"allocate/pipeline/store"
)

const (
	// batchSeconds is how long a batch of actions should take: long beside handing it over,
	// short beside doing it again.
	batchSeconds = 15
	// mostBatched bounds the number of actions of a batch.
	mostBatched = 256
	// lookups is the number of actions that are looked up at once in a shared store.
	lookups = 32
)

// batchSize is the number of actions of a batch where one costs so many seconds (0: unknown).
// It is a power of two: the batches of a stage stay the same while its cost changes a little.
func batchSize(each float64) int {
	if each <= 0 {
		each = 1
	}
	return max(1, min(mostBatched, 1<<max(0, int(math.Round(math.Log2(batchSeconds/each))))))
}

// batches does the actions of a stage that are executed elsewhere. All actions are divided into
// batches, whatever the store has of them: a process that is started again hands over the same
// batches, which may be in progress.
func (r *Runner) batches(ctx context.Context, b Batcher, actions []Action, ids []ActionID, outcome func(ctx context.Context, i int, res Result, err error) error) error {
	began := r.Now()
	results := make([]Result, len(actions))
	missing := make([]bool, len(actions))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for i, a := range actions {
		results[i].Action = a
		group.Go(func() error {
			err := r.find(&results[i], ids[i], began)
			var remote *store.RemoteError
			switch {
			case err == nil:
				return outcome(within, i, results[i], nil)
			case errors.As(err, &remote):
				return err
			case !errors.Is(err, store.ErrMissing):
				r.tell(&results[i], ids[i], began, Damaged, err)
			}
			missing[i] = true
			return within.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	size := batchSize(r.costOf(actions))
	group, within = errgroup.WithContext(ctx)
	for from := 0; from < len(actions); from += size {
		to := min(from+size, len(actions))
		some := false
		for i := from; i < to; i++ {
			some = some || missing[i]
		}
		if some {
			group.Go(func() error {
				return r.batch(within, b, actions[from:to], ids[from:to], missing[from:to], results[from:to], func(i int, res Result, err error) error { return outcome(within, from+i, res, err) })
			})
		}
	}
	return group.Wait()
}

// costOf is the mean cost of the actions of a stage, 0 where it is not known.
func (r *Runner) costOf(actions []Action) float64 {
	if len(actions) == 0 || r.costs == nil {
		return 0
	}
	stage := actions[0].Stage
	r.costs.mu.Lock()
	if r.costs.known == nil {
		r.costs.known = r.Costs() // once a process
	}
	c := r.costs.known[stage]
	r.costs.mu.Unlock()
	return c.Each()
}

func (r *Runner) batch(ctx context.Context, b Batcher, actions []Action, ids []ActionID, missing []bool, results []Result, outcome func(i int, res Result, err error) error) error {
	began := r.Now()
	for i := range actions {
		if missing[i] {
			r.tell(&results[i], ids[i], began, ActionStarted, nil)
		}
	}
	done, err := b.ExecuteAll(ctx, actions, r.Store, r.Sink)
	if err != nil {
		return err
	}
	for i, d := range done {
		if !missing[i] {
			continue
		}
		res := &results[i]
		res.Content, err = d.Content, d.Err
		if lost(err) && r.remake(ctx, actions[i]) {
			res.Content, err = r.Executor.Execute(ctx, actions[i], r.Store, r.Sink)
		}
		if err == nil {
			err = r.keep(actions[i], res.Content)
		}
		if err == nil {
			if d.Seconds > 0 {
				r.costs.add(actions[i].Stage, d.Seconds)
			}
			r.tell(res, ids[i], began, ActionFinished, nil)
		} else if ctx.Err() == nil {
			r.tell(res, ids[i], began, ActionFailed, err)
		}
		if err := outcome(i, *res, err); err != nil {
			return err
		}
	}
	return nil
}
