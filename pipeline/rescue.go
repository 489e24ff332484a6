package pipeline

import (
	"context"
	"slices"
	"strings"

	"allocate/bayes"
	"allocate/pipeline/store"
	"allocate/returns"
	"allocate/returns/columnar"
)

// rescue tries strategies whose posterior cannot be used once more, now with
// the posterior of the last published run to fall back on, marked stale. It
// returns the posteriors that stand in the end and everything they found.
func (d *Decision) rescue(ctx context.Context, r *Runner, fits []Result, good map[string]ContentID) ([]Result, []returns.Finding, error) {
	fits = slices.Clone(fits)
	var again []Action
	var at []int
	for i, f := range fits {
		p, err := decodePosterior(f.Bytes)
		if err != nil {
			return nil, nil, err
		}
		content, ok := good[f.Action.Unit]
		if p.Verdict() != bayes.Unusable || !ok {
			continue
		}
		a := f.Action
		a.Inputs = append(slices.Clone(a.Inputs), Input{"last", content})
		again, at = append(again, a), append(at, i)
	}
	if len(again) > 0 {
		results, err := d.run(ctx, r, "bayes", again)
		if err != nil {
			return nil, nil, err
		}
		for k, res := range results {
			fits[at[k]] = res
		}
	}
	var found []returns.Finding
	for _, f := range fits {
		p, err := decodePosterior(f.Bytes)
		if err != nil {
			return nil, nil, err
		}
		found = append(found, p.Findings...)
	}
	return fits, found, nil
}

// usable adds the posteriors that can be used to the inputs, and drops the
// series of the strategies whose posterior cannot be.
func usable(series []Input, fits []Result) (inputs []Input, unusable []string) {
	inputs = slices.Clone(series)
	for _, f := range fits {
		name := f.Action.Unit
		if p, err := decodePosterior(f.Bytes); err == nil && p.Len() > 0 && p.Verdict() != bayes.Unusable {
			inputs = append(inputs, Input{"posterior " + name, f.Content})
			continue
		}
		unusable = append(unusable, name)
		inputs = slices.DeleteFunc(inputs, func(in Input) bool { return in.Name == "series "+name })
	}
	return inputs, unusable
}

// goodPosteriors returns the posteriors of the last published run, as far as
// the store still has them.
func goodPosteriors(last *revision, s *store.Store) map[string]ContentID {
	good := map[string]ContentID{}
	if last == nil {
		return good
	}
	for _, stage := range last.manifest.Stages {
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
