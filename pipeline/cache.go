package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/pipeline/store"
	"allocate/pipeline/store/s3"
	"allocate/returns"
)

// OpenStore opens the cache at a location: a folder, or s3://bucket/prefix.
func OpenStore(location string) (engine.Maintainer, error) {
	if store.IsS3(location) {
		return s3.Open(location)
	}
	return store.Open(location)
}

// trimAfterRun keeps the cache of this machine within the configured size. A shared
// bucket is trimmed by its owner, with allocate cache trim.
func trimAfterRun(c *config.Config, s engine.Store, now time.Time) error {
	if shared, ok := s.(*s3.Store); ok {
		s = shared.Local()
	}
	cache, ok := s.(engine.Maintainer)
	if !ok || c.CacheMax == 0 {
		return nil
	}
	_, _, err := Trim(c, cache, now, time.Time{}, int64(c.CacheMax)<<20)
	return err
}

// Trim deletes results unused since before, and then the least recently used
// ones until at most mostBytes are left (0: no limit). It keeps the results of
// the last published run and those of running processes.
func Trim(c *config.Config, s engine.Maintainer, now, before time.Time, mostBytes int64) (removed int, freed int64, err error) {
	keep := map[store.ID]bool{}
	if v, err := published.Open(published.NewList(c.Out).Newest()); err == nil { // a damaged run keeps nothing
		for _, id := range v.Contents() {
			keep[id] = true
		}
		stages := Stages(1)
		for _, stage := range v.Manifest.Stages {
			for _, a := range stage.Actions {
				if b, err := s.Get(a.Content); err == nil {
					for _, part := range stages[stage.Name].Contents(b) {
						keep[part] = true
					}
				}
			}
		}
	}
	return s.Trim(now, before, mostBytes, keep)
}

// ExecuteCommand is the command line argument by which this program executes one
// action for another process of it, as Execute does.
const ExecuteCommand = "execute-action"

// Execute executes the action read from in and writes the response; see
// engine.Serve. It uses one goroutine: the caller has many of these processes.
func Execute(ctx context.Context, in io.Reader, out io.Writer) error {
	open := func(location string) (engine.Store, error) { return OpenStore(location) }
	return engine.Serve(ctx, Stages(1), open, in, out)
}

// Rebuilt is one file of a run, made again.
type Rebuilt struct {
	Name string
	Data []byte
}

// Rebuild makes the reports of a published run again, from the stored results
// that run.json names, as this version of the program writes them. The run
// itself stays as it was published. With png its charts are there as images,
// too, below figures/.
func Rebuild(ctx context.Context, dir string, png bool, s engine.Store, sink engine.Sink, now func() time.Time) ([]Rebuilt, error) {
	m, err := published.ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	a, err := published.StoredAction(m, "reports", s)
	if err != nil {
		return nil, err
	}
	if png {
		var o reportOptions
		if err := json.Unmarshal(a.Options, &o); err != nil {
			return nil, err
		}
		o.PNG = true
		if a.Options, err = engine.Canonical(o); err != nil {
			return nil, err
		}
	}
	stages := Stages(1)
	a.Version = stages["reports"].Version
	r := &engine.Runner{Stages: stages, Store: s, Sink: sink, Workers: 1, Now: now, Executor: engine.Local{Stages: stages}, Fresh: map[string]bool{"reports": true}}
	results, err := r.Stage(ctx, "reports", []engine.Action{a})
	if errors.Is(err, store.ErrMissing) {
		return nil, &returns.NotReadyError{Message: fmt.Sprintf("results of %s are no longer cached (%v); run that date again", dir, err)}
	}
	if err != nil {
		return nil, err
	}
	tree, err := r.Tree(ctx, results[0])
	if err != nil {
		return nil, err
	}
	var out []Rebuilt
	for _, part := range tree.Parts {
		if !filepath.IsLocal(part.Name) || strings.ContainsAny(part.Name, "\\\x00") {
			return nil, fmt.Errorf("pipeline: report: invalid file name %q; the cache is damaged: run allocate cache verify --remove", part.Name)
		}
		b, err := s.Get(part.Content)
		if err != nil {
			return nil, err
		}
		out = append(out, Rebuilt{part.Name, b})
	}
	return out, nil
}
