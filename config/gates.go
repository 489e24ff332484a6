package config

import (
	"errors"
	"fmt"
	"slices"

	"allocate/returns"
)

// Gates is the section `gates`: the findings and limits that hold a run for
// approval, and the record of its outcome.
type Gates struct {
	Severity    []returns.NamedSeverity `mapstructure:"severity" json:"severity" doc:"severities of findings: [{code: data.gap, severity: warn}]; info, warn (published), hold (needs --approve) or fail (refused); allocate config docs lists the codes"`
	Degraded    []string                `mapstructure:"degraded" json:"degraded" doc:"prefixes of codes whose warnings make the exit code 3 (published, degraded)"`
	MaxTurnover float64                 `mapstructure:"max_turnover" json:"max_turnover" doc:"turnover against the drifted previous weights above which a run needs approval, as a fraction of capital (half the sum of absolute changes)" fraction:"true"`
	MaxChange   float64                 `mapstructure:"max_change" json:"max_change" doc:"change of a single weight above which a run needs approval, as a fraction of capital" fraction:"true"`
	Previous    string                  `mapstructure:"previous" json:"previous" doc:"weights.csv of the current portfolio; blank: the last one published before the as-of date" path:"true"`
	Textfile    string                  `mapstructure:"textfile" json:"textfile" doc:"Prometheus textfile, written after every run, even a failed one; blank: none" path:"true"`
	Portfolio   string                  `mapstructure:"portfolio" json:"portfolio" doc:"name of the portfolio, the label of its metrics; blank: the name of the configuration file"`
	KeepDays    int                     `mapstructure:"keep_days" json:"keep_days" doc:"number of published as-of dates to keep; older ones are deleted after a run; 0: all"`
}

// DefaultGates holds only large changes.
func DefaultGates() Gates {
	return Gates{Severity: []returns.NamedSeverity{}, Degraded: []string{"bayes.", "optimize.fallback"}, MaxTurnover: 0.5, MaxChange: 0.3}
}

// Validate reports every problem at once, each with its key.
func (g Gates) Validate() error {
	var errs []error
	known := returns.CodeNames()
	for i, s := range g.Severity {
		if !slices.Contains(known, s.Code) {
			errs = append(errs, fmt.Errorf("gates.severity[%d].code: %q is not the code of a finding%s", i, clip(s.Code), returns.Suggest(s.Code, known)))
		}
		if _, err := returns.ParseSeverity(s.Severity); err != nil {
			errs = append(errs, fmt.Errorf("gates.severity[%d].severity: %q is not info, warn, hold or fail", i, clip(s.Severity)))
		}
	}
	for i, prefix := range g.Degraded {
		if prefix == "" || !returns.HasCode(prefix) {
			errs = append(errs, fmt.Errorf("gates.degraded[%d]: no code of a finding begins with %q%s", i, clip(prefix), returns.Suggest(prefix, known)))
		}
	}
	if !(g.MaxTurnover >= 0) {
		errs = append(errs, fmt.Errorf("gates.max_turnover: is %v; expected a fraction of capital", g.MaxTurnover))
	}
	if !(g.MaxChange >= 0) {
		errs = append(errs, fmt.Errorf("gates.max_change: is %v; expected a fraction of capital", g.MaxChange))
	}
	if g.KeepDays < 0 {
		errs = append(errs, fmt.Errorf("gates.keep_days: is %d; expected 0 or more", g.KeepDays))
	}
	return errors.Join(errs...)
}
