package pipeline

import (
	"context"
	"io"
	"time"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/pipeline/store"
)

// OpenStore opens the cache in a folder.
func OpenStore(dir string) (*store.Disk, error) { return store.Open(dir) }

// Trim deletes results unused since before, and then the least recently used
// ones until at most mostBytes are left (0: no limit). It keeps the results of
// the last published run and those of running processes.
func Trim(c *config.Config, s engine.Trimmer, now, before time.Time, mostBytes int64) (removed int, freed int64, err error) {
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
	open := func(dir string) (engine.Store, error) { return store.Open(dir) }
	return engine.Serve(ctx, Stages(1), open, in, out)
}
