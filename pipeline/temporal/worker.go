package temporal

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"

	"allocate/pipeline"
	"allocate/pipeline/engine"
	"allocate/pipeline/store"
)

// Worker executes batches of actions.
type Worker struct {
	Slots int           // batches at once
	Local string        // folder of local copies, for caches in a bucket
	Grace time.Duration // that batches have to end after Stop, before another worker does them
	// Run runs a command of the program, for nights; nil: this worker has no nights.
	Run RunCommand
	// Executed is called after every action that was executed; nil: nobody asks.
	Executed func(a engine.Action, seconds float64, err error)

	mu     sync.Mutex
	stores map[string]*opened
}

type opened struct {
	engine.Maintainer
	release func()
}

// Serve works until ctx ends. Batches that it does not end within Grace are executed again
// elsewhere, without the actions that are done.
func (w *Worker) Serve(ctx context.Context, c client.Client) error {
	stages := pipeline.Stages(1)
	o := sdkworker.Options{
		MaxConcurrentActivityExecutionSize: w.Slots,
		WorkerStopTimeout:                  w.Grace,
		DisableWorkflowWorker:              w.Run == nil,
	}
	defer w.release() // after the batches in progress
	serve := func(register func() sdkworker.Worker) (sdkworker.Worker, error) {
		var s sdkworker.Worker
		// A server that goes away as a worker begins is waited for, as one that goes away later is.
		err := persist(ctx, func() error {
			s = register()
			return s.Start()
		})
		return s, err
	}
	s, err := serve(func() sdkworker.Worker {
		s := sdkworker.New(c, Queue(stages), o)
		s.RegisterActivityWithOptions(w.Execute, activity.RegisterOptions{Name: ActivityName})
		return s
	})
	if err != nil {
		return failed(ctx, engine.Action{}, err)
	}
	defer s.Stop()
	if w.Run != nil {
		nights, err := serve(func() sdkworker.Worker {
			s := sdkworker.New(c, NightQueue, sdkworker.Options{MaxConcurrentActivityExecutionSize: 4, WorkerStopTimeout: w.Grace})
			registerNight(s, w.Run)
			return s
		})
		if err != nil {
			return failed(ctx, engine.Action{}, err)
		}
		defer nights.Stop()
	}
	<-ctx.Done()
	return nil
}

func (w *Worker) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.stores {
		o.release()
	}
	w.stores = nil
}

// open opens the cache at a location, once.
func (w *Worker) open(location string) (engine.Store, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, ok := w.stores[location]; ok {
		return s.Maintainer, nil
	}
	own := location
	if store.IsS3(location) {
		l, err := store.ParseLocation(location)
		if err != nil {
			return nil, err
		}
		l.Local = w.Local
		own = l.String()
	} else if _, err := os.Stat(filepath.Join(location, "data")); err != nil {
		// Whoever hands work over has made it: an empty one in its place would be another cache.
		return nil, &store.RemoteError{Server: "cache " + location, Text: "not on this machine: workers need the folder under the same path", Temporary: true}
	}
	s, err := pipeline.OpenStore(own)
	if err != nil {
		return nil, err
	}
	release, err := s.Lease(time.Now())
	if err != nil {
		return nil, err
	}
	if w.stores == nil {
		w.stores = map[string]*opened{}
	}
	w.stores[location] = &opened{s, release}
	return s, nil
}

// Execute is the activity. An error of an action is part of its output; an error of the cache
// is the activity's, which the server has executed again.
func (w *Worker) Execute(ctx context.Context, b Batch) (*Done, error) {
	beat := func() { activity.RecordHeartbeat(ctx) }
	stop := store.Every(activity.GetInfo(ctx).HeartbeatTimeout/4, beat) // the executor sets it
	defer stop()
	s, err := w.open(b.Location)
	if err != nil {
		return nil, err
	}
	local := engine.Local{Stages: pipeline.Stages(1)}
	done := &Done{}
	for _, id := range b.Actions {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if content, err := s.Lookup(id); err == nil {
			if b, err := s.Get(content); err == nil {
				// It may be a copy of this machine that the bucket has no more.
				if _, err := engine.Restore(s, b); err != nil {
					return nil, err
				}
				s.Touch(time.Now(), id, content)
				done.Results = append(done.Results, Result{Content: content})
				continue
			}
		}
		r, err := w.execute(ctx, local, s, id, beat)
		if err != nil {
			return nil, err
		}
		done.Results = append(done.Results, r)
	}
	return done, nil
}

// execute executes one action. The error is one that another attempt may not have.
func (w *Worker) execute(ctx context.Context, local engine.Local, s engine.Store, id engine.ActionID, beat func()) (Result, error) {
	text, err := s.Get(id)
	if err != nil {
		return Result{}, err
	}
	var a engine.Action
	if err := json.Unmarshal(text, &a); err != nil {
		return Result{}, fmt.Errorf("temporal: action %s: %w", id.Short(), err)
	}
	began := time.Now()
	content, err := local.Execute(ctx, a, s, progress(beat))
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	var r Result
	r.Content, r.Seconds = content, max(time.Since(began).Seconds(), 1e-9)
	if w.Executed != nil {
		w.Executed(a, r.Seconds, err)
	}
	if err != nil {
		if temporary(err) {
			return Result{}, err
		}
		if r.Err, err = engine.EncodeError(err); err != nil {
			return Result{}, err
		}
	}
	return r, nil
}

// progress is a heartbeat at every event of a stage: the sampler tells of every hundred draws or so.
type progress func()

// Event implements engine.Sink.
func (p progress) Event(engine.Event) { p() }
