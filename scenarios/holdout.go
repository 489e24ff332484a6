package scenarios

import (
	"fmt"
	"math/rand/v2"
	"sort"

	"allocate/returns"
)

// fewestHeldOut is the least number of days that say anything.
const fewestHeldOut = 20

// HeldOut returns how many of a history's last days a fit is to be tried
// without: those since the strategy went live, if it did while the history
// lasted and most of it was before; else the option, at most a fifth of them.
// None where that is too few to say anything.
func (o Options) HeldOut(s *returns.Series) int {
	days := s.Len()
	if from := s.Strategy.LiveFrom; from != nil && o.HoldsOut() {
		live := days - sort.Search(days, func(i int) bool { return s.Dates[i] >= *from })
		if live >= fewestHeldOut && days-live >= max(2*fewestHeldOut, live/2) {
			return live
		}
	}
	most := max(s.Frequency.Year(), 24)
	if o.Holdout != nil {
		most = *o.Holdout
	}
	if h := min(most, days/5); h >= fewestHeldOut {
		return h
	}
	return 0
}

// Coverage is how the days that a fit did not see lie in its predictive
// distribution: how many of them below (above) the 1%, 5% (95%, 99%)
// quantiles. It judges the return model a day ahead, apart for each strategy.
type Coverage struct {
	Strategy string `json:"strategy"`
	Days     int    `json:"days"`
	Below1   int    `json:"below_1"`
	Below5   int    `json:"below_5"`
	Above5   int    `json:"above_95"`
	Above1   int    `json:"above_99"`

	// States counts the returns by the state of volatility, that of the 21 days before over
	// that of the history, and Horizons those over whole horizons (see States).
	States []StateCoverage `json:"states,omitempty"`
	// ParetoK is the shape of the leave-future-out weights; absent where the model was
	// fitted a second time, without these days.
	ParetoK *float64 `json:"pareto_k,omitempty"`

	Cone *Cone `json:"cone,omitempty"`

	Findings []returns.Finding `json:"findings,omitempty"` // scenarios.holdout_pit, scenarios.holdout_tail
}

// Holdout compares the forecasts with the days of whole that follow the series, its
// beginning, which the posterior has not seen. src drives the simulated paths.
func (s Strategy) Holdout(whole *returns.Series, src rand.Source) (*Coverage, error) {
	days := whole.Returns[s.Series.Len():]
	u, err := s.PIT(s.Series.Returns, days)
	if err != nil {
		return nil, fmt.Errorf("scenarios: predictive distribution of %q: %w", s.Series.Strategy.Name, err)
	}
	c := &Coverage{Strategy: s.Series.Strategy.Name, Days: len(u)}
	if len(u) == 0 {
		return c, nil
	}
	if c.States, err = s.states(whole, u, src); err != nil {
		return nil, err
	}
	c.Findings = misfit("scenarios.holdout_", "held-out returns", c.Strategy, u)
	sort.Float64s(u) // kolmogorov has, too
	below := func(p float64) int { return sort.SearchFloat64s(u, p) }
	c.Below1, c.Below5 = below(0.01), below(0.05)
	c.Above5, c.Above1 = len(u)-below(0.95), len(u)-below(0.99)
	c.Cone = s.cone(days, src)
	return c, nil
}

// JudgeHoldout gathers the findings of all strategies and says in one sentence
// how well the models predicted the days held out. Strategies without such days
// have a nil Coverage. Days of different strategies are the same days: their
// shares are far from independent, and the sentence draws no conclusion.
func JudgeHoldout(all []*Coverage) []returns.Finding {
	var found []returns.Finding
	var sum Coverage
	var states statesOfAll
	strategies := 0
	for _, c := range all {
		if c == nil || c.Days == 0 {
			continue
		}
		strategies++
		found = append(found, c.Findings...)
		states.add(c)
		sum.Days += c.Days
		sum.Below1 += c.Below1
		sum.Below5 += c.Below5
		sum.Above5 += c.Above5
		sum.Above1 += c.Above1
	}
	if strategies == 0 {
		return nil
	}
	share := func(k int) float64 { return float64(k) / float64(sum.Days) }
	found = append(found, returns.Finding{
		Code: "scenarios.holdout", Severity: returns.Info,
		Numbers: map[string]float64{
			"strategies": float64(strategies), "without": float64(len(all) - strategies), "days": float64(sum.Days),
			"below_1": share(sum.Below1), "below_5": share(sum.Below5), "above_95": share(sum.Above5), "above_99": share(sum.Above1),
		},
		Sentence: fmt.Sprintf("Out-of-sample coverage of %s: %.1f%% of %s are below the predicted 5%% quantile, %.1f%% below the 1%% quantile.",
			returns.Count(strategies, "strategy"), 100*share(sum.Below5), returns.Count(sum.Days, "held-out return"), 100*share(sum.Below1)),
	})
	found = append(found, states.finding()...)
	returns.SortFindings(found)
	return found
}
