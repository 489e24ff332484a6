package mcmc

import (
	"math"
	"slices"
)

// Side names the tail of a distribution.
type Side int

// Tails.
const (
	Right Side = iota
	Left
	Both // the heavier of the two
)

// ParetoK estimates the shape k of the generalized Pareto distribution that
// fits the tail of the draws: the number of finite moments is about 1/k, so for
// k ≥ 0.5 the variance and for k ≥ 1 the mean does not exist. rEff is the
// relative efficiency of the draws, ESS/S; 1 if independent. NaN also when the
// tail is constant, or has fewer than five draws beyond a value that many share.
func ParetoK(draws []float64, side Side, rEff float64) float64 {
	if !usable([][]float64{draws}) {
		return math.NaN()
	}
	n := len(draws)
	tail := max(ParetoTail(n, rEff), minTail)
	if side == Both {
		tail = min(tail, n/2)
	}
	if tail < minTail || tail >= n {
		return math.NaN()
	}
	x, order := make([]float64, n), make([]int32, n)
	new(radixSort).argsort(order, draws)
	k := math.NaN()
	if side != Left {
		for i, at := range order {
			x[i] = draws[at]
		}
		k = tailK(x, tail)
	}
	if side != Right {
		for i, at := range order {
			x[n-1-i] = -draws[at]
		}
		if left := tailK(x, tail); math.IsNaN(k) || left > k {
			k = left
		}
	}
	return k
}

// minTail is the least number of draws a tail is fitted to.
const minTail = 5

// ParetoTail is the number of draws that make up a tail: 3√(S/rEff), or S/5
// when S·rEff ≤ 225 (Vehtari et al. 2024, appendix H).
func ParetoTail(draws int, rEff float64) int {
	s := float64(draws)
	if s*rEff > 225 {
		return int(3 * math.Sqrt(s/rEff))
	}
	return int(s / 5)
}

// tailK fits the last tail values of the ascending x.
func tailK(x []float64, tail int) float64 {
	at := len(x) - tail
	if x[at] == x[len(x)-1] {
		return math.NaN()
	}
	// Values that tie with the cutoff (days without a trade) do not exceed it.
	cutoff := x[at-1]
	for x[at] == cutoff {
		at++
	}
	if len(x)-at < minTail {
		return math.NaN()
	}
	excess := make([]float64, len(x)-at)
	for i, v := range x[at:] {
		excess[i] = v - cutoff
	}
	k, _ := FitGPD(excess)
	return k
}

// FitGPD fits a generalized Pareto distribution with location 0 to values in
// ascending order, all positive, by the profile posterior of Zhang & Stephens
// (Technometrics 2009), k shrunk towards 0.5 with the weight of ten values
// (Vehtari et al. 2024, appendix G). It returns shape k and scale sigma.
func FitGPD(x []float64) (k, sigma float64) {
	n := float64(len(x))
	m := 30 + int(math.Sqrt(n))
	quartile := x[max(int(n/4+0.5), 1)-1]
	theta, profile := make([]float64, m), make([]float64, m)
	best := math.Inf(-1)
	for j := range theta {
		t := 1/x[len(x)-1] + (1-math.Sqrt(float64(m)/(float64(j)+0.5)))/(3*quartile)
		k := meanLog1p(-t, x)
		theta[j] = t
		profile[j] = n * (math.Log(-t/k) - k - 1)
		best = max(best, profile[j])
	}
	var sum, weights float64
	for j, t := range theta {
		w := math.Exp(profile[j] - best)
		if math.IsNaN(w) {
			continue
		}
		sum += w * t
		weights += w
	}
	t := sum / weights
	k = meanLog1p(-t, x)
	sigma = -k / t
	k = (k*n + 5) / (n + 10)
	if math.IsNaN(k) {
		return math.Inf(1), math.NaN()
	}
	return k, sigma
}

func meanLog1p(t float64, x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += math.Log1p(t * v)
	}
	return sum / float64(len(x))
}

// ParetoThreshold is the largest k that S draws can be trusted with:
// min(1 − 1/log₁₀S, 0.7) (Vehtari et al. 2024, eq. 13).
func ParetoThreshold(draws int) float64 {
	return min(1-1/math.Log10(float64(draws)), 0.7)
}

// PSIS writes to logWeights the Pareto smoothed, normalized (their exponentials
// sum to 1) log importance weights of the log ratios, and returns the shape k of
// their right tail. rEff is the relative efficiency of the ratios, 1 if the
// draws are independent. A tail that is constant or shorter than 5 is not
// smoothed: k is then NaN and the weights are the normalized ratios. Ratios
// that are NaN or +Inf, or all -Inf, make everything NaN. The slices may be the
// same.
func PSIS(logWeights, logRatios []float64, rEff float64) (k float64) {
	n := len(logRatios)
	if len(logWeights) != n {
		panic("mcmc: weights and ratios differ in length")
	}
	top := math.Inf(-1)
	for _, r := range logRatios {
		if math.IsNaN(r) || math.IsInf(r, 1) {
			top = math.NaN()
			break
		}
		top = max(top, r)
	}
	for i, r := range logRatios {
		logWeights[i] = r - top
	}
	k = math.NaN()
	s := float64(n)
	tail := int(math.Ceil(min(0.2*s, 3*math.Sqrt(s/rEff))))
	if !math.IsNaN(top) && !math.IsInf(top, -1) && tail >= minTail && tail < n {
		k = smoothTail(logWeights, tail)
	}
	normalize(logWeights)
	return k
}

// smoothTail replaces the largest tail log weights, of which the largest is 0,
// by the logs of the expected order statistics of the fitted Pareto tail.
func smoothTail(lw []float64, tail int) float64 {
	n := len(lw)
	order := make([]int32, n)
	new(radixSort).argsort(order, lw)
	at := order[n-tail:]
	if lw[at[0]] == lw[at[tail-1]] {
		return math.NaN()
	}
	cutoff := math.Exp(lw[order[n-tail-1]])
	excess := make([]float64, tail)
	for i, j := range at {
		excess[i] = math.Exp(lw[j]) - cutoff
	}
	if excess[0] <= 0 { // ties at the cutoff
		tiny := math.Nextafter(cutoff, 2) - cutoff
		for i := range excess {
			excess[i] = max(excess[i], tiny)
		}
	}
	k, sigma := FitGPD(excess)
	if math.IsInf(k, 0) {
		return k
	}
	for i, j := range at {
		p := (float64(i) + 0.5) / float64(tail)
		lw[j] = min(math.Log(cutoff+gpdQuantile(p, k, sigma)), 0)
	}
	return k
}

// gpdQuantile is the p-quantile of the generalized Pareto distribution.
func gpdQuantile(p, k, sigma float64) float64 {
	if k == 0 {
		return -sigma * math.Log1p(-p)
	}
	return sigma * math.Expm1(-k*math.Log1p(-p)) / k
}

// normalize subtracts the log of the sum of exponentials.
func normalize(lw []float64) {
	top := slices.Max(lw)
	var sum float64
	for _, v := range lw {
		sum += math.Exp(v - top)
	}
	shift := top + math.Log(sum)
	for i := range lw {
		lw[i] -= shift
	}
}
