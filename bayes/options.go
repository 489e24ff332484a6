package bayes

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"allocate/bayes/nuts"
)

// Options is the section `bayes` of the configuration.
type Options struct {
	Model        string  `mapstructure:"model" json:"model" doc:"return model; auto: a mixture of several, weighted by their out-of-sample forecasts (student_t for short histories); a strategy with at least 10% zero returns, or more than 21 in a row, gets the hurdle version of its model"`
	HalfLife     float64 `mapstructure:"half_life" json:"half_life" doc:"half-life of the exponential weights in scale and shape, in periods; 0: equal weights"`
	HalfLifeMean float64 `mapstructure:"half_life_mean" json:"half_life_mean" doc:"half-life of the exponential weights in the mean, in periods; 0: equal weights over the whole history, even if half_life is set"`
	PriorSharpe  Prior   `mapstructure:"prior_sharpe" json:"prior_sharpe" doc:"prior of the annual Sharpe ratio: student_t(df, location, scale), or normal(location, scale), whose light tails may inflate the standard deviation instead where data and prior conflict"`
	PriorLogSD   Prior   `mapstructure:"prior_log_sd" json:"prior_log_sd" doc:"prior of ln(standard deviation per period / its robust estimate): normal(location, scale) or student_t(df, location, scale); the standard deviation, not the scale sigma of the Student-t"`
	PriorNu      Prior   `mapstructure:"prior_nu" json:"prior_nu" doc:"prior of the degrees of freedom nu: gamma(shape, rate) or exponential(rate) of nu - 2, or fixed(nu); a gamma of shape above 1 keeps the expected predictive variance finite"`
	Chains       int     `mapstructure:"chains" json:"chains" doc:"independent Markov chains per strategy"`
	Draws        int     `mapstructure:"draws" json:"draws" doc:"posterior draws kept per chain"`
	Warmup       int     `mapstructure:"warmup" json:"warmup" doc:"maximum warm-up iterations per chain; warm-up ends early at convergence"`
	TargetAccept float64 `mapstructure:"target_accept" json:"target_accept" doc:"target acceptance statistic of the step-size adaptation; of gjr_t, at least 0.9" fraction:"true"`
	MaxTreeDepth int     `mapstructure:"max_tree_depth" json:"max_tree_depth" doc:"maximum tree depth"`
	MaxRHat      float64 `mapstructure:"max_rhat" json:"max_rhat" doc:"maximum rank-normalized split R-hat"`
	MinESS       float64 `mapstructure:"min_ess" json:"min_ess" doc:"minimum bulk and tail effective sample size, all chains together"`
	MaxDivergent float64 `mapstructure:"max_divergent" json:"max_divergent" doc:"maximum share of divergent transitions" fraction:"true"`
	MaxGradients int     `mapstructure:"max_gradients" json:"max_gradients" doc:"maximum gradient evaluations per strategy, over all attempts; the best attempt is kept when they are exhausted"`
	Refit        string  `mapstructure:"refit" json:"refit" doc:"always: fit at every as-of date; monthly: fit at month ends, and on other dates update the posterior by the likelihood of the returns since, or fit if they change it too much (Pareto k) or half-lives are set"`
	Replicates   int     `mapstructure:"replicates" json:"replicates" doc:"replicated histories of the posterior predictive checks; 0: none"`

	Of []Override `mapstructure:"of" json:"of,omitempty" doc:"overrides of model, half-lives and priors for single strategies or metadata groups: [{name: a, model: normal}, {group: trend, prior_sharpe: \"normal(0, 0.5)\"}]"`

	// Horizon is how many periods ahead the losses are of which LossTail judges
	// the tail; 0: one. Families without memory do not depend on it. It is no key
	// of the section: the horizon of the scenarios sets it.
	Horizon int `mapstructure:"-" json:"horizon,omitempty" jsonschema:"-"`
}

// The values of Options.Refit.
const (
	RefitAlways  = "always"
	RefitMonthly = "monthly"
)

// DefaultOptions returns the defaults. The prior of the Sharpe ratio holds 90%
// between -1.65 and 1.65, as a Normal(0, 1) would, but has heavy tails, so that a history with a ratio of 20 or 100 overrules it: a normal
// prior is met more cheaply by a standard deviation many times that of the
// data. The prior of nu is that of Juarez and Steel (2010), shifted by 2; see
// the documentation of the Student-t model.
func DefaultOptions() Options {
	return Options{
		Model:        studentT.Name,
		PriorSharpe:  "student_t(3, 0, 0.7)",
		PriorLogSD:   "normal(0, 1)",
		PriorNu:      "gamma(2, 0.1)",
		Chains:       4,
		Draws:        1000,
		Warmup:       1000,
		TargetAccept: 0.8,
		MaxTreeDepth: 10,
		MaxRHat:      1.01,
		MinESS:       400,
		MaxDivergent: 0.001,
		MaxGradients: 2_000_000,
		Refit:        RefitAlways,
		Replicates:   100,
	}
}

// Describe returns the documentation of an option that depends on the families
// there are, and the values that it takes; blank for all others.
func (Options) Describe(key string) (doc string, values []string) {
	switch key {
	case "model":
	case "refit":
		return "", []string{RefitAlways, RefitMonthly}
	default:
		return "", nil
	}
	known := names(Families())
	f, _ := reflect.TypeFor[Options]().FieldByName("Model")
	last := len(known) - 1
	return fmt.Sprintf("%s; one of %s, %s or %s", f.Tag.Get("doc"), automatic, strings.Join(known[:last], ", "), known[last]), append([]string{automatic}, known...)
}

type problem struct {
	key string
	err error
}

// Validate reports every problem at once, each with its key.
func (o Options) Validate() error {
	var errs []error
	for _, p := range o.problems() {
		errs = append(errs, fmt.Errorf("bayes.%s: %w", p.key, p.err))
	}
	return errors.Join(append(errs, o.validateOverrides())...)
}

// problems are those of the options but for the overrides.
func (o Options) problems() (list []problem) {
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			list = append(list, problem{key, fmt.Errorf(format, args...)})
		}
	}
	if o.Model != automatic {
		f, err := Lookup(o.Model)
		if err != nil {
			list = append(list, problem{"model", errors.New(strings.TrimPrefix(err.Error(), "bayes: "))})
		}
		// It would change nothing, and whoever sets it expects that it does.
		for _, h := range []struct {
			key   string
			value float64
		}{{"half_life", o.HalfLife}, {"half_life_mean", o.HalfLifeMean}} {
			check(err != nil || h.value == 0 || slices.Contains(f.Options, h.key), "model", "%s has no weights of returns; set bayes.%s to 0", o.Model, h.key)
		}
	}
	_, bad := o.readPriors()
	list = append(list, bad...)
	check(o.HalfLife >= 0 && o.HalfLife <= 1e6, "half_life", "is %v; expected a number of periods, or 0 for equal weights", o.HalfLife)
	check(o.HalfLifeMean >= 0 && o.HalfLifeMean <= 1e6, "half_life_mean", "is %v; expected a number of periods, or 0 for equal weights", o.HalfLifeMean)
	check(o.Chains >= 2 && o.Chains <= 64, "chains", "is %d; R-hat needs 2 to 64 chains", o.Chains)
	check(o.Draws >= 100 && o.Draws <= 1e6, "draws", "is %d; expected 100 to 1000000", o.Draws)
	check(o.Warmup >= 100 && o.Warmup <= 1e6, "warmup", "is %d; expected 100 to 1000000", o.Warmup)
	check(o.TargetAccept > 0 && o.TargetAccept < 1, "target_accept", "is %v; expected a number between 0 and 1", o.TargetAccept)
	check(o.MaxTreeDepth >= 1 && o.MaxTreeDepth <= 20, "max_tree_depth", "is %d; expected 1 to 20", o.MaxTreeDepth)
	check(o.MaxRHat > 1, "max_rhat", "is %v; expected a number above 1", o.MaxRHat)
	check(o.MinESS > 0 && o.MinESS < 1e6, "min_ess", "is %v; expected a number above 0", o.MinESS)
	check(o.MaxDivergent >= 0 && o.MaxDivergent <= 1, "max_divergent", "is %v; expected a share", o.MaxDivergent)
	check(o.MaxGradients >= 10_000 && o.MaxGradients <= 1e12, "max_gradients", "is %d; expected 10000 to 1000000000000", o.MaxGradients)
	check(o.Refit == RefitAlways || o.Refit == RefitMonthly, "refit", "is %q; expected %s or %s", o.Refit, RefitAlways, RefitMonthly)
	check(o.Replicates >= 0 && o.Replicates <= 1e5, "replicates", "is %d; expected 0 to 100000", o.Replicates)
	return list
}

// priors are the three priors of a return model, read.
type priors struct{ sharpe, logSD, nu prior }

// priors reads the priors and reports every problem with them.
func (o Options) priors() (priors, error) {
	p, bad := o.readPriors()
	var errs []error
	for _, b := range bad {
		errs = append(errs, fmt.Errorf("bayes.%s: %w", b.key, b.err))
	}
	return p, errors.Join(errs...)
}

func (o Options) readPriors() (p priors, bad []problem) {
	for _, k := range []struct {
		key      string
		text     Prior
		families []string
		to       *prior
	}{
		{"prior_sharpe", o.PriorSharpe, locationFamilies, &p.sharpe},
		{"prior_log_sd", o.PriorLogSD, locationFamilies, &p.logSD},
		{"prior_nu", o.PriorNu, tailFamilies, &p.nu},
	} {
		var err error
		if *k.to, err = k.text.parse(k.families); err != nil {
			bad = append(bad, problem{k.key, err})
		}
	}
	return p, bad
}

func (o Options) sampler() nuts.Options {
	n := nuts.DefaultOptions()
	n.Chains, n.Draws, n.Warmup = o.Chains, o.Draws, o.Warmup
	n.TargetAccept, n.MaxDepth = o.TargetAccept, o.MaxTreeDepth
	return n
}
