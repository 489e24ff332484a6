package scenarios

import (
	"math"
	"slices"
	"sort"
)

// equalWeightLoss returns the S losses, positive, of all strategies in equal
// parts over the horizon, as fractions.
func equalWeightLoss(s *Set) []float64 {
	loss := make([]float64, s.Len())
	for i := range loss {
		sum := 0.0
		for _, r := range s.Row(i) {
			sum += r
		}
		loss[i] = -sum / float64(len(s.Names))
	}
	return loss
}

// tailMean returns the CVaR at confidence alpha of losses with probabilities
// prob (nil: equal), positive for a loss, and its standard error if they were
// drawn independently: sqrt((var(L | tail) + alpha (CVaR - VaR)^2)/(S(1-alpha)))
// (Manistre and Hancock 2005, equation 2), with the effective number of
// scenarios 1/sum p^2 for S. Scenarios that are spread evenly do better.
func tailMean(loss, prob []float64, alpha float64) (cvar, se float64) {
	order := make([]int, len(loss))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(a, b int) bool { return loss[order[a]] > loss[order[b]] })
	p, squares := 1/float64(len(loss)), 1/float64(len(loss))
	if prob != nil {
		squares = 0
		for _, v := range prob {
			squares += v * v
		}
	}
	left, square, last := 1-alpha, 0.0, 0.0
	for _, i := range order {
		if prob != nil {
			p = prob[i]
		}
		part := min(p, left)
		cvar += part * loss[i]
		square += part * loss[i] * loss[i]
		last = loss[i]
		if left -= part; left <= 0 {
			break
		}
	}
	cvar /= 1 - alpha
	variance := max(0, square/(1-alpha)-cvar*cvar)
	return cvar, math.Sqrt((variance + alpha*(cvar-last)*(cvar-last)) / (1 - alpha) * squares)
}

// tailShape estimates the shape k of the generalised Pareto distribution that
// the largest 3 sqrt(S) losses follow: moments of order 1/k and more do not
// exist. The estimate is that of Zhang and Stephens (2009), moved towards 0.5
// with the weight of ten losses (Vehtari et al. 2024, appendices G and H). NaN
// for fewer than 25 losses and for a tail that does not vary.
func tailShape(loss []float64) float64 {
	x := slices.Clone(loss)
	slices.Sort(x)
	tail := min(int(3*math.Sqrt(float64(len(x)))), len(x)/5)
	if tail < 5 {
		return math.NaN()
	}
	cut := x[len(x)-tail-1]
	x = x[len(x)-tail:]
	if x[0] == x[tail-1] || x[0] == cut {
		return math.NaN()
	}
	for i := range x {
		x[i] -= cut
	}
	n := float64(tail)
	meanLog := func(t float64) float64 {
		sum := 0.0
		for _, v := range x {
			sum += math.Log1p(-t * v)
		}
		return sum / n
	}
	quartile := x[max(int(n/4+0.5), 1)-1]
	m := 30 + int(math.Sqrt(n))
	theta, profile := make([]float64, m), make([]float64, m)
	for j := range theta {
		theta[j] = 1/x[tail-1] + (1-math.Sqrt(float64(m)/(float64(j)+0.5)))/(3*quartile)
		k := meanLog(theta[j])
		profile[j] = n * (math.Log(-theta[j]/k) - k - 1)
	}
	top, sum, weights := slices.Max(profile), 0.0, 0.0
	for j, t := range theta {
		if w := math.Exp(profile[j] - top); !math.IsNaN(w) {
			sum, weights = sum+w*t, weights+w
		}
	}
	return (meanLog(sum/weights)*n + 5) / (n + 10)
}
