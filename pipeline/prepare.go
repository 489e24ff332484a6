package pipeline

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"allocate/config"
	"allocate/pipeline/backtest"
	"allocate/pipeline/store"
	"allocate/reports"
	"allocate/returns"
	"allocate/returns/columnar"
)

// sourceFile is one file that users own.
type sourceFile struct {
	input Input
	path  string
	size  int64
}

// sourceFiles are all the files a run reads.
type sourceFiles struct {
	returns  []sourceFile // inputs named "file NAME"
	extra    []sourceFile // "metadata NAME", "holidays NAME"
	beside   []sourceFile // what only a backtest reads; no action's input
	holidays []byte
	metadata []byte
	dates    []returns.Date // of decision, of a backtest

	portfolios map[string][]backtest.Target // that a backtest compares with
	byContent  Sources
}

// gather finds and hashes the files that the configuration names.
func gather(c *config.Config) (*sourceFiles, error) {
	f := &sourceFiles{byContent: Sources{}}
	found, err := returns.Locate(c.Returns.Path)
	if err != nil {
		return nil, err
	}
	for _, l := range found {
		s, _, err := f.add("file", l.Name, l.Path)
		if err != nil {
			return nil, err
		}
		f.returns = append(f.returns, s)
	}
	for _, x := range []struct{ kind, path string }{{"metadata", c.Returns.Metadata}, {"holidays", c.Returns.Holidays}} {
		if x.path == "" {
			continue
		}
		s, b, err := f.add(x.kind, filepath.Base(x.path), x.path)
		if err != nil {
			return nil, err
		}
		f.extra = append(f.extra, s)
		switch x.kind {
		case "holidays":
			f.holidays = b
		case "metadata":
			f.metadata = b
		}
	}
	return f, nil
}

// add hashes one file.
func (f *sourceFiles) add(kind, name, path string) (sourceFile, []byte, error) {
	b, err := readRegular(path)
	if input := new(returns.InputError); errors.As(err, &input) {
		return sourceFile{}, nil, err
	}
	if err != nil {
		return sourceFile{}, nil, &returns.NotReadyError{Message: fmt.Sprintf("%v; expected a file that the configuration names", err)}
	}
	s := sourceFile{Input{kind + " " + name, store.Sum(b)}, path, int64(len(b))}
	f.byContent[s.input.Content] = path
	return s, b, nil
}

func (f *sourceFiles) manifest() []ManifestInput {
	var list []ManifestInput
	for _, s := range append(append(append([]sourceFile(nil), f.returns...), f.extra...), f.beside...) {
		list = append(list, ManifestInput{Path: s.path, SHA256: s.input.Content, Bytes: s.size})
	}
	return list
}

func newRunner(c *config.Config, f *sourceFiles, sink Sink, now func() time.Time) (*Runner, error) {
	s, err := store.Open(c.Cache)
	if err != nil {
		return nil, err
	}
	stages := Stages(c.Workers)
	return &Runner{made: &sync.Map{}, Stages: stages, Store: s, Sink: sink, Workers: c.Workers, Now: now, Executor: Local{Stages: stages, Sources: f.byContent}}, nil
}

// prepare makes a night ready, the same for run, plan and check: it reads the
// files into a panel, or finds that this was done before, and settles the as-of
// day: the configured one, else the last session of the calendar that is over.
// Then it looks at what was published before that day: what the past was, which
// weights are held, which posteriors were good. write is whether it may restore
// what of that is damaged.
func (r *Runner) prepare(ctx context.Context, c *config.Config, files *sourceFiles, write bool) (day, ManifestStage, error) {
	in, sessions, read, err := r.readPanel(ctx, c, files)
	if err != nil {
		return day{}, ManifestStage{}, err
	}
	stale, err := in.settle(c, sessions, returns.DateOf(r.Now()))
	if err != nil {
		return day{}, ManifestStage{}, err
	}
	in.effective = sessions.Next(in.asOf)
	in.window = windowOptions{AsOf: in.asOf, Stale: stale, Returns: c.Returns.Judging(), History: true}
	last, notes, err := lastRevision(c.Out, in.asOf, r.Store, write)
	if err != nil {
		return day{}, ManifestStage{}, err
	}
	in.notes = notes
	if last != nil {
		if err := r.past(&in, last); err != nil {
			return day{}, ManifestStage{}, err
		}
	}
	in.good = goodPosteriors(last, r.Store)
	if in.held, err = holding(c, in.panel, in.asOf, last, r.Store); err != nil {
		return day{}, ManifestStage{}, err
	}
	return in, read, nil
}

// past gives the window the history of the last published run to compare with.
// Where there is none that can be relied upon, the night is held: history that
// cannot be compared may have changed.
func (r *Runner) past(in *day, last *revision) error {
	if b, err := last.original(historyFile, r.Store); err == nil {
		if _, err := decodeHistory(b); err == nil {
			content, err := r.Store.Put(b)
			in.inputs = append(in.inputs, Input{"history", content})
			return err
		}
	}
	if last.manifest.History == "" { // published before there were digests
		for _, s := range last.manifest.Stages {
			if s.Name != "returns" || len(s.Actions) != 1 {
				continue
			}
			if _, err := r.Store.Get(s.Actions[0].Content); err == nil {
				in.window.Previous = &last.day
				in.inputs = append(in.inputs, Input{"previous", s.Actions[0].Content})
				return nil
			}
		}
	}
	in.notes = append(in.notes, returns.Finding{
		// A hold: whether the past has changed is what this gate is for.
		Code: "run.history", Severity: returns.Hold,
		Sentence: fmt.Sprintf("The history that the run of %v saw cannot be compared with today's: %s is gone or damaged, and the cache no longer has it; check the data, then run again with --approve.", last.day, filepath.Join(last.dir, historyFile)),
	})
	return nil
}

// readPanel reads the files into a panel, or finds that this was done before.
// The day it returns has no as-of day yet.
func (r *Runner) readPanel(ctx context.Context, c *config.Config, files *sourceFiles) (day, returns.Calendar, ManifestStage, error) {
	none := returns.Calendar{}
	o, err := canonical(c.Returns.Reading())
	if err != nil {
		return day{}, none, ManifestStage{}, err
	}
	began := r.Now()
	a := Action{Stage: "returns", Version: r.Stages["returns"].Version, Options: o, Arch: arch()}
	for _, s := range files.returns {
		a.Inputs = append(a.Inputs, s.input)
	}
	results, err := r.Stage(ctx, "returns", []Action{a})
	if err != nil {
		return day{}, none, ManifestStage{}, err
	}
	panel, err := decodePanel(results[0].Bytes)
	if err != nil {
		return day{}, none, ManifestStage{}, err
	}
	in := day{panel: panel, all: panel.Names(), inputs: []Input{{"panel", results[0].Content}}}
	sessions, err := c.Returns.Sessions(panel.Frequency(), filepath.Base(c.Returns.Holidays), files.holidays)
	if err != nil {
		return day{}, none, ManifestStage{}, err
	}
	for _, s := range files.extra {
		in.inputs = append(in.inputs, s.input)
	}
	if files.metadata != nil {
		m, err := returns.ReadMetadata(filepath.Base(c.Returns.Metadata), files.metadata)
		if err != nil {
			return day{}, none, ManifestStage{}, err
		}
		annotated, _, err := panel.Annotate(m)
		if err != nil {
			return day{}, none, ManifestStage{}, err
		}
		in.about = map[string]returns.Strategy{}
		for j := range annotated.Len() {
			in.about[annotated.Strategy(j).Name] = annotated.Strategy(j)
		}
	}
	return in, sessions, account("returns", a.Version, results, r.Now().Sub(began).Seconds()), nil
}

// settle decides the as-of day. Without one in the configuration it is the
// last session before today; if the data ends earlier it is stale, and the
// as-of day is the data's last, for those who lower data.stale to a warning.
func (in *day) settle(c *config.Config, sessions returns.Calendar, today returns.Date) (stale string, err error) {
	if c.AsOf == "" {
		due, last := sessions.Due(today), in.panel.Last()
		if f := in.panel.Frequency(); f > returns.SevenDay {
			before := in.panel.AsOf(today - 1) // a row of today may be of a period that is not over
			if before.Days() == 0 {
				return "", &returns.NotReadyError{Message: fmt.Sprintf("no row is before today, %v; the first is of %v", today, in.panel.First())}
			}
			in.asOf = before.Last()
			if sessions.Since(in.asOf, due) > 0 {
				stale = fmt.Sprintf("The data ends on %v, although the %s up to %v is over; wait for the data, or run with --as-of %v.", in.asOf, f.Period(), due, in.asOf)
			}
			return stale, nil
		}
		if in.asOf = due; last < due {
			stale = fmt.Sprintf("The data ends on %v, the last session of the calendar %s was %v; wait for the data, or run with --as-of %v.", last, sessions.Name(), due, last)
			in.asOf = last
		}
		return stale, nil
	}
	if in.asOf, err = returns.ParseDate(c.AsOf); err != nil {
		return "", err // Validate has seen it
	}
	if in.asOf > today {
		return "", &returns.NotReadyError{Message: fmt.Sprintf("the as-of day %v is in the future (today is %v)", in.asOf, today)}
	}
	return "", nil
}

// safeHeader marks names in the header of a CSV as text where a spreadsheet
// would run them.
func safeHeader(text []byte) ([]byte, error) {
	r := csv.NewReader(bytes.NewReader(text))
	header, err := r.Read()
	if err != nil {
		return nil, err
	}
	safe := make([]string, len(header))
	for i, name := range header {
		safe[i] = reports.CSVText(name)
	}
	if slices.Equal(safe, header) {
		return text, nil
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.Write(safe); err != nil {
		return nil, err
	}
	w.Flush()
	b.Write(text[r.InputOffset():])
	return b.Bytes(), nil
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

// ExportPanel encodes a panel as csv, parquet or arrow; equal panels give
// equal bytes.
func ExportPanel(p *returns.Panel, format string) ([]byte, error) {
	var b bytes.Buffer
	var err error
	switch format {
	case "csv":
		if err = p.WriteCSV(&b); err == nil {
			return safeHeader(b.Bytes())
		}
	case "parquet":
		err = p.WriteParquet(&b)
	case "arrow":
		err = p.WriteArrow(&b)
	default:
		err = fmt.Errorf("pipeline: no format %q; expected csv, parquet or arrow", format)
	}
	return b.Bytes(), err
}
