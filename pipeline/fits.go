package pipeline

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"allocate/bayes"
	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/returns"
	"allocate/returns/columnar"
)

// runEvidence weighs the return models of bayes.model auto on the whole years of a series.
func runEvidence(ctx context.Context, c *engine.Call) ([]byte, error) {
	var o bayes.Settings
	if err := c.Options(&o); err != nil {
		return nil, err
	}
	s, err := inputSeries(c, "series")
	if err != nil {
		return nil, err
	}
	e, err := bayes.Weigh(ctx, s, o.Options, c.Stream, c.Progress)
	if err != nil {
		return nil, err
	}
	return json.Marshal(e)
}

// fit fits a series as the options say: with several return models where their weights are
// among the inputs.
func fit(ctx context.Context, c *engine.Call, s *returns.Series, o bayes.Options, last *bayes.Posterior) (*bayes.Posterior, error) {
	if !o.Mixed() {
		return bayes.Refit(ctx, s, o, last, c.Stream, c.Progress)
	}
	var e *bayes.Evidence
	if c.Has("evidence") {
		b, err := c.Input("evidence")
		if err == nil {
			err = json.Unmarshal(b, &e)
		}
		if err != nil {
			return nil, err
		}
	}
	return bayes.FitMixed(ctx, s, o, e, last, c.Stream, c.Progress)
}

// evidenceAction plans the weights of a series' return models; false where one model is
// configured, or the series is too short for weights. The years that it depends on are
// the same all year, and so is the action.
func (r *runner) evidenceAction(c *config.Config, s *returns.Series, own bayes.Options) (a engine.Action, planned bool, err error) {
	if !own.Mixed() {
		return a, false, nil
	}
	span := bayes.EvidenceSpan(s)
	if span == nil {
		return a, false, nil
	}
	in, err := storeSeries(r, "series", span)
	if err != nil {
		return a, false, err
	}
	a, err = r.action(c, "evidence", s.Strategy.Name, bayes.Settings{Options: own.ForEvidence()}, true, in)
	return a, true, err
}

// evidence weighs the return models of the strategies that have bayes.model auto, and returns
// the results as inputs of their fits.
func (d *Decision) evidence(ctx context.Context, r *runner, f *forecast, in day, c *config.Config) (map[string]engine.Input, error) {
	var actions []engine.Action
	for _, part := range f.tree.Parts {
		own := c.Bayes.For(part.Name, in.metadata[part.Name].Group)
		if !own.Mixed() {
			continue
		}
		b, err := r.Store.Get(part.Content)
		if err != nil {
			return nil, err
		}
		s, err := seriesFrom(b)
		if err != nil {
			return nil, err
		}
		a, planned, err := r.evidenceAction(c, s, own)
		if err != nil {
			return nil, err
		}
		if planned {
			actions = append(actions, a)
		}
	}
	found := map[string]engine.Input{}
	if len(actions) == 0 {
		return found, nil
	}
	results, err := d.run(ctx, r, "evidence", actions)
	if err != nil {
		return nil, err
	}
	for _, res := range results {
		found[res.Action.Unit] = engine.Input{Name: "evidence", Content: res.Content}
	}
	return found, nil
}

// fitted is the result of a fit.
type fitted struct {
	engine.Result
	usable   bool
	findings []returns.Finding
}

func readFits(ctx context.Context, r *runner, results []engine.Result) ([]fitted, error) {
	fits := make([]fitted, len(results))
	for i, res := range results {
		b, err := r.Bytes(ctx, res)
		if err != nil {
			return nil, err
		}
		p, err := decodePosterior(b)
		if err != nil {
			return nil, err
		}
		fits[i] = fitted{res, p.Len() > 0 && p.Verdict() != bayes.Unusable, p.Findings}
	}
	return fits, nil
}

// refit samples again the strategies whose posterior is unusable, with the posterior of
// the last published run as a fallback, marked stale. It returns the final fits
// and all their findings.
func (d *Decision) refit(ctx context.Context, r *runner, results []engine.Result, good map[string]engine.ContentID) ([]fitted, []returns.Finding, error) {
	fits, err := readFits(ctx, r, results)
	if err != nil {
		return nil, nil, err
	}
	var again []engine.Action
	var at []int
	for i, f := range fits {
		content, ok := good[f.Action.Unit]
		if f.usable || !ok {
			continue
		}
		a := f.Action
		a.Inputs = append(slices.Clone(a.Inputs), engine.Input{Name: "last", Content: content})
		again, at = append(again, a), append(at, i)
	}
	if len(again) > 0 {
		if results, err = d.run(ctx, r, "bayes", again); err != nil {
			return nil, nil, err
		}
		second, err := readFits(ctx, r, results)
		if err != nil {
			return nil, nil, err
		}
		for k, f := range second {
			fits[at[k]] = f
		}
	}
	var found []returns.Finding
	for _, f := range fits {
		found = append(found, f.findings...)
	}
	return fits, found, nil
}

// usable adds the usable posteriors to the inputs, and drops the series of the
// other strategies.
func usable(series []engine.Input, fits []fitted) (inputs []engine.Input, unusable []string) {
	inputs = slices.Clone(series)
	for _, f := range fits {
		name := f.Action.Unit
		if f.usable {
			inputs = append(inputs, engine.Input{Name: "posterior " + name, Content: f.Content})
			continue
		}
		unusable = append(unusable, name)
		inputs = slices.DeleteFunc(inputs, func(in engine.Input) bool { return in.Name == "series "+name })
	}
	return inputs, unusable
}

// goodPosteriors returns the posteriors of the last published run, as far as
// the store still has them.
func goodPosteriors(last *published.Revision, s engine.Store) map[string]engine.ContentID {
	good := map[string]engine.ContentID{}
	if last == nil {
		return good
	}
	for _, stage := range last.Manifest.Stages {
		if stage.Name != "bayes" {
			continue
		}
		for _, a := range stage.Actions {
			if b, err := s.Get(a.Content); err == nil {
				if p, err := decodePosterior(b); err == nil && p.Verdict() != bayes.Unusable {
					good[strings.Clone(a.Unit)] = a.Content
				}
			}
		}
	}
	return good
}

func decodePosterior(b []byte) (*bayes.Posterior, error) {
	t, err := columnar.DecodeIPC(b)
	if err != nil {
		return nil, err
	}
	return bayes.FromTable(t)
}

func seriesFrom(b []byte) (*returns.Series, error) {
	t, err := columnar.DecodeIPC(b)
	if err != nil {
		return nil, err
	}
	return returns.SeriesFromTable(t)
}
