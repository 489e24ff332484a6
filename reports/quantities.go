package reports

import (
	"math"
	"slices"

	"allocate/bayes"
	"allocate/returns"
)

// quantities are functions of the draws of a strategy's posterior, in
// the order of the draws, whatever the parameters of its model are.
type quantities struct {
	mean       []float64 // expected annual return
	volatility []float64 // per period; may be infinite
	sharpe     []float64 // annual
	positive   float64   // share of the draws with a mean above 0
	infinite   float64   // share of the draws without a finite volatility

	conditional bayes.Conditional // nil: no memory of the variance, and no ahead and persistence
	ahead       []float64         // volatility of the next period
	persistence []float64         // of the variance
}

func quantitiesOf(s *returns.Series, p *bayes.Posterior, perYear float64) (*quantities, error) {
	m, err := p.Predictor(s)
	if err != nil {
		return nil, err
	}
	n := p.Len()
	q := &quantities{mean: make([]float64, n), volatility: make([]float64, n), sharpe: make([]float64, n)}
	positive, infinite := 0, 0
	q.conditional, _ = m.(bayes.Conditional)
	for i := range n {
		theta := p.Theta(i)
		q.mean[i], _, q.sharpe[i] = bayes.Annual(m, theta, perYear)
		q.volatility[i] = m.Volatility(theta)
		if c := q.conditional; c != nil {
			q.ahead, q.persistence = append(q.ahead, c.VolatilityAhead(theta)), append(q.persistence, c.Persistence(theta))
		}
		if m.Mean(theta) > 0 {
			positive++
		}
		if math.IsInf(q.volatility[i], 0) {
			infinite++
		}
	}
	q.positive, q.infinite = float64(positive)/float64(n), float64(infinite)/float64(n)
	return q, nil
}

// summarized is the mean and central 90% of draws, times by, as the posterior's
// own summaries have them. Infinite draws make what depends on them infinite.
func summarized(draws []float64, by float64) Interval {
	n, sum := float64(len(draws)), 0.0
	for _, x := range draws {
		sum += x
	}
	mean, rest := sum/n, 0.0
	if Number(mean).finite() {
		for _, x := range draws {
			rest += x - mean
		}
		mean += rest / n
	}
	sorted := slices.Sorted(slices.Values(draws))
	return Interval{Number(mean * by), Number(quantile(sorted, 0.05) * by), Number(quantile(sorted, 0.95) * by)}
}

// quantile interpolates linearly between sorted draws.
func quantile(sorted []float64, p float64) float64 {
	h := p * float64(len(sorted)-1)
	i := int(h)
	if i+1 >= len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (h-float64(i))*(sorted[i+1]-sorted[i])
}

// byChain cuts draws into the chains that they are from.
func byChain(draws []float64, chains int) [][]float64 {
	return slices.Collect(slices.Chunk(draws, len(draws)/chains))
}

// withoutInfinite returns the draws that have a place on an axis.
func withoutInfinite(draws []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(draws), func(x float64) bool { return math.IsInf(x, 0) })
}
