package optimize

import (
	"fmt"
	"testing"
)

func BenchmarkSolve(b *testing.B) {
	for _, size := range []struct{ n, m int }{{29, 10_000}, {50, 10_000}, {100, 100_000}} {
		b.Run(fmt.Sprintf("%dx%d", size.n, size.m), func(b *testing.B) {
			p := problem(b, factorSet(1, size.n, size.m), nil)
			var s *Solution
			for b.Loop() {
				s = solve(b, p)
			}
			b.ReportMetric(float64(s.Iterations), "pivots")
			b.ReportMetric(1e15*s.Certificate.ExactGap, "gap_e-15")
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
