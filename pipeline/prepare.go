package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"allocate/bayes"
	"allocate/config"
	"allocate/pipeline/backtest"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/pipeline/store"
	"allocate/returns"
	"allocate/returns/columnar"
)

// fetchedFile is one input as it was read at the beginning of a run.
type fetchedFile struct {
	returns.File
	input engine.Input
}

// fetched are all the inputs of a run. They are read once; the store keeps those
// that an action reads.
type fetched struct {
	returns  []fetchedFile // inputs named "file NAME"
	extra    []fetchedFile // "metadata NAME", "holidays NAME"
	beside   []fetchedFile // what only a backtest reads; no action's input
	holidays []byte
	metadata []byte
	dates    []returns.Date // of decision, of a backtest

	portfolios map[string][]backtest.Target // that a backtest compares with
}

// fetch reads the inputs that the configuration names.
func fetch(ctx context.Context, c *config.Config) (*fetched, error) {
	files, err := c.Returns.Source().Fetch(ctx)
	if err != nil {
		return nil, err
	}
	f := &fetched{}
	for _, file := range files {
		f.returns = append(f.returns, named("file", file))
	}
	if f.holidays, err = f.add("holidays", c.Returns.Holidays); err != nil {
		return nil, err
	}
	f.metadata, err = f.add("metadata", c.Returns.Metadata)
	return f, err
}

func named(kind string, file returns.File) fetchedFile {
	return fetchedFile{file, engine.Input{Name: kind + " " + file.Name, Content: store.Sum(file.Data)}}
}

// add reads one more file that actions read; none where path is blank.
func (f *fetched) add(kind, path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	file, err := returns.FetchFile(path)
	file.Name = filepath.Base(path)
	f.extra = append(f.extra, named(kind, file))
	return file.Data, err
}

// addBeside reads a file that no action reads.
func (f *fetched) addBeside(kind, name, path string) ([]byte, error) {
	file, err := returns.FetchFile(path)
	file.Name = name
	f.beside = append(f.beside, named(kind, file))
	return file.Data, err
}

func (f *fetched) manifest() []published.ManifestInput {
	var list []published.ManifestInput
	for _, x := range slices.Concat(f.returns, f.extra, f.beside) {
		list = append(list, published.ManifestInput{Path: x.From, SHA256: x.input.Content, Bytes: int64(len(x.Data))})
	}
	return list
}

// OpenExecutor makes an executor for a run: actions that it keeps to this process are those of local.
type OpenExecutor func(c *config.Config, s engine.Maintainer, local engine.Local) (engine.Executor, error)

// executors are those of other packages, by their name in the configuration.
var executors = map[string]OpenExecutor{}

// RegisterExecutor adds an executor, in an init function.
func RegisterExecutor(name string, open OpenExecutor) { executors[name] = open }

// newRunner opens the cache, puts the inputs there and returns a runner of the
// stages.
func newRunner(c *config.Config, f *fetched, sink engine.Sink, now func() time.Time) (*runner, error) {
	s, err := OpenStore(c.Cache)
	if err != nil {
		return nil, err
	}
	stages := Stages(c.Workers)
	local := engine.Local{Stages: stages}
	var executor engine.Executor = local
	switch open := executors[c.Executor]; {
	case c.Executor == "process":
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		executor = engine.Process{Command: []string{self, ExecuteCommand}, Store: s.Dir()}
	case open != nil:
		if executor, err = open(c, s, local); err != nil {
			return nil, err
		}
	case c.Executor != "local":
		return nil, &config.Error{Err: fmt.Errorf("executor: this program has no %s; use allocate-%[1]s", c.Executor)}
	}
	r := &runner{engine.NewRunner(stages, s, executor, sink, c.Workers, now), published.NewList(c.Out)}
	for _, x := range slices.Concat(f.returns, f.extra) {
		if _, err := r.Provide(x.Data); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// atWork marks the store as in use until the function that it returns, which also saves
// what the actions cost.
func (r *runner) atWork(now time.Time) (done func(), err error) {
	release, err := r.Store.Lease(now)
	if err != nil {
		return nil, err
	}
	return func() {
		r.SaveCosts()
		release()
	}, nil
}

// prepare prepares a run in the same way for run, plan and check: it reads the
// files into a panel, or finds that this was done before, and settles the as-of
// day: the configured one, else the last session of the calendar that is over.
// Then it reads the runs published before that day: the digest of the past, the
// current weights, the last good posteriors. write permits it to restore damaged
// files of them.
func (r *runner) prepare(ctx context.Context, c *config.Config, files *fetched, write bool) (day, published.ManifestStage, error) {
	in, sessions, read, err := r.readPanel(ctx, c, files)
	if err != nil {
		return day{}, published.ManifestStage{}, err
	}
	stale, err := in.settle(c, sessions, returns.DateOf(r.Now()))
	if err != nil {
		return day{}, published.ManifestStage{}, err
	}
	in.effective = sessions.Next(in.asOf)
	in.window = windowOptions{AsOf: in.asOf, Stale: stale, Returns: c.Returns.Judging(), History: true}
	in.fixAnchor(c.Bayes, sessions)
	last, notes, err := r.list.Before(in.asOf, r.Store, write)
	if err != nil {
		return day{}, published.ManifestStage{}, err
	}
	in.notes = notes
	if last != nil {
		if err := r.past(&in, last); err != nil {
			return day{}, published.ManifestStage{}, err
		}
	}
	in.last, in.lastPosteriors = last, goodPosteriors(last, r.Store)
	if in.held, err = holding(c, in.panel, in.asOf, last, r.Store); err != nil {
		return day{}, published.ManifestStage{}, err
	}
	return in, read, nil
}

// past adds the history of the last published run to the inputs of the window,
// which compares with it. If there is no reliable one, the run is held: the
// history may have changed.
func (r *runner) past(in *day, last *published.Revision) error {
	if b, err := last.Original(published.HistoryFile, r.Store); err == nil {
		if _, err := returns.DecodeHistory(b); err == nil {
			content, err := r.Store.Put(b)
			in.inputs = append(in.inputs, engine.Input{Name: "history", Content: content})
			return err
		}
	}
	if last.Manifest.History == "" { // published before there were digests
		for _, s := range last.Manifest.Stages {
			if s.Name != "returns" || len(s.Actions) != 1 {
				continue
			}
			if _, err := r.Store.Get(s.Actions[0].Content); err == nil {
				in.window.Previous = &last.Day
				in.inputs = append(in.inputs, engine.Input{Name: "previous", Content: s.Actions[0].Content})
				return nil
			}
		}
	}
	in.notes = append(in.notes, returns.Finding{
		// A hold: this gate decides whether the past has changed.
		Code: "run.history", Severity: returns.Hold,
		Sentence: fmt.Sprintf("The history of the run of %v cannot be compared: %s is missing or damaged and not in the cache; check the data, then run again with --approve.", last.Day, filepath.Join(last.Dir, published.HistoryFile)),
	})
	return nil
}

// readPanel reads the files into a panel, or finds that this was done before.
// The day it returns has no as-of date yet.
func (r *runner) readPanel(ctx context.Context, c *config.Config, files *fetched) (day, returns.Calendar, published.ManifestStage, error) {
	none := returns.Calendar{}
	o, err := engine.Canonical(c.Returns.Reading())
	if err != nil {
		return day{}, none, published.ManifestStage{}, err
	}
	began := r.Now()
	a := engine.Action{Stage: "returns", Version: r.Stages["returns"].Version, Options: o, Arch: engine.Arch()}
	for _, s := range files.returns {
		a.Inputs = append(a.Inputs, s.input)
	}
	results, err := r.Stage(ctx, "returns", []engine.Action{a})
	if err != nil {
		return day{}, none, published.ManifestStage{}, err
	}
	b, err := r.Bytes(ctx, results[0])
	if err != nil {
		return day{}, none, published.ManifestStage{}, err
	}
	panel, err := decodePanel(b)
	if err != nil {
		return day{}, none, published.ManifestStage{}, err
	}
	in := day{panel: panel, all: panel.Names(), inputs: []engine.Input{{Name: "panel", Content: results[0].Content}}}
	sessions, err := c.Returns.Sessions(panel.Frequency(), filepath.Base(c.Returns.Holidays), files.holidays)
	if err != nil {
		return day{}, none, published.ManifestStage{}, err
	}
	for _, s := range files.extra {
		in.inputs = append(in.inputs, s.input)
	}
	if files.metadata != nil {
		m, err := returns.ReadMetadata(filepath.Base(c.Returns.Metadata), files.metadata)
		if err != nil {
			return day{}, none, published.ManifestStage{}, err
		}
		annotated, _, err := panel.Annotate(m)
		if err != nil {
			return day{}, none, published.ManifestStage{}, err
		}
		in.metadata = map[string]returns.Strategy{}
		for j := range annotated.Len() {
			in.metadata[annotated.Strategy(j).Name] = annotated.Strategy(j)
		}
	}
	return in, sessions, account("returns", a.Version, results, r.Now().Sub(began).Seconds()), nil
}

// settle decides the as-of date. Without one in the configuration it is the
// last session before today; if the data ends earlier it is stale, and the
// as-of date is the data's last, for those who lower data.stale to a warning.
func (in *day) settle(c *config.Config, sessions returns.Calendar, today returns.Date) (stale string, err error) {
	if c.AsOf == "" {
		due, last := sessions.Due(today), in.panel.Last()
		if f := in.panel.Frequency(); f > returns.SevenDay {
			before := in.panel.AsOf(today - 1) // a row of today may be of a period that is not over
			if before.Days() == 0 {
				return "", &returns.NotReadyError{Message: fmt.Sprintf("no row before today, %v; the first is %v", today, in.panel.First())}
			}
			in.asOf = before.Last()
			if sessions.Since(in.asOf, due) > 0 {
				stale = fmt.Sprintf("The data end on %v, although the %s up to %v is complete; wait for the data, or run with --as-of %v.", in.asOf, f.Period(), due, in.asOf)
			}
			return stale, nil
		}
		if in.asOf = due; last < due {
			stale = fmt.Sprintf("The data end on %v; the last session of the calendar %s is %v; wait for the data, or run with --as-of %v.", last, sessions.Name(), due, last)
			in.asOf = last
		}
		return stale, nil
	}
	if in.asOf, err = returns.ParseDate(c.AsOf); err != nil {
		return "", err // Validate has seen it
	}
	if in.asOf > today {
		return "", &returns.NotReadyError{Message: fmt.Sprintf("the as-of date %v is in the future (today: %v)", in.asOf, today)}
	}
	return "", nil
}

func decodePanel(b []byte) (*returns.Panel, error) {
	t, err := columnar.DecodeIPC(b)
	if err != nil {
		return nil, err
	}
	p, err := returns.PanelFromTable(t)
	if err != nil {
		return nil, err
	}
	if p.Days() == 0 {
		return nil, errors.New("pipeline: the panel has no days")
	}
	return p, nil
}

// known reports overrides of strategies and groups that are not in the panel and
// its metadata.
func (in *day) known(o bayes.Options) error {
	var groups []string
	for _, s := range in.metadata {
		groups = append(groups, s.Group)
	}
	if err := o.Known(in.all, groups); err != nil {
		return &config.Error{Err: err} // only the data could tell
	}
	return nil
}

// settings are the options of the fits of all parts: those of the section, and
// the resolved ones of strategies that have their own.
func (in *day) settings(o bayes.Options, parts []engine.Part) map[string]bayes.Settings {
	all := map[string]bayes.Settings{"": {Options: o.For("", "")}}
	if len(o.Of) == 0 {
		return all
	}
	for _, p := range parts {
		all[p.Name] = bayes.Settings{Options: o.For(p.Name, in.metadata[p.Name].Group)}
	}
	return all
}
