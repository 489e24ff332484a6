package returns

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Options is the section `returns` of the configuration: where the returns
// are, how to read them, and which of them a run uses.
type Options struct {
	Path           string   `mapstructure:"path" json:"path" doc:"file of daily returns: CSV, wide (a date column, then one column per strategy) or long (date, strategy, return)" path:"true"`
	Layout         string   `mapstructure:"layout" json:"layout" doc:"auto, wide or long; auto goes by the header" enum:"auto,wide,long"`
	DateColumn     string   `mapstructure:"date_column" json:"date_column" doc:"header of the date column; blank: date, day, datetime, timestamp, time, index or an unnamed first column"`
	StrategyColumn string   `mapstructure:"strategy_column" json:"strategy_column" doc:"long files: header of the column with the strategy's name"`
	ReturnColumn   string   `mapstructure:"return_column" json:"return_column" doc:"long files: header of the column with the return"`
	Unit           string   `mapstructure:"unit" json:"unit" doc:"unit of the returns: fraction (0.01), percent (1) or bp (100)" enum:"fraction,percent,bp"`
	Strategies     []string `mapstructure:"strategies" json:"strategies" doc:"use only these strategies; empty: all in the file"`
	Window         Period   `mapstructure:"window" json:"window" doc:"history the models see, up to the as-of day: 10y, 18m, 500d (calendar days) or all"`
	MinHistory     int      `mapstructure:"min_history" json:"min_history" doc:"fewest returns in the window that a strategy needs"`
	ShortHistory   string   `mapstructure:"short_history" json:"short_history" doc:"what to do with a strategy that has fewer: fail, or exclude it (weight 0)" enum:"fail,exclude"`
	MaxMedianAbs   float64  `mapstructure:"max_median_abs" json:"max_median_abs" doc:"a median absolute daily return above this fraction means a wrong unit, and is refused"`
}

// DefaultOptions returns the defaults; Path has none.
func DefaultOptions() Options {
	return Options{
		Layout:         "auto",
		StrategyColumn: "strategy",
		ReturnColumn:   "return",
		Unit:           "fraction",
		Strategies:     []string{},
		Window:         "10y",
		MinHistory:     60,
		ShortHistory:   "fail",
		MaxMedianAbs:   0.02,
	}
}

// Validate reports every problem at once, each with its key.
func (o Options) Validate() error {
	var errs []error
	problem := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("returns.%s: %s", key, fmt.Sprintf(format, args...)))
	}
	oneOf := func(key, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			problem(key, "%q is not one of %s", clip(value), strings.Join(allowed, ", "))
		}
	}
	if o.Path == "" {
		problem("path", "is blank; name the file of daily returns")
	}
	oneOf("layout", o.Layout, "auto", "wide", "long")
	oneOf("unit", o.Unit, "fraction", "percent", "bp")
	oneOf("short_history", o.ShortHistory, "fail", "exclude")
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
		problem("min_history", "is %d; a model of daily returns needs at least 20", o.MinHistory)
	}
	if !(o.MaxMedianAbs > 0) {
		problem("max_median_abs", "is %v; expected a number above 0", o.MaxMedianAbs)
	}
	return errors.Join(errs...)
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
