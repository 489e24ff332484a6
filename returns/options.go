package returns

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Options is the section `returns` of the configuration: where the returns
// are, how to read them, which of them a run uses, and what is suspicious.
type Options struct {
	Path           string   `mapstructure:"path" json:"path" doc:"returns, one row per period: a CSV (also .csv.gz), Parquet, Arrow or Feather file, a glob, or a folder of them; wide (a date column, then one column per strategy) or long (date, strategy, return)" path:"true"`
	Metadata       string   `mapstructure:"metadata" json:"metadata" doc:"metadata CSV: strategy, and any of first_date, live_from, exit, group, cost_bp; blank: none" path:"true"`
	Layout         string   `mapstructure:"layout" json:"layout" doc:"layout of the file: wide, long, or auto (by the header)" enum:"auto,wide,long"`
	DateColumn     string   `mapstructure:"date_column" json:"date_column" doc:"header of the date column; blank: date, day, datetime, timestamp, time, index or an unnamed first column"`
	StrategyColumn string   `mapstructure:"strategy_column" json:"strategy_column" doc:"long files: header of the column with the strategy's name"`
	ReturnColumn   string   `mapstructure:"return_column" json:"return_column" doc:"long files: header of the column with the return, or the price"`
	Kind           string   `mapstructure:"kind" json:"kind" doc:"quantity in the file: returns (simple), log_returns or prices; the latter two are converted to simple returns" enum:"returns,log_returns,prices"`
	Unit           string   `mapstructure:"unit" json:"unit" doc:"unit of the returns: fraction (0.01), percent (1) or bp (100)" enum:"fraction,percent,bp"`
	Timezone       string   `mapstructure:"timezone" json:"timezone,omitempty" doc:"time zone in which the timestamps are midnights, such as America/New_York; blank: the zone of the timestamps"`
	Frequency      string   `mapstructure:"frequency" json:"frequency" doc:"frequency of the returns: daily (252 periods a year), seven_day (365), weekly (52), monthly (12), quarterly (4), or auto (detected from the dates); data of another frequency than stated are refused" enum:"auto,daily,seven_day,weekly,monthly,quarterly"`
	Strategies     []string `mapstructure:"strategies" json:"strategies" doc:"strategies to use; empty: all in the file"`

	Window       Period         `mapstructure:"window" json:"window" doc:"estimation window up to the as-of date: 10y, 18m, 500d (calendar days) or all"`
	History      string         `mapstructure:"history" json:"history" doc:"all, or live (returns from live_from on only)" enum:"all,live"`
	MinHistory   int            `mapstructure:"min_history" json:"min_history" doc:"minimum number of returns in the window"`
	ShortHistory string         `mapstructure:"short_history" json:"short_history" doc:"treatment of strategies with fewer returns: fail, or exclude (weight 0)" enum:"fail,exclude"`
	Missing      string         `mapstructure:"missing" json:"missing" doc:"treatment of missing returns inside a history: model (omitted from the likelihood), zero (filled, with a warning), drop_day (the day is dropped for every strategy) or error" enum:"model,zero,drop_day,error"`
	MissingOf    []NamedMissing `mapstructure:"missing_of" json:"missing_of" doc:"exceptions to missing: [{name: a, missing: zero}]"`
	Calendar     string         `mapstructure:"calendar" json:"calendar" doc:"trading calendar: auto (daily for seven-day data, else weekdays), weekdays, daily (every day of the week), XNYS (New York Stock Exchange), XLON (London Stock Exchange), XPAR (Euronext), or file (weekdays except those in holidays)" enum:"auto,weekdays,daily,XNYS,XLON,XPAR,file"`
	Holidays     string         `mapstructure:"holidays" json:"holidays" doc:"CSV of holidays, with a column date; for calendar file" path:"true"`

	MaxMedianAbs float64 `mapstructure:"max_median_abs" json:"max_median_abs" doc:"maximum plausible median absolute return per trading day (data.unit: warn above it, fail above 2.5 times it); scaled by the square root of the period for longer periods" fraction:"true"`
	MaxRobustZ   float64 `mapstructure:"max_robust_z" json:"max_robust_z" doc:"robust z-score above which a return is an outlier (data.outlier)"`
	LateSessions int     `mapstructure:"late_sessions" json:"late_sessions" doc:"sessions (weeks, months) for which a strategy without a return is late (data.late); after that it counts as ended"`
}

// NamedMissing is the policy for missing days of one strategy.
type NamedMissing struct {
	Name    string `mapstructure:"name" json:"name" doc:"strategy"`
	Missing string `mapstructure:"missing" json:"missing" doc:"model, zero, drop_day or error"`
}

// DefaultOptions returns the defaults; Path has none.
func DefaultOptions() Options {
	return Options{
		Layout:         "auto",
		StrategyColumn: "strategy",
		ReturnColumn:   "return",
		Kind:           "returns",
		Unit:           "fraction",
		Frequency:      "auto",
		Strategies:     []string{},
		Window:         "10y",
		History:        "all",
		MinHistory:     60,
		ShortHistory:   "fail",
		Missing:        "model",
		MissingOf:      []NamedMissing{},
		Calendar:       "auto",
		MaxMedianAbs:   0.02,
		MaxRobustZ:     60,
		LateSessions:   5,
	}
}

// Reading returns the options that decide what the files say, with all others
// at zero: the ones a stored panel depends on.
func (o Options) Reading() Options {
	return Options{
		Layout: o.Layout, DateColumn: o.DateColumn, StrategyColumn: o.StrategyColumn, ReturnColumn: o.ReturnColumn,
		Kind: o.Kind, Unit: o.Unit, Timezone: o.Timezone, Frequency: o.Frequency, Strategies: o.Strategies,
	}
}

// Judging returns the options that decide what a run sees of a panel and what
// it finds in it, with all others at zero.
func (o Options) Judging() Options {
	j := o
	j.Path, j.Metadata, j.Layout, j.DateColumn, j.StrategyColumn, j.ReturnColumn = "", "", "", "", "", ""
	j.Timezone, j.Frequency, j.Strategies, j.Holidays = "", "", nil, ""
	return j
}

// logReturns is the kind of logarithmic returns.
const logReturns = "log_returns"

var missingPolicies = []string{"model", "zero", "drop_day", "error"}

// Validate reports every problem at once, each with its key.
func (o Options) Validate() error {
	var errs []error
	problem := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("returns.%s: %s", key, fmt.Sprintf(format, args...)))
	}
	oneOf := func(key, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			problem(key, "%q is not one of %s%s", clip(value), strings.Join(allowed, ", "), Suggest(value, allowed))
		}
	}
	if o.Path == "" {
		problem("path", "is required; name the file of returns")
	}
	if _, err := zoneOf(o.Timezone); o.Timezone != "" && err != nil {
		problem("timezone", "%q is not a time zone; expected a name such as America/New_York, or an offset such as +02:00", clip(o.Timezone))
	}
	oneOf("layout", o.Layout, "auto", "wide", "long")
	oneOf("kind", o.Kind, "returns", logReturns, "prices")
	oneOf("unit", o.Unit, "fraction", "percent", "bp")
	oneOf("history", o.History, "all", "live")
	oneOf("short_history", o.ShortHistory, "fail", "exclude")
	oneOf("missing", o.Missing, missingPolicies...)
	oneOf("frequency", o.Frequency, "auto", "daily", "seven_day", "weekly", "monthly", "quarterly")
	oneOf("calendar", o.Calendar, "auto", "weekdays", "daily", "XNYS", "XLON", "XPAR", "file")
	if o.Kind == "prices" && o.Unit != "fraction" {
		problem("unit", "does not apply to prices; set it to fraction")
	}
	if (o.Calendar == "file") != (o.Holidays != "") {
		problem("holidays", "applies only to returns.calendar: file")
	}
	if o.History == "live" && o.Metadata == "" {
		problem("history", "live needs returns.metadata with a column live_from")
	}
	if o.StrategyColumn == "" {
		problem("strategy_column", "is blank")
	}
	if o.ReturnColumn == "" {
		problem("return_column", "is blank")
	}
	if _, _, _, err := o.Window.parse(); err != nil {
		problem("window", "%v", err)
	}
	if o.MinHistory < 20 {
		problem("min_history", "is %d; expected at least 20", o.MinHistory)
	}
	positive := func(key string, v float64) {
		if !(v > 0) {
			problem(key, "is %v; expected a number above 0", v)
		}
	}
	positive("max_median_abs", o.MaxMedianAbs)
	positive("max_robust_z", o.MaxRobustZ)
	if o.LateSessions < 0 {
		problem("late_sessions", "is %d; expected 0 or more", o.LateSessions)
	}
	for i, m := range o.MissingOf {
		oneOf(fmt.Sprintf("missing_of[%d].missing", i), m.Missing, missingPolicies...)
	}
	return errors.Join(errs...)
}

func (o Options) missingOf(name string) string {
	for _, m := range o.MissingOf {
		if m.Name == name {
			return m.Missing
		}
	}
	return o.Missing
}

// Period is a length of history: "10y", "18m", "500d" (calendar days) or "all".
type Period string

func (p Period) parse() (n int, unit byte, all bool, err error) {
	s := string(p)
	if s == "all" {
		return 0, 0, true, nil
	}
	if len(s) >= 2 {
		unit = s[len(s)-1]
		if n, err := strconv.Atoi(s[:len(s)-1]); err == nil && n > 0 && n <= 100000 && strings.IndexByte("ymd", unit) >= 0 {
			return n, unit, false, nil
		}
	}
	return 0, 0, false, fmt.Errorf("%q is not a period; expected for example 10y, 18m, 500d or all", clip(s))
}

// Start returns the first day of the period that ends on day end, both
// included: 1y up to 2022-12-28 starts on 2021-12-29. For "all" it is first.
func (p Period) Start(end, first Date) (Date, error) {
	n, unit, all, err := p.parse()
	if err != nil {
		return 0, err
	}
	start := end
	switch {
	case all:
		return first, nil
	case unit == 'y':
		start = end.AddYears(-n)
	case unit == 'm':
		start = end.AddMonths(-n)
	default:
		start = end.AddDays(-n)
	}
	return start.AddDays(1), nil
}
