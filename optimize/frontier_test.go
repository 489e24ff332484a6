package optimize

import (
	"math"
	"testing"
)

// TestFrontier compares every breakpoint and the middle of every chord with the
// answer to the problem of the highest return within that risk.
func TestFrontier(t *testing.T) {
	for seed := range uint64(6) {
		set := factorSet(seed, 6, 300)
		p := problem(t, set, func(o *Options) { o.MaxWeight = 0.5; o.MinWeight = -0.1 * float64(seed%2) })
		if seed%3 == 2 {
			p.Previous, p.Cost = fill(6, 1./6), fill(6, 0.002)
		}
		v, err := NewSolver(set)
		if err != nil {
			t.Fatal(err)
		}
		f, err := v.Frontier(t.Context(), p, 0)
		if err != nil {
			t.Fatal(err)
		}
		if !f.Complete || f.Error != 0 || len(f.Points) < 5 {
			t.Errorf("seed %d: %d points, complete %v, error %v", seed, len(f.Points), f.Complete, f.Error)
		}
		best := func(risk float64) float64 {
			q := *p
			q.Objective, q.MaxCVaR = MaxReturn, risk
			return -solve(t, &q).Certificate.ExactPrimal
		}
		slope := math.Inf(1)
		for k, b := range f.Points {
			near(t, "return at a breakpoint", b.Return, best(b.Risk+1e-15), 1e-12)
			if k == 0 {
				near(t, "least risk", b.Risk, solve(t, p).Certificate.ExactPrimal, 1e-13)
				continue
			}
			a := f.Points[k-1]
			next := (b.Return - a.Return) / (b.Risk - a.Risk)
			if !(next > 0) || next > slope*(1+1e-6) {
				t.Errorf("seed %d: slope %v after %v: the frontier is not concave", seed, next, slope)
			}
			slope = next
			near(t, "return on a chord", (a.Return+b.Return)/2, best((a.Risk+b.Risk)/2), 1e-12)
		}

		// Fewer points: the error is one that the whole frontier keeps.
		few, err := v.Frontier(t.Context(), p, 5)
		if err != nil {
			t.Fatal(err)
		}
		if len(few.Points) > 5 || few.Complete {
			t.Errorf("seed %d: %d points, complete %v", seed, len(few.Points), few.Complete)
		}
		for _, b := range f.Points {
			if above := b.Return - chord(few.Points, b.Risk); above > few.Error+1e-12 {
				t.Errorf("seed %d: the frontier is %v above the chords, more than %v", seed, above, few.Error)
			}
		}
	}
}

// chord is the return at a risk on the line through points.
func chord(points []FrontierPoint, risk float64) float64 {
	for k := 1; k < len(points); k++ {
		a, b := points[k-1], points[k]
		if risk <= b.Risk {
			return a.Return + (b.Return-a.Return)*(risk-a.Risk)/(b.Risk-a.Risk)
		}
	}
	return points[len(points)-1].Return
}

func BenchmarkFrontier(b *testing.B) {
	for name, most := range map[string]int{"40": 40, "all": 0} {
		b.Run(name, func(b *testing.B) {
			p := problem(b, factorSet(1, 29, 10_000), nil)
			points := 0
			for b.Loop() {
				v, err := NewSolver(p.Set)
				if err != nil {
					b.Fatal(err)
				}
				f, err := v.Frontier(b.Context(), p, most)
				if err != nil {
					b.Fatal(err)
				}
				points = len(f.Points)
			}
			b.ReportMetric(float64(points), "points")
		})
	}
}
