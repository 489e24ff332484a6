package backtest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"allocate/returns"
)

// Options is the section `backtest` of the configuration.
type Options struct {
	Schedule string `mapstructure:"schedule" json:"schedule" doc:"when weights are decided: monthly (last session of each month), weekly (last session of each week), every (a number of sessions) or dates (of a file)" enum:"monthly,weekly,every,dates"`
	Every    int    `mapstructure:"every" json:"every" doc:"rows of the data between two decisions, for schedule every; 0: those that make a month"`
	Dates    string `mapstructure:"dates" json:"dates" doc:"CSV with a column date, one day of decision a row, for schedule dates" path:"true"`
	Start    string `mapstructure:"start" json:"start" doc:"first day on which weights may be decided, YYYY-MM-DD; blank: as soon as some strategy has returns.min_history"`
	End      string `mapstructure:"end" json:"end" doc:"last day of the backtest, YYYY-MM-DD; blank: the data's last"`
	Purge    int    `mapstructure:"purge" json:"purge" doc:"last sessions before a decision whose returns the models do not see"`
	Delay    int    `mapstructure:"delay" json:"delay" doc:"sessions after the next one that pass before the weights are traded; 0: they earn the next session's return"`

	NoTrade  float64 `mapstructure:"no_trade" json:"no_trade" doc:"turnover (half the sum of absolute changes) below which nothing is traded" fraction:"true"`
	MinTrade float64 `mapstructure:"min_trade" json:"min_trade" doc:"smallest trade of one strategy, as a fraction of capital; smaller ones are not made" fraction:"true"`

	Compare    []string   `mapstructure:"compare" json:"compare" doc:"allocators to compare with, on the same days and costs: equal_weight, inverse_volatility, min_variance (Ledoit-Wolf), historical_cvar, risk_parity (hierarchical)" `
	Portfolios []External `mapstructure:"portfolios" json:"portfolios,omitempty" doc:"more to compare with, from weights files: [{name: desk, path: desk.csv}]; a file is a weights.csv of several days"`
	Benchmark  string     `mapstructure:"benchmark" json:"benchmark" doc:"the allocator that relative metrics are against"`
	Level      float64    `mapstructure:"level" json:"level" doc:"probability of the intervals of metrics, by stationary bootstrap" fraction:"true"`
	Replicates int        `mapstructure:"replicates" json:"replicates" doc:"bootstrap replicates; 0: no intervals"`
	Sweep      []Sweep    `mapstructure:"sweep" json:"sweep,omitempty" doc:"backtests for every combination of values of configuration keys: [{key: optimize.alpha, values: [\"0.9\", \"0.95\"]}]; with them the probability of backtest overfitting"`
}

// External is a portfolio that a file describes.
type External struct {
	Name string `mapstructure:"name" json:"name" doc:"name in tables"`
	Path string `mapstructure:"path" json:"path" doc:"weights file: as_of,effective,strategy,weight"`
}

// Sweep is one key of a sweep and its values.
type Sweep struct {
	Key    string   `mapstructure:"key" json:"key" doc:"configuration key, such as optimize.alpha"`
	Values []string `mapstructure:"values" json:"values" doc:"its values, as text"`
}

// The schedules.
const (
	Monthly = "monthly"
	Weekly  = "weekly"
	Every   = "every"
	Listed  = "dates"
)

// Ours is the name of the allocator that is being tested.
const Ours = "allocate"

// DefaultOptions decides monthly and compares with everything there is.
func DefaultOptions() Options {
	return Options{Schedule: Monthly, Compare: slices.Clone(allocatorNames), Benchmark: EqualWeight, Level: 0.9, Replicates: 1000}
}

// For returns the options with what depends on the frequency of the panel
// filled in.
func (o Options) For(f returns.Frequency) Options {
	if o.Every == 0 {
		o.Every = f.Month()
	}
	return o
}

// Validate reports every problem at once, each with its key.
func (o Options) Validate() error {
	var errs []error
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("backtest.%s: %s", key, fmt.Sprintf(format, args...)))
		}
	}
	schedules := []string{Monthly, Weekly, Every, Listed}
	check(slices.Contains(schedules, o.Schedule), "schedule", "%q is not one of %s", o.Schedule, strings.Join(schedules, ", "))
	check(o.Every >= 0, "every", "is %d; expected 1 or more, or 0 for a month", o.Every)
	check(o.Schedule != Listed || o.Dates != "", "dates", "is blank; schedule dates needs a file")
	day := func(key, s string) (returns.Date, bool) {
		if s == "" {
			return 0, false
		}
		d, err := returns.ParseDate(s)
		check(err == nil, key, "%v", err)
		return d, err == nil
	}
	start, hasStart := day("start", o.Start)
	end, hasEnd := day("end", o.End)
	check(!hasStart || !hasEnd || start < end, "start", "%v is not before end, %v", start, end)
	check(o.Purge >= 0 && o.Purge <= 252, "purge", "is %d; expected 0 to 252 sessions", o.Purge)
	check(o.Delay >= 0 && o.Delay <= 21, "delay", "is %d; expected 0 to 21 sessions", o.Delay)
	for _, x := range []struct {
		key   string
		value float64
	}{{"no_trade", o.NoTrade}, {"min_trade", o.MinTrade}} {
		check(x.value >= 0 && !math.IsInf(x.value, 1), x.key, "is %v; expected a number >= 0", x.value)
	}
	known := append([]string{Ours}, o.Compare...)
	for i, name := range o.Compare {
		check(slices.Contains(allocatorNames, name), fmt.Sprintf("compare[%d]", i), "%q is not one of %s", name, strings.Join(allocatorNames, ", "))
		check(slices.Index(o.Compare, name) == i, fmt.Sprintf("compare[%d]", i), "%q is there twice", name)
	}
	for i, p := range o.Portfolios {
		check(p.Name != "" && !slices.Contains(known, p.Name), fmt.Sprintf("portfolios[%d].name", i), "%q is blank or taken", p.Name)
		check(p.Path != "", fmt.Sprintf("portfolios[%d].path", i), "is blank")
		known = append(known, p.Name)
	}
	check(o.Benchmark == "" || slices.Contains(known, o.Benchmark), "benchmark", "%q is not among %s", o.Benchmark, strings.Join(known, ", "))
	check(o.Level > 0 && o.Level < 1, "level", "is %v; expected a probability between 0 and 1", o.Level)
	check(o.Replicates == 0 || o.Replicates >= 100 && o.Replicates <= 1_000_000, "replicates", "is %d; expected 0, or 100 to 1000000", o.Replicates)
	combinations := 1
	for i, s := range o.Sweep {
		key := fmt.Sprintf("sweep[%d]", i)
		check(s.Key != "", key+".key", "is blank")
		check(!strings.HasPrefix(s.Key, "backtest.sweep"), key+".key", "%q cannot be swept", s.Key)
		check(len(s.Values) > 0, key+".values", "is empty")
		combinations *= max(1, len(s.Values))
	}
	check(combinations <= 1000, "sweep", "has %d combinations; at most 1000 are done", combinations)
	return errors.Join(errs...)
}
