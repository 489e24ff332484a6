package scenarios

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"

	"allocate/returns"
)

// The means of the scenarios.
const (
	PosteriorMean = "posterior" // those of the models
	ShrunkMean    = "shrunk"    // their Sharpe ratios towards the common one
	ZeroMean      = "zero"      // none
)

// recenter moves the scenarios of each strategy to the mean that o asks for; a return stays
// at least -1.
//
// Shrinking is that of a random-effects model: the Sharpe ratio z_j of strategy j over the
// horizon has the standard error e_j of its posterior, and true ratios have mean m and
// variance tau^2 over the strategies, estimated by DerSimonian and Laird (Controlled Clinical
// Trials 7, 1986). The best guess of a ratio is m + (z_j - m) tau^2/(tau^2 + e_j^2).
func (o Options) recenter(set *Set, strategies []Strategy) []returns.Finding {
	if o.Mean == "" || o.Mean == PosteriorMean {
		return nil
	}
	n := len(strategies)
	mean, target := set.Mean(), make([]float64, n)
	f := returns.Finding{Code: "scenarios.mean", Severity: returns.Info, Sentence: "The scenarios have mean 0 (scenarios.mean: zero): expected returns say nothing."}
	if o.Mean == ShrunkMean {
		sd, z, square := make([]float64, n), make([]float64, n), make([]float64, n)
		for j, s := range strategies {
			column := make([]float64, set.Len())
			for i := range column {
				column[i] = set.Row(i)[j]
			}
			sd[j] = stat.StdDev(column, nil)
			draws := make([]float64, s.Posterior.Len())
			for i := range draws {
				draws[i] = s.Predictor.Mean(s.Posterior.Theta(i)) * float64(o.Horizon)
			}
			if sd[j] > 0 {
				z[j] = mean[j] / sd[j]
				square[j] = stat.Variance(draws, nil) / (sd[j] * sd[j])
			}
		}
		common, tau := randomEffects(z, square)
		for j := range target {
			kept := 1.0
			if square[j] > 0 && !math.IsInf(tau, 1) {
				kept = tau / (tau + square[j])
			}
			target[j] = sd[j] * (common + kept*(z[j]-common))
		}
		root := math.Sqrt(set.Frequency.PeriodsPerYear() / float64(max(1, o.Horizon)))
		if math.IsInf(tau, 1) {
			return nil // the means are known
		}
		f.Numbers = map[string]float64{"sharpe": common * root, "spread": math.Sqrt(tau) * root}
		f.Sentence = fmt.Sprintf("Means are shrunk towards a common annual Sharpe ratio of %.2f; the true ratios are estimated to differ from it with a standard deviation of %.2f.", common*root, math.Sqrt(tau)*root)
	}
	for i := range set.Len() {
		for j, row := 0, set.Row(i); j < n; j++ {
			row[j] = max(-1, row[j]+target[j]-mean[j])
		}
	}
	return []returns.Finding{f}
}

// randomEffects returns the mean of the true values of estimates with given squared errors,
// and their variance. An estimate without error counts as one with the least error of the others.
func randomEffects(z, square []float64) (mean, tau float64) {
	least := math.Inf(1)
	for _, e := range square {
		if e > 0 {
			least = min(least, e)
		}
	}
	if math.IsInf(least, 1) {
		return stat.Mean(z, nil), math.Inf(1)
	}
	weight := make([]float64, len(z))
	sum, squares := 0.0, 0.0
	for j, e := range square {
		weight[j] = 1 / max(e, least)
		sum += weight[j]
		squares += weight[j] * weight[j]
	}
	fixed, q := stat.Mean(z, weight), 0.0
	for j, v := range z {
		q += weight[j] * (v - fixed) * (v - fixed)
	}
	if c := sum - squares/sum; c > 0 {
		tau = max(0, (q-float64(len(z)-1))/c)
	}
	for j, e := range square {
		weight[j] = 1 / (tau + max(e, least))
	}
	return stat.Mean(z, weight), tau
}
