package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"allocate/bayes"
	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/pipeline/walkforward"
	"allocate/returns"
	"allocate/returns/columnar"
)

// WalkForward evaluates return models out of sample, up to as_of or the last day of
// the data. It publishes nothing. Fits are actions of the stage bayes, shared with
// nightly runs and backtests that see the same days; scores are actions of a stage of
// their own. A strategy whose fit fails is reported, and the others go on; if none has
// a forecast, the error is a *published.GateError.
func WalkForward(ctx context.Context, c *config.Config, o walkforward.Options, sink engine.Sink, now func() time.Time) (*walkforward.Report, error) {
	files, r, err := open(ctx, c, sink, now)
	if err != nil {
		return nil, err
	}
	atWork, err := r.Store.Lease(now())
	if err != nil {
		return nil, err
	}
	defer atWork()
	in, _, _, err := r.readPanel(ctx, c, files)
	if err != nil {
		return nil, err
	}
	f := in.panel.Frequency()
	c, o = c.For(f), o.For(f)
	w := &evaluation{runner: r, c: c, o: o, in: in}
	if err := w.validate(); err != nil {
		return nil, err
	}
	known, err := w.known(files)
	if err != nil {
		return nil, err
	}
	strategies, short, err := w.plan(known)
	if err != nil {
		return nil, err
	}
	if err := w.run(ctx, strategies); err != nil {
		return nil, err
	}
	report := walkforward.NewReport(o, f, c.Scenarios.Horizon, w.scored, short)
	if report.Last == 0 {
		return nil, w.refusal(report)
	}
	return report, nil
}

// evaluation is a walk-forward evaluation at work.
type evaluation struct {
	*runner
	c      *config.Config
	o      walkforward.Options
	in     day
	scored []walkforward.Strategy
}

// validate reports models and options that cannot be, all at once.
func (w *evaluation) validate() error {
	errs := []error{w.o.Validate(w.c.Scenarios.Horizon)}
	for _, model := range w.o.Models {
		b := w.c.Bayes
		b.Of, b.Model = nil, model
		errs = append(errs, b.Validate())
	}
	if err := errors.Join(errs...); err != nil {
		return &config.Error{Err: err}
	}
	return w.in.known(w.c.Bayes)
}

// known is the whole history of every strategy up to the last day of evaluation.
func (w *evaluation) known(files *fetched) (*returns.Panel, error) {
	panel, asOf := w.in.panel, w.in.panel.Last()
	if w.c.AsOf != "" {
		asOf, _ = returns.ParseDate(w.c.AsOf) // Validate has seen it
	}
	if files.metadata != nil {
		m, err := returns.ReadMetadata(filepath.Base(w.c.Returns.Metadata), files.metadata)
		if err != nil {
			return nil, err
		}
		if panel, _, err = panel.Annotate(m); err != nil {
			return nil, err
		}
	}
	o := w.c.Returns
	o.Window = "all" // the window is that of a fit
	known, err := returns.Known(panel, asOf, o)
	if err != nil {
		return nil, err
	}
	known, findings := returns.Clean(known, o)
	findings = returns.Rate(findings, w.c.Gates.Severity)
	emitFindings(w.runner, findings)
	if returns.Worst(findings) == returns.Fail {
		return nil, &published.GateError{Findings: findings}
	}
	return known, nil
}

// plan makes the schedule of every strategy. short names those without a fit.
func (w *evaluation) plan(known *returns.Panel) (all []*returns.Series, short []string, err error) {
	for j := range known.Len() {
		s := known.Series(j)
		segments, err := w.o.Segments(s, w.c.Returns.Window)
		if err != nil {
			return nil, nil, &config.Error{Err: err}
		}
		if len(segments) == 0 {
			short = append(short, s.Strategy.Name)
			continue
		}
		x := walkforward.Strategy{Name: s.Strategy.Name, Segments: segments, Days: s.Dates, Scores: make([][]*walkforward.Scores, len(w.o.Models))}
		for k := range x.Scores {
			x.Scores[k] = make([]*walkforward.Scores, len(segments))
		}
		all, w.scored = append(all, s), append(w.scored, x)
	}
	if len(all) == 0 {
		return nil, nil, &config.Error{Err: fmt.Errorf("--min-history: no strategy has a return after its first %d, on or after the start; lower --min-history or --start", w.o.MinHistory)}
	}
	return all, short, nil
}

// run does every fit with its scores, several at once, each alone: there are fits
// enough to keep every processor busy.
func (w *evaluation) run(ctx context.Context, series []*returns.Series) error {
	alone := w.alone()
	total := 0
	for _, s := range w.scored {
		total += len(s.Segments) * len(w.o.Models)
	}
	step := w.begin("walkforward", "", total)
	defer step.end()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, w.Workers))
	for j, s := range w.scored {
		for i := range s.Segments {
			for k := range w.o.Models {
				group.Go(func() error {
					if err := ctx.Err(); err != nil {
						return err
					}
					scores, err := w.one(ctx, alone, series[j], s.Segments[i], w.o.Models[k])
					if failure(err) {
						text, _, _ := strings.Cut(err.Error(), "\n") // a panic has its stack below
						scores, err = &walkforward.Scores{Failed: text}, nil
					}
					s.Scores[k][i] = scores
					step.one()
					return err
				})
			}
		}
	}
	return group.Wait()
}

// one fits a model and scores its forecasts.
func (w *evaluation) one(ctx context.Context, r *runner, s *returns.Series, at walkforward.Segment, model string) (*walkforward.Scores, error) {
	name := s.Strategy.Name
	own := w.c.Bayes.For(name, w.in.metadata[name].Group)
	seen := walkforward.Cut(s, at.From, at.At)
	own.Model, own.Replicates = walkforward.Family(model, seen), 0 // the days after the fit are the check
	history, err := storeSeries(r, "series", seen)
	if err != nil {
		return nil, err
	}
	after, err := storeSeries(r, "after", walkforward.Cut(s, at.At, at.End))
	if err != nil {
		return nil, err
	}
	fit, err := w.do(ctx, r, "bayes", name, bayes.Settings{Options: own}, history)
	if err != nil {
		return nil, err
	}
	result, err := w.do(ctx, r, "walkforward", name, scoreOptions{w.c.Scenarios.Horizon}, history, engine.Input{Name: "posterior", Content: fit.Content}, after)
	if err != nil {
		return nil, err
	}
	var scores *walkforward.Scores
	b, err := r.Bytes(ctx, result)
	if err == nil {
		err = json.Unmarshal(b, &scores)
	}
	return scores, err
}

// do does one action of a stage.
func (w *evaluation) do(ctx context.Context, r *runner, stage, unit string, options any, inputs ...engine.Input) (engine.Result, error) {
	a, err := r.action(w.c, stage, unit, options, true, inputs...)
	if err != nil {
		return engine.Result{}, err
	}
	results, err := r.Stage(ctx, stage, []engine.Action{a})
	if err != nil {
		return engine.Result{}, err
	}
	return results[0], nil
}

// storeSeries puts a series into the store, as an input. It is not kept in memory: there
// are as many as fits.
func storeSeries(r *runner, name string, s *returns.Series) (engine.Input, error) {
	t, err := s.Table()
	if err != nil {
		return engine.Input{}, err
	}
	b, err := columnar.EncodeIPC(t)
	if err != nil {
		return engine.Input{}, err
	}
	id, err := r.Store.Put(b)
	return engine.Input{Name: name, Content: id}, err
}

// refusal is the error of an evaluation without any forecast.
func (w *evaluation) refusal(report *walkforward.Report) error {
	var findings []returns.Finding
	for _, f := range report.Failures {
		findings = append(findings, returns.Finding{Code: "bayes.unusable", Severity: returns.Fail, Strategy: f.Strategy, Sentence: f.Why})
	}
	return &published.GateError{Findings: findings}
}

// scoreOptions are those of the scores of a fit.
type scoreOptions struct {
	Horizon int `json:"horizon"`
}

// runWalkForward scores a posterior on the days after its series: inputs series,
// posterior and after.
func runWalkForward(ctx context.Context, c *engine.Call) ([]byte, error) {
	var o scoreOptions
	if err := c.Options(&o); err != nil {
		return nil, err
	}
	s, err := inputSeries(c, "series")
	if err != nil {
		return nil, err
	}
	after, err := inputSeries(c, "after")
	if err != nil {
		return nil, err
	}
	p, err := inputPosterior(c, "posterior")
	if err != nil {
		return nil, err
	}
	scores, err := walkforward.Evaluate(ctx, s, after, p, o.Horizon, c.Stream)
	if err != nil {
		return nil, err
	}
	return json.Marshal(scores)
}
