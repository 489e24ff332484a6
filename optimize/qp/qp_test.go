package qp

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func dense(v ...float64) Row { return NewRow(v) }

// TestQuadraticClosedForms compares with answers that need no solver.
func TestQuadraticClosedForms(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		name string
		p    Problem
		want []float64
		y, z []float64 // nil: not unique
	}{
		{
			name: "projection of (1, 2, 6) on the simplex",
			p:    Problem{Q: fill(3, 1), C: []float64{-1, -2, -6}, Lo: fill(3, 0), Up: fill(3, inf), A: []Row{dense(1, 1, 1)}, B: []float64{1}},
			want: []float64{0, 0, 1}, y: []float64{5},
		},
		{
			name: "projection of (0.5, 0.4, -1) on the simplex",
			p:    Problem{Q: fill(3, 1), C: []float64{-0.5, -0.4, 1}, Lo: fill(3, 0), Up: fill(3, inf), A: []Row{dense(1, 1, 1)}, B: []float64{1}},
			want: []float64{0.55, 0.45, 0}, y: []float64{-0.05},
		},
		{
			name: "fractional knapsack",
			p:    Problem{Q: fill(3, 0), C: []float64{-3, -2, -1}, Lo: fill(3, 0), Up: fill(3, 1), G: []Row{dense(1, 1, 1)}, H: []float64{1.5}},
			want: []float64{1, 0.5, 0}, z: []float64{2},
		},
		{
			name: "free variables: the least maximum of two lines",
			p:    Problem{Q: fill(2, 0), C: []float64{0, 1}, Lo: fill(2, -inf), Up: fill(2, inf), G: []Row{dense(1, -1), dense(-3, -1)}, H: []float64{0, -4}},
			want: []float64{1, 1}, z: []float64{0.75, 0.25},
		},
		{
			name: "a fixed variable",
			p:    Problem{Q: fill(2, 2), C: fill(2, 0), Lo: []float64{0.25, -inf}, Up: []float64{0.25, inf}, A: []Row{dense(1, 2)}, B: []float64{1}},
			want: []float64{0.25, 0.375}, y: []float64{-0.375},
		},
		{
			name: "rows of very different size",
			p:    Problem{Q: fill(2, 0), C: []float64{1, 1}, Lo: fill(2, 0), Up: fill(2, inf), G: []Row{dense(-1e6, 0), dense(0, -1e-4)}, H: []float64{-2e6, -3e-4}},
			want: []float64{2, 3}, z: []float64{1e-6, 1e4},
		},
		{
			name: "an equality twice",
			p:    Problem{Q: fill(2, 1), C: fill(2, 0), Lo: fill(2, -1), Up: fill(2, 1), A: []Row{dense(1, 1), dense(2, 2)}, B: []float64{1, 2}},
			want: []float64{0.5, 0.5},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.p.Minimize(1e-9)
			if got.Status != Solved {
				t.Fatalf("Status %v, residual %v", got.Status, got.Residual)
			}
			near(t, "distance", distance(got.X, c.want), 0, 1e-9)
			for _, m := range []struct {
				name      string
				got, want []float64
			}{{"y", got.Y, c.y}, {"z", got.Z, c.z}} {
				for k, want := range m.want {
					near(t, m.name, m.got[k], want, 1e-8*(1+math.Abs(want)))
				}
			}
		})
	}
}

func TestQuadraticWithoutPoints(t *testing.T) {
	inf := math.Inf(1)
	for name, p := range map[string]Problem{
		"budget below the bounds": {Q: fill(2, 1), C: fill(2, 1), Lo: fill(2, 1), Up: fill(2, 2), A: []Row{dense(1, 1)}, B: []float64{1}},
		"rows exclude each other": {Q: fill(2, 0), C: fill(2, 1), Lo: fill(2, -inf), Up: fill(2, inf), G: []Row{dense(1, 1), dense(-1, -1)}, H: []float64{1, -1.001}},
		"row of nothing":          {Q: fill(1, 0), C: fill(1, 1), Lo: fill(1, 0), Up: fill(1, 1), G: []Row{{}}, H: []float64{-1}},
	} {
		if got := p.Minimize(1e-10); got.Status != Infeasible {
			t.Errorf("%s: Status %v, residual %v", name, got.Status, got.Residual)
		}
	}
}

// TestQuadraticKKT solves random programs, degenerate ones among them, and
// checks the optimality conditions outside the solver.
func TestQuadraticKKT(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for trial := range 2000 {
		n, ma, mg := 2+rng.IntN(25), rng.IntN(4), rng.IntN(30)
		p := &Problem{}
		inner := make([]float64, n) // admissible by construction
		for i := range n {
			lo, up := -rng.Float64(), rng.Float64()
			inner[i] = lo + (up-lo)*(0.1+0.8*rng.Float64())
			q := 0.0
			if trial%2 == 1 && rng.IntN(3) > 0 {
				q = rng.ExpFloat64()
			}
			p.Q, p.C = append(p.Q, q), append(p.C, rng.NormFloat64())
			p.Lo, p.Up = append(p.Lo, lo), append(p.Up, up)
		}
		row := func() Row {
			v := make([]float64, n)
			for i := range v {
				if rng.IntN(3) > 0 {
					v[i] = float64(rng.IntN(7) - 3)
				}
			}
			return NewRow(v)
		}
		for range min(ma, n-1) {
			r := row()
			p.A, p.B = append(p.A, r), append(p.B, r.Dot(inner))
		}
		for range mg {
			r := row()
			slack := 0.0
			if rng.IntN(2) > 0 {
				slack = rng.Float64()
			}
			p.G, p.H = append(p.G, r), append(p.H, r.Dot(inner)+slack)
		}
		got := p.Minimize(1e-9)
		if got.Status != Solved {
			t.Errorf("trial %d (%d variables, %d + %d rows): Status %v, residual %v after %d", trial, n, ma, mg, got.Status, got.Residual, got.Iterations)
			continue
		}
		// The bound from the multipliers meets the objective.
		objective, bound := 0.0, 0.0
		slope := slices.Clone(p.C)
		for i, x := range got.X {
			objective += (p.Q[i]*x/2 + p.C[i]) * x
			if x < p.Lo[i] || x > p.Up[i] {
				t.Errorf("trial %d: x_%d = %v is not in [%v, %v]", trial, i, x, p.Lo[i], p.Up[i])
			}
		}
		for k, r := range p.A {
			near(t, "equality", r.Dot(got.X), p.B[k], 1e-8)
			r.AddTo(slope, got.Y[k])
			bound -= got.Y[k] * p.B[k]
		}
		for k, r := range p.G {
			if got.Z[k] < 0 || r.Dot(got.X) > p.H[k]+1e-8 {
				t.Errorf("trial %d: row %d: multiplier %v, excess %v", trial, k, got.Z[k], r.Dot(got.X)-p.H[k])
			}
			r.AddTo(slope, got.Z[k])
			bound -= got.Z[k] * p.H[k]
		}
		for i, s := range slope {
			bound += least(s, p.Q[i]/2, p.Lo[i], p.Up[i])
		}
		near(t, "gap", objective, bound, 1e-7*(1+math.Abs(objective)))
	}
}

// least is the minimum of slope x + square x^2 between bounds.
func least(slope, square, lo, up float64) float64 {
	at := lo
	switch {
	case square > 0:
		at = max(lo, min(up, -slope/(2*square)))
	case slope < 0:
		at = up
	}
	return slope*at + square*at*at
}

func fill(n int, v float64) []float64 { return slices.Repeat([]float64{v}, n) }

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if math.Abs(got-want) > tol || math.IsNaN(got) {
		t.Errorf("%s: %v, want %v within %v", what, got, want, tol)
	}
}

// distance is the largest difference of two points.
func distance(a, b []float64) float64 {
	largest := 0.0
	for i := range a {
		largest = max(largest, math.Abs(a[i]-b[i]))
	}
	return largest
}
