package bayes

import (
	"errors"
	"fmt"

	"allocate/bayes/nuts"
)

// Options is the section `bayes` of the configuration.
type Options struct {
	Model         string  `mapstructure:"model" json:"model" doc:"return model: auto (hurdle_student_t for a strategy that is flat on many days, else student_t), student_t or hurdle_student_t" enum:"auto,student_t,hurdle_student_t"`
	FlatShare     float64 `mapstructure:"flat_share" json:"flat_share" doc:"share of days with a return of exactly 0 from which auto takes the hurdle"`
	Chains        int     `mapstructure:"chains" json:"chains" doc:"independent Markov chains per strategy"`
	Draws         int     `mapstructure:"draws" json:"draws" doc:"posterior draws kept per chain"`
	Warmup        int     `mapstructure:"warmup" json:"warmup" doc:"most warm-up iterations per chain; warm-up stops early once it has settled"`
	TargetAccept  float64 `mapstructure:"target_accept" json:"target_accept" doc:"acceptance statistic the step size aims at"`
	MaxTreeDepth  int     `mapstructure:"max_tree_depth" json:"max_tree_depth" doc:"deepest trajectory doubling"`
	SharpePriorSD float64 `mapstructure:"sharpe_prior_sd" json:"sharpe_prior_sd" doc:"prior of the annual Sharpe ratio: normal around 0 with this standard deviation"`
	LogSDPriorSD  float64 `mapstructure:"log_sd_prior_sd" json:"log_sd_prior_sd" doc:"prior of ln(daily standard deviation): normal around a robust estimate with this standard deviation"`
	NuPriorShape  float64 `mapstructure:"nu_prior_shape" json:"nu_prior_shape" doc:"prior of the degrees of freedom: nu = 2 + Gamma(shape, rate); shape above 1 keeps the predictive variance finite"`
	NuPriorRate   float64 `mapstructure:"nu_prior_rate" json:"nu_prior_rate" doc:"rate of that Gamma"`
	MaxRHat       float64 `mapstructure:"max_rhat" json:"max_rhat" doc:"largest rank-normalised split R-hat of a usable posterior"`
	MinESS        float64 `mapstructure:"min_ess" json:"min_ess" doc:"least bulk and tail effective sample size of a usable posterior, over all chains"`
	MaxDivergent  float64 `mapstructure:"max_divergent" json:"max_divergent" doc:"largest share of divergent draws of a usable posterior"`
}

// DefaultOptions returns the defaults. The prior of nu is that of Juarez and
// Steel (2010), shifted by 2; see the package documentation of StudentT.
func DefaultOptions() Options {
	return Options{
		Model:         "auto",
		FlatShare:     0.1,
		Chains:        4,
		Draws:         1000,
		Warmup:        1000,
		TargetAccept:  0.8,
		MaxTreeDepth:  10,
		SharpePriorSD: 1,
		LogSDPriorSD:  1,
		NuPriorShape:  2,
		NuPriorRate:   0.1,
		MaxRHat:       1.01,
		MinESS:        400,
		MaxDivergent:  0.001,
	}
}

// Validate reports every problem at once, each with its key.
func (o Options) Validate() error {
	var errs []error
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("bayes.%s: %s", key, fmt.Sprintf(format, args...)))
		}
	}
	if o.Model != "auto" {
		if _, err := Lookup(o.Model); err != nil {
			errs = append(errs, fmt.Errorf("bayes.model: %w", err))
		}
	}
	positive := func(v float64, key string) { check(v > 0 && v < 1e6, key, "is %v; expected a number above 0", v) }
	check(o.FlatShare > 0 && o.FlatShare <= 1, "flat_share", "is %v; expected a share above 0, at most 1", o.FlatShare)
	check(o.Chains >= 2 && o.Chains <= 64, "chains", "is %d; R-hat needs 2 to 64 chains", o.Chains)
	check(o.Draws >= 100 && o.Draws <= 1e6, "draws", "is %d; expected 100 to 1000000", o.Draws)
	check(o.Warmup >= 100 && o.Warmup <= 1e6, "warmup", "is %d; expected 100 to 1000000", o.Warmup)
	check(o.TargetAccept > 0 && o.TargetAccept < 1, "target_accept", "is %v; expected a number between 0 and 1", o.TargetAccept)
	check(o.MaxTreeDepth >= 1 && o.MaxTreeDepth <= 20, "max_tree_depth", "is %d; expected 1 to 20", o.MaxTreeDepth)
	positive(o.SharpePriorSD, "sharpe_prior_sd")
	positive(o.LogSDPriorSD, "log_sd_prior_sd")
	positive(o.NuPriorShape, "nu_prior_shape")
	positive(o.NuPriorRate, "nu_prior_rate")
	check(o.MaxRHat > 1, "max_rhat", "is %v; expected a number above 1", o.MaxRHat)
	positive(o.MinESS, "min_ess")
	check(o.MaxDivergent >= 0 && o.MaxDivergent <= 1, "max_divergent", "is %v; expected a share", o.MaxDivergent)
	return errors.Join(errs...)
}

// sampler returns the NUTS settings that o stands for.
func (o Options) sampler() nuts.Options {
	n := nuts.DefaultOptions()
	n.Chains, n.Draws, n.Warmup = o.Chains, o.Draws, o.Warmup
	n.TargetAccept, n.MaxDepth = o.TargetAccept, o.MaxTreeDepth
	return n
}
