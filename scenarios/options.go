package scenarios

import (
	"errors"
	"fmt"
	"slices"
)

// Options is the section `scenarios` of the configuration.
type Options struct {
	Horizon    int    `mapstructure:"horizon" json:"horizon" doc:"trading days each scenario spans"`
	Count      int    `mapstructure:"count" json:"count" doc:"number of joint scenarios"`
	Dependence string `mapstructure:"dependence" json:"dependence" doc:"gaussian (copula on the probability integral transforms) or independent" enum:"gaussian,independent"`
}

// DefaultOptions returns the defaults: a month of trading days ahead.
func DefaultOptions() Options { return Options{Horizon: 21, Count: 10000, Dependence: "gaussian"} }

// Validate reports every problem at once, each with its key.
func (o Options) Validate() error {
	var errs []error
	if o.Horizon < 1 || o.Horizon > 252 {
		errs = append(errs, fmt.Errorf("scenarios.horizon: is %d; expected 1 to 252 trading days", o.Horizon))
	}
	if o.Count < 100 || o.Count > 10_000_000 {
		errs = append(errs, fmt.Errorf("scenarios.count: is %d; expected 100 to 10000000", o.Count))
	}
	if !slices.Contains([]string{"gaussian", "independent"}, o.Dependence) {
		errs = append(errs, fmt.Errorf("scenarios.dependence: %q is not one of gaussian, independent", o.Dependence))
	}
	return errors.Join(errs...)
}
