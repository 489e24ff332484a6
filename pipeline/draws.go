package pipeline

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"allocate/bayes"
	"allocate/config"
	"allocate/pipeline/store"
	"allocate/returns"
	"allocate/returns/columnar"
)

// RunPosterior returns the posterior of a strategy as a published run used it.
func RunPosterior(dir string, s *store.Store, strategy string) (*bayes.Posterior, error) {
	m, err := ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	var found *bayes.Posterior
	for _, stage := range m.Stages {
		if stage.Name != "bayes" {
			continue
		}
		for _, a := range stage.Actions {
			names = append(names, a.Unit)
			if a.Unit != strategy {
				continue
			}
			b, err := s.Get(a.Content)
			if err != nil {
				return nil, &returns.NotReadyError{Message: fmt.Sprintf("the draws of %q are no longer stored (%v); run the day again", strategy, err)}
			}
			if found, err = decodePosterior(b); err != nil { // a second try comes later and wins
				return nil, err
			}
		}
	}
	if found == nil {
		return nil, &config.Error{Err: fmt.Errorf("--strategy: the run has no posterior of %q%s", strategy, returns.Suggest(strategy, names))}
	}
	return found, nil
}

// WriteDraws writes draws as parquet, arrow or cmdstan; for cmdstan chain says
// which, from 1, as CmdStan has one file for each.
func WriteDraws(w io.Writer, p *bayes.Posterior, format string, chain int) error {
	switch format {
	case "parquet":
		return p.WriteParquet(w)
	case "cmdstan":
		return p.WriteCmdStan(w, chain)
	case "arrow":
		t, err := p.Table()
		if err != nil {
			return err
		}
		return columnar.WriteIPC(w, t)
	}
	return fmt.Errorf("pipeline: no format %q; expected parquet, arrow or cmdstan", format)
}

// Prior is what the model of a strategy believes before it sees the returns.
type Prior struct {
	Strategy   string           `json:"strategy"`
	Model      string           `json:"model"`
	Quantities []bayes.Quantity `json:"quantities"`
}

// Priors describes the prior of every strategy that a run would model: of the
// parameters, and of histories as long as the strategy's own.
func Priors(ctx context.Context, c *config.Config, sink Sink, now func() time.Time) ([]Prior, error) {
	panel, in, _, err := loadPanel(ctx, c, sink, now)
	if err != nil {
		return nil, err
	}
	if err := in.known(c.Bayes); err != nil {
		return nil, err
	}
	known, err := returns.Known(panel, in.asOf, c.Returns)
	if err != nil {
		return nil, err
	}
	var priors []Prior
	for j := range known.Len() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		series := known.Series(j)
		own := c.Bayes.For(series.Strategy.Name, in.about[series.Strategy.Name].Group)
		family, err := bayes.Choose(series, own)
		if err != nil {
			return nil, err
		}
		model, err := family.New(series, own)
		if err != nil {
			continue // the run itself says why
		}
		name := series.Strategy.Name
		q, err := bayes.PriorPredictive(model, family.Predictor(series), series.Frequency, series.Len(), 400, Streams(c.Seed, "prior")(name))
		if err != nil {
			return nil, fmt.Errorf("strategy %q: %w", strings.ToValidUTF8(name, "?"), err)
		}
		priors = append(priors, Prior{name, family.Name, q})
	}
	return priors, nil
}
