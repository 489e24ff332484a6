package metrics

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A strategy that returns exactly 0 on two days of three: forecasts that are
// right give randomised transforms that are uniform; the mid-distribution form
// has their mean, heaps in the middle, and would be rejected.
func TestPITWithTies(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	draw := func() float64 {
		if rng.Float64() < 2./3 {
			return 0
		}
		return 0.01 * rng.NormFloat64()
	}
	scenarios := make([]float64, 20000)
	for i := range scenarios {
		scenarios[i] = draw()
	}
	var mid, random []float64
	for range 400 {
		x := draw()
		mid = append(mid, PIT(x, scenarios, nil))
		random = append(random, RandomizedPIT(x, scenarios, nil, rng.Float64()))
	}
	if p := Uniformity(random).PValue; p < 0.01 {
		t.Errorf("randomised transforms of forecasts that are right: p = %v", p)
	}
	if p := Uniformity(mid).PValue; p > 1e-6 {
		t.Errorf("mid-distribution transforms with ties pass for uniform: p = %v", p)
	}
	if m := momentsOf(mid).mean; math.Abs(m-0.5) > 0.05 {
		t.Errorf("their mean is %v", m)
	}
	weights := []float64{1, 2, 3, 2}
	for v, want := range map[float64]float64{0: 1. / 8, 0.5: 3.5 / 8, 1: 6. / 8} {
		if got := RandomizedPIT(1, []float64{0, 1, 1, 2}, weights, v); got != want {
			t.Errorf("v %v: %v, want %v", v, got, want)
		}
	}
	for _, v := range []float64{0, 0.3, 1} { // without a tie it does not matter
		if got := RandomizedPIT(1.5, []float64{0, 1, 1, 2}, weights, v); got != 6./8 {
			t.Errorf("v %v without a tie: %v", v, got)
		}
	}
}
