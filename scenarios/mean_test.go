package scenarios

import (
	"math"
	"testing"

	"allocate/returns"
)

// TestRandomEffects has the example of DerSimonian and Laird in closed form: equal errors,
// so that tau^2 is the variance less the squared error.
func TestRandomEffects(t *testing.T) {
	z := []float64{0.1, 0.5, 0.9, -0.3, 0.3}
	square := []float64{0.04, 0.04, 0.04, 0.04, 0.04}
	mean, tau := randomEffects(z, square)
	if math.Abs(mean-0.3) > 1e-12 || math.Abs(tau-(0.2-0.04)) > 1e-12 { // variance 0.8/4
		t.Errorf("mean %v, tau^2 %v", mean, tau)
	}
	if _, tau := randomEffects(z, []float64{1, 1, 1, 1, 1}); tau != 0 {
		t.Errorf("no more spread than the errors explain, and tau^2 is %v", tau)
	}
}

// TestMeanOfScenarios: zero is zero, shrunk lies between the posterior mean and the common
// ratio, and only means change.
func TestMeanOfScenarios(t *testing.T) {
	strategies := simulated(t, 6, 700, 5, 0.3)
	sets := map[string]*Set{}
	for _, mean := range []string{"", PosteriorMean, ShrunkMean, ZeroMean} {
		o := DefaultOptions()
		o.Count, o.Mean, o.Dependence = 4000, mean, Gaussian
		set, findings, err := Generate(t.Context(), returns.NewDate(2020, 1, 1), strategies, o, stream(3), 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		told := false
		for _, f := range findings {
			told = told || f.Code == "scenarios.mean"
		}
		if told != (mean == ShrunkMean || mean == ZeroMean) {
			t.Errorf("%q: told %v", mean, told)
		}
		sets[mean] = set
	}
	posterior, shrunk, zero := sets[PosteriorMean].Mean(), sets[ShrunkMean].Mean(), sets[ZeroMean].Mean()
	spread := func(m []float64) float64 {
		low, high := math.Inf(1), math.Inf(-1)
		for _, v := range m {
			low, high = min(low, v), max(high, v)
		}
		return high - low
	}
	if spread(shrunk) >= spread(posterior) {
		t.Errorf("shrunk means %v, posterior %v", shrunk, posterior)
	}
	for j := range zero {
		if math.Abs(zero[j]) > 1e-15 {
			t.Errorf("mean %v", zero[j])
		}
		shift := sets[ZeroMean].Row(0)[j] - sets[PosteriorMean].Row(0)[j]
		if d := sets[ZeroMean].Row(99)[j] - sets[PosteriorMean].Row(99)[j] - shift; math.Abs(d) > 1e-15 {
			t.Errorf("more than the mean changes: %v", d)
		}
		if sets[""].Row(7)[j] != sets[PosteriorMean].Row(7)[j] {
			t.Error("the default is not the posterior mean")
		}
	}
	o := DefaultOptions()
	if o.Mean = "none"; o.Validate() == nil {
		t.Error("an unknown mean is accepted")
	}
}
