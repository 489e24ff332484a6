package metrics

import (
	"cmp"
	"math"
	"slices"
)

// Drawdown is a spell of wealth below its highest value so far. Days are
// indices of returns: wealth after the return of the day.
type Drawdown struct {
	Depth    float64 // 1 - wealth/peak at the trough, positive fraction
	Start    int     // first day below the peak; the peak is the day before, -1 for the capital paid in
	Trough   int     // day of the least wealth, the first of equals
	Recovery int     // first day at the peak or above, or -1 if there is none yet
	Days     int     // days below the peak, up to Recovery or the last return
}

// Drawdowns returns the k deepest drawdowns, the deepest first and the earlier
// of equals first; all of them for a negative k. There are none if a return is
// not finite.
func Drawdowns(returns []float64, k int) []Drawdown {
	if !usable(returns, nil) {
		return nil
	}
	var all []Drawdown
	wealth, peak := 1.0, 1.0
	under := false
	for t, r := range returns {
		wealth *= max(0, 1+r)
		if wealth >= peak {
			peak = wealth
			if under {
				all[len(all)-1].Recovery = t
			}
			under = false
			continue
		}
		if !under {
			all = append(all, Drawdown{Start: t, Recovery: -1})
			under = true
		}
		d := &all[len(all)-1]
		d.Days++
		if depth := 1 - wealth/peak; depth > d.Depth {
			d.Depth, d.Trough = depth, t
		}
	}
	slices.SortStableFunc(all, func(a, b Drawdown) int { return cmp.Compare(b.Depth, a.Depth) })
	if k >= 0 && k < len(all) {
		all = all[:k]
	}
	return all
}

// Wealth returns prod(1+r) up to and with each day, from a capital of 1. It
// stays 0 after a total loss and NaN after a return that is not finite.
func Wealth(returns []float64) []float64 {
	out := make([]float64, len(returns))
	wealth := 1.0
	for t, r := range returns {
		if math.IsInf(r, 0) {
			r = math.NaN()
		}
		wealth *= max(0, 1+r)
		out[t] = wealth
	}
	return out
}

// Underwater returns the drawdown at each day, 1 - wealth/peak, a positive
// fraction, where the peak is at least the capital paid in.
func Underwater(returns []float64) []float64 {
	out := Wealth(returns)
	peak := 1.0
	for t, wealth := range out {
		peak = max(peak, wealth)
		out[t] = 1 - wealth/peak
	}
	return out
}

// RollingVolatility returns sqrt(P) sd(r) of the window that ends at each
// period, per year of P periods; NaN where the window is not full or holds a
// number that is not finite.
func RollingVolatility(returns []float64, periodsPerYear float64, window int) []float64 {
	return rolling(len(returns), window, func(from, to int) float64 {
		m := momentsOf(returns[from:to])
		if !m.finite() {
			return math.NaN()
		}
		return math.Sqrt(periodsPerYear) * m.sd()
	})
}

// rolling computes every window anew: sums that are carried along drift, and
// one that has met a NaN never loses it.
func rolling(n, window int, of func(from, to int) float64) []float64 {
	if window < 1 {
		panic("metrics: a rolling window has at least one day")
	}
	out := make([]float64, n)
	for t := range out {
		out[t] = math.NaN()
		if t+1 >= window {
			out[t] = of(t+1-window, t+1)
		}
	}
	return out
}
