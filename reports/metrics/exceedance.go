package metrics

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Exceedances says on which days the loss was greater than the VaR predicted
// for it, -return > VaR; both are fractions, VaR a positive loss. A day with a
// NaN is no exceedance: leave such days out beforehand.
func Exceedances(returns, valueAtRisk []float64) []bool {
	if len(returns) != len(valueAtRisk) {
		panic("metrics: returns and VaR differ in length")
	}
	out := make([]bool, len(returns))
	for t, r := range returns {
		out[t] = -r > valueAtRisk[t]
	}
	return out
}

// Coverage is a backtest of VaR by its exceedances.
type Coverage struct {
	Days        int
	Exceedances int
	Expected    float64 // (1-alpha) Days

	// Unconditional asks whether exceedances are as frequent as predicted
	// (Kupiec, "Techniques for verifying the accuracy of risk measurement
	// models", Journal of Derivatives 1995): with x of n days,
	//
	//	LR_uc = -2 log((1-p)^(n-x) p^x / ((1-x/n)^(n-x) (x/n)^x)), p = 1-alpha,
	//
	// chi-square with 1 degree of freedom. NaN for no days.
	Unconditional Test

	// Independence asks whether an exceedance today makes one tomorrow more or
	// less likely (Christoffersen, "Evaluating interval forecasts",
	// International Economic Review 1998): with n_ij days of state j after i,
	// pi_i = n_i1/(n_i0+n_i1) and pi = (n_01+n_11)/(n_00+n_01+n_10+n_11),
	//
	//	LR_ind = -2 log((1-pi)^(n_00+n_10) pi^(n_01+n_11)
	//	         / ((1-pi_0)^n_00 pi_0^n_01 (1-pi_1)^n_10 pi_1^n_11)),
	//
	// chi-square with 1 degree of freedom. NaN for less than two days. With few
	// exceedances it has hardly any power.
	Independence Test

	// Conditional asks both: LR_cc = LR_uc + LR_ind, chi-square with 2 degrees
	// of freedom. LR_uc counts all days, LR_ind all pairs of days.
	Conditional Test
}

// BacktestVaR tests the exceedances of VaR at confidence alpha, in (0, 1), on
// consecutive days.
func BacktestVaR(exceeded []bool, alpha float64) Coverage {
	if !(alpha > 0 && alpha < 1) {
		panic("metrics: alpha is not in (0, 1)")
	}
	n := float64(len(exceeded))
	p := tailSize(alpha)
	x := 0.0
	var pairs [2][2]float64
	for t, e := range exceeded {
		if e {
			x++
		}
		if t > 0 {
			pairs[state(exceeded[t-1])][state(e)]++
		}
	}

	unconditional := 2 * (likelihood(n-x, x, x/n) - likelihood(n-x, x, p))
	quiet, loud := pairs[0][0]+pairs[1][0], pairs[0][1]+pairs[1][1]
	independence := 0.0
	for _, from := range pairs {
		independence += likelihood(from[0], from[1], from[1]/(from[0]+from[1]))
	}
	independence = 2 * (independence - likelihood(quiet, loud, loud/(quiet+loud)))
	if len(exceeded) == 0 {
		unconditional = math.NaN()
	}
	if len(exceeded) < 2 {
		independence = math.NaN()
	}
	return Coverage{
		Days:          len(exceeded),
		Exceedances:   int(x),
		Expected:      p * n,
		Unconditional: chiSquare(unconditional, 1),
		Independence:  chiSquare(independence, 1),
		Conditional:   chiSquare(unconditional+independence, 2),
	}
}

func state(exceeded bool) int {
	if exceeded {
		return 1
	}
	return 0
}

// likelihood is log((1-p)^misses p^hits), where 0^0 is 1.
func likelihood(misses, hits, p float64) float64 {
	sum := 0.0
	if misses > 0 {
		sum += misses * math.Log1p(-p)
	}
	if hits > 0 {
		sum += hits * math.Log(p)
	}
	return sum
}

// chiSquare takes a likelihood ratio that rounding may have made negative.
func chiSquare(statistic, degrees float64) Test {
	statistic = max(0, statistic)
	if math.IsNaN(statistic) {
		return Test{statistic, statistic}
	}
	return Test{statistic, distuv.ChiSquared{K: degrees}.Survival(statistic)}
}
