package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats/scalar"
	"pgregory.net/rapid"
)

// noise is a T x N matrix of independent returns of volatility 0.01.
func noise(seed uint64, days, n int) []float64 {
	rng := rand.New(rand.NewPCG(seed, 2))
	out := make([]float64, days*n)
	for i := range out {
		out[i] = 0.01 * rng.NormFloat64()
	}
	return out
}

// The best of pure noise is overfitted half of the time, a strategy with skill
// hardly ever.
func TestCrossValidateKnownTruth(t *testing.T) {
	luck, degraded := 0.0, 0.0
	for seed := range uint64(20) {
		o := CrossValidate(noise(seed, 600, 20), 20, 8)
		luck += o.Probability / 20
		degraded += o.Degradation.Slope / 20
	}
	if luck < 0.35 || luck > 0.65 || degraded > -0.3 {
		t.Errorf("noise: probability %v, slope %v", luck, degraded)
	}
	skilled := noise(1, 600, 20)
	for d := range 600 {
		skilled[d*20+7] += 0.003
	}
	o := CrossValidate(skilled, 20, 16)
	if len(o.Logits) != 12870 || o.Probability > 0.001 || o.ProbabilityOfLoss > 0.001 {
		t.Errorf("skill: %d splits, probability %v, of loss %v", len(o.Logits), o.Probability, o.ProbabilityOfLoss)
	}
}

func TestCrossValidateInvariances(t *testing.T) {
	x := noise(3, 203, 6)
	want := CrossValidate(x, 6, 6)
	reversed := make([]float64, len(x))
	for d := range 203 {
		for i := range 6 {
			reversed[d*6+5-i] = 7 * x[d*6+i]
		}
	}
	got := CrossValidate(reversed, 6, 6)
	for i := range want.Logits {
		if got.Logits[i] != want.Logits[i] || !scalar.EqualWithinAbs(got.InSample[i], want.InSample[i], 1e-12) {
			t.Fatalf("split %d: %v, %v", i, got.Logits[i], want.Logits[i])
		}
	}
	// Every split of the blocks is there both ways round.
	if n := len(want.Logits); n != 20 {
		t.Errorf("%d splits of 6 blocks", n)
	}
	x[17] = math.NaN()
	if o := CrossValidate(x, 6, 6); !math.IsNaN(o.Probability) || o.Logits != nil {
		t.Errorf("a NaN: %+v", o)
	}
	idle := make([]float64, 400)
	if o := CrossValidate(idle, 4, 4); o.Probability != 1 || o.OutOfSample[0] != 0 {
		t.Errorf("idle strategies: %+v", o)
	}
}

func TestPurgedSplits(t *testing.T) {
	splits := PurgedSplits(PurgedOptions{Days: 100, Groups: 6, TestGroups: 2, Purge: 3, Embargo: 2})
	paths := Paths(splits)
	if len(splits) != 15 || len(paths) != 5 {
		t.Errorf("%d splits and %d paths, want 15 and 5", len(splits), len(paths))
	}
	for p, path := range paths {
		for g, i := range path {
			if !slices.Contains(splits[i].Groups, g) {
				t.Errorf("path %d: split %d does not test group %d", p, i, g)
			}
		}
	}
	if Paths(nil) != nil {
		t.Error("paths of nothing")
	}
}

// Day by day: tested, trained, or too close to a test.
func TestPurgedSplitsByDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := PurgedOptions{Days: rapid.IntRange(6, 120).Draw(t, "days"), Groups: rapid.IntRange(2, 6).Draw(t, "groups")}
		o.TestGroups = rapid.IntRange(1, o.Groups-1).Draw(t, "test")
		o.Purge, o.Embargo = rapid.IntRange(0, 12).Draw(t, "purge"), rapid.IntRange(0, 12).Draw(t, "embargo")
		tested := make([]int, o.Days)
		splits := PurgedSplits(o)
		for _, s := range splits {
			in := func(spans []Span, d int) bool {
				return slices.ContainsFunc(spans, func(s Span) bool { return s.From <= d && d < s.To })
			}
			for d := range o.Days {
				near := false
				for _, test := range s.Test {
					near = near || test.From-o.Purge <= d && d < test.To+o.Purge+o.Embargo
				}
				if in(s.Train, d) == near {
					t.Fatalf("%+v: day %d is near a test: %v", s, d, near)
				}
				if in(s.Test, d) {
					tested[d]++
				}
			}
		}
		for d, n := range tested {
			if n != len(Paths(splits)) {
				t.Fatalf("day %d is tested %d times, on %d paths", d, n, len(Paths(splits)))
			}
		}
	})
}
