package optimize

import (
	"math"
	"math/rand/v2"
	"testing"

	"allocate/scenarios"
)

// factorSet draws heavy-tailed scenarios with one common factor: S x N horizon
// returns with Student-t(5) shocks of a few percent.
func factorSet(seed uint64, n, m int) *scenarios.Set {
	rng := rand.New(rand.NewPCG(seed, 1))
	student := func() float64 {
		chi := 0.0
		for range 5 {
			z := rng.NormFloat64()
			chi += z * z
		}
		return rng.NormFloat64() / math.Sqrt(chi/5)
	}
	set := &scenarios.Set{Horizon: 21, Names: make([]string, n), Returns: make([]float64, n*m)}
	drift, beta, vol := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		set.Names[i] = "s" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		drift[i], beta[i], vol[i] = 0.004*rng.NormFloat64()+0.004, 0.02+0.02*rng.Float64(), 0.02+0.04*rng.Float64()
	}
	for j := range m {
		common, row := student(), set.Row(j)
		for i := range row {
			row[i] = max(-0.99, drift[i]+beta[i]*common+vol[i]*student())
		}
	}
	return set
}

// weighted gives a set unequal probabilities, some of them zero.
func weighted(seed uint64, set *scenarios.Set) *scenarios.Set {
	rng := rand.New(rand.NewPCG(seed, 2))
	out := *set
	out.Prob = make([]float64, set.Len())
	total := 0.0
	for j := range out.Prob {
		if rng.IntN(10) > 0 {
			out.Prob[j] = rng.ExpFloat64()
		}
		total += out.Prob[j]
	}
	for j := range out.Prob {
		out.Prob[j] /= total
	}
	return &out
}

// problem is long-only with a cap, as it is most nights.
func problem(tb testing.TB, set *scenarios.Set, change func(*Options)) *Problem {
	tb.Helper()
	o := DefaultOptions()
	o.MaxWeight = 0.2
	if change != nil {
		change(&o)
	}
	p, err := NewProblem(set, o, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func solve(tb testing.TB, p *Problem) *Solution {
	tb.Helper()
	s, err := Solve(tb.Context(), p)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}
