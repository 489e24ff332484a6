package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/pipeline/store"
	"allocate/returns"
)

// Rebuilt is one file of a run, made again.
type Rebuilt struct {
	Name string
	Data []byte
}

// Rebuild makes the reports of a published run again, from the stored results
// that run.json names, as this version of the program writes them. The run
// itself stays as it was published. With png its charts are there as images,
// too, below figures/.
func Rebuild(ctx context.Context, dir string, png bool, s *store.Disk, sink engine.Sink, now func() time.Time) ([]Rebuilt, error) {
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
