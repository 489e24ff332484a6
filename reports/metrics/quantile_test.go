package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats/scalar"
	"pgregory.net/rapid"
)

func TestNth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Map(rapid.IntRange(-5, 5), func(i int) float64 { return float64(i) / 4 }), 1, 60).Draw(t, "x")
		k := rapid.IntRange(0, len(x)-1).Draw(t, "k")
		want := slices.Sorted(slices.Values(x))
		if got := nth(x, k); got != want[k] || k > 0 && slices.Max(x[:k]) > got || slices.Min(x[k:]) < got {
			t.Fatalf("nth(%v, %d) = %v, want %v", x, k, got, want[k])
		}
	})
}

// Integer weights are scenarios that are there so many times, in any order.
func TestTailWeighted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "n")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		alpha := rapid.SampledFrom([]float64{0, 0.5, 0.8, 0.9, 0.95, 0.975, 0.99}).Draw(t, "alpha")
		x, w, all := make([]float64, n), make([]float64, n), []float64{}
		for j := range x {
			x[j] = float64(rng.IntN(9)-5) / 100
			w[j] = float64(rng.IntN(4))
			all = append(all, slices.Repeat([]float64{x[j]}, int(w[j]))...)
		}
		v, c := Tail(x, w, alpha)
		wantV, wantC := Tail(all, nil, alpha)
		if len(all) == 0 {
			if !math.IsNaN(v) || !math.IsNaN(c) {
				t.Fatal("a tail of nothing")
			}
			return
		}
		if v != wantV || !scalar.EqualWithinAbs(c, wantC, 1e-12) {
			t.Fatalf("weighted %v, %v; repeated %v, %v", v, c, wantV, wantC)
		}
		if a, b := CRPS(0.01, x, w), CRPS(0.01, all, nil); !scalar.EqualWithinAbs(a, b, 1e-15) {
			t.Fatalf("CRPS weighted %v, repeated %v", a, b)
		}
		if a, b := PIT(0.01, x, w), PIT(0.01, all, nil); !scalar.EqualWithinAbs(a, b, 1e-14) {
			t.Fatalf("PIT weighted %v, repeated %v", a, b)
		}
	})
}

// The tail of 10 days at 90 % is one day, at 85 % one and a half.
func TestTailCounts(t *testing.T) {
	x := []float64{0.01, -0.05, 0.02, -0.03, 0, 0.03, 0.01, 0.02, -0.01, 0.04}
	for _, c := range []struct{ alpha, valueAtRisk, cvar float64 }{
		{0.9, 0.03, 0.05}, {0.85, 0.03, (0.05 + 0.015) / 1.5}, {0.8, 0.01, 0.04}, {0.99, 0.05, 0.05}, {0, -0.04, -0.004},
	} {
		v, cvar := Tail(x, nil, c.alpha)
		if v != c.valueAtRisk || !scalar.EqualWithinAbs(cvar, c.cvar, 1e-15) {
			t.Errorf("alpha %v: VaR %v, CVaR %v", c.alpha, v, cvar)
		}
	}
	for _, w := range [][]float64{{1, -1}, {0, 0}, {math.NaN(), 1}, {math.Inf(1), 1}} {
		if v, _ := Tail([]float64{1, 2}, w, 0.5); !math.IsNaN(v) {
			t.Errorf("weights %v give %v", w, v)
		}
	}
}
