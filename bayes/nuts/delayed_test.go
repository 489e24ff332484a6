package nuts_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"testing"

	"allocate/bayes/mcmc"
	"allocate/bayes/nuts"
)

// wide is a surrogate that is wrong: a normal of standard deviation 1.5 about 0.3.
var wide = free(func(q, grad []float64) float64 {
	lp := 0.0
	for i, x := range q {
		grad[i] = -(x - 0.3) / 2.25
		lp += grad[i] * (x - 0.3) / 2
	}
	return lp
}, "a", "b")

// halfNormals are the target: a standard normal, and one of which only the positive
// half is.
func halfNormals(points [][]float64, lp []float64) error {
	for k, q := range points {
		lp[k] = -(q[0]*q[0] + q[1]*q[1]) / 2
		if q[1] < 0 {
			lp[k] = math.Inf(-1)
		}
	}
	return nil
}

func delayed(t testing.TB, target nuts.Target, draws int) (*nuts.DelayedResult, error) {
	t.Helper()
	o := nuts.DefaultOptions()
	o.Draws = draws
	start := [][]float64{{0, 1}, {1, 1}, {-1, 2}, {0, 0.5}}
	return nuts.Delayed(t.Context(), func(int) (nuts.Density, error) { return wide, nil }, wide.params,
		source(5), start, 1, target, o, nil)
}

// startable is halfNormals where a chain can have come to in warm-up.
func startable() nuts.Target {
	first := true
	return func(points [][]float64, lp []float64) error {
		if err := halfNormals(points, lp); err != nil {
			return err
		}
		for k := range lp {
			if first && math.IsInf(lp[k], -1) {
				lp[k] = -10
			}
		}
		first = false
		return nil
	}
}

// TestDelayed draws from a target with a surrogate that is far off: means, standard
// deviations and the share beyond a point are the target's, by its closed form.
func TestDelayed(t *testing.T) {
	r, err := delayed(t, startable(), 20_000)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ mean, sd float64 }{{0, 1}, {math.Sqrt(2 / math.Pi), math.Sqrt(1 - 2/math.Pi)}} {
		s := mcmc.Summarize(r.Chains(i))
		if z := (s.Mean - want.mean) / s.MCSEMean; math.Abs(z) > 4 {
			t.Errorf("mean %d is %v, want %v (%.1f standard errors)", i, s.Mean, want.mean, z)
		}
		if z := (s.SD - want.sd) / s.MCSESD; math.Abs(z) > 4 {
			t.Errorf("standard deviation %d is %v, want %v (%.1f standard errors)", i, s.SD, want.sd, z)
		}
		if s.RHat > 1.01 {
			t.Errorf("R-hat %d is %v", i, s.RHat)
		}
	}
	accept, moved := 0.0, 0
	for c, stats := range r.Stats {
		for t, a := range stats.AcceptStat {
			accept += a / 80_000
			if t > 0 && r.Draws[c][2*t] != r.Draws[c][2*t-2] {
				moved++
			}
		}
		for k, v := range stats.LogDensity[1:] {
			q := r.Draws[c][2*k+2:]
			if want := -(q[0]*q[0] + q[1]*q[1]) / 2; q[1] >= 0 && math.Abs(v-want) > 1e-12 {
				t.Fatalf("log density %v of a draw, want %v", v, want)
			}
		}
	}
	if share := float64(moved) / 80_000; math.Abs(share-accept) > 0.02 || accept < 0.3 || accept > 0.7 {
		t.Errorf("mean acceptance %v, and %v of the draws are new", accept, share)
	}
}

// TestDelayedDensityRatios are the logarithms of target over surrogate at the proposals, of
// which the draws that moved are some.
func TestDelayedDensityRatios(t *testing.T) {
	r, err := delayed(t, startable(), 500)
	if err != nil {
		t.Fatal(err)
	}
	checked, rejected := 0, 0
	for c, ratios := range r.Ratios {
		for t0, v := range ratios {
			if math.IsInf(v, -1) {
				rejected++
			}
			if t0 == 0 {
				continue
			}
			q, before := r.Draws[c][2*t0:2*t0+2], r.Draws[c][2*t0-2:2*t0]
			if q[0] == before[0] {
				continue
			}
			checked++
			surrogate, _ := wide.LogDensity(q, make([]float64, 2))
			if want := r.Stats[c].LogDensity[t0] - surrogate; math.Abs(v-want) > 1e-12 {
				t.Fatalf("ratio %v, want %v", v, want)
			}
		}
	}
	if checked < 500 || rejected < 300 {
		t.Errorf("%d draws moved, and %d proposals were where the target is nothing", checked, rejected)
	}
}

// TestDelayedIsReproducible and says how it ends: bytes do not depend on anything but
// the sources, an error of the target is returned, and so is a cancelled context.
func TestDelayedIsReproducible(t *testing.T) {
	a, err := delayed(t, startable(), 100)
	if err != nil {
		t.Fatal(err)
	}
	b, err := delayed(t, startable(), 100)
	if err != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("two runs differ (%v)", err)
	}
	broken := errors.New("broken")
	if _, err := delayed(t, func([][]float64, []float64) error { return broken }, 100); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if _, err := delayed(t, func(_ [][]float64, lp []float64) error { lp[0] = math.NaN(); return nil }, 100); !errors.Is(err, nuts.ErrRecoverable) {
		t.Errorf("a target that is not finite at the start: %v", err)
	}
	// A target that is NaN or +Inf later rejects, and never draws.
	calls := 0
	r, err := delayed(t, func(points [][]float64, lp []float64) error {
		for k := range lp {
			lp[k] = 0
			if calls > 0 {
				lp[k] = []float64{math.NaN(), math.Inf(1)}[k%2]
			}
		}
		calls++
		return nil
	}, 50)
	if err != nil {
		t.Fatal(err)
	}
	for c, d := range r.Draws {
		for _, lp := range r.Stats[c].LogDensity {
			if lp != 0 {
				t.Fatalf("a draw whose log density is %v", lp)
			}
		}
		for i := range d {
			if d[i] != d[i%2] {
				t.Fatal("a chain moved to where the target is not a number")
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := nuts.DefaultOptions()
	_, err = nuts.Delayed(ctx, func(int) (nuts.Density, error) { return wide, nil }, wide.params, source(1), [][]float64{{0, 1}, {0, 1}, {0, 1}, {0, 1}}, 1, halfNormals, o, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
