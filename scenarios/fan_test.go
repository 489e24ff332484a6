package scenarios

import (
	"math"
	"math/rand/v2"
	"testing"

	"allocate/returns"
)

// TestFan expects the fan to end in the distribution of the portfolio over the
// set, to begin in that of a set of one day, and to be the same for any number
// of workers.
func TestFan(t *testing.T) {
	strategies := simulated(t, 5, 600, 5, 0.4)
	weights := []float64{0.5, -0.2, 0, 0.4, 0.3}
	stream := func(part string) rand.Source { return rand.NewPCG(uint64(len(part)), uint64(part[len(part)-1])) }
	kinds := []string{"dcc_t_copula", "empirical", "t_copula", "gaussian", "independent"}
	if testing.Short() {
		kinds = kinds[:1]
	}
	for _, kind := range kinds {
		o := DefaultOptions()
		o.Dependence, o.Count, o.Horizon = kind, 700, 63
		var set *Set
		over := func(o Options) []float64 {
			var err error
			set, _, err = Generate(t.Context(), returns.NewDate(2020, 1, 1), strategies, o, stream, 2, nil)
			if err != nil {
				t.Fatal(err)
			}
			outcomes := make([]float64, set.Len())
			for s := range outcomes {
				for j, w := range weights {
					outcomes[s] += w * set.Row(s)[j]
				}
			}
			return Quantiles(outcomes, set.Prob, fanLevels)
		}
		sure := func(day int) float64 { return 0.001 * float64(day) }
		want := over(o)
		whole := set
		f, err := NewFan(t.Context(), strategies, weights, whole, sure, o, stream, 2)
		if err != nil {
			t.Fatal(err)
		}
		last := len(f.Day) - 1
		if f.Day[last] != o.Horizon || f.Day[0] != 1 || len(f.Day) != conePoints {
			t.Errorf("%s: days %v", kind, f.Day)
		}
		for i, want := range want {
			if got := [][]float64{f.Q5, f.Q25, f.Q50, f.Q75, f.Q95}[i][last]; math.Abs(got-want-0.063) > 1e-14 {
				t.Errorf("%s: quantile %v at the horizon is %v; of the set %v", kind, fanLevels[i], got, want+0.063)
			}
		}
		// One day, from other random numbers: the width agrees within their noise.
		one := o
		one.Horizon, one.Count = 1, 7000
		if q := over(one); math.Abs((f.Q95[0]-f.Q5[0])/(q[4]-q[0])-1) > 0.2 {
			t.Errorf("%s: one day ahead is %v wide; a set of one day %v", kind, f.Q95[0]-f.Q5[0], q[4]-q[0])
		}
		steep := func(day int) float64 { return 100 * float64(day) }
		if rising, err := NewFan(t.Context(), strategies, weights, whole, steep, o, stream, 2); err != nil || rising.Drawdown.Q95 != 0 || f.Drawdown.Q95 <= f.Drawdown.Q50 || f.Drawdown.Q50 <= 0 {
			t.Errorf("%s: drawdown %+v, with a return of cash that outdoes all %+v, %v", kind, f.Drawdown, rising.Drawdown, err)
		}
		again, err := NewFan(t.Context(), strategies, weights, whole, sure, o, stream, 1)
		if err != nil {
			t.Fatal(err)
		}
		for k := range f.Day {
			if f.Q5[k] != again.Q5[k] || f.Q95[k] != again.Q95[k] {
				t.Fatalf("%s: workers change day %d", kind, f.Day[k])
			}
		}
	}
}

// TestFanOfOtherMeans drifts as the set does.
func TestFanOfOtherMeans(t *testing.T) {
	strategies := simulated(t, 3, 400, 5, 0.4)
	weights := []float64{0.5, 0.2, 0.3}
	source := func(part string) rand.Source { return rand.NewPCG(uint64(len(part)), 11) }
	fans, means := map[string]*Fan{}, map[string]float64{}
	for _, mean := range []string{PosteriorMean, ZeroMean} {
		o := DefaultOptions()
		o.Count, o.Horizon, o.Mean = 2000, 10, mean
		set, _, err := Generate(t.Context(), returns.NewDate(2020, 1, 1), strategies, o, source, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		for j, m := range set.Mean() {
			means[mean] += weights[j] * m
		}
		if fans[mean], err = NewFan(t.Context(), strategies, weights, set, func(int) float64 { return 0 }, o, source, 2); err != nil {
			t.Fatal(err)
		}
	}
	for k, day := range fans[ZeroMean].Day {
		want := (means[ZeroMean] - means[PosteriorMean]) * float64(day) / 10
		if got := fans[ZeroMean].Q50[k] - fans[PosteriorMean].Q50[k]; math.Abs(got-want) > 1e-12 {
			t.Errorf("day %d: the median moves by %v, want %v", day, got, want)
		}
	}
}

// TestCountFor has the rule for the number of scenarios.
// Three scenarios of three days, by hand; and a random walk, whose expected maximum drawdown is
// known: sd sqrt(pi T / 2) (Magdon-Ismail et al. 2004, zero drift).
func TestDrawdown(t *testing.T) {
	values := [][]float64{{0.1, -0.1, 0.01}, {-0.01, -0.05, 0.02}, {0.21, -0.2, 0.03}}
	got := drawdown(values, []int{1, 2, 3}, []float64{0.5, 0.4, 0.1}, func(int) float64 { return 0 })
	if want := 1 - 0.99/1.1; math.Abs(got.Q50-want) > 1e-15 || math.Abs(got.Q75-0.2) > 1e-15 || math.Abs(got.Q95-0.2) > 1e-15 {
		t.Errorf("%+v, want %v, 0.2 and 0.2", got, want)
	}
	if got := drawdown(values, []int{1, 2, 3}, nil, func(day int) float64 { return float64(day) }); got.Q95 != 0 {
		t.Errorf("a rising path: %+v", got)
	}
	const paths, steps, sd = 4000, 2000, 1e-4
	rng := rand.New(rand.NewPCG(4, 4))
	walks, days := make([][]float64, steps), make([]int, steps)
	for k := range walks {
		walks[k], days[k] = make([]float64, paths), k+1
		for s := range paths {
			if walks[k][s] = sd * rng.NormFloat64(); k > 0 {
				walks[k][s] += walks[k-1][s]
			}
		}
	}
	sum := 0.0
	for s := range paths {
		one := make([][]float64, steps)
		for k := range one {
			one[k] = walks[k][s : s+1]
		}
		sum += drawdown(one, days, nil, func(int) float64 { return 0 }).Q50 / paths
	}
	if want := sd * math.Sqrt(math.Pi*steps/2); math.Abs(sum/want-1) > 0.03 {
		t.Errorf("mean maximum drawdown of random walks %v, expected %v", sum, want)
	}
}

func TestCountFor(t *testing.T) {
	for n, want := range map[int]int{1: 100_000, 100: 100_000, 200: 50_000, 1000: 10_000, 5000: 10_000} {
		if got := (Options{}).CountFor(n); got != want {
			t.Errorf("%d strategies: %d scenarios, want %d", n, got, want)
		}
	}
	if got := (Options{Count: 700}).CountFor(5000); got != 700 {
		t.Errorf("of 700 scenarios %d are drawn", got)
	}
	o := DefaultOptions()
	for count, valid := range map[int]bool{0: true, 100: true, 99: false, -1: false} {
		if o.Count = count; (o.Validate() == nil) != valid {
			t.Errorf("count %d is valid: %v", count, !valid)
		}
	}
}

// TestFanOfManyScenarios follows the first of them, and ends in the distribution of all.
func TestFanOfManyScenarios(t *testing.T) {
	strategies := simulated(t, 2, 300, 5, 0.4)
	o := DefaultOptions()
	o.Count, o.Horizon = fanPaths+5000, 5
	source := func(part string) rand.Source { return rand.NewPCG(uint64(len(part)), 7) }
	set, _, err := Generate(t.Context(), returns.NewDate(2020, 1, 1), strategies, o, source, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	weights := []float64{0.5, 0.5}
	f, err := NewFan(t.Context(), strategies, weights, set, func(int) float64 { return 0 }, o, source, 2)
	if err != nil {
		t.Fatal(err)
	}
	outcomes := make([]float64, set.Len())
	for i := range outcomes {
		outcomes[i] = 0.5*set.Row(i)[0] + 0.5*set.Row(i)[1]
	}
	if got, want := f.Q5[4], Quantiles(outcomes, set.Prob, []float64{0.05})[0]; math.Abs(got-want) > 1e-14 {
		t.Errorf("at the horizon %v, of the set %v", got, want)
	}
	if day := f.Q5[3] / f.Q5[4]; day < 0.8 || day > 1 {
		t.Errorf("the day before it is %v of it", day)
	}
	// Only the last scenarios count: they are followed, too.
	set.Prob = make([]float64, set.Len())
	for i := fanPaths; i < len(set.Prob); i++ {
		set.Prob[i] = 1.0 / 5000
	}
	if f, err = NewFan(t.Context(), strategies, weights, set, func(int) float64 { return 0 }, o, source, 2); err != nil {
		t.Fatal(err)
	}
	if day := f.Q5[3] / f.Q5[4]; !(day > 0.75 && day < 1.05) {
		t.Errorf("of the last scenarios the day before is %v of the last", day)
	}
	set.Prob = nil
	set.Returns = set.Returns[:200]
	if _, err := NewFan(t.Context(), strategies, weights, set, func(int) float64 { return 0 }, o, source, 2); err == nil {
		t.Error("a set of other options has a fan")
	}
}

func TestQuantiles(t *testing.T) {
	x := []float64{3, 1, 2, 4}
	for _, c := range []struct{ prob, want []float64 }{
		{nil, []float64{1, 2, 4}},
		{[]float64{0.7, 0.1, 0.1, 0.1}, []float64{2, 3, 4}},
	} {
		for i, got := range Quantiles(x, c.prob, []float64{0.2, 0.5, 1}) {
			if got != c.want[i] {
				t.Errorf("%v: quantile %d is %v, want %v", c.prob, i, got, c.want[i])
			}
		}
	}
}
