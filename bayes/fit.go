package bayes

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"allocate/bayes/nuts"
	"allocate/returns"
)

// Fit chooses the return model for a series, samples its posterior, judges it
// and compares the model's predictions with the series. stream gives the
// random source of a named part ("chain 1", ...). progress, which may be nil,
// receives the iterations done, over all chains.
//
// A strategy that cannot be fitted is not an error: its posterior is Unusable,
// perhaps without draws, and its findings say why. Errors are options that are
// not valid and a cancelled context.
func Fit(ctx context.Context, s *returns.Series, o Options, stream func(part string) rand.Source, progress func(done, total int)) (*Posterior, error) {
	return Refit(ctx, s, o, nil, stream, progress)
}

// Refit is Fit with the last good posterior of the strategy, which may be nil.
// Where sampling and approximation both fail it stands in, marked Stale.
func Refit(ctx context.Context, s *returns.Series, o Options, last *Posterior, stream func(part string) rand.Source, progress func(done, total int)) (*Posterior, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	family, err := Choose(s, o)
	if err != nil {
		return nil, err
	}
	o.TargetAccept = max(o.TargetAccept, family.TargetAccept)
	model, err := newModel(family, s, o)
	var p *Posterior
	if err == nil {
		p, err = sampleWithFallback(ctx, model, o, stream, progress)
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("strategy %q: %w", s.Strategy.Name, ctx.Err())
	}
	if p == nil || p.Verdict() == Unusable {
		p = fallBack(s, family, model, o, p, err, last, stream)
	}
	p.Strategy, p.Model = s.Strategy.Name, family.Name
	if p.Method != Stale {
		p.Fitted = digest(s.Returns)
	}
	predictor, err := p.Predictor(s)
	if err != nil {
		return nil, err
	}
	if p.Len() > 0 && model != nil && p.Method != Stale {
		p.scalePower(model)
		p.predict(predictor, s.Returns, o, stream)
		p.Findings = append(p.Findings, p.checkMean(predictor, s, o)...)
	}
	if c, is := predictor.(Commenter); is {
		p.Findings = append(p.Findings, c.Findings()...)
	}
	for i := range p.Findings {
		p.Findings[i].Strategy = p.Strategy
	}
	returns.SortFindings(p.Findings)
	return p, nil
}

// newModel makes the model, and names the day of a return that is no number.
func newModel(f Family, s *returns.Series, o Options) (Model, error) {
	for i, r := range s.Returns {
		if math.IsNaN(r) || math.IsInf(r, 0) {
			return nil, fmt.Errorf("bayes: the return in row %d (%v) is %v", i+1, s.Dates[i], r)
		}
	}
	m, err := f.New(s, o)
	if err != nil {
		return nil, err // a nil model, not an interface around a nil pointer
	}
	return m, nil
}

// stale is the posterior of an earlier fit in place of one that failed.
func stale(last *Posterior, account []returns.Finding, why string) *Posterior {
	p := *last
	p.Method = Stale
	p.Findings = append(account, returns.Finding{
		Code: "bayes.stale", Severity: returns.Warn, Strategy: last.Strategy,
		Sentence: "The posterior of an earlier fit is used, because this fit failed: " + why,
	})
	return &p
}

// fallBack is the part of the fallback sequence after sampling: the Laplace
// approximation if its importance weights are reliable, else the last good
// posterior, else the unusable draws. failure is the reason where there are no
// draws.
func fallBack(s *returns.Series, f Family, m Model, o Options, sampled *Posterior, failure error, last *Posterior, stream func(part string) rand.Source) *Posterior {
	var account []returns.Finding
	why := "the draws are not usable"
	if sampled != nil {
		for _, f := range sampled.Findings {
			if f.Severity >= returns.Hold {
				why = f.Sentence
				break
			}
		}
		for _, f := range sampled.Findings {
			if f.Code == "bayes.attempt" {
				account = append(account, f)
			}
		}
	} else {
		why = failure.Error()
		account = append(account, returns.Finding{Code: "bayes.failed", Severity: returns.Info, Sentence: "Sampling failed: " + why + "."})
	}
	var fatal *nuts.PointError
	var wrong *GradientError
	if m != nil && !errors.As(failure, &fatal) && !errors.As(failure, &wrong) {
		p, k := sampleLaplace(m, o, stream)
		if p != nil {
			p.Findings = append(judge(p, o), account...)
			p.Findings = append(p.Findings, returns.Finding{
				Code: "bayes.laplace", Severity: returns.Warn, Numbers: map[string]float64{"pareto_k": k},
				Sentence: fmt.Sprintf("The draws come from a Laplace approximation, resampled by importance (Pareto k %.2f), because NUTS failed: %s", k, why),
			})
			if p.Verdict() != Unusable {
				return p
			}
		}
		f := returns.Finding{Code: "bayes.attempt", Severity: returns.Info, Sentence: "The Laplace approximation is not available: the posterior has no single mode."}
		if !math.IsNaN(k) && !math.IsInf(k, 0) {
			f.Numbers = map[string]float64{"pareto_k": k}
			f.Sentence = fmt.Sprintf("The Laplace approximation is not usable: its importance weights have Pareto k %.2f.", k)
		}
		account = append(account, f)
	}
	if last != nil && last.Strategy == s.Strategy.Name && last.Model == f.Name && last.Verdict() != Unusable {
		return stale(last, account, why)
	}
	if sampled == nil {
		sampled = &Posterior{Method: None, LossTail: Number(math.NaN())}
		if m != nil {
			sampled.Names = m.Names()
		}
	}
	known := map[string]bool{}
	for _, f := range sampled.Findings {
		known[f.Sentence] = true
	}
	for _, f := range account {
		if !known[f.Sentence] {
			sampled.Findings = append(sampled.Findings, f)
		}
	}
	sampled.Findings = append(sampled.Findings, returns.Finding{
		Code: "bayes.unusable", Severity: returns.Fail, Sentence: "No usable posterior: " + why,
	})
	return sampled
}
