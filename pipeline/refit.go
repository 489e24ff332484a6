package pipeline

import (
	"context"
	"slices"
	"strings"

	"allocate/bayes"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/returns"
	"allocate/returns/columnar"
)

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
