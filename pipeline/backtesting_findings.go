package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"allocate/reports"
	"allocate/returns"
)

// findings says what a reader of the results must know of them.
func (p *replay) findings(b *reports.Backtest) []returns.Finding {
	found := slices.Clone(p.noted)
	refused, why := 0, ""
	var first, last returns.Date
	for _, x := range b.Rebalances {
		if x.Refused == "" {
			continue
		}
		if refused == 0 {
			first, why = x.Day, x.Refused
		}
		last = x.Day
		refused++
	}
	if refused > 0 {
		found = append(found, returns.Finding{
			Code: "backtest.refused", Severity: returns.Warn, From: &first, To: &last, Numbers: map[string]float64{"refused": float64(refused), "decisions": float64(len(b.Rebalances))},
			Sentence: fmt.Sprintf("On %d of %d days a nightly run would have published nothing; what was held was kept. The first was %v: %s", refused, len(b.Rebalances), first, why),
		})
	}
	found = append(found, approvals(b.Rebalances)...)
	for _, x := range b.Portfolios {
		if x.Missing > 0 {
			found = append(found, returns.Finding{
				Code: "backtest.missing", Severity: returns.Info, Numbers: map[string]float64{"days": float64(x.Missing)},
				Sentence: fmt.Sprintf("%s held strategies on %d days on which they had no return; their value was kept.", x.Name, x.Missing),
			})
		}
	}
	if b.Forecast == nil {
		found = append(found, returns.Finding{
			Code: "backtest.few", Severity: returns.Info,
			Sentence: fmt.Sprintf("Fewer than %d horizons of %s that do not overlap are over: the predictions are not scored.", fewestScored, b.Over()),
		})
	}
	if f := b.Forecast; f != nil {
		for _, t := range f.Tail {
			if float64(t.AcerbiSzekely.P) < 0.01 {
				found = append(found, returns.Finding{
					Code: "backtest.cvar", Severity: returns.Warn, Numbers: map[string]float64{"level": t.Level, "z2": float64(t.AcerbiSzekely.Statistic), "p": float64(t.AcerbiSzekely.P), "exceedances": float64(t.Exceedances), "expected": t.Expected},
					Sentence: fmt.Sprintf("Risk was understated: at the %.0f%% tail there were %d losses beyond the predicted VaR where %.1f were expected, and the test of the predicted CVaR has p = %.2g.", 100*t.Level, t.Exceedances, t.Expected, float64(t.AcerbiSzekely.P)),
				})
			}
		}
	}
	returns.SortFindings(found)
	return found
}

// approvals counts the decisions for which a nightly run would have waited.
func approvals(all []reports.Rebalance) []returns.Finding {
	f := returns.Finding{Code: "backtest.approved", Severity: returns.Warn, Numbers: map[string]float64{"decisions": float64(len(all))}}
	for _, x := range all {
		if len(x.Approved) == 0 {
			continue
		}
		if f.From == nil {
			f.From = &x.Day
		}
		f.To = &x.Day
		f.Numbers["approved"]++
		for _, code := range x.Approved {
			f.Numbers[code]++
		}
	}
	if f.From == nil {
		return nil
	}
	var why []string
	for _, code := range slices.Sorted(maps.Keys(f.Numbers)) {
		if strings.Contains(code, ".") {
			why = append(why, fmt.Sprintf("%s on %.0f", code, f.Numbers[code]))
		}
	}
	f.Sentence = fmt.Sprintf("On %.0f of %d days a nightly run would have waited for approval (%s); the backtest goes on as if it had been given.", f.Numbers["approved"], len(all), strings.Join(why, ", "))
	return []returns.Finding{f}
}
