package optimize

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestDualBoundIsRigorous throws arbitrary numbers at the certificate: whatever
// they are, the bound stays below the optimum.
func TestDualBoundIsRigorous(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	floor := 0.002
	for seed := range uint64(6) {
		set := factorSet(seed, 6, 200)
		if seed%2 == 1 {
			set = weighted(seed, set)
		}
		p := problem(t, set, func(o *Options) { o.MinWeight, o.MaxWeight, o.MinAnnualReturn = -0.2, 0.6, &floor })
		s := solve(t, p)
		for range 300 {
			q, y := make([]float64, set.Len()), make([]float64, 2)
			for j := range q {
				if q[j] = rng.NormFloat64() * math.Pow(10, float64(rng.IntN(6)-5)); rng.IntN(50) == 0 {
					q[j] = math.NaN()
				}
			}
			for k := range y {
				y[k] = rng.NormFloat64()
			}
			if b := p.DualBound(Dual{Tails: [][]float64{q}, Rows: y}); !(b <= s.Certificate.ExactPrimal+1e-14) {
				t.Fatalf("seed %d: bound %v above the optimum %v", seed, b, s.Certificate.ExactPrimal)
			}
		}
	}
}

func TestRepair(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	set := weighted(1, factorSet(1, 1, 100))
	tail := newTail(set, 0.9)
	for range 200 {
		q := make([]float64, 100)
		for j := range q {
			q[j] = rng.NormFloat64() * rng.ExpFloat64() * 0.05
		}
		sum := 0.0
		for j, v := range tail.repair(q) {
			if v < 0 || v > tail.cap(j)*(1+1e-15) {
				t.Fatalf("scenario %d: %v is outside [0, %v]", j, v, tail.cap(j))
			}
			sum += v
		}
		near(t, "sum", sum, 1, 1e-14)
	}
}

// Any multipliers give a lower bound on the risk, also those of another solver.
func ExampleProblem_DualBound() {
	set := factorSet(1, 4, 200)
	p, err := NewProblem(set, DefaultOptions(), nil)
	if err != nil {
		panic(err)
	}
	s, err := Solve(context.Background(), p)
	if err != nil {
		panic(err)
	}
	tail := make([]float64, set.Len()) // the mean instead of the worst 5%
	for i := range tail {
		tail[i] = 1 / float64(set.Len())
	}
	bound := p.DualBound(Dual{Tails: [][]float64{tail}, Rows: []float64{0}})
	fmt.Println(bound <= s.CVaR)
	// Output: true
}
