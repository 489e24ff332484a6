package engine

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"allocate/pipeline/store"
)

// Runner does the actions whose results the store does not have yet.
type Runner struct {
	Stages   map[string]Stage
	Store    Store
	Executor Executor
	Sink     Sink
	Workers  int // actions of a stage that are done at once
	// KeepGoing does the other actions of a stage when one fails; the stage
	// still fails in the end, with every error.
	KeepGoing bool
	// Shard is the part of this process where several divide the actions; nil: it is alone.
	Shard *Shard
	// Fresh names stages whose stored results are not to be used.
	Fresh map[string]bool
	Now   func() time.Time

	// made has by content the Action that made it, or of which it is a part, or
	// the bytes that were provided.
	made *sync.Map
	// costs of the actions that were executed.
	costs *costs
}

// NewRunner returns a runner that also makes results again that are deleted from
// the store before they are read.
func NewRunner(stages map[string]Stage, s Store, e Executor, sink Sink, workers int, now func() time.Time) *Runner {
	return &Runner{Stages: stages, Store: s, Executor: e, Sink: sink, Workers: workers, Now: now, made: &sync.Map{}, costs: &costs{}}
}

// Result is an action and where its result lies; Runner.Bytes reads it.
type Result struct {
	Action  Action
	Content ContentID
	Hit     bool // the store had it
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
	ids := make([]ActionID, len(actions))
	for i, a := range actions {
		ids[i] = a.ID()
	}
	outcome := func(ctx context.Context, i int, res Result, err error) error {
		results[i], failed[i] = res, err
		if r.KeepGoing && !errors.Is(err, ErrTaken) {
			return ctx.Err()
		}
		return err
	}
	var err error
	if b, ok := r.Executor.(Batcher); ok && b.Remote(name) {
		err = r.batches(ctx, b, actions, ids, outcome)
	} else {
		err = r.Shard.Each(ctx, ids, r.Workers, func(ctx context.Context, i int) error {
			res, err := r.do(ctx, actions[i])
			return outcome(ctx, i, res, err)
		})
	}
	if err != nil {
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

// Bytes reads a result, verified. One that was deleted or damaged since it was
// made is made again.
func (r *Runner) Bytes(ctx context.Context, res Result) ([]byte, error) {
	b, err := r.Store.Get(res.Content)
	if !lost(err) {
		return b, err
	}
	content, err := r.execute(ctx, res.Action)
	if err != nil {
		return nil, err
	}
	return r.Store.Get(content)
}

// Tree reads a result that is a Tree.
func (r *Runner) Tree(ctx context.Context, res Result) (Tree, error) {
	b, err := r.Bytes(ctx, res)
	if err != nil {
		return Tree{}, err
	}
	return DecodeTree(b)
}

// lost reports an error of a store that making the content again repairs.
func lost(err error) bool {
	return errors.Is(err, store.ErrMissing) || errors.Is(err, store.ErrDamaged)
}

// do returns the result of an action from the store, or makes it.
func (r *Runner) do(ctx context.Context, a Action) (Result, error) {
	began := r.Now()
	id := a.ID()
	res := Result{Action: a}
	tell := func(kind EventKind, err error) { r.tell(&res, id, began, kind, err) }
	found := func() error { return r.find(&res, id, began) }
	var remote *store.RemoteError
	err := found()
	if err == nil || errors.As(err, &remote) {
		return res, err
	}
	release, failed := r.claim(id)
	if failed != nil {
		return res, failed
	}
	defer release()
	if r.Shard != nil { // another may have done it since
		if err = found(); err == nil || errors.As(err, &remote) {
			return res, err
		}
	}
	if !errors.Is(err, store.ErrMissing) {
		tell(Damaged, err)
	}
	tell(ActionStarted, nil)
	end := r.costs.begin(a.Stage, runtime.GOMAXPROCS(0))
	started := r.Now()
	res.Content, err = r.execute(ctx, a)
	end(r.Now().Sub(started))
	if err != nil {
		if ctx.Err() == nil {
			tell(ActionFailed, err)
		}
		return Result{}, err
	}
	tell(ActionFinished, nil)
	return res, nil
}

func (r *Runner) tell(res *Result, id ActionID, began time.Time, kind EventKind, err error) {
	res.Elapsed = r.Now().Sub(began)
	r.Sink.Event(Event{Kind: kind, Stage: res.Action.Stage, Unit: res.Action.Unit, Action: id, Content: res.Content, Err: err, Elapsed: res.Elapsed})
}

func (r *Runner) find(res *Result, id ActionID, began time.Time) error {
	content, parts, err := r.stored(res.Action, id)
	if err != nil {
		return err
	}
	res.Content, res.Hit = content, true
	r.Store.Touch(r.Now(), id, append(parts, content)...)
	r.remember(res.Action, content, parts)
	r.tell(res, id, began, ActionHit, nil)
	r.costs.hit()
	return nil
}

// stored looks an action up, and verifies its result and every part that it
// names.
func (r *Runner) stored(a Action, id ActionID) (content ContentID, parts []ContentID, err error) {
	if r.Fresh[a.Stage] {
		return "", nil, store.ErrMissing
	}
	if content, err = r.Store.Lookup(id); err != nil {
		return "", nil, err
	}
	b, err := r.Store.Get(content)
	if err != nil {
		return "", nil, err
	}
	parts = r.Stages[a.Stage].Contents(b)
	for _, part := range parts {
		if _, err := r.Store.Get(part); err != nil {
			return "", nil, err
		}
	}
	return content, parts, nil
}

// execute does an action. Inputs that were deleted from the store since they
// were made are made again, once.
func (r *Runner) execute(ctx context.Context, a Action) (ContentID, error) {
	content, err := r.Executor.Execute(ctx, a, r.Store, r.Sink)
	if lost(err) && r.remake(ctx, a) {
		content, err = r.Executor.Execute(ctx, a, r.Store, r.Sink)
	}
	if err != nil {
		return "", err
	}
	return content, r.keep(a, content)
}

// keep remembers an action that was executed, and the parts of its result.
func (r *Runner) keep(a Action, content ContentID) error {
	var parts []ContentID
	if stage := r.Stages[a.Stage]; stage.Tree && r.made != nil {
		b, err := r.Store.Get(content)
		if err != nil {
			return err
		}
		parts = stage.Contents(b)
	}
	r.remember(a, content, parts)
	return nil
}

// remember notes which action made a content and its parts.
func (r *Runner) remember(a Action, content ContentID, parts []ContentID) {
	if r.made == nil {
		return
	}
	r.made.Store(content, a)
	for _, id := range parts {
		r.made.Store(id, a)
	}
}

// Provide puts content that no action makes into the store, and again if it is
// deleted there before it is read.
func (r *Runner) Provide(b []byte) (ContentID, error) {
	id, err := r.Store.Put(b)
	if r.made != nil {
		r.made.Store(id, b)
	}
	return id, err
}

// remake makes the inputs of an action again that were deleted from the store or
// damaged there since they were made. It reports whether there were any.
func (r *Runner) remake(ctx context.Context, a Action) bool {
	again := false
	if r.made == nil {
		return false
	}
	for _, in := range a.Inputs {
		if b, err := r.Store.Get(in.Content); err == nil {
			// The other machine does not find it.
			if _, elsewhere := r.Executor.(Batcher); elsewhere {
				_, err = Restore(r.Store, b)
				again = again || err == nil
			}
			continue
		}
		var err error
		switch from, _ := r.made.Load(in.Content); from := from.(type) {
		case Action:
			_, err = r.execute(ctx, from)
		case []byte:
			_, err = r.Store.Put(from)
		default:
			continue // of a command before this one
		}
		again = again || err == nil
	}
	return again
}
