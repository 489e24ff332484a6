package mcmc

import (
	"math/rand/v2"
	"testing"
)

func BenchmarkSummarize(b *testing.B) {
	chains := ar1(rand.New(rand.NewPCG(1, 1)), 4, 1000, 0.3)
	var w Workspace
	b.ReportAllocs()
	for b.Loop() {
		w.Summarize(chains)
	}
}

// ar1 simulates stationary chains of unit variance and lag-one correlation phi.
func ar1(rng *rand.Rand, chains, n int, phi float64) [][]float64 {
	out := make([][]float64, chains)
	for c := range out {
		x := rng.NormFloat64()
		for range n {
			out[c] = append(out[c], x)
			x = phi*x + rng.NormFloat64()*sqrt1m(phi)
		}
	}
	return out
}
