package pipeline

import (
	"context"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"allocate/bayes"
	"allocate/pipeline/engine"
	"allocate/returns"
)

// TestTruthIsRecovered simulates 40 strategies and counts how often the
// central 90% posterior interval of each parameter covers the truth. The
// count is binomial(40, 0.9); it must lie in that distribution's central 99%.
func TestTruthIsRecovered(t *testing.T) {
	n := 40
	if testing.Short() {
		n = 10
	}
	panel, truth, err := returns.Simulate(returns.Simulation{Strategies: n, Days: 1500, Start: returns.NewDate(2015, 1, 1), Correlation: 0.3, Ragged: 0.3, Gaps: 0.01}, engine.Streams(1, "recovery"))
	if err != nil {
		t.Fatal(err)
	}
	covered := map[string]int{}
	for j := range n {
		s := panel.Series(j)
		p, err := bayes.Fit(context.Background(), s, bayes.DefaultOptions(), engine.Streams(2, s.Strategy.Name), nil)
		if err != nil {
			t.Fatal(err)
		}
		r := truth.Strategies[j].Regimes[0]
		for name, value := range map[string]float64{"mu": r.Mu, "sigma": r.Sigma, "nu": r.Nu} {
			q := p.Summary[p.Index(name)]
			if float64(q.Q5) <= value && value <= float64(q.Q95) {
				covered[name]++
			}
		}
	}
	low, high := band(n, 0.9, 0.99)
	for _, name := range []string{"mu", "sigma", "nu"} {
		t.Logf("%s: %d of %d intervals cover the truth; the band is %d to %d", name, covered[name], n, low, high)
		if covered[name] < low || covered[name] > high {
			t.Errorf("%s: %d of %d intervals cover the truth, outside %d to %d", name, covered[name], n, low, high)
		}
	}
}

// band is the central interval of a binomial with at least the given mass.
func band(n int, p, mass float64) (low, high int) {
	d := distuv.Binomial{N: float64(n), P: p}
	low, high = 0, n
	for d.CDF(float64(low)) < (1-mass)/2 {
		low++
	}
	for high > 0 && d.CDF(float64(high-1)) > 1-(1-mass)/2 {
		high--
	}
	return low, high
}
