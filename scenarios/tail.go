package scenarios

import (
	"math"
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

// StandardError returns the Monte Carlo standard error of the CVaR at
// confidence alpha of a portfolio with these returns in the scenarios, of
// probabilities prob (nil: equal), if they were drawn independently.
func StandardError(outcomes, prob []float64, alpha float64) float64 {
	loss := make([]float64, len(outcomes))
	for i, r := range outcomes {
		loss[i] = -r
	}
	_, se := tailMean(loss, prob, alpha)
	return se
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

// CVaR returns the CVaR at confidence alpha of a portfolio with these returns in the scenarios, of
// probabilities prob (nil: equal): the mean loss of the worst 1-alpha, positive for a loss.
func CVaR(outcomes, prob []float64, alpha float64) float64 {
	loss := make([]float64, len(outcomes))
	for i, r := range outcomes {
		loss[i] = -r
	}
	cvar, _ := tailMean(loss, prob, alpha)
	return cvar
}
