package scenarios

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"allocate/returns"
)

// Options is the section `scenarios` of the configuration.
type Options struct {
	Horizon    int      `mapstructure:"horizon" json:"horizon" doc:"horizon in periods; 0: one month (21 trading days, 30 days of seven-day data, 4 weeks or 1 month; 1 quarter for quarterly data)"`
	Count      int      `mapstructure:"count" json:"count" doc:"number of joint scenarios; 0: 100,000 for up to 100 strategies; for more strategies, ten million divided by their number, but at least 10,000"`
	Dependence string   `mapstructure:"dependence" json:"dependence" doc:"dependence of strategies: dcc_t_copula (tail dependence, dynamic conditional correlation; all estimated), t_copula (the same with constant correlations), gaussian (copula without tail dependence), empirical (block bootstrap of historical ranks) or independent (understates risk)" enum:"dcc_t_copula,t_copula,gaussian,empirical,independent"`
	Mean       string   `mapstructure:"mean" json:"mean,omitempty" doc:"mean returns of the scenarios: posterior, shrunk (Sharpe ratios shrunk towards their mean over all strategies, the more, the better their uncertainty explains how they differ), or zero (for objectives of risk alone; expected returns are then 0 in every report)" enum:"posterior,shrunk,zero"`
	Holdout    *int     `mapstructure:"holdout" json:"holdout,omitempty" doc:"held-out periods at the end of each history, for out-of-sample checks; their influence on the posterior is removed by reweighting (leave-future-out), or by a fit without them; at most a fifth of the history; absent: a year, and at least 24; 0: none"`
	Views      []View   `mapstructure:"views" json:"views,omitempty" doc:"views imposed on the scenario probabilities, by entropy pooling"`
	Stress     []Stress `mapstructure:"stress" json:"stress,omitempty" doc:"named stress scenarios; each is reported"`
	Condition  string   `mapstructure:"condition" json:"condition,omitempty" doc:"stress under which the weights are optimized; blank: none"`
}

// View is a belief about one strategy's return over the horizon.
type View struct {
	Name     string  `mapstructure:"name" json:"name" doc:"name of the view, for reports"`
	Strategy string  `mapstructure:"strategy" json:"strategy" doc:"strategy of the view"`
	Versus   string  `mapstructure:"versus" json:"versus,omitempty" doc:"relative view: on the return of the strategy less that of this one; of kind correlation, the other strategy"`
	Kind     string  `mapstructure:"kind" json:"kind" doc:"mean, volatility (standard deviation), probability (of a return below the threshold), cvar (positive for a loss) or correlation" enum:"mean,volatility,probability,cvar,correlation"`
	Relation string  `mapstructure:"relation" json:"relation" doc:"equal, at_least or at_most" enum:"equal,at_least,at_most"`
	Value    float64 `mapstructure:"value" json:"value" doc:"mean, standard deviation or CVaR of the return over the horizon, as a fraction; the probability, or the correlation" fraction:"true"`
	Below    float64 `mapstructure:"below" json:"below,omitempty" doc:"threshold of a probability: a return over the horizon, as a fraction" fraction:"true"`
	Alpha    float64 `mapstructure:"alpha" json:"alpha,omitempty" doc:"confidence level of a CVaR; 0: 0.95" fraction:"true"`
	// Confidence of 1 holds the view; see Set.Pool.
	Confidence float64 `mapstructure:"confidence" json:"confidence,omitempty" doc:"weight of the view against the forecast, above 0 to 1; 0: 1, the view holds exactly"`
}

// Level is the confidence level of a CVaR view.
func (v View) Level() float64 {
	if v.Alpha == 0 {
		return checkAlpha
	}
	return v.Alpha
}

// confidence is Confidence, of which 0 is 1.
func (v View) confidence() float64 {
	if v.Confidence == 0 {
		return 1
	}
	return v.Confidence
}

// Move is the return of one strategy under a stress.
type Move struct {
	Strategy string  `mapstructure:"strategy" json:"strategy" doc:"strategy whose return is fixed"`
	Return   float64 `mapstructure:"return" json:"return" doc:"its mean return over the horizon, as a fraction: -0.1 is a loss of 10%" fraction:"true"`
	Spread   float64 `mapstructure:"spread" json:"spread,omitempty" doc:"standard deviation of its return under the stress, as a fraction; 0: a tenth of the unconditional one, or more where too few scenarios are that close" fraction:"true"`
}

// Stress is a conditional scenario: one strategy returns about Return, or several what Moves say, or
// the portfolio loses Loss.
type Stress struct {
	Name     string  `mapstructure:"name" json:"name" doc:"name of the stress"`
	Strategy string  `mapstructure:"strategy" json:"strategy,omitempty" doc:"strategy whose return is fixed"`
	Return   float64 `mapstructure:"return" json:"return,omitempty" doc:"its mean return over the horizon, as a fraction: -0.1 is a loss of 10%" fraction:"true"`
	Spread   float64 `mapstructure:"spread" json:"spread,omitempty" doc:"standard deviation of its return under the stress, as a fraction; 0: a tenth of the unconditional one, or more where too few scenarios are that close" fraction:"true"`
	Moves    []Move  `mapstructure:"moves" json:"moves,omitempty" doc:"instead of strategy and return: several strategies at once, [{strategy: a, return: -0.1}, {strategy: b, return: 0.02}]; a factor is a strategy with maximum weight 0 (optimize.bounds)"`
	Loss     float64 `mapstructure:"loss" json:"loss,omitempty" doc:"instead of strategy and return: reverse stress, a loss of the chosen portfolio over the horizon, as a fraction; the report has what the strategies most likely return then" fraction:"true"`
}

// moves are those of the stress.
func (s Stress) moves() []Move {
	if len(s.Moves) > 0 {
		return s.Moves
	}
	return []Move{{s.Strategy, s.Return, s.Spread}}
}

// Reverse reports a stress of the portfolio, which is known after the decision only.
func (s Stress) Reverse() bool { return s.Loss != 0 }

// The kinds of view, and the relations.
const (
	Mean        = "mean"
	Volatility  = "volatility"
	Probability = "probability"
	TailLoss    = "cvar"
	Correlation = "correlation"

	Equal   = "equal"
	AtLeast = "at_least"
	AtMost  = "at_most"
)

var (
	dependences = []string{DCC, TCopula, Gaussian, Empirical, Independent}
	kinds       = []string{Mean, Volatility, Probability, TailLoss, Correlation}
	relations   = []string{Equal, AtLeast, AtMost}
)

// DefaultOptions returns the defaults: a month ahead.
func DefaultOptions() Options {
	return Options{Dependence: TCopula, Mean: PosteriorMean}
}

// The number of scenarios where none is configured: the noise of the weights falls with
// it, and memory and time rise with its product with the number of strategies.
const (
	manyScenarios = 100_000
	fewScenarios  = 10_000
	mostReturns   = 10_000_000
)

// CountFor is the number of scenarios of so many strategies.
func (o Options) CountFor(strategies int) int {
	if o.Count > 0 {
		return o.Count
	}
	return max(fewScenarios, min(manyScenarios, mostReturns/max(1, strategies)))
}

// longestHorizon is the most periods of a scenario: a year of days.
const longestHorizon = 366

// For returns the options with what depends on the frequency of the panel
// filled in.
func (o Options) For(f returns.Frequency) Options {
	if o.Horizon == 0 {
		o.Horizon = f.Month()
	}
	return o
}

// HoldsOut reports whether models are tried on the last periods.
func (o Options) HoldsOut() bool { return o.Holdout == nil || *o.Holdout > 0 }

// Validate reports every problem at once, each with its key.
func (o Options) Validate() error {
	var errs []error
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("scenarios.%s: %s", key, fmt.Sprintf(format, args...)))
		}
	}
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	check(o.Horizon >= 0 && o.Horizon <= longestHorizon, "horizon", "is %d; expected 1 to %d periods, or 0 for a month", o.Horizon, longestHorizon)
	check(o.Count == 0 || o.Count >= 100 && o.Count <= 10_000_000, "count", "is %d; expected 100 to 10000000, or 0", o.Count)
	check(slices.Contains([]string{"", PosteriorMean, ShrunkMean, ZeroMean}, o.Mean), "mean", "%q is not one of %s, %s, %s", o.Mean, PosteriorMean, ShrunkMean, ZeroMean)
	if o.Holdout != nil {
		check(*o.Holdout == 0 || *o.Holdout >= fewestHeldOut, "holdout", "is %d; expected 0, or at least %d periods", *o.Holdout, fewestHeldOut)
	}
	check(slices.Contains(dependences, o.Dependence), "dependence", "%q is not one of %s", o.Dependence, strings.Join(dependences, ", "))
	seen := map[string]bool{}
	for i, v := range o.Views {
		key := fmt.Sprintf("views[%d]", i)
		check(v.Name != "", key+".name", "is required")
		check(v.Name == "" || !seen[v.Name], key+".name", "duplicate name %q", v.Name)
		seen[v.Name] = true
		check(v.Strategy != "", key+".strategy", "is required; expected the strategy of the view")
		check(slices.Contains(kinds, v.Kind), key+".kind", "%q is not one of %s", v.Kind, strings.Join(kinds, ", "))
		check(slices.Contains(relations, v.Relation), key+".relation", "%q is not one of %s", v.Relation, strings.Join(relations, ", "))
		check(v.Kind != Mean || finite(v.Value) && v.Value >= -1, key+".value", "is %v; expected a mean return of at least -1", v.Value)
		check(v.Kind != Volatility || finite(v.Value) && v.Value > 0, key+".value", "is %v; expected a standard deviation above 0", v.Value)
		check(v.Kind != Probability || v.Value >= 0 && v.Value <= 1, key+".value", "is %v; expected a probability", v.Value)
		check(v.Kind != Correlation || v.Value > -1 && v.Value < 1, key+".value", "is %v; expected a correlation between -1 and 1", v.Value)
		check(v.Kind != Correlation || v.Versus != "", key+".versus", "is required; expected the other strategy of the correlation")
		check(v.Versus == "" || v.Versus != v.Strategy, key+".versus", "is the strategy itself")
		check(v.Kind != TailLoss || finite(v.Value), key+".value", "is %v; expected a CVaR, positive for a loss", v.Value)
		check(v.Alpha >= 0 && v.Alpha < 1 && (v.Alpha == 0 || v.Kind == TailLoss), key+".alpha", "is %v; expected the level of a view of kind cvar, between 0 and 1", v.Alpha)
		check(v.Confidence >= 0 && v.Confidence <= 1, key+".confidence", "is %v; expected above 0 to 1", v.Confidence)
		check(finite(v.Below), key+".below", "is %v; expected a return", v.Below)
	}
	seen = map[string]bool{}
	for i, s := range o.Stress {
		key := fmt.Sprintf("stress[%d]", i)
		check(s.Name != "", key+".name", "is required")
		check(s.Name == "" || !seen[s.Name], key+".name", "duplicate name %q", s.Name)
		seen[s.Name] = true
		single := s.Strategy != "" || s.Return != 0 || s.Spread != 0
		ways := 0
		for _, given := range []bool{single, len(s.Moves) > 0, s.Loss != 0} {
			if given {
				ways++
			}
		}
		check(ways <= 1, key, "has more than one of strategy and return, moves, and loss; expected one")
		if s.Reverse() {
			check(finite(s.Loss) && s.Loss > 0, key+".loss", "is %v; expected a loss above 0, as a fraction", s.Loss)
			check(o.Condition != s.Name || s.Name == "", "condition", "%q is a loss of the portfolio, which the weights decide; expected a stress of strategies", o.Condition)
			continue
		}
		for k, m := range s.moves() {
			key := key
			if len(s.Moves) > 0 {
				key = fmt.Sprintf("%s.moves[%d]", key, k)
			}
			check(m.Strategy != "", key+".strategy", "is required; expected the strategy whose return is fixed")
			check(m.Strategy == "" || slices.IndexFunc(s.moves(), func(x Move) bool { return x.Strategy == m.Strategy }) == k, key+".strategy", "%q has a return already", m.Strategy)
			check(finite(m.Return) && m.Return >= -1, key+".return", "is %v; expected a return of at least -1", m.Return)
			check(finite(m.Spread) && m.Spread >= 0, key+".spread", "is %v; expected a standard deviation, or 0 for the default", m.Spread)
		}
	}
	check(o.Condition == "" || seen[o.Condition], "condition", "%q is not the name of a stress", o.Condition)
	return errors.Join(errs...)
}

// NameError is a view or a stress of a strategy that is not there.
type NameError struct{ Err error }

func (e *NameError) Error() string { return e.Err.Error() }

// Unwrap returns the joined problems.
func (e *NameError) Unwrap() error { return e.Err }

// known reports views and stresses of strategies that are not there.
func (o Options) known(names []string) error {
	var errs []error
	for i, v := range o.Views {
		if !slices.Contains(names, v.Strategy) {
			errs = append(errs, fmt.Errorf("scenarios.views[%d].strategy: no strategy %q among %d", i, v.Strategy, len(names)))
		}
		if v.Versus != "" && !slices.Contains(names, v.Versus) {
			errs = append(errs, fmt.Errorf("scenarios.views[%d].versus: no strategy %q among %d", i, v.Versus, len(names)))
		}
	}
	for i, s := range o.Stress {
		if s.Reverse() {
			continue
		}
		for k, m := range s.moves() {
			if !slices.Contains(names, m.Strategy) {
				at := fmt.Sprintf("scenarios.stress[%d]", i)
				if len(s.Moves) > 0 {
					at = fmt.Sprintf("%s.moves[%d]", at, k)
				}
				errs = append(errs, fmt.Errorf("%s.strategy: no strategy %q among %d", at, m.Strategy, len(names)))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return &NameError{err}
	}
	return nil
}
