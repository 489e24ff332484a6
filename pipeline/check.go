package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"allocate/bayes"
	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/returns"
)

// Checked is the result of a check of the data.
type Checked struct {
	AsOf       returns.Date      `json:"as_of"`
	First      returns.Date      `json:"first"`
	Last       returns.Date      `json:"last"`
	Days       int               `json:"days"`       // rows
	Frequency  returns.Frequency `json:"frequency"`  // found in the dates, or stated
	Strategies int               `json:"strategies"` // in the data
	Used       int               `json:"used"`       // that a run would model
	Findings   []returns.Finding `json:"findings"`
}

// Check does what Run does up to the gates on the data, and publishes nothing.
// The error of a gate that would refuse is returned beside the result.
func Check(ctx context.Context, c *config.Config, sink engine.Sink, now func() time.Time) (*Checked, error) {
	p, in, r, err := loadPanel(ctx, c, sink, now)
	if err != nil {
		return nil, err
	}
	d := &Decision{policy: c.Gates.Severity}
	o, err := engine.Canonical(in.window)
	if err != nil {
		return nil, err
	}
	a := engine.Action{Stage: "window", Version: r.Stages["window"].Version, Options: o, Inputs: in.inputs, Arch: engine.Arch()}
	results, err := d.run(ctx, r, "window", []engine.Action{a})
	if err != nil {
		return nil, err
	}
	tree, err := r.Tree(ctx, results[0])
	if err != nil {
		return nil, err
	}
	found := returns.Rate(append(slices.Clone(in.notes), tree.Findings...), c.Gates.Severity)
	checked := &Checked{AsOf: in.asOf, First: p.First(), Last: p.Last(), Days: p.Days(), Frequency: p.Frequency(), Strategies: p.Len(), Used: len(tree.Parts), Findings: found}
	if returns.Worst(found) >= returns.Hold {
		return checked, &published.GateError{Findings: found}
	}
	return checked, nil
}

// Panel reads the data as Run does, and returns all of it.
func Panel(ctx context.Context, c *config.Config, sink engine.Sink, now func() time.Time) (*returns.Panel, error) {
	files, r, err := open(ctx, c, sink, now)
	if err != nil {
		return nil, err
	}
	in, _, _, err := r.readPanel(ctx, c, files)
	return in.panel, err
}

// loadPanel prepares a run without publishing.
func loadPanel(ctx context.Context, c *config.Config, sink engine.Sink, now func() time.Time) (*returns.Panel, day, *runner, error) {
	files, r, err := open(ctx, c, sink, now)
	if err != nil {
		return nil, day{}, nil, err
	}
	in, _, err := r.prepare(ctx, c, files, false)
	return in.panel, in, r, err
}

// open validates a configuration, and finds its files and its cache.
func open(ctx context.Context, c *config.Config, sink engine.Sink, now func() time.Time) (*fetched, *runner, error) {
	if err := c.Validate(); err != nil {
		return nil, nil, err
	}
	files, err := fetch(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	r, err := newRunner(c, files, sink, now)
	return files, r, err
}

// Prior is the prior predictive summary of a strategy's model.
type Prior struct {
	Strategy   string           `json:"strategy"`
	Model      string           `json:"model"`
	Quantities []bayes.Quantity `json:"quantities"`
}

// Priors describes the prior of every strategy that a run would model: of the
// parameters, and of histories as long as the strategy's own.
func Priors(ctx context.Context, c *config.Config, sink engine.Sink, now func() time.Time) ([]Prior, error) {
	panel, in, _, err := loadPanel(ctx, c, sink, now)
	if err != nil {
		return nil, err
	}
	if err := in.known(c.Bayes); err != nil {
		return nil, err
	}
	known, err := returns.Known(panel, in.asOf, in.window.end(), c.Returns)
	if err != nil {
		return nil, err
	}
	var priors []Prior
	for j := range known.Len() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		series := known.Series(j)
		own := c.Bayes.For(series.Strategy.Name, in.metadata[series.Strategy.Name].Group)
		family, err := bayes.Choose(series, own)
		if err != nil {
			return nil, err
		}
		model, err := family.New(series, own)
		if err != nil {
			continue // the run itself says why
		}
		name := series.Strategy.Name
		q, err := bayes.PriorPredictive(model, family.Predictor(series), series.Frequency, series.Len(), 400, engine.Streams(c.Seed, "prior")(name))
		if err != nil {
			return nil, fmt.Errorf("strategy %q: %w", strings.ToValidUTF8(name, "?"), err)
		}
		priors = append(priors, Prior{name, family.Name, q})
	}
	return priors, nil
}
