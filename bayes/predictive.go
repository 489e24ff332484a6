package bayes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"allocate/returns"
)

// Quantity describes the distribution of one quantity under the prior.
type Quantity struct {
	Name   string `json:"name"`
	Mean   Number `json:"mean"`
	SD     Number `json:"sd"`
	Q5     Number `json:"q5"`
	Median Number `json:"median"`
	Q95    Number `json:"q95"`
}

// PriorPredictive summarizes what a return model predicts before it has seen the
// returns: it draws parameters from the prior, simulates a history of the given
// number of periods with each, and describes the parameters and the histories:
//
//	year_return  return over a year of periods, compounded, fraction
//	day_q01      1% quantile of the returns, fraction
//	day_min      worst return, fraction
//	zeros        share of days with a return of exactly 0
//
// It needs a PriorSampler; of a predictor that cannot replicate histories it describes
// the parameters alone.
func PriorPredictive(m Model, of Predictor, f returns.Frequency, days, draws int, src rand.Source) ([]Quantity, error) {
	prior, is := m.(PriorSampler)
	if !is {
		return nil, fmt.Errorf("bayes: %T has no prior sampler", m)
	}
	replicate := replicator(of)
	if days < 1 || draws < 1 {
		return nil, fmt.Errorf("bayes: prior predictive of %d draws of %d days; expected at least 1 of each", draws, days)
	}
	rng := rand.New(src)
	names := slices.Clone(m.Names())
	if replicate != nil {
		names = append(names, "year_return", "day_q01", "day_min", "zeros")
	}
	values := make([][]float64, len(names))
	q, theta, r := make([]float64, m.Dim()), make([]float64, len(m.Names())), make([]float64, days)
	for range draws {
		prior.SamplePrior(rng, q)
		m.Constrain(q, theta)
		for i, v := range theta {
			values[i] = append(values[i], v)
		}
		if replicate == nil {
			continue
		}
		replicate(theta, rng, r)
		growth, worst, zeros := 0.0, r[0], 0
		for _, x := range r {
			growth += math.Log1p(max(-1, x))
			worst = min(worst, x)
			if x == 0 {
				zeros++
			}
		}
		history := []float64{math.Expm1(growth * f.PeriodsPerYear() / float64(days)), selectQuantile(r, 0.01), worst, float64(zeros) / float64(days)}
		for i, v := range history {
			values[len(theta)+i] = append(values[len(theta)+i], v)
		}
	}
	var out []Quantity
	for i, v := range values {
		mean := 0.0
		for _, x := range v {
			mean += x / float64(draws)
		}
		out = append(out, Quantity{
			Name: names[i], Mean: Number(mean), SD: Number(deviation(v)),
			Q5: Number(selectQuantile(v, 0.05)), Median: Number(selectQuantile(v, 0.5)), Q95: Number(selectQuantile(v, 0.95)),
		})
	}
	return out, nil
}
