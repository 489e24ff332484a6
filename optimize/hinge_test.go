package optimize

import (
	"math"
	"testing"
)

// simplexProgram minimizes c'x + 3 (x0+x1-1)+ + 3 (1-x0-x1)+ over the unit
// square: an exact penalty for x0+x1 = 1.
func simplexProgram(c0, c1 float64) *hinges {
	h := &hinges{dim: 2, cost: []float64{c0, c1}}
	for i := range 2 {
		row := make([]float64, 2)
		row[i] = -1
		h.append(row, 0, math.Inf(1))
	}
	for i := range 2 {
		row := make([]float64, 2)
		row[i] = 1
		h.append(row, 1, math.Inf(1))
	}
	h.append([]float64{1, 1}, 1, 3)
	h.append([]float64{-1, -1}, -1, 3)
	return h
}

func TestWalk(t *testing.T) {
	for _, c := range []struct{ c0, c1, x0, x1 float64 }{
		{1, 2, 1, 0}, {2, 1, 0, 1}, {-5, -6, 1, 1}, {4, 5, 0, 0}, {4, 1, 0, 1},
	} {
		w, err := newWalk(simplexProgram(c.c0, c.c1), []int{0, 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := w.descend(t.Context(), 100); !ok || err != nil {
			t.Fatalf("%+v: %v, %v", c, ok, err)
		}
		near(t, "x0", w.x[0], c.x0, 1e-15)
		near(t, "x1", w.x[1], c.x1, 1e-15)
		// Stationarity: cost + rows'q = 0, with every q in [0, penalty].
		q := make([]float64, len(w.rhs))
		w.multipliers(q)
		for i := range 2 {
			g := w.cost[i]
			for j, v := range q {
				g += v * w.row(j)[i]
				if v < -1e-12 || v > w.penalty[j]+1e-12 {
					t.Errorf("%+v: multiplier %d is %v of %v", c, j, v, w.penalty[j])
				}
			}
			near(t, "gradient", g, 0, 1e-14)
		}
	}
}

func TestWalkUnbounded(t *testing.T) {
	h := &hinges{dim: 1, cost: []float64{1}}
	h.append([]float64{1}, 0, math.Inf(1)) // x <= 0, and less is better
	w, err := newWalk(h, []int{0}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.descend(t.Context(), 10); err != errUnbounded {
		t.Errorf("got %v, want errUnbounded", err)
	}
	h.append([]float64{0}, 0, 1)
	if _, err := newWalk(h, []int{1}, nil); err != errSingular {
		t.Errorf("got %v, want errSingular", err)
	}
}

// TestPivotAllocatesNothing: a walk owns its buffers.
func TestPivotAllocatesNothing(t *testing.T) {
	const n = 10
	p := problem(t, factorSet(1, n, 500), nil)
	faces := newPolytope(p)
	start, _, err := faces.vertex(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h := faces.hinges(n+1, -1, 0, hard, hardDistance, free)
	h.cost[n] = 1
	for j := range p.Set.Len() {
		row := make([]float64, n+1)
		for i, r := range p.Set.Row(j) {
			row[i] = -r
		}
		row[n] = -1
		h.append(row, 0, 1./25)
	}
	w, err := newWalk(h, append(start.basis, faces.size()), nil)
	if err != nil {
		t.Fatal(err)
	}
	w.kinks = make([]atom, 0, len(h.rhs))
	pivots := 0
	if allocs := testing.AllocsPerRun(5, func() {
		k, sign, slope := w.edge(false)
		if k < 0 {
			return
		}
		pivots++
		if _, err := w.follow(k, sign, slope, false); err != nil {
			panic(err)
		}
	}); allocs != 0 || pivots < 5 {
		t.Errorf("%v allocations per pivot over %d pivots", allocs, pivots)
	}
}
