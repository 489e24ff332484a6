package scenarios

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
)

// Cone is the forecast of a fit for the cumulative return over the held-out days,
// and the realized return: the Bayesian cone of pyfolio, with the whole predictive
// distribution of a path. Returns are simple, cumulative from the
// first of those days, as fractions.
type Cone struct {
	Day      []int     `json:"day"` // days since the fit, rising; the first is 1
	Q5       []float64 `json:"q5"`
	Q25      []float64 `json:"q25"`
	Q50      []float64 `json:"q50"`
	Q75      []float64 `json:"q75"`
	Q95      []float64 `json:"q95"`
	Realized []float64 `json:"realized"`
	// Score is the consistency score: 100 for a path along the median of the
	// cone, 0 for one along its edge, the mean over the days of
	// 100 (1 - 2 |1/2 - rank of the realized return among the simulated paths|)
	// (pyfolio, timeseries.py; Wiecki et al. 2016 use it to judge strategies
	// after they went live).
	Score float64 `json:"score"`
}

// UnmarshalJSON reads a cone, also of earlier versions, which wrote "realised".
func (c *Cone) UnmarshalJSON(b []byte) error {
	type cone Cone // without this method
	before := struct {
		*cone
		Realised []float64 `json:"realised"`
	}{cone: (*cone)(c)}
	if err := json.Unmarshal(b, &before); err != nil {
		return err
	}
	if c.Realized == nil {
		c.Realized = before.Realised
	}
	return nil
}

const (
	conePaths  = 500
	conePoints = 40
)

// cone simulates futures of the days, one posterior draw each, at points spread
// evenly over them; nil where they grow beyond all numbers.
func (s Strategy) cone(days []float64, src rand.Source) *Cone {
	rng := rand.New(src)
	var at []int
	for k := range min(conePoints, len(days)) {
		if d := (k + 1) * len(days) / min(conePoints, len(days)); len(at) == 0 || d > at[len(at)-1] {
			at = append(at, d)
		}
	}
	c := &Cone{Day: at}
	wealth := make([][]float64, len(at)) // by point
	z := make([]float64, len(days))
	for i := range conePaths {
		for d := range z {
			z[d] = rng.NormFloat64()
		}
		s.Predictor.Path(s.Posterior.Theta((2*i+1)*s.Posterior.Len()/(2*conePaths)), z, z)
		growth, next := 0.0, 0
		for d, r := range z {
			growth += math.Log1p(max(r, -1))
			if d+1 == at[next] {
				wealth[next] = append(wealth[next], math.Expm1(growth))
				next++
			}
		}
	}
	for _, w := range wealth {
		if slices.ContainsFunc(w, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }) {
			return nil
		}
	}
	growth, next := 0.0, 0
	for d, r := range days {
		growth += math.Log1p(max(r, -1))
		if d+1 != at[next] {
			continue
		}
		w := wealth[next]
		slices.Sort(w)
		quantile := func(p float64) float64 { return w[int(p*float64(len(w)-1)+0.5)] }
		c.Q5, c.Q25, c.Q50 = append(c.Q5, quantile(0.05)), append(c.Q25, quantile(0.25)), append(c.Q50, quantile(0.5))
		c.Q75, c.Q95 = append(c.Q75, quantile(0.75)), append(c.Q95, quantile(0.95))
		came := math.Expm1(growth)
		c.Realized = append(c.Realized, came)
		below, _ := slices.BinarySearch(w, came)
		rank := (float64(below) + 0.5) / float64(len(w)+1)
		c.Score += 100 * (1 - 2*math.Abs(0.5-rank)) / float64(len(at))
		next++
	}
	return c
}
