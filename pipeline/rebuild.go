package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

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
func Rebuild(ctx context.Context, dir string, png bool, s *store.Store, sink Sink, now func() time.Time) ([]Rebuilt, error) {
	m, err := ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	a, err := storedAction(m, "reports", s)
	if err != nil {
		return nil, err
	}
	if png {
		var o reportOptions
		if err := json.Unmarshal(a.Options, &o); err != nil {
			return nil, err
		}
		o.PNG = true
		if a.Options, err = canonical(o); err != nil {
			return nil, err
		}
	}
	stages := Stages(1)
	a.Version = stages["reports"].Version
	r := &Runner{Stages: stages, Store: s, Sink: sink, Workers: 1, Now: now, Executor: Local{Stages: stages}, Fresh: map[string]bool{"reports": true}}
	results, err := r.Stage(ctx, "reports", []Action{a})
	if errors.Is(err, store.ErrMissing) {
		return nil, &returns.NotReadyError{Message: fmt.Sprintf("some results of %s are no longer stored (%v); run the day again", dir, err)}
	}
	if err != nil {
		return nil, err
	}
	tree, err := decodeTree(results[0].Bytes)
	if err != nil {
		return nil, err
	}
	var out []Rebuilt
	for _, part := range tree.Parts {
		if !filepath.IsLocal(part.Name) || strings.ContainsAny(part.Name, "\\\x00") {
			return nil, fmt.Errorf("pipeline: report: %q is no name of a file; the cache is damaged or was written by another program: allocate cache verify --remove", part.Name)
		}
		b, err := s.Get(part.Content)
		if err != nil {
			return nil, err
		}
		out = append(out, Rebuilt{part.Name, b})
	}
	return out, nil
}

// storedAction returns the action of a stage of a run that has one.
func storedAction(m *Manifest, stage string, s *store.Store) (Action, error) {
	for _, st := range m.Stages {
		if st.Name != stage || len(st.Actions) != 1 {
			continue
		}
		b, err := s.Get(st.Actions[0].Action)
		if err != nil {
			return Action{}, &returns.NotReadyError{Message: fmt.Sprintf("what the run did is no longer stored (%v); run the day again", err)}
		}
		var a Action
		return a, json.Unmarshal(b, &a)
	}
	return Action{}, &returns.NotReadyError{Message: fmt.Sprintf("the run has no stage %s", stage)}
}
