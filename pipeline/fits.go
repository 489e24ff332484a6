package pipeline

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"allocate/bayes"
	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/returns"
	"allocate/returns/columnar"
)

func fitInputs(c *engine.Call) (bayes.Options, *returns.Series, error) {
	var o bayes.Settings
	if err := c.Options(&o); err != nil {
		return o.Options, nil, err
	}
	s, err := inputSeries(c, "series")
	return o.Options, s, err
}

// runEvidence weighs the return models of bayes.model auto on the whole years of a series.
func runEvidence(ctx context.Context, c *engine.Call) ([]byte, error) {
	o, s, err := fitInputs(c)
	if err != nil {
		return nil, err
	}
	e, err := bayes.Weigh(ctx, s, o, c.Stream, c.Progress)
	if err != nil {
		return nil, err
	}
	return json.Marshal(e)
}

func runBayes(ctx context.Context, c *engine.Call) ([]byte, error) {
	o, s, err := fitInputs(c)
	if err != nil {
		return nil, err
	}
	p, err := fitOrFallBack(ctx, c, s, o)
	if err != nil {
		return nil, err
	}
	return encodePosterior(p)
}

// runUpdate adds the last days of a series to a posterior given the days before them, or
// fits to all days where that is not possible. Inputs: series, posterior, and evidence.
func runUpdate(ctx context.Context, c *engine.Call) ([]byte, error) {
	o, s, err := fitInputs(c)
	if err != nil {
		return nil, err
	}
	before := &bayes.Posterior{}
	if c.Has("posterior") {
		if before, err = inputPosterior(c, "posterior"); err != nil {
			return nil, err
		}
	}
	p, why, err := before.Update(s, o)
	if err != nil {
		return nil, err
	}
	if p == nil {
		if p, err = fitOrFallBack(ctx, c, s, o); err != nil {
			return nil, err
		}
		if p.Len() > 0 && p.Method != bayes.Stale {
			p.Findings = append(p.Findings, why)
			returns.SortFindings(p.Findings)
		}
	}
	return encodePosterior(p)
}

// fitOrFallBack fits a series; if this is a second try, with the last good posterior to
// fall back on.
func fitOrFallBack(ctx context.Context, c *engine.Call, s *returns.Series, o bayes.Options) (*bayes.Posterior, error) {
	var last *bayes.Posterior
	if c.Has("last") {
		var err error
		if last, err = inputPosterior(c, "last"); err != nil {
			return nil, err
		}
	}
	return fit(ctx, c, s, o, last)
}

func encodePosterior(p *bayes.Posterior) ([]byte, error) {
	table, err := p.Table()
	if err != nil {
		return nil, err
	}
	return columnar.EncodeIPC(table)
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

type plannedFit struct {
	name     string
	own      bayes.Options
	series   engine.Input
	upTo     engine.Input   // the series, or its days up to the anchor
	evidence []engine.Input // weights of its return models, if it has them
	span     *returns.Series
}

// updated reports a fit to be updated by the days after the anchor.
func (p *plannedFit) updated() bool { return p.upTo.Content != p.series.Content }

// fixAnchor sets the last day of fits: with bayes.refit monthly it is that of the month
// before, so that they are the same all month, unless the as-of date is the last session of
// its month. The window begins with these fits.
func (in *day) fixAnchor(o bayes.Options, sessions returns.Calendar) {
	in.anchor, in.window.End = in.asOf, nil
	if o.Refit != bayes.RefitMonthly {
		return
	}
	asOf, next := in.asOf.Time(), sessions.Next(in.asOf).Time()
	end := in.asOf.AddDays(-asOf.Day()) // the last day of the month before
	if asOf.Month() == next.Month() {
		in.anchor = end
	} else {
		end = end.AddDays(1).AddMonths(1).AddDays(-1) // of this month, as later nights have it
	}
	in.window.End = &end
}

// planFits says which days of each strategy are fitted, and on which its return models are
// weighed. The years of the weights are the same all year, and so are the weights.
func (r *runner) planFits(f *forecast, in day, c *config.Config) ([]plannedFit, error) {
	plan := make([]plannedFit, len(f.tree.Parts))
	group := errgroup.Group{}
	group.SetLimit(max(1, r.Workers))
	for i, part := range f.tree.Parts {
		p := &plan[i]
		p.name, p.own = part.Name, c.Bayes.For(part.Name, in.metadata[part.Name].Group)
		p.series = engine.Input{Name: "series", Content: part.Content}
		if p.upTo = p.series; in.anchor == in.asOf && !p.own.Mixed() {
			continue
		}
		group.Go(func() error {
			b, err := r.Store.Get(part.Content)
			if err != nil {
				return err
			}
			s, err := seriesFrom(b)
			if err != nil {
				return err
			}
			n := s.Len()
			for n > 0 && s.Dates[n-1] > in.anchor {
				n--
			}
			if n > 0 && n < s.Len() {
				if fitted := s.Cut(0, n); bayes.CanUpdate(fitted, p.own) {
					if p.upTo, err = storeSeries(r, "series", fitted); err != nil {
						return err
					}
					s = fitted
				}
			}
			if p.own.Mixed() {
				p.span = bayes.EvidenceSpan(s)
			}
			return nil
		})
	}
	return plan, group.Wait()
}

// evidenceAction plans the weights of the return models of auto over span.
func (r *runner) evidenceAction(c *config.Config, span *returns.Series, own bayes.Options) (a engine.Action, err error) {
	in, err := storeSeries(r, "series", span)
	if err != nil {
		return a, err
	}
	return r.action(c, "evidence", span.Strategy.Name, bayes.Settings{Options: own.ForEvidence()}, true, in)
}

// evidence weighs the return models of the strategies that have bayes.model auto and years
// enough for it.
func (d *Decision) evidence(ctx context.Context, r *runner, plan []plannedFit, c *config.Config) error {
	var actions []engine.Action
	var at []int
	for i, p := range plan {
		if p.span == nil {
			continue
		}
		a, err := r.evidenceAction(c, p.span, p.own)
		if err != nil {
			return err
		}
		actions, at = append(actions, a), append(at, i)
	}
	if len(actions) == 0 {
		return nil
	}
	results, err := d.run(ctx, r, "evidence", actions)
	if err != nil {
		return err
	}
	for k, res := range results {
		plan[at[k]].evidence = []engine.Input{{Name: "evidence", Content: res.Content}}
	}
	return nil
}

// fit fits every strategy, and updates the fits to the days up to the anchor. The holdout
// is that of the fits, which are the same all month.
func (d *Decision) fit(ctx context.Context, r *runner, plan []plannedFit, c *config.Config) (fits, results []engine.Result, err error) {
	if err := d.evidence(ctx, r, plan, c); err != nil {
		return nil, nil, err
	}
	actions := make([]engine.Action, len(plan))
	for i, p := range plan {
		if actions[i], err = r.action(c, "bayes", p.name, bayes.Settings{Options: p.own}, true, append([]engine.Input{p.upTo}, p.evidence...)...); err != nil {
			return nil, nil, err
		}
	}
	if fits, err = d.run(ctx, r, "bayes", actions); err != nil {
		return nil, nil, err
	}
	var updates []engine.Action
	var at []int
	for i, p := range plan {
		if !p.updated() {
			continue
		}
		inputs := append([]engine.Input{p.series}, p.evidence...)
		if fits[i].Content != "" { // the fit ended with a result
			inputs = append(inputs, engine.Input{Name: "posterior", Content: fits[i].Content})
		}
		a, err := r.action(c, "update", p.name, bayes.Settings{Options: p.own}, true, inputs...)
		if err != nil {
			return nil, nil, err
		}
		updates, at = append(updates, a), append(at, i)
	}
	if len(updates) == 0 {
		return fits, fits, nil
	}
	updated, err := d.run(ctx, r, "update", updates)
	if err != nil {
		return nil, nil, err
	}
	results = slices.Clone(fits)
	for k, res := range updated {
		results[at[k]] = res
	}
	return fits, results, nil
}

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
		for _, stage := range []string{"bayes", "update"} {
			var of []engine.Action
			var to []int
			for k, a := range again {
				if a.Stage == stage {
					of, to = append(of, a), append(to, at[k])
				}
			}
			if len(of) == 0 {
				continue
			}
			if results, err = d.run(ctx, r, stage, of); err != nil {
				return nil, nil, err
			}
			second, err := readFits(ctx, r, results)
			if err != nil {
				return nil, nil, err
			}
			for k, f := range second {
				fits[to[k]] = f
			}
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
		if stage.Name != "bayes" && stage.Name != "update" { // in this order: the posterior of all days is the last
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
