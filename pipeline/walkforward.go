package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
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
	"allocate/scenarios"
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
	atWork, err := r.atWork(now())
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
	var short []string
	if w.series, short, err = w.plan(known); err != nil {
		return nil, err
	}
	if err := w.run(ctx); err != nil {
		return nil, err
	}
	report := walkforward.NewReport(o, f, c.Scenarios.Horizon, w.scored, short)
	if report.Last == 0 {
		return nil, w.refusal(report)
	}
	report.Joint, err = w.joint(ctx)
	return report, err
}

type evaluation struct {
	*runner
	c      *config.Config
	o      walkforward.Options
	in     day
	scored []walkforward.Strategy
	series []*returns.Series      // whole, of the strategies that are scored
	fits   [][][]engine.ContentID // posteriors by strategy, model and fit; blank: failed
}

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
	known, err := returns.Known(panel, asOf, asOf, o)
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
		fits := make([][]engine.ContentID, len(w.o.Models))
		for k := range fits {
			fits[k] = make([]engine.ContentID, len(segments))
		}
		all, w.scored, w.fits = append(all, s), append(w.scored, x), append(w.fits, fits)
	}
	if len(all) == 0 {
		return nil, nil, &config.Error{Err: fmt.Errorf("--min-history: no strategy has a return after its first %d, on or after the start; lower --min-history or --start", w.o.MinHistory)}
	}
	return all, short, nil
}

// run does every fit with its scores, several at once, each alone: there are fits
// enough to keep every processor busy.
func (w *evaluation) run(ctx context.Context) error {
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
					fit, scores, err := w.one(ctx, alone, w.series[j], s.Segments[i], w.o.Models[k])
					if failure(err) {
						text, _, _ := strings.Cut(err.Error(), "\n") // a panic has its stack below
						scores, err = &walkforward.Scores{Failed: text}, nil
					}
					if s.Scores[k][i] = scores; err == nil && scores.Failed == "" {
						w.fits[j][k][i] = fit
					}
					step.one()
					return err
				})
			}
		}
	}
	return group.Wait()
}

// one fits a model and scores its forecasts.
func (w *evaluation) one(ctx context.Context, r *runner, s *returns.Series, at walkforward.Segment, model string) (engine.ContentID, *walkforward.Scores, error) {
	name := s.Strategy.Name
	own := w.c.Bayes.For(name, w.in.metadata[name].Group)
	seen := s.Cut(at.From, at.At)
	own.Model, own.Replicates = model, 0 // the days after the fit are the check
	history, err := storeSeries(r, "series", seen)
	if err != nil {
		return "", nil, err
	}
	after, err := storeSeries(r, "after", s.Cut(at.At, at.End))
	if err != nil {
		return "", nil, err
	}
	inputs := []engine.Input{history}
	if span := bayes.EvidenceSpan(seen); own.Mixed() && span != nil {
		weigh, err := r.evidenceAction(w.c, span, own)
		if err != nil {
			return "", nil, err
		}
		results, err := r.Stage(ctx, "evidence", []engine.Action{weigh})
		if err != nil {
			return "", nil, err
		}
		inputs = append(inputs, engine.Input{Name: "evidence", Content: results[0].Content})
	}
	fit, err := w.do(ctx, r, "bayes", name, bayes.Settings{Options: own}, inputs...)
	if err != nil {
		return "", nil, err
	}
	var scores *walkforward.Scores
	err = w.read(ctx, r, &scores, "walkforward", name, scoreOptions{w.c.Scenarios.Horizon}, history, engine.Input{Name: "posterior", Content: fit.Content}, after)
	return fit.Content, scores, err
}

// joint scores the dependences under every model, period by period. A strategy whose fit
// failed takes no part.
func (w *evaluation) joint(ctx context.Context) ([]walkforward.JointRow, error) {
	if len(w.o.Dependences) == 0 {
		return nil, nil
	}
	periods, err := w.o.Periods(w.scored, w.c.Returns.Window)
	if err != nil {
		return nil, err
	}
	alone := w.alone()
	days := make([][][][]scenarios.JointDay, len(w.o.Models)) // by model, dependence and period
	step := w.begin("joint", "", len(w.o.Models)*len(w.o.Dependences)*len(periods))
	defer step.end()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, w.Workers))
	for k := range w.o.Models {
		days[k] = make([][][]scenarios.JointDay, len(w.o.Dependences))
		for d, dependence := range w.o.Dependences {
			days[k][d] = make([][]scenarios.JointDay, len(periods))
			for i, p := range periods {
				group.Go(func() error {
					inputs, err := w.together(alone, k, p)
					if err == nil && len(inputs) > 3 {
						err = w.read(ctx, alone, &days[k][d][i], "joint", "", jointOptions{dependence}, inputs...)
					}
					step.one()
					return err
				})
			}
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := make([][][]scenarios.JointDay, len(days))
	for k := range days {
		for d := range days[k] {
			all[k] = append(all[k], slices.Concat(days[k][d]...))
		}
	}
	return walkforward.Joint(w.o, all), nil
}

// together are the inputs of a period: series, posterior and days after, by strategy.
func (w *evaluation) together(r *runner, model int, p walkforward.Period) (inputs []engine.Input, err error) {
	for _, m := range p.Members {
		s := w.series[m.Strategy]
		name, fit := s.Strategy.Name, w.fits[m.Strategy][model][m.Segment]
		if fit == "" {
			continue
		}
		history, err := storeSeries(r, "series "+name, s.Cut(m.First, m.At))
		if err != nil {
			return nil, err
		}
		after, err := storeSeries(r, "after "+name, s.Cut(m.At, m.End))
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, history, engine.Input{Name: "posterior " + name, Content: fit}, after)
	}
	return inputs, nil
}

// read does one action of a stage and decodes its result.
func (w *evaluation) read(ctx context.Context, r *runner, into any, stage, unit string, options any, inputs ...engine.Input) error {
	result, err := w.do(ctx, r, stage, unit, options, inputs...)
	if err != nil {
		return err
	}
	b, err := r.Bytes(ctx, result)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

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

type jointOptions struct {
	Dependence string `json:"dependence"`
}

// runJoint scores a dependence on the days after the strategies' series: inputs series,
// posterior and after of each.
func runJoint(ctx context.Context, c *engine.Call) ([]byte, error) {
	var o jointOptions
	if err := c.Options(&o); err != nil {
		return nil, err
	}
	strategies, err := inputStrategies(c)
	if err != nil {
		return nil, err
	}
	var after []*returns.Series
	for _, s := range strategies {
		days, err := inputSeries(c, "after "+s.Series.Strategy.Name)
		if err != nil {
			return nil, err
		}
		after = append(after, days)
	}
	days, err := scenarios.ScoreDependence(ctx, strategies, after, o.Dependence, c.Stream, 1)
	if err != nil {
		return nil, err
	}
	return json.Marshal(days)
}
