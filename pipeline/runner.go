package pipeline

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"allocate/pipeline/store"
)

// Runner does Actions that the store does not know yet.
type Runner struct {
	Stages   map[string]Stage
	Store    *store.Store
	Executor Executor
	Sink     Sink
	Workers  int
	// KeepGoing does the other actions of a stage when one fails; the stage
	// still fails in the end, with every error.
	KeepGoing bool
	// Fresh names stages whose stored results are not to be used.
	Fresh map[string]bool
	Now   func() time.Time
}

// Result is an Action and where its result lies.
type Result struct {
	Action  Action
	Content ContentID
	Bytes   []byte
	Hit     bool
	Elapsed time.Duration
}

// Stage does the actions of one stage, up to Workers at once, and returns
// their results in the order of the actions. The first error ends it, or with
// KeepGoing the last.
func (r *Runner) Stage(ctx context.Context, name string, actions []Action) ([]Result, error) {
	began := r.Now()
	r.Sink.Event(Event{Kind: StageStarted, Stage: name, Total: len(actions)})
	results := make([]Result, len(actions))
	failed := make([]error, len(actions))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, r.Workers))
	for i, a := range actions {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			results[i], failed[i] = r.do(ctx, a)
			if r.KeepGoing {
				return ctx.Err()
			}
			return failed[i]
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	hits := 0
	for _, res := range results {
		if res.Hit {
			hits++
		}
	}
	r.Sink.Event(Event{Kind: StageFinished, Stage: name, Done: hits, Total: len(actions), Elapsed: r.Now().Sub(began)})
	return results, nil
}

// do returns the result of an action from the store, or makes it.
func (r *Runner) do(ctx context.Context, a Action) (Result, error) {
	began := r.Now()
	id := a.ID()
	event := Event{Stage: a.Stage, Unit: a.Unit, Action: id}
	tell := func(kind EventKind, err error) {
		e := event
		e.Kind, e.Err, e.Elapsed = kind, err, r.Now().Sub(began)
		r.Sink.Event(e)
	}
	content, err := ContentID(""), store.ErrMissing
	if !r.Fresh[a.Stage] {
		content, err = r.Store.Lookup(id)
	}
	if err == nil {
		var b []byte
		if b, err = r.Store.Get(content); err == nil {
			err = r.complete(a, b)
		}
		if err == nil {
			event.Content = content
			r.Store.Touch(r.Now(), id, content)
			tell(ActionHit, nil)
			return Result{Action: a, Content: content, Bytes: b, Hit: true, Elapsed: r.Now().Sub(began)}, nil
		}
	}
	if !errors.Is(err, store.ErrMissing) {
		tell(Damaged, err)
	}
	tell(ActionStarted, nil)
	content, err = r.Executor.Execute(ctx, a, r.Store, r.Sink)
	if err != nil {
		if ctx.Err() == nil {
			tell(ActionFailed, err)
		}
		return Result{}, err
	}
	b, err := r.Store.Get(content)
	if err != nil {
		return Result{}, err
	}
	event.Content = content
	tell(ActionFinished, nil)
	return Result{Action: a, Content: content, Bytes: b, Elapsed: r.Now().Sub(began)}, nil
}

// complete reports a part that a stored tree names but the store has lost.
func (r *Runner) complete(a Action, b []byte) error {
	if !r.Stages[a.Stage].Tree {
		return nil
	}
	t, err := decodeTree(b)
	if err != nil {
		return err
	}
	parts := t.Parts
	if t.History != "" {
		parts = append(slices.Clone(parts), Part{historyFile, t.History})
	}
	for _, part := range parts {
		if _, err := r.Store.Get(part.Content); err != nil {
			return err
		}
	}
	return nil
}
