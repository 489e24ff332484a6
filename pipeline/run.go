package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"allocate/config"
	"allocate/pipeline/store"
	"allocate/returns"
	"allocate/returns/columnar"
)

// Outcome is what a nightly run did.
type Outcome struct {
	Dir      string // folder of the published revision
	Fresh    bool   // false: the same files had been published before
	Decision *Decision
}

// Run is the nightly run: read, decide, publish. Nothing is published unless
// everything succeeded. now is the clock, for the times in run.json only.
func Run(ctx context.Context, c *config.Config, sink Sink, now func() time.Time) (*Outcome, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	started := now()
	b, err := os.ReadFile(c.Returns.Path)
	if err != nil {
		return nil, &returns.NotReadyError{Message: fmt.Sprintf("%v; expected the file of daily returns that returns.path names", err)}
	}
	release, err := lock(c.Out)
	if err != nil {
		return nil, err
	}
	defer release()
	clearStaging(c.Out)
	s, err := store.Open(c.Cache)
	if err != nil {
		return nil, err
	}
	input := ManifestInput{Path: c.Returns.Path, SHA256: store.Sum(b), Bytes: int64(len(b))}
	stages := Stages(c.Workers)
	r := &Runner{
		Stages: stages, Store: s, Sink: sink, Workers: c.Workers, Now: now,
		Executor: Local{Stages: stages, Sources: Sources{input.SHA256: c.Returns.Path}},
	}

	read, panel, err := r.panel(ctx, input.SHA256, c)
	if err != nil {
		return nil, err
	}
	asOf := panel.Last()
	if c.AsOf != "" {
		if asOf, err = returns.ParseDate(c.AsOf); err != nil {
			return nil, err // Validate has seen it
		}
		if today := returns.DateOf(now()); asOf > today {
			return nil, &returns.NotReadyError{Message: fmt.Sprintf("the as-of day %v is in the future (today is %v)", asOf, today)}
		}
	}
	d, err := r.daily(ctx, read.Actions[0].Content, panel.Names(), asOf, c)
	if err != nil {
		return nil, err
	}
	m := &Manifest{
		AsOf: d.AsOf, Effective: d.Effective, Outcome: "published", Started: started, Finished: now(),
		Seed: c.Seed, Versions: versions(), Inputs: []ManifestInput{input}, Config: c,
		Stages: append([]ManifestStage{read}, d.Stages...), Files: d.Files, Findings: d.Findings,
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, fresh, err := publish(c.Out, m, s)
	if err != nil {
		return nil, err
	}
	return &Outcome{Dir: dir, Fresh: fresh, Decision: d}, nil
}

// panel reads the file into a panel, or finds that this was done before.
func (r *Runner) panel(ctx context.Context, file ContentID, c *config.Config) (ManifestStage, *returns.Panel, error) {
	read := c.Returns
	read.Path, read.Window, read.MinHistory, read.ShortHistory, read.MaxMedianAbs = "", "", 0, "", 0
	o, err := canonical(readOptions{File: filepath.Base(c.Returns.Path), Returns: read})
	if err != nil {
		return ManifestStage{}, nil, err
	}
	began := r.Now()
	a := Action{Stage: "returns", Version: r.Stages["returns"].Version, Options: o, Inputs: []Input{{"file", file}}, Arch: arch()}
	results, err := r.Stage(ctx, "returns", []Action{a})
	if err != nil {
		return ManifestStage{}, nil, err
	}
	t, err := columnar.DecodeIPC(results[0].Bytes)
	if err != nil {
		return ManifestStage{}, nil, err
	}
	p, err := returns.PanelFromTable(t)
	if err != nil {
		return ManifestStage{}, nil, err
	}
	if p.Days() == 0 {
		return ManifestStage{}, nil, errors.New("pipeline: the panel has no days")
	}
	return account("returns", a.Version, results, r.Now().Sub(began).Seconds()), p, nil
}
