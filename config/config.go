package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"allocate/bayes"
	"allocate/optimize"
	"allocate/pipeline/backtest"
	"allocate/pipeline/store"
	"allocate/returns"
	"allocate/scenarios"
)

// Config is everything that a run can be told.
type Config struct {
	Preset    string            `mapstructure:"preset" json:"preset" doc:"defaults of the forecast: static (student_t, t_copula: volatility and correlation of the whole window), or adaptive (bayes.model auto, bayes.refit monthly, scenarios.dependence dcc_t_copula: those of today); keys of this file take precedence" enum:"static,adaptive"`
	AsOf      string            `mapstructure:"as_of" json:"as_of" doc:"as-of date, of the last return used, YYYY-MM-DD; blank: the last session of returns.calendar before today"`
	Out       string            `mapstructure:"out" json:"out" doc:"folder of published runs: <out>/<as_of>/r<k> and <out>/latest; a file below /etc that does not set it has /var/lib/allocate" path:"true"`
	Cache     string            `mapstructure:"cache" json:"cache" doc:"folder of cached results, which machines may share; or a bucket of S3: s3://bucket/prefix?endpoint=URL&region=NAME&local=FOLDER; may be deleted at any time; a file below /etc that does not set it has /var/cache/allocate" path:"true"`
	CacheMax  int               `mapstructure:"cache_max" json:"cache_max" doc:"maximum size of the cache in MiB; the least recently used results are deleted after a run, except those of the last published run; 0: no limit"`
	Seed      uint64            `mapstructure:"seed" json:"seed" doc:"random seed"`
	Workers   int               `mapstructure:"workers" json:"workers" doc:"parallel workers; 0: one per processor; does not affect results"`
	Executor  string            `mapstructure:"executor" json:"executor" doc:"execution of actions: local (in this process), process (each in its own process, so that a crash or exhausted memory affects one action), or temporal (by workers on other machines, with the program allocate-temporal); does not affect results" enum:"local,process,temporal"`
	Returns   returns.Options   `mapstructure:"returns" json:"returns" doc:"input data and estimation window"`
	Bayes     bayes.Options     `mapstructure:"bayes" json:"bayes" doc:"return model of a strategy, priors and sampler"`
	Scenarios scenarios.Options `mapstructure:"scenarios" json:"scenarios" doc:"joint scenarios of future returns"`
	Optimize  optimize.Options  `mapstructure:"optimize" json:"optimize" doc:"objective and constraints of the portfolio"`
	Backtest  backtest.Options  `mapstructure:"backtest" json:"backtest" doc:"walk-forward backtest; read by allocate backtest only"`
	Gates     Gates             `mapstructure:"gates" json:"gates" doc:"approval, retention and monitoring"`

	// Notices are about keys and names of earlier versions that were read.
	Notices []string `mapstructure:"-" json:"-" jsonschema:"-"`

	secrets []secret `mapstructure:"-"`
}

// Default returns the built-in values, those of the static preset. Only returns.path must be given.
func Default() Config {
	return Config{
		Preset:    Static,
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

func (e *Error) Error() string {
	text := e.Err.Error()
	if strings.Contains(text, "\n") {
		return "configuration:\n" + text
	}
	return "configuration: " + text
}

// Unwrap returns the joined problems.
func (e *Error) Unwrap() error { return e.Err }

// Validate reports every problem at once, each with its key, as an *Error.
func (c *Config) Validate() error {
	var errs []error
	if c.AsOf != "" {
		if _, err := returns.ParseDate(c.AsOf); err != nil {
			errs = append(errs, fmt.Errorf("as_of: %q is not a date; expected YYYY-MM-DD", clip(c.AsOf)))
		}
	}
	if c.Out == "" {
		errs = append(errs, errors.New("out: is required; name the folder of published runs"))
	}
	if c.Cache == "" {
		errs = append(errs, errors.New("cache: is required; name the folder of cached results"))
	}
	for _, f := range Values(c) {
		if path, ok := f.Default.(string); ok && f.Path && scheme(path) != "" && !(f.Key == "cache" && store.IsS3(path)) {
			errs = append(errs, fmt.Errorf("%s: %q is a URL; expected a local file or folder", f.Key, clip(path)))
		}
	}
	if store.IsS3(c.Cache) {
		if _, err := store.ParseLocation(c.Cache); err != nil {
			errs = append(errs, fmt.Errorf("cache: %w", err))
		}
	}
	if c.CacheMax < 0 {
		errs = append(errs, fmt.Errorf("cache_max: is %d; expected a number of MiB, or 0 for no limit", c.CacheMax))
	}
	if !slices.Contains([]string{"local", "process", "temporal"}, c.Executor) {
		errs = append(errs, fmt.Errorf("executor: is %q; expected local, process or temporal", c.Executor))
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
