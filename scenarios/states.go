package scenarios

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"allocate/returns"
)

// StateCoverage counts returns that a model did not see, in one state of volatility on the
// first of their days. What is right on average may be wrong in every state.
type StateCoverage struct {
	State   string      `json:"state"`
	Day     Exceedances `json:"day"`
	Horizon Exceedances `json:"over_horizon"` // a month each, one after the other
}

// Exceedances counts returns, and those below predicted quantiles.
type Exceedances struct {
	Returns int `json:"returns"`
	Below1  int `json:"below_1"`
	Below5  int `json:"below_5"`
}

func (e *Exceedances) count(pit float64) {
	e.Returns++
	if pit < 0.01 {
		e.Below1++
	}
	if pit < 0.05 {
		e.Below5++
	}
}

func (e *Exceedances) add(x Exceedances) {
	e.Returns += x.Returns
	e.Below1 += x.Below1
	e.Below5 += x.Below5
}

// statePaths is the number of paths that a return over a horizon is compared with.
const statePaths = 400

// states counts the days of whole after the series, whose probability integral transforms are u, by
// state: a day ahead, and over horizons of a month from the state on their first day.
func (s Strategy) states(whole *returns.Series, u []float64, src rand.Source) ([]StateCoverage, error) {
	n := s.Series.Len()
	days := whole.Returns[n:]
	ratio := returns.VolatilityRatios(whole, n)
	out := make([]StateCoverage, returns.States)
	for k := range out {
		out[k].State = returns.State(k).String()
	}
	for t, v := range u {
		out[returns.StateOf(ratio[t])].Day.count(v)
	}
	rng := rand.New(src)
	horizon := s.Series.Frequency.Month()
	z := make([]float64, horizon)
	for t := 0; t+horizon <= len(days); t += horizon {
		seen := *whole
		seen.Dates, seen.Returns = whole.Dates[:n+t], whole.Returns[:n+t]
		predictor, err := s.Posterior.Predictor(&seen)
		if err != nil {
			return nil, err
		}
		realized, below := 1.0, 0
		for _, r := range days[t : t+horizon] {
			realized *= 1 + r
		}
		for i := range statePaths {
			for d := range z {
				z[d] = rng.NormFloat64()
			}
			predictor.Path(s.Posterior.Theta((2*i+1)*s.Posterior.Len()/(2*statePaths)), z, z)
			wealth := 1.0
			for _, r := range z {
				wealth *= 1 + r
			}
			if wealth < realized {
				below++
			}
		}
		out[returns.StateOf(ratio[t])].Horizon.count((float64(below) + 0.5) / (statePaths + 1))
	}
	return out, nil
}

// statesOfAll sums up the states of all strategies.
type statesOfAll struct {
	of         [returns.States]StateCoverage
	strategies int
}

func (a *statesOfAll) add(c *Coverage) {
	if len(c.States) != int(returns.States) {
		return // of an earlier version
	}
	a.strategies++
	for k, s := range c.States {
		a.of[k].State = s.State
		a.of[k].Day.add(s.Day)
		a.of[k].Horizon.add(s.Horizon)
	}
}

// finding says in which state losses beyond the VaR are too many. Strategies share their
// days, so that the sampling error is that of the days of one.
func (a *statesOfAll) finding() []returns.Finding {
	if a.strategies == 0 {
		return nil
	}
	numbers := map[string]float64{}
	var day, month []string
	size := 0.0
	for k, s := range a.of {
		if n := float64(s.Day.Returns); n > 0 {
			share := float64(s.Day.Below5) / n
			numbers[s.State], numbers[s.State+"_returns"] = share, n
			day = append(day, fmt.Sprintf("%s %.1f%%", s.State, 100*share))
			if returns.State(k) == returns.High {
				size = max(0, share-0.05-3.1*math.Sqrt(0.05*0.95*float64(a.strategies)/n))
			}
		}
		if n := float64(s.Horizon.Returns); n > 0 {
			share := float64(s.Horizon.Below5) / n
			numbers[s.State+"_month"] = share
			month = append(month, fmt.Sprintf("%s %.1f%%", s.State, 100*share))
		}
	}
	sentence := "Out-of-sample losses beyond the 5% VaR by recent volatility: " + strings.Join(day, ", ")
	if len(month) > 0 {
		sentence += "; over a month: " + strings.Join(month, ", ")
	}
	return []returns.Finding{returns.NewFinding("scenarios.holdout_states", "", size, sentence+".", numbers)}
}
