// Package temporal executes actions by workers of Temporal, on any machines that reach the
// cache. The program that runs a night or a backtest looks the actions of a stage up, hands
// over batches of them as standalone activities, and goes on with their results. A batch is
// named by the hash of its actions, so that a program that is started again finds the batches
// of the one before; a worker looks an action up before it executes it, so that nothing that is
// done is done again. Only IDs travel: actions and results are in the cache.
package temporal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	sdk "go.temporal.io/sdk/temporal"

	"allocate/config"
	"allocate/pipeline"
	"allocate/pipeline/engine"
	"allocate/pipeline/store"
)

// Name is the executor's in the configuration.
const Name = "temporal"

func init() {
	pipeline.RegisterExecutor(Name, func(c *config.Config, s engine.Maintainer, local engine.Local) (engine.Executor, error) {
		location, err := forWorkers(s.Dir())
		if err != nil {
			return nil, err
		}
		connection, err := Dial(nil)
		if err != nil {
			return nil, err
		}
		return &Executor{Client: connection, Queue: Queue(local.Stages), Local: local, Location: location, Book: book(c), Priority: ordinary, Lost: 20 * time.Second}, nil
	})
}

// Dial connects to the server that the environment or the configuration file of Temporal names
// (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_*; without them
// localhost:7233). The client's messages go to logger, if there is one: errors are returned, but
// those of a worker, which goes on. The error is a *store.RemoteError.
func Dial(logger log.Logger) (client.Client, error) {
	o, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, &config.Error{Err: fmt.Errorf("temporal: %w", err)}
	}
	if o.Logger = logger; logger == nil {
		o.Logger = silent{}
	}
	c, err := client.Dial(o)
	if err != nil {
		where := o.HostPort
		if where == "" {
			where = client.DefaultHostPort
		}
		return nil, &store.RemoteError{Server: "server of Temporal " + where, Text: err.Error(), Temporary: true}
	}
	return c, nil
}

type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

// Queue is the name of the task queue of workers whose results are the same: those of the same
// versions of the stages, architecture and version of Go.
func Queue(stages map[string]engine.Stage) string {
	var versions []string
	for name, s := range stages {
		versions = append(versions, fmt.Sprintf("%s %d", name, s.Version))
	}
	slices.Sort(versions)
	return "allocate-" + store.Sum([]byte(engine.Arch()+"\n"+strings.Join(versions, "\n"))).Short()
}

// book names whose work it is, for fairness between books: the folder of published runs.
func book(c *config.Config) string { return store.Sum([]byte(c.Out)).Short() }

// remote are the stages that take long enough to be handed over.
var remote = map[string]bool{"evidence": true, "bayes": true, "update": true, "holdout": true, "scenarios": true, "fan": true, "walkforward": true}

// Executor hands actions over to workers.
type Executor struct {
	Client   client.Client
	Queue    string
	Local    engine.Local
	Location string        // of the cache, for the workers
	Book     string        // fairness key
	Priority int           // 1 to 5, the lower the earlier
	Lost     time.Duration // a worker without a heartbeat for so long is given up

	mu          sync.Mutex
	asked, told time.Time // when a batch that waits or fails was asked about, and reported
}

// Priorities of batches.
const (
	urgent   = 2
	ordinary = 4
)

// Prioritize implements engine.Prioritizer.
func (x *Executor) Prioritize() { x.Priority = urgent }

// Remote implements engine.Batcher.
func (x *Executor) Remote(stage string) bool { return remote[stage] }

// Execute implements engine.Executor.
func (x *Executor) Execute(ctx context.Context, a engine.Action, s engine.Store, sink engine.Sink) (engine.ContentID, error) {
	if !x.Remote(a.Stage) {
		return x.Local.Execute(ctx, a, s, sink)
	}
	done, err := x.ExecuteAll(ctx, []engine.Action{a}, s, sink)
	if err != nil {
		return "", err
	}
	return done[0].Content, done[0].Err
}

// ActivityName is the name under which a worker executes batches.
const ActivityName = "execute-actions"

// Batch is the input of the activity, Done its output.
type (
	Batch struct {
		Location string
		Actions  []engine.ActionID // in the cache
	}
	Done struct{ Results []Result }
	// Result is the outcome of an action.
	Result struct {
		Content engine.ContentID
		Err     []byte  // of engine.EncodeError
		Seconds float64 // 0: it was in the cache
	}
)

// ID names a batch by its actions and the cache that is to have their results: a batch for another
// cache is not the same.
func (b Batch) ID() string {
	var text strings.Builder
	text.WriteString(b.Location + "\n")
	for _, id := range b.Actions {
		text.WriteString(string(id))
	}
	return "actions-" + string(store.Sum([]byte(text.String())))
}

// ExecuteAll implements engine.Batcher.
func (x *Executor) ExecuteAll(ctx context.Context, actions []engine.Action, s engine.Store, sink engine.Sink) ([]engine.Executed, error) {
	b := Batch{Location: x.Location}
	for _, a := range actions {
		id, err := s.Put(a.Encode())
		if err != nil {
			return nil, err
		}
		b.Actions = append(b.Actions, id)
	}
	o := client.StartActivityOptions{
		ID: b.ID(), TaskQueue: x.Queue, Summary: fmt.Sprintf("%d of %v", len(actions), actions[0]),
		StartToCloseTimeout: 6 * time.Hour, HeartbeatTimeout: x.Lost,
		ActivityIDConflictPolicy: enums.ACTIVITY_ID_CONFLICT_POLICY_USE_EXISTING,
		ActivityIDReusePolicy:    enums.ACTIVITY_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		RetryPolicy:              &sdk.RetryPolicy{InitialInterval: time.Second, MaximumInterval: 30 * time.Second, MaximumAttempts: 100},
		Priority:                 sdk.Priority{PriorityKey: x.Priority, FairnessKey: x.Book, FairnessWeight: 1},
	}
	var done Done
	err := persist(ctx, func() error {
		h, err := x.Client.ExecuteActivity(ctx, o, ActivityName, b)
		if err != nil {
			return err
		}
		defer x.watch(ctx, h, actions[0], sink)()
		return h.Get(ctx, &done)
	})
	if err != nil {
		return nil, failed(ctx, actions[0], err)
	}
	if len(done.Results) != len(actions) {
		return nil, fmt.Errorf("temporal: %d results of %d actions", len(done.Results), len(actions))
	}
	out := make([]engine.Executed, len(actions))
	for i, r := range done.Results {
		out[i] = engine.Executed{Content: r.Content, Seconds: r.Seconds}
		if len(r.Err) > 0 {
			if out[i].Err, err = engine.DecodeError(r.Err); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// persist repeats f while the server cannot be reached, for some minutes: a batch that was
// handed over goes on, and is found again under its name.
func persist(ctx context.Context, f func() error) error {
	const patience = 10 * time.Minute
	var since time.Time
	for pause := time.Second; ; pause = min(2*pause, 15*time.Second) {
		began := time.Now()
		err := f()
		if err == nil || !unreachable(err) || ctx.Err() != nil {
			return err
		}
		if since.IsZero() || time.Since(began) > time.Minute {
			since, pause = began, time.Second
		}
		if time.Since(since) > patience {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// unreachable reports an error of the way to the server, or of the server itself.
func unreachable(err error) bool {
	var (
		unavailable *serviceerror.Unavailable
		internal    *serviceerror.Internal
		exhausted   *serviceerror.ResourceExhausted
		deadline    *serviceerror.DeadlineExceeded
		gone        *serviceerror.NotFound // a server that lost it
		namespace   *serviceerror.NamespaceNotFound
	)
	return errors.As(err, &unavailable) || errors.As(err, &internal) || errors.As(err, &exhausted) || errors.As(err, &deadline) || errors.As(err, &gone) && !errors.As(err, &namespace)
}

// failed describes a batch that has no outcome. It is never an error of a stage, with which a
// backtest would keep the weights of the date before: nothing is known about the actions.
func failed(ctx context.Context, a engine.Action, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var (
		byWorkers *sdk.ActivityError
		ended     *sdk.ApplicationError
		answer    serviceerror.ServiceError
	)
	switch {
	case unreachable(err):
		return &store.RemoteError{Server: "server of Temporal", Text: err.Error(), Temporary: true}
	case errors.As(err, &ended) && ended.Type() == remoteErrorType:
		return &store.RemoteError{Server: "workers of Temporal", Text: ended.Message(), Temporary: true}
	case errors.As(err, &answer) && !errors.As(err, &byWorkers):
		return &store.RemoteError{Server: "server of Temporal", Text: err.Error()}
	}
	return fmt.Errorf("temporal: %v: %w", a, err)
}

// remoteErrorType is how the SDK names the type of a worker's error of its cache.
const remoteErrorType = "RemoteError"

// forWorkers is the location of a cache for workers: a path of a folder, whatever folder they were
// started in; a bucket without the folder of this machine.
func forWorkers(location string) (string, error) {
	if !store.IsS3(location) {
		return filepath.Abs(location)
	}
	l, err := store.ParseLocation(location)
	if err != nil {
		return "", err
	}
	l.Local = ""
	return l.String(), nil
}

// watch reports a batch that waits or fails, at intervals until it is stopped: nobody may serve the
// queue, and workers repeat what fails for them in silence.
func (x *Executor) watch(ctx context.Context, h client.ActivityHandle, a engine.Action, sink engine.Sink) (stop func()) {
	const interval = 30 * time.Second
	within, cancel := context.WithCancel(ctx)
	end := store.Every(interval, func() {
		if !x.ask() {
			return
		}
		d, err := h.Describe(within, client.DescribeActivityOptions{IncludeLastFailure: true})
		if err != nil {
			return // the wait for the outcome reports it
		}
		why := ""
		switch {
		case d.RunState == enums.PENDING_ACTIVITY_STATE_SCHEDULED && d.Attempt <= 1:
			if x.served(within) {
				return
			}
			why = "no worker serves the task queue " + x.Queue + ": start allocate-temporal worker, of the same release and architecture"
		case d.Attempt > 1:
			why = fmt.Sprintf("attempt %d of a batch", d.Attempt)
			if last := d.GetLastFailure(); last != nil {
				why += "; before: " + last.Error()
			}
		default:
			return
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		if now := time.Now(); now.Sub(x.told) > interval/2 { // one line for all batches that wait
			x.told = now
			sink.Event(engine.Event{Kind: engine.Waiting, Stage: a.Stage, Unit: a.Unit, Err: errors.New(why)})
		}
	})
	return func() { cancel(); end() }
}

// ask bounds the questions about thousands of batches to two a second.
func (x *Executor) ask() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := time.Now()
	if now.Sub(x.asked) < 500*time.Millisecond {
		return false
	}
	x.asked = now
	return true
}

// served reports that some worker asked for work lately, or that this is not known.
func (x *Executor) served(ctx context.Context) bool {
	d, err := x.Client.DescribeTaskQueue(ctx, x.Queue, enums.TASK_QUEUE_TYPE_ACTIVITY)
	return err != nil || len(d.Pollers) > 0
}
