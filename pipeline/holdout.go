package pipeline

import (
	"context"
	"encoding/json"

	"allocate/bayes"
	"allocate/pipeline/engine"
	"allocate/returns"
	"allocate/scenarios"
)

// holdoutOptions are those of the second fit of a strategy, which does not see
// its last days.
type holdoutOptions struct {
	Scenarios scenarios.Options `json:"scenarios"` // only what says how many days
	Bayes     bayes.Settings    `json:"bayes"`
}

// heldOut is what those options depend on, so that the number of scenarios,
// say, changes no action.
func heldOut(s scenarios.Options, b bayes.Options) holdoutOptions {
	b.Replicates = 0 // the days held out are the check
	return holdoutOptions{scenarios.Options{Holdout: s.Holdout}, bayes.Settings{Options: b}}
}

// runHoldout fits a series without its last days and asks where they lie in
// what the fit predicts: a Coverage, or null where there are too few days or no
// usable posterior of the others.
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
		p, err := bayes.Fit(ctx, &train, o.Bayes.Options, c.Stream, c.Progress)
		if err != nil {
			return nil, err
		}
		if p.Len() > 0 && p.Verdict() != bayes.Unusable {
			predictor, err := p.Predictor(&train)
			if err != nil {
				return nil, err
			}
			if coverage, err = (scenarios.Strategy{Series: &train, Posterior: p, Predictor: predictor}).Holdout(s.Returns[n:], c.Stream("cone")); err != nil {
				return nil, err
			}
		}
	}
	return json.Marshal(coverage)
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
