package pipeline

import (
	"context"
	"errors"
	"slices"
	"sync"
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

	made *sync.Map // by content: the action that it is the result, or a part of the result, of; nil: nothing is made again
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
			r.Store.Touch(r.Now(), id, append(r.parts(a, b), content)...)
			r.remember(a, content, b)
			tell(ActionHit, nil)
			return Result{Action: a, Content: content, Bytes: b, Hit: true, Elapsed: r.Now().Sub(began)}, nil
		}
	}
	if !errors.Is(err, store.ErrMissing) {
		tell(Damaged, err)
	}
	tell(ActionStarted, nil)
	content, err = r.Executor.Execute(ctx, a, r.Store, r.Sink)
	if (errors.Is(err, store.ErrMissing) || errors.Is(err, store.ErrDamaged)) && r.remake(ctx, a) {
		content, err = r.Executor.Execute(ctx, a, r.Store, r.Sink)
	}
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
	r.remember(a, content, b)
	tell(ActionFinished, nil)
	return Result{Action: a, Content: content, Bytes: b, Elapsed: r.Now().Sub(began)}, nil
}

// parts returns the contents that the result of an action names.
func (r *Runner) parts(a Action, b []byte) []ContentID {
	if !r.Stages[a.Stage].Tree {
		return nil
	}
	t, err := decodeTree(b)
	if err != nil {
		return nil
	}
	var ids []ContentID
	for _, p := range t.Parts {
		ids = append(ids, p.Content)
	}
	if t.History != "" {
		ids = append(ids, t.History)
	}
	return ids
}

// remember notes where contents are from, so that one that gets lost before it
// is read can be made again.
func (r *Runner) remember(a Action, content ContentID, b []byte) {
	if r.made == nil {
		return
	}
	for _, id := range append(r.parts(a, b), content) {
		r.made.Store(id, a)
	}
}

// remake makes the inputs of an action again that somebody has deleted from the
// store since they were made, and those of theirs. It reports whether there were
// any.
func (r *Runner) remake(ctx context.Context, a Action) bool {
	again := false
	if r.made == nil {
		return false
	}
	for _, in := range a.Inputs {
		if _, err := r.Store.Get(in.Content); err == nil {
			continue
		}
		from, ok := r.made.Load(in.Content)
		if !ok {
			continue // a file of the user's
		}
		first := from.(Action)
		_, err := r.Executor.Execute(ctx, first, r.Store, r.Sink)
		if errors.Is(err, store.ErrMissing) && r.remake(ctx, first) {
			_, err = r.Executor.Execute(ctx, first, r.Store, r.Sink)
		}
		again = again || err == nil
	}
	return again
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
