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

// decided is the decision over a set with the default options as changed, without a frontier
// and a tolerance unless change asks for them.
func decided(tb testing.TB, set *scenarios.Set, held Held, change func(*Options)) *Solution {
	tb.Helper()
	o := DefaultOptions()
	o.Frontier, o.Indifference = 0, 0
	change(&o)
	p, err := NewProblem(set, o, held)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := Decide(tb.Context(), p, o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// withHeld gives a random problem current weights near its best portfolio, unless it has
// some; nil where its best is not certified.
func withHeld(tb testing.TB, seed uint64, p *Problem) (best *Solution) {
	tb.Helper()
	for {
		best, err := Solve(tb.Context(), p)
		if err != nil || best.Status != Optimal {
			return nil
		}
		if p.Previous != nil {
			return best
		}
		rng := rand.New(rand.NewPCG(seed, 9))
		p.Previous = make([]float64, len(p.Lower))
		for i, x := range best.Exact {
			p.Previous[i] = min(max(x+0.3*rng.NormFloat64()*rng.Float64()*(p.Upper[i]-p.Lower[i])/math.Sqrt(float64(len(p.Lower))), p.Lower[i]), p.Upper[i])
		}
	}
}

// solved is the solver of a problem and its best portfolio.
func solved(tb testing.TB, p *Problem) (*Solver, *Solution) {
	tb.Helper()
	v, err := NewSolver(p.Set)
	if err != nil {
		tb.Fatal(err)
	}
	best, err := v.Solve(tb.Context(), p)
	if err != nil {
		tb.Fatal(err)
	}
	return v, best
}
