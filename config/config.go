package config

import (
	"errors"
	"fmt"

	"allocate/bayes"
	"allocate/optimize"
	"allocate/pipeline/backtest"
	"allocate/returns"
	"allocate/scenarios"
)

// Config is everything that a run can be told.
type Config struct {
	AsOf      string            `mapstructure:"as_of" json:"as_of" doc:"as-of date: the last return that is used, YYYY-MM-DD; blank: the last session of returns.calendar before today"`
	Out       string            `mapstructure:"out" json:"out" doc:"folder for published runs, as <out>/<as_of>/r<k>, and <out>/latest" path:"true"`
	Cache     string            `mapstructure:"cache" json:"cache" doc:"folder of results that need not be computed again; it may be deleted at any time" path:"true"`
	CacheMax  int               `mapstructure:"cache_max" json:"cache_max" doc:"largest size of the cache after a run, in MiB: the longest unused results beyond it are deleted, but never those of the last published run; 0: no limit"`
	Seed      uint64            `mapstructure:"seed" json:"seed" doc:"random seed: the same inputs and seed give the same bytes"`
	Workers   int               `mapstructure:"workers" json:"workers" doc:"parallel workers; 0: one per processor; changes no result"`
	Executor  string            `mapstructure:"executor" json:"executor" doc:"where actions run: local, in this process, or process, each in a process of its own, so that one that crashes or exhausts its memory fails alone; changes no result" enum:"local,process"`
	Returns   returns.Options   `mapstructure:"returns" json:"returns" doc:"where the returns are, and which of them a run uses"`
	Bayes     bayes.Options     `mapstructure:"bayes" json:"bayes" doc:"the model of one strategy, its priors and its sampler"`
	Scenarios scenarios.Options `mapstructure:"scenarios" json:"scenarios" doc:"the joint futures"`
	Optimize  optimize.Options  `mapstructure:"optimize" json:"optimize" doc:"the decision: least CVaR within these limits"`
	Backtest  backtest.Options  `mapstructure:"backtest" json:"backtest" doc:"walk-forward backtest; only allocate backtest reads it"`
	Gates     Gates             `mapstructure:"gates" json:"gates" doc:"what holds a run for approval, and monitoring"`
}

// Default returns the built-in values. Only returns.path must be given.
func Default() Config {
	return Config{
		Out:       "out",
		Cache:     ".cache",
		CacheMax:  20_000,
		Seed:      1,
		Executor:  "local",
		Returns:   returns.DefaultOptions(),
		Bayes:     bayes.DefaultOptions(),
		Scenarios: scenarios.DefaultOptions(),
		Optimize:  optimize.DefaultOptions(),
		Backtest:  backtest.DefaultOptions(),
		Gates:     DefaultGates(),
	}
}

// For returns the configuration with what depends on the frequency of the
// panel filled in: the horizon, also of the losses that the models judge, and the periods between two decisions.
func (c *Config) For(f returns.Frequency) *Config {
	filled := *c
	filled.Scenarios, filled.Backtest = c.Scenarios.For(f), c.Backtest.For(f)
	filled.Bayes.Horizon = filled.Scenarios.Horizon
	return &filled
}

// Error is a configuration that cannot be used: every problem at once.
type Error struct{ Err error }

func (e *Error) Error() string { return "configuration:\n" + e.Err.Error() }

// Unwrap returns the joined problems.
func (e *Error) Unwrap() error { return e.Err }

// Validate reports every problem at once, each with its key, as an *Error.
func (c *Config) Validate() error {
	var errs []error
	if c.AsOf != "" {
		if _, err := returns.ParseDate(c.AsOf); err != nil {
			errs = append(errs, fmt.Errorf("as_of: %w", err))
		}
	}
	if c.Out == "" {
		errs = append(errs, errors.New("out: is blank; name the folder for published runs"))
	}
	if c.Cache == "" {
		errs = append(errs, errors.New("cache: is blank; name the folder for stored results"))
	}
	for _, f := range Values(c) {
		if path, ok := f.Default.(string); ok && f.Path && scheme(path) != "" {
			errs = append(errs, fmt.Errorf("%s: %q is an address; only files and folders of this machine are read and written", f.Key, clip(path)))
		}
	}
	if c.CacheMax < 0 {
		errs = append(errs, fmt.Errorf("cache_max: is %d; expected a number of MiB, or 0 for no limit", c.CacheMax))
	}
	if c.Executor != "local" && c.Executor != "process" {
		errs = append(errs, fmt.Errorf("executor: is %q; expected local or process", c.Executor))
	}
	if c.Workers < 0 || c.Workers > 4096 {
		errs = append(errs, fmt.Errorf("workers: is %d; expected 0 to 4096", c.Workers))
	}
	errs = append(errs, c.Returns.Validate(), c.Bayes.Validate(), c.Scenarios.Validate(), c.Optimize.Validate(), c.Backtest.Validate(), c.Gates.Validate())
	if err := errors.Join(errs...); err != nil {
		return &Error{err}
	}
	return nil
}
