package optimize

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func dense(v ...float64) sparse { return compress(v) }

// TestQuadraticClosedForms compares with answers that need no solver.
func TestQuadraticClosedForms(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		name string
		p    quadratic
		want []float64
		y, z []float64 // nil: not unique
	}{
		{
			name: "projection of (1, 2, 6) on the simplex",
			p:    quadratic{q: fill(3, 1), c: []float64{-1, -2, -6}, lo: fill(3, 0), up: fill(3, inf), a: []sparse{dense(1, 1, 1)}, b: []float64{1}},
			want: []float64{0, 0, 1}, y: []float64{5},
		},
		{
			name: "projection of (0.5, 0.4, -1) on the simplex",
			p:    quadratic{q: fill(3, 1), c: []float64{-0.5, -0.4, 1}, lo: fill(3, 0), up: fill(3, inf), a: []sparse{dense(1, 1, 1)}, b: []float64{1}},
			want: []float64{0.55, 0.45, 0}, y: []float64{-0.05},
		},
		{
			name: "fractional knapsack",
			p:    quadratic{q: fill(3, 0), c: []float64{-3, -2, -1}, lo: fill(3, 0), up: fill(3, 1), g: []sparse{dense(1, 1, 1)}, h: []float64{1.5}},
			want: []float64{1, 0.5, 0}, z: []float64{2},
		},
		{
			name: "free variables: the least maximum of two lines",
			p:    quadratic{q: fill(2, 0), c: []float64{0, 1}, lo: fill(2, -inf), up: fill(2, inf), g: []sparse{dense(1, -1), dense(-3, -1)}, h: []float64{0, -4}},
			want: []float64{1, 1}, z: []float64{0.75, 0.25},
		},
		{
			name: "a fixed variable",
			p:    quadratic{q: fill(2, 2), c: fill(2, 0), lo: []float64{0.25, -inf}, up: []float64{0.25, inf}, a: []sparse{dense(1, 2)}, b: []float64{1}},
			want: []float64{0.25, 0.375}, y: []float64{-0.375},
		},
		{
			name: "rows of very different size",
			p:    quadratic{q: fill(2, 0), c: []float64{1, 1}, lo: fill(2, 0), up: fill(2, inf), g: []sparse{dense(-1e6, 0), dense(0, -1e-4)}, h: []float64{-2e6, -3e-4}},
			want: []float64{2, 3}, z: []float64{1e-6, 1e4},
		},
		{
			name: "an equality twice",
			p:    quadratic{q: fill(2, 1), c: fill(2, 0), lo: fill(2, -1), up: fill(2, 1), a: []sparse{dense(1, 1), dense(2, 2)}, b: []float64{1, 2}},
			want: []float64{0.5, 0.5},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.p.minimize(1e-9)
			if got.verdict != solved {
				t.Fatalf("verdict %v, residual %v", got.verdict, got.residual)
			}
			near(t, "distance", distance(got.x, c.want), 0, 1e-9)
			for _, m := range []struct {
				name      string
				got, want []float64
			}{{"y", got.y, c.y}, {"z", got.z, c.z}} {
				for k, want := range m.want {
					near(t, m.name, m.got[k], want, 1e-8*(1+math.Abs(want)))
				}
			}
		})
	}
}

func TestQuadraticWithoutPoints(t *testing.T) {
	inf := math.Inf(1)
	for name, p := range map[string]quadratic{
		"budget below the bounds": {q: fill(2, 1), c: fill(2, 1), lo: fill(2, 1), up: fill(2, 2), a: []sparse{dense(1, 1)}, b: []float64{1}},
		"rows exclude each other": {q: fill(2, 0), c: fill(2, 1), lo: fill(2, -inf), up: fill(2, inf), g: []sparse{dense(1, 1), dense(-1, -1)}, h: []float64{1, -1.001}},
		"row of nothing":          {q: fill(1, 0), c: fill(1, 1), lo: fill(1, 0), up: fill(1, 1), g: []sparse{{}}, h: []float64{-1}},
	} {
		if got := p.minimize(1e-10); got.verdict != noPoints {
			t.Errorf("%s: verdict %v, residual %v", name, got.verdict, got.residual)
		}
	}
}

// TestQuadraticKKT solves random programs, degenerate ones among them, and
// checks the optimality conditions outside the solver.
func TestQuadraticKKT(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for trial := range 2000 {
		n, ma, mg := 2+rng.IntN(25), rng.IntN(4), rng.IntN(30)
		p := &quadratic{}
		inner := make([]float64, n) // admissible by construction
		for i := range n {
			lo, up := -rng.Float64(), rng.Float64()
			inner[i] = lo + (up-lo)*(0.1+0.8*rng.Float64())
			q := 0.0
			if trial%2 == 1 && rng.IntN(3) > 0 {
				q = rng.ExpFloat64()
			}
			p.q, p.c = append(p.q, q), append(p.c, rng.NormFloat64())
			p.lo, p.up = append(p.lo, lo), append(p.up, up)
		}
		row := func() sparse {
			v := make([]float64, n)
			for i := range v {
				if rng.IntN(3) > 0 {
					v[i] = float64(rng.IntN(7) - 3)
				}
			}
			return compress(v)
		}
		for range min(ma, n-1) {
			r := row()
			p.a, p.b = append(p.a, r), append(p.b, r.dot(inner))
		}
		for range mg {
			r := row()
			slack := 0.0
			if rng.IntN(2) > 0 {
				slack = rng.Float64()
			}
			p.g, p.h = append(p.g, r), append(p.h, r.dot(inner)+slack)
		}
		got := p.minimize(1e-9)
		if got.verdict != solved {
			t.Errorf("trial %d (%d variables, %d + %d rows): verdict %v, residual %v after %d", trial, n, ma, mg, got.verdict, got.residual, got.iterations)
			continue
		}
		// The bound from the multipliers meets the objective.
		objective, bound := 0.0, 0.0
		slope := slices.Clone(p.c)
		for i, x := range got.x {
			objective += (p.q[i]*x/2 + p.c[i]) * x
			if x < p.lo[i] || x > p.up[i] {
				t.Errorf("trial %d: x_%d = %v is not in [%v, %v]", trial, i, x, p.lo[i], p.up[i])
			}
		}
		for k, r := range p.a {
			near(t, "equality", r.dot(got.x), p.b[k], 1e-8)
			r.addTo(slope, got.y[k])
			bound -= got.y[k] * p.b[k]
		}
		for k, r := range p.g {
			if got.z[k] < 0 || r.dot(got.x) > p.h[k]+1e-8 {
				t.Errorf("trial %d: row %d: multiplier %v, excess %v", trial, k, got.z[k], r.dot(got.x)-p.h[k])
			}
			r.addTo(slope, got.z[k])
			bound -= got.z[k] * p.h[k]
		}
		for i, s := range slope {
			bound += leastKinked(s, p.q[i]/2, nil, p.lo[i], p.up[i])
		}
		near(t, "gap", objective, bound, 1e-7*(1+math.Abs(objective)))
	}
}
