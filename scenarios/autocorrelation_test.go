package scenarios

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"
)

// smoothed returns days of which each has a share of the day before (Getmansky, Lo and
// Makarov 2004, of order 1).
func smoothed(seed uint64, n int, share float64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 3))
	y, before := make([]float64, n), 0.0
	for i := range y {
		before = share*before + math.Sqrt(1-share*share)*rng.NormFloat64()
		y[i] = 0.01 * before
	}
	return y
}

// TestAutocorrelationEntersTheHorizon smooths one strategy of two: the volatility of its
// scenarios over 21 days is that of the truth, the other's is that of independent days,
// and each day keeps its distribution. A model whose days are independent would
// understate it by half.
func TestAutocorrelationEntersTheHorizon(t *testing.T) {
	const horizon = 21
	kinds, count := []string{DCC, TCopula, Gaussian, Empirical}, 20_000
	if testing.Short() {
		kinds, count = []string{TCopula, Empirical}, 5000
	}
	for _, share := range []float64{0.4, -0.3} {
		one := [][3]float64{{0, 0.01, 1e6}, {0, 0.01, 1e6}}
		s := []Strategy{fixed(t, "a", smoothed(1, 2520, share), one), fixed(t, "b", smoothed(2, 2520, 0), one)}
		for _, kind := range kinds {
			o := options(horizon, count)
			o.Dependence = kind
			set, findings, err := Generate(t.Context(), 0, s, o, stream(1), 2, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range findings {
				if f.Code == "scenarios.variance_ratio" {
					t.Errorf("%s: %v", kind, f)
				}
			}
			a := autocorrelation{phi: share}
			for j, want := range []float64{0.01 * math.Sqrt(horizon*a.ratio(horizon)), 0.01 * math.Sqrt(horizon)} {
				got := stat.StdDev(logs(column(set, j)), nil)
				// The standard error of phi, 0.02, is 3% of the volatility.
				if math.Abs(got/want-1) > 0.08 {
					t.Errorf("%s, %v: volatility of %s over the horizon %.4f, want %.4f", kind, share, set.Names[j], got, want)
				}
			}
			o.Horizon = 1
			day := stat.StdDev(logs(column(generate(t, s, o, 2), 0)), nil)
			if want := 0.01 * math.Sqrt(1-share*share); math.Abs(day/want-1) > 0.05 {
				t.Errorf("%s: volatility of the next day given the last %.5f, want %.5f", kind, day, want)
			}
		}
		o := options(horizon, 1000)
		o.Dependence = Independent
		_, findings, err := Generate(t.Context(), 0, s, o, stream(1), 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		said := 0
		for _, f := range findings {
			if f.Code == "scenarios.variance_ratio" {
				said++
				if word := map[bool]string{true: "understate", false: "overstate"}[share > 0]; f.Strategy != "a" || !strings.Contains(f.Sentence, word) {
					t.Error(f)
				}
			}
		}
		if said != 1 {
			t.Errorf("%d findings on independent scenarios of smoothed returns", said)
		}
	}
}

func logs(r []float64) []float64 {
	for i, v := range r {
		r[i] = math.Log1p(v)
	}
	return r
}

// TestVarianceRatioSize counts how often the ratio of independent days of changing variance
// is more than 3.29 standard errors from 1, and autocorrelation is found in them.
func TestVarianceRatioSize(t *testing.T) {
	far, found := 0, 0
	const trials = 1000
	for k := range trials {
		rng := rand.New(rand.NewPCG(uint64(k), 4))
		y := make([]float64, 1500)
		h := 1.0
		for i := range y {
			y[i] = math.Sqrt(h) * rng.NormFloat64()
			h = 0.05 + 0.1*y[i]*y[i] + 0.85*h
		}
		if ratio, se := varianceRatio(y, 21); math.Abs(ratio-1) > 3.29*se {
			far++
		}
		if whiten(y).phi != 0 {
			found++
		}
	}
	if far > 8 || found > 20 { // 0.1% and, by the criterion, 0.7%
		t.Errorf("of %d independent histories %d have a variance ratio far from 1, %d autocorrelation", trials, far, found)
	}
}

// TestVarianceRatioByHand is that of overlapping sums.
func TestVarianceRatioByHand(t *testing.T) {
	y := smoothed(9, 200_000, 0.3)
	const q = 5
	ratio, se := varianceRatio(y, q)
	var sums []float64
	for i := q; i <= len(y); i++ {
		sum := 0.0
		for _, v := range y[i-q : i] {
			sum += v
		}
		sums = append(sums, sum)
	}
	if want := stat.Variance(sums, nil) / (q * stat.Variance(y, nil)); math.Abs(ratio-want) > 1e-3 {
		t.Errorf("%v, of the sums %v", ratio, want)
	}
	a := autocorrelation{phi: 0.3}
	if want := a.ratio(q); math.Abs(ratio-want) > 4*se {
		t.Errorf("%v +- %v, of the process %v", ratio, se, want)
	}
}
