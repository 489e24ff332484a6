package pipeline

import (
	"context"
	"encoding/json"

	"allocate/bayes"
	"allocate/pipeline/engine"
	"allocate/returns"
	"allocate/scenarios"
)

// holdoutOptions are those of a fit that does not see a strategy's last days.
type holdoutOptions struct {
	Scenarios scenarios.Options `json:"scenarios"` // only what says how many days
	Bayes     bayes.Settings    `json:"bayes"`
}

// heldOut selects the options on which the stage depends, so that the number of
// scenarios, for example, changes no action.
func heldOut(s scenarios.Options, b bayes.Options) holdoutOptions {
	b.Replicates = 0 // the days held out are the check
	return holdoutOptions{scenarios.Options{Holdout: s.Holdout}, bayes.Settings{Options: b}}
}

// runHoldout asks where the last days of a series lie in what a model predicts that has
// not seen them: a Coverage, or null where there are too few days or no usable posterior
// of the others. The draws are those of the fit to all days, weighted by leave-future-out;
// where these days say too much for that, of a second fit. Inputs: series and posterior.
func runHoldout(ctx context.Context, c *engine.Call) ([]byte, error) {
	var o holdoutOptions
	if err := c.Options(&o); err != nil {
		return nil, err
	}
	s, err := inputSeries(c, "series")
	if err != nil {
		return nil, err
	}
	train := *s
	n := s.Len() - o.Scenarios.HeldOut(s)
	train.Dates, train.Returns = s.Dates[:n], s.Returns[:n]
	var coverage *scenarios.Coverage
	if n < s.Len() {
		p, k, err := unseen(ctx, c, s, &train, o.Bayes.Options)
		if err != nil {
			return nil, err
		}
		if p.Len() > 0 && p.Verdict() != bayes.Unusable {
			predictor, err := p.Predictor(&train)
			if err != nil {
				return nil, err
			}
			if coverage, err = (scenarios.Strategy{Series: &train, Posterior: p, Predictor: predictor}).Holdout(s, c.Stream("cone")); err != nil {
				return nil, err
			}
			coverage.ParetoK = k
		}
	}
	return json.Marshal(coverage)
}

// unseen returns a posterior given the days of train only, and the Pareto shape of the
// weights that made it from the one given all days of s; nil: a second fit made it.
func unseen(ctx context.Context, c *engine.Call, s, train *returns.Series, o bayes.Options) (*bayes.Posterior, *float64, error) {
	all := &bayes.Posterior{}
	if c.Has("posterior") {
		var err error
		if all, err = inputPosterior(c, "posterior"); err != nil {
			return nil, nil, err
		}
	}
	if all.Len() > 0 && all.Verdict() != bayes.Unusable && o.HalfLife == 0 && o.HalfLifeMean == 0 { // weights by distance from the last day are others
		if p, k, limit := all.LeaveFuture(s, s.Len()-train.Len()); p != nil && k <= limit {
			return p, &k, nil
		}
	}
	p, err := fit(ctx, c, train, o, nil)
	return p, nil, err
}

// holdout tries the model of every strategy on days that it has not seen. It
// returns the results as inputs of the reports.
func (d *Decision) holdout(ctx context.Context, r *runner, fits []engine.Action) ([]engine.Input, error) {
	if len(fits) == 0 {
		return nil, nil // scenarios.holdout is 0
	}
	results, err := d.run(ctx, r, "holdout", fits)
	if err != nil {
		return nil, err
	}
	var all []*scenarios.Coverage
	var inputs []engine.Input
	for _, res := range results {
		var c *scenarios.Coverage
		b, err := r.Bytes(ctx, res)
		if err == nil {
			err = json.Unmarshal(b, &c)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, c)
		inputs = append(inputs, engine.Input{Name: "holdout " + res.Action.Unit, Content: res.Content})
	}
	return inputs, d.gate(r, "holdout", scenarios.JudgeHoldout(all))
}

// judgeHoldout returns the findings of all coverages among an action's inputs.
func judgeHoldout(c *engine.Call) ([]returns.Finding, error) {
	var all []*scenarios.Coverage
	err := c.Each("holdout", func(_ string, b []byte) error {
		var one *scenarios.Coverage
		err := json.Unmarshal(b, &one)
		all = append(all, one)
		return err
	})
	return scenarios.JudgeHoldout(all), err
}
