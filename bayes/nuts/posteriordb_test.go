package nuts_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"allocate/bayes/mcmc"
	"allocate/bayes/nuts"
)

func sample(t testing.TB, m *model, seed uint64, o nuts.Options, start *nuts.Start) *nuts.Result {
	t.Helper()
	r, err := nuts.Sample(context.Background(), func(int) (nuts.Density, error) { return m, nil }, m.params,
		source(seed), start, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func source(seed uint64) func(int) rand.Source {
	return func(chain int) rand.Source { return rand.NewPCG(seed, uint64(chain)) }
}

// quantities constrains the draws: quantity × chain × iteration.
func quantities(m *model, r *nuts.Result) [][][]float64 {
	out := make([][][]float64, len(m.quantity))
	for i := range out {
		out[i] = make([][]float64, len(r.Draws))
	}
	v := make([]float64, len(m.quantity))
	for c, d := range r.Draws {
		for t := 0; t < len(d); t += r.Dim {
			m.constrain(d[t:t+r.Dim], v)
			for i, x := range v {
				out[i][c] = append(out[i][c], x)
			}
		}
	}
	return out
}

// TestPosteriorDB compares means and mean squares with the long Stan runs of
// posteriordb, from default settings and random starting points.
func TestPosteriorDB(t *testing.T) {
	for _, p := range posteriors {
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
			o := nuts.DefaultOptions()
			o.TargetAccept = p.target
			r := sample(t, m, 20261123, o, nil)

			var worst, leastESS, rhat float64
			leastESS = math.Inf(1)
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
			for i, chains := range quantities(m, r) {
				if m.quantity[i] != first.Names[i] || m.quantity[i] != second.Names[i] {
					t.Fatalf("quantity %s, reference %s, %s", m.quantity[i], first.Names[i], second.Names[i])
				}
				check(m.quantity[i], "mean", chains, first.Mean[i], first.MCSE[i])
				squares := make([][]float64, len(chains))
				for c, x := range chains {
					for _, v := range x {
						squares[c] = append(squares[c], v*v)
					}
				}
				check(m.quantity[i], "mean square", squares, second.Sq[i], second.MCSE[i])
			}
			if over3 > 1 {
				t.Errorf("%d values beyond 3 standard errors", over3)
			}
			if n := r.Divergences(); n > 0 {
				t.Errorf("%d divergences", n)
			}
			if rhat > 1.01 {
				t.Errorf("R̂ %.4f", rhat)
			}
			var accept float64
			for _, st := range r.Stats {
				for _, a := range st.AcceptStat {
					accept += a / float64(len(r.Stats)*len(st.AcceptStat))
				}
			}
			kept := r.Gradients - r.WarmupLeapfrogs
			t.Logf("warm-up %d iterations, %d gradients; step %.3f, acceptance %.3f; %.1f gradients per draw; least ESS %.0f, %.2f gradients per effective draw (%.2f with warm-up); worst z %.2f, R̂ %.4f",
				r.WarmupIterations, r.WarmupLeapfrogs, r.StepSize, accept, float64(kept)/4000, leastESS,
				float64(kept)/leastESS, float64(r.Gradients)/leastESS, worst, rhat)
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
