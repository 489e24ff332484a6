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
	Schedule string `mapstructure:"schedule" json:"schedule" doc:"rebalancing schedule: monthly (last session of each month), weekly (last session of each week), every (a number of sessions) or dates (of a file)" enum:"monthly,weekly,every,dates"`
	Every    int    `mapstructure:"every" json:"every" doc:"sessions between two decisions, for schedule every; 0: a month"`
	Dates    string `mapstructure:"dates" json:"dates" doc:"CSV of decision dates, with a column date; for schedule dates" path:"true"`
	Start    string `mapstructure:"start" json:"start" doc:"earliest decision, YYYY-MM-DD; blank: as soon as one strategy has returns.min_history returns"`
	End      string `mapstructure:"end" json:"end" doc:"last day of the backtest, YYYY-MM-DD; blank: the last day of the data"`
	Purge    int    `mapstructure:"purge" json:"purge" doc:"sessions before a decision whose returns are withheld from the models"`
	Delay    int    `mapstructure:"delay" json:"delay" doc:"execution delay in sessions; 0: weights earn the next session's return"`

	NoTrade  float64 `mapstructure:"no_trade" json:"no_trade" doc:"no-trade threshold: minimum turnover (half the sum of absolute changes) of a rebalance" fraction:"true"`
	MinTrade float64 `mapstructure:"min_trade" json:"min_trade" doc:"minimum trade of one strategy, as a fraction of capital; smaller trades are skipped" fraction:"true"`

	Compare    []string   `mapstructure:"compare" json:"compare" doc:"benchmark allocators, on the same days and costs: equal_weight, inverse_volatility, min_variance (Ledoit-Wolf), historical_cvar, hrp (hierarchical risk parity)" `
	Portfolios []External `mapstructure:"portfolios" json:"portfolios,omitempty" doc:"benchmark portfolios from weights files of several days: [{name: desk, path: desk.csv}]"`
	Benchmark  string     `mapstructure:"benchmark" json:"benchmark" doc:"benchmark of the relative metrics"`
	Level      float64    `mapstructure:"level" json:"level" doc:"confidence level of the bootstrap intervals" fraction:"true"`
	Replicates int        `mapstructure:"replicates" json:"replicates" doc:"bootstrap replicates; 0: no intervals"`
	Sweep      []Sweep    `mapstructure:"sweep" json:"sweep,omitempty" doc:"grid of configuration values, one backtest each, with the probability of backtest overfitting: [{key: optimize.alpha, values: [\"0.9\", \"0.95\"]}]"`
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
	check(o.Schedule != Listed || o.Dates != "", "dates", "is required for schedule dates")
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
		check(slices.Index(o.Compare, name) == i, fmt.Sprintf("compare[%d]", i), "duplicate name %q", name)
	}
	for i, p := range o.Portfolios {
		check(p.Name != "" && !slices.Contains(known, p.Name), fmt.Sprintf("portfolios[%d].name", i), "%q is blank or already used", p.Name)
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
	check(combinations <= 1000, "sweep", "has %d combinations, more than 1000", combinations)
	return errors.Join(errs...)
}
