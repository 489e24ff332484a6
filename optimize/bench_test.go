package optimize

import (
	"fmt"
	"testing"
)

func report(b *testing.B, s *Solution) {
	b.ReportMetric(float64(s.Iterations), "pivots")
	b.ReportMetric(1e15*s.Certificate.ExactGap, "gap_e-15")
}

func BenchmarkSolve(b *testing.B) {
	for _, size := range []struct{ n, m int }{{29, 10_000}, {50, 10_000}, {100, 100_000}, {50, 1_000_000}} {
		b.Run(fmt.Sprintf("%dx%d", size.n, size.m), func(b *testing.B) {
			p := problem(b, factorSet(1, size.n, size.m), nil)
			var s *Solution
			for b.Loop() {
				s = solve(b, p)
			}
			report(b, s)
		})
	}
}

// longShort has the size and the limits of a published benchmark of GPU
// solvers: weights from -0.3 to 0.4, gross leverage 1.6, turnover 0.2 and cash.
func longShort(b testing.TB, n, m int) *Problem {
	p := problem(b, factorSet(1, n, m), func(o *Options) { o.MinWeight, o.MaxWeight = -0.3, 0.4 })
	held := make([]float64, n)
	for i := range 25 {
		held[i*(n/25)] = 0.04
	}
	p.Previous = held
	p.Distances = []Distance{
		{Name: keyMaxLeverage, Weight: fill(n, 1), Center: fill(n, 0), Limit: 1.6},
		{Name: keyMaxTurnover, Weight: fill(n, 0.5), Center: held, Limit: 0.5},
	}
	return p
}

func BenchmarkLongShort(b *testing.B) {
	p := longShort(b, 392, 10_000)
	var s *Solution
	for b.Loop() {
		s = solve(b, p)
	}
	report(b, s)
}

// BenchmarkWarm solves again after the weights held or a limit has moved,
// beside the same problem from nothing.
func BenchmarkWarm(b *testing.B) {
	p := problem(b, factorSet(1, 100, 100_000), nil)
	n := len(p.Lower)
	p.Previous, p.Cost = fill(n, 1/float64(n)), fill(n, 0.001)
	p.Distances = []Distance{{Name: keyMaxTurnover, Weight: fill(n, 0.5), Center: p.Previous, Limit: 0.3}}
	moved := *p
	moved.Distances = []Distance{{Name: keyMaxTurnover, Weight: fill(n, 0.5), Center: p.Previous, Limit: 0.28}}
	other := *p
	other.Previous = append([]float64{}, p.Previous...)
	for i := range other.Previous {
		other.Previous[i] *= 1 + 0.02*float64(i%5-2)
	}
	other.Distances = []Distance{{Name: keyMaxTurnover, Weight: fill(n, 0.5), Center: other.Previous, Limit: 0.3}}
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			report(b, solve(b, p))
		}
	})
	for _, c := range []struct {
		name string
		next *Problem
	}{{"limit", &moved}, {"held", &other}} {
		b.Run(c.name, func(b *testing.B) {
			v, err := NewSolver(p.Set)
			if err != nil {
				b.Fatal(err)
			}
			problems := []*Problem{p, c.next}
			if _, err := v.Solve(b.Context(), p); err != nil {
				b.Fatal(err)
			}
			k := 0
			for b.Loop() {
				k++
				s, err := v.Solve(b.Context(), problems[k%2])
				if err != nil {
					b.Fatal(err)
				}
				report(b, s)
			}
		})
	}
}

func BenchmarkEvaluate(b *testing.B) {
	set := factorSet(1, 29, 10_000)
	w := fill(29, 1./29)
	for b.Loop() {
		if _, err := Evaluate(set, w, 0.95); err != nil {
			b.Fatal(err)
		}
	}
}
