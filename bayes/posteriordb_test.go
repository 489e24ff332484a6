package bayes_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"allocate/bayes"
	"allocate/bayes/mcmc"
)

// TestPosteriorDB compares means and mean squares with the long Stan runs of
// posteriordb, by one call without a setting: each to 4 standard errors of the
// difference, at most one beyond 3, R-hat below 1.01 and no divergence.
func TestPosteriorDB(t *testing.T) {
	for i, p := range posteriors {
		if testing.Short() && i%5 != 0 {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			m := p.make(t, p.name)
			var first, second struct {
				Names []string
				Mean  []float64 `json:"mean_value"`
				Sq    []float64 `json:"mean_squared_value"`
				MCSE  []float64 `json:"mcse_mean"`
			}
			load(t, p.name, "mean_value.json", &first)
			load(t, p.name, "mean_squared_value.json", &second)
			r, err := bayes.Sample(context.Background(), m)
			if err != nil {
				t.Fatal(err)
			}
			var worst, rhat float64
			leastESS := math.Inf(1)
			over3 := 0
			check := func(name, what string, chains [][]float64, ref, mcse float64) {
				s := mcmc.Summarize(chains)
				z := math.Abs(s.Mean-ref) / math.Hypot(s.MCSEMean, mcse)
				worst, leastESS, rhat = max(worst, z), min(leastESS, s.ESSMean), max(rhat, s.RHat)
				if z > 3 {
					over3++
				}
				if z > 4 {
					t.Errorf("%s of %s: %.6g, reference %.6g: %.1f standard errors", what, name, s.Mean, ref, z)
				}
			}
			for i, name := range r.Names {
				if name != first.Names[i] || name != second.Names[i] {
					t.Fatalf("quantity %s, reference %s, %s", name, first.Names[i], second.Names[i])
				}
				chains := r.Parameter(i)
				check(name, "mean", chains, first.Mean[i], first.MCSE[i])
				for _, x := range chains {
					for j := range x {
						x[j] *= x[j]
					}
				}
				check(name, "mean square", chains, second.Sq[i], second.MCSE[i])
			}
			if over3 > 1 {
				t.Errorf("%d values beyond 3 standard errors", over3)
			}
			if n := r.Divergences(); n > 0 {
				t.Errorf("%d divergences", n)
			}
			if rhat > 1.01 {
				t.Errorf("R-hat %.4f", rhat)
			}
			if r.Verdict() != bayes.OK {
				t.Errorf("verdict %s: %v", r.Verdict(), r.Findings)
			}
			t.Logf("attempt %d: warm-up %d iterations, %d gradients; least ESS %.0f, %.2f gradients per effective draw with warm-up; worst z %.2f, R-hat %.4f, divergences %d",
				r.Sampler.Attempts, r.Sampler.Warmup, r.Sampler.Gradients, leastESS, float64(r.Sampler.Gradients)/leastESS, worst, rhat, r.Divergences())
		})
	}
}

// TestModelGradients checks the hand-written gradients above by differences.
func TestModelGradients(t *testing.T) {
	for _, p := range posteriors {
		m := p.make(t, p.name)
		rng := rand.New(rand.NewPCG(1, 2))
		q, grad, dump := make([]float64, m.Dim()), make([]float64, m.Dim()), make([]float64, m.Dim())
		for range 5 {
			for i := range q {
				q[i] = rng.Float64()*2 - 1
			}
			m.logp(q, grad)
			for i, x := range q {
				const h = 1e-5
				q[i] = x + h
				up := m.logp(q, dump)
				q[i] = x - h
				down := m.logp(q, dump)
				q[i] = x
				if d := (up - down) / (2 * h); math.Abs(d-grad[i]) > 1e-4*(1+math.Abs(d)) {
					t.Errorf("%s: gradient of %s is %g, by differences %g", p.name, m.params[i], grad[i], d)
				}
			}
		}
	}
}
