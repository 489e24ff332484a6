package pipeline

import (
	"fmt"
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
			first, why = x.Day, strings.Join(strings.Fields(x.Refused), " ")
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
			Sentence: fmt.Sprintf("Fewer than %d horizons of %d days that do not overlap are over: the predictions are not scored.", fewestScored, b.Horizon),
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
