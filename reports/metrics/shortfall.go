package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// Shortfall is a backtest of CVaR (Acerbi & Szekely, "Backtesting expected
// shortfall", Risk 2014). Both statistics are 0 in expectation if the
// predictive distributions are right, up to the atoms of discrete ones, and
// negative if losses beyond VaR are larger, or for Z2 also more frequent, than
// predicted. Each p-value is the share of simulated paths with a statistic as
// low or lower, (1 + #) / (1 + B) of the B where it is defined: a small one
// says that risk was understated.
type Shortfall struct {
	Days        int
	Exceedances int

	// Conditional is Z1 = mean(r_t/CVaR_t | exceedance) + 1 (their test 1). It
	// looks at sizes alone. NaN without an exceedance.
	Conditional Test

	// Unconditional is Z2 = sum(r_t/CVaR_t | exceedance) / (T (1-alpha)) + 1
	// (their test 2). It is 1 without an exceedance. As a rule of the paper, for
	// many distributions Z2 is above -0.7 in 95 % of samples of 250 days at
	// alpha 0.975.
	Unconditional Test
}

// BacktestCVaR tests CVaR at confidence alpha, in (0, 1), of each day's
// predictive scenarios against the return that came. VaR and CVaR are those of
// [Tail]; an exceedance is a return below -VaR. weights holds the weights of
// each day's scenarios; it or any of its slices may be nil for equally likely
// ones. Under the hypothesis days are independent draws from their scenarios.
//
// The result is NaN if a return or a scenario set is not usable, as in [Tail],
// or a day's CVaR is not positive: the statistics divide by it. The same source
// gives the same p-values.
func BacktestCVaR(returns []float64, scenarios, weights [][]float64, alpha float64, replicates int, src rand.Source) Shortfall {
	if !(alpha > 0 && alpha < 1) {
		panic("metrics: alpha is not in (0, 1)")
	}
	if len(scenarios) != len(returns) || weights != nil && len(weights) != len(returns) {
		panic("metrics: returns, scenarios and weights differ in length")
	}
	if replicates < 1 {
		panic("metrics: a simulation needs a replicate")
	}
	nan := Test{math.NaN(), math.NaN()}
	undefined := Shortfall{Days: len(returns), Conditional: nan, Unconditional: nan}
	if !usable(returns, nil) {
		return undefined
	}
	rng := rand.New(src)
	var observed exceedanceSum
	simulated := make([]exceedanceSum, replicates)
	for t, r := range returns {
		var w []float64
		if weights != nil {
			w = weights[t]
		}
		valueAtRisk, cvar := Tail(scenarios[t], w, alpha)
		if !(cvar > 0) {
			return undefined
		}
		if r < -valueAtRisk {
			observed.add(r / cvar)
		}
		// One day of all paths: only its tail needs to be at hand.
		tail, below := beyond(scenarios[t], w, valueAtRisk)
		for k := range simulated {
			if u := rng.Float64(); u < below {
				i := sort.Search(len(tail)-1, func(i int) bool { return u < tail[i].mass })
				simulated[k].add(tail[i].x / cvar)
			}
		}
	}

	size := tailSize(alpha) * float64(len(returns))
	z1, z2 := observed.statistics(size)
	below1, below2, defined := 1, 1, 1
	for _, s := range simulated {
		s1, s2 := s.statistics(size)
		if !math.IsNaN(s1) {
			defined++
			if s1 <= z1 {
				below1++
			}
		}
		if s2 <= z2 {
			below2++
		}
	}
	result := Shortfall{
		Days:          len(returns),
		Exceedances:   observed.count,
		Conditional:   Test{z1, float64(below1) / float64(defined)},
		Unconditional: Test{z2, float64(below2) / float64(1+replicates)},
	}
	if observed.count == 0 {
		result.Conditional = nan
	}
	return result
}

// exceedanceSum gathers r/CVaR over exceedances.
type exceedanceSum struct {
	sum   float64
	count int
}

func (e *exceedanceSum) add(x float64) { e.sum += x; e.count++ }

func (e exceedanceSum) statistics(size float64) (z1, z2 float64) {
	return ratio(e.sum, float64(e.count)) + 1, e.sum/size + 1
}

// beyond returns the scenarios below -VaR with cumulative probabilities, and
// the probability of all of them.
func beyond(scenarios, weights []float64, valueAtRisk float64) (tail []atom, below float64) {
	total := 0.0
	for j, x := range scenarios {
		mass := 1.0
		if weights != nil {
			mass = weights[j]
		}
		total += mass
		if x < -valueAtRisk && mass > 0 {
			below += mass
			tail = append(tail, atom{x, below})
		}
	}
	for i := range tail {
		tail[i].mass /= total
	}
	return slices.Clip(tail), below / total
}
