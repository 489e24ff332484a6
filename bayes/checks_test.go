package bayes

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"

	"allocate/returns"
)

// faulty are histories that the plain Student-t does not make, with the check
// that finds the fault and the severity at least due.
func faulty() map[string]struct {
	y     []float64
	check string
	least returns.Severity
} {
	const n = 1500
	made := func(f func(rng *rand.Rand, y []float64)) []float64 {
		rng, y := rand.New(rand.NewPCG(31, 32)), make([]float64, n)
		for i := range y {
			y[i] = 0.01 * rng.NormFloat64()
		}
		f(rng, y)
		return y
	}
	scaled := func(by float64) []float64 {
		return made(func(_ *rand.Rand, y []float64) {
			for i := n / 2; i < n; i++ {
				y[i] *= by
			}
		})
	}
	return map[string]struct {
		y     []float64
		check string
		least returns.Severity
	}{
		"scaled by 1,000 halfway": {scaled(1000), "bayes.check_scale_change", returns.Hold},
		"volatility three times":  {scaled(3), "bayes.check_scale_change", returns.Warn},
		"a third of volatility":   {scaled(1. / 3), "bayes.check_scale_change", returns.Warn},
		"autoregression of 0.9": {made(func(_ *rand.Rand, y []float64) {
			for i := 1; i < n; i++ {
				y[i] += 0.9 * y[i-1]
			}
		}), "bayes.check_autocorrelation", returns.Hold},
		"skewness of -3": {made(func(rng *rand.Rand, y []float64) {
			for i := range y { // a gamma of shape 4/9 has skewness 3
				y[i] = 0.01 * (4./9 - drawGamma(rng, 4./9))
			}
		}), "bayes.check_asymmetry", returns.Warn},
		"70% zeros": {made(func(rng *rand.Rand, y []float64) {
			for i := range y {
				if rng.Float64() < 0.7 {
					y[i] = 0
				}
			}
		})[:300], "bayes.check_zeros", returns.Hold},
	}
}

// plainT is student_t without its hurdle, to see what the zeros of a strategy that is
// often out of the market do to it.
var plainT = func() Family {
	f := studentT
	f.Name = "plain_t"
	return f
}()

func init() { Register(plainT) }

// Faults of the model show in the check that is made for them, and in the
// verdict.
func TestChecksFindFaults(t *testing.T) {
	for name, c := range faulty() {
		o := DefaultOptions()
		if o.Model, o.MaxGradients = plainT.Name, 500_000; testing.Short() {
			o.Draws, o.MinESS, o.Replicates, o.MaxGradients = 300, 150, 300, 100_000
		}
		p, err := Fit(context.Background(), seriesOf(c.y), o, testStream(1), nil)
		if err != nil {
			t.Fatal(err)
		}
		found := returns.Severity(-1)
		for _, f := range p.Findings {
			if f.Code == c.check {
				found = f.Severity
			}
		}
		if found < c.least || p.Verdict() == OK {
			t.Errorf("%s: %s is %v, verdict %s: %v", name, c.check, found, p.Verdict(), p.Findings)
		}
	}
}

// Histories that the model itself makes are seldom warned of: in 60 fits of 10
// checks each, none; a warning takes a value a quarter beyond 100 simulated ones.
func TestChecksPassUnderTheModel(t *testing.T) {
	fits := 60
	if testing.Short() {
		fits = 6
	}
	for seed := range fits {
		rng := rand.New(rand.NewPCG(uint64(seed), 33))
		y := simulateT(rng, []int{60, 250, 1500}[seed%3], 0.0005, 0.01, 2.5+float64(seed))
		p, err := Fit(context.Background(), seriesOf(y), DefaultOptions(), testStream(uint64(seed)), nil)
		if err != nil {
			t.Fatal(err)
		}
		for j, c := range p.Checks {
			if f := statistics[j].finding(c); len(f) > 0 && f[0].Severity > returns.Info {
				t.Errorf("seed %d, %d days: %v (factor %v)", seed, len(y), f[0], c.Factor)
			}
		}
	}
}

// The size of a finding by hand, for each statistic.
func TestCheckSeverity(t *testing.T) {
	spread := func(low, high float64) []float64 {
		v := make([]float64, 100)
		for i := range v {
			v[i] = low + (high-low)*float64(i)/99
		}
		return v
	}
	const quiet = returns.Severity(-1)
	for _, c := range []struct {
		stat      int
		observed  float64
		simulated []float64
		want      returns.Severity
	}{
		{statSD, 7557, spread(0.09, 0.49), returns.Hold},
		{statSD, 0.3, spread(0.09, 0.49), quiet},
		{statSD, 0.5, spread(0.09, 0.49), returns.Info},
		{statSD, 0.49 * 1.26, spread(0.09, 0.49), returns.Info}, // large, but not far for a spread of 5.4
		{statSD, 0.49 * 2.4, spread(0.09, 0.49), returns.Warn},
		{statSD, 0.49 * 1.24, spread(0.45, 0.49), returns.Info}, // far, but not large
		{statSD, 0.49 * 1.26, spread(0.45, 0.49), returns.Warn},
		{statSD, 0.09 / 3.01, spread(0.09, 0.49), returns.Hold},
		{statMin, -0.61, spread(-0.2, -0.05), returns.Hold},
		{statMin, -0.41, spread(-0.2, -0.05), returns.Warn},
		{statMin, -0.21, spread(-0.2, -0.05), returns.Info},
		{statMax, 0.41, spread(0.05, 0.2), returns.Warn},
		{statZeros, 0.7, spread(0, 0), returns.Hold},
		{statZeros, 0.1, spread(0, 0), returns.Warn},
		{statZeros, 0.02, spread(0, 0), returns.Info},
		{statAuto, 0.1, spread(-0.05, 0.05), returns.Info},
		{statAuto, 0.4, spread(-0.05, 0.05), returns.Warn},
		{statAuto, 0.9, spread(-0.05, 0.05), returns.Hold},
		{statAuto, -0.9, spread(-0.05, 0.05), returns.Hold},
		{statAbsAuto, 0.4, spread(-0.05, 0.05), returns.Info},
		{statAbsAuto, 0.65, spread(-0.05, 0.05), returns.Hold},
		{statScaleChange, 3, spread(0.9, 1.1), returns.Warn},
		{statScaleChange, 0.05, spread(0.9, 1.1), returns.Hold},
		{statAsymmetry, 10, spread(0.9, 1.1), returns.Warn},
	} {
		s := statistics[c.stat]
		got := quiet
		check := s.compare(c.observed, 0, slices.Clone(c.simulated))
		if f := s.finding(check); len(f) > 0 {
			got = f[0].Severity
		}
		if got != c.want {
			t.Errorf("%s of %v against %v to %v: %v, factor %v, want %v", s.name, c.observed, c.simulated[0], c.simulated[99], got, check.Factor, c.want)
		}
	}
	// A lognormal volatility of s = ln 3 gives |return| this correlation.
	x := math.Log(3) * math.Log(3)
	if got := volatilityRange((math.Exp(x)-1)/(math.Pi/2*math.Exp(x)-1), 0); math.Abs(got-3) > 1e-12 {
		t.Errorf("volatility range %v, want 3", got)
	}
}

// Every statistic against its definition, by gonum and by sorting, for one
// summarizer that sees many histories, with ties and with large means.
func TestStatistics(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 41))
	for _, n := range []int{3, 4, 60, 99, 100, 101, 777, 2520} {
		s := newSummarizer(n)
		for round := range 20 {
			y := simulateT(rng, n, 0.01*float64(round%3), 0.01, 2.2)
			for i := range y {
				switch round % 4 {
				case 1:
					y[i] = math.Round(100*y[i]) / 100
				case 3:
					y[i] += 3 // far from 0 for its scale
				}
			}
			h := s.of(y)
			sorted := slices.Clone(y)
			slices.Sort(sorted)
			mean := stat.Mean(y, nil)
			lag := func(x []float64) float64 {
				m, cross, ss := stat.Mean(x, nil), 0.0, 0.0
				for i, v := range x {
					ss += (v - m) * (v - m)
					if i > 0 {
						cross += (v - m) * (x[i-1] - m)
					}
				}
				return cross / ss
			}
			abs, zeros := make([]float64, n), 0.0
			var first, second []float64
			for i, v := range y {
				abs[i] = math.Abs(v)
				if v == 0 {
					zeros += 1 / float64(n)
				}
				if i < (n+1)/2 {
					first = append(first, math.Abs(v-mean))
				} else {
					second = append(second, math.Abs(v-mean))
				}
			}
			q01, q99 := sorted[int(math.Ceil(0.01*float64(n)))-1], sorted[(99*n+99)/100-1]
			for j, want := range [numStatistics]float64{
				statSD: stat.StdDev(y, nil), statQ01: q01, statQ99: q99, statMin: sorted[0], statMax: sorted[n-1], statZeros: zeros,
				statAuto: lag(y), statAbsAuto: lag(abs), statScaleChange: stat.Mean(second, nil) / stat.Mean(first, nil),
				statAsymmetry: (mean - q01) / (q99 - mean),
			} {
				if math.IsNaN(want) && math.IsNaN(h[j]) {
					continue
				}
				if !(math.Abs(h[j]-want) <= 1e-9*(1+math.Abs(want))) {
					t.Fatalf("%d days, round %d: %s is %v, by definition %v", n, round, statistics[j].name, h[j], want)
				}
			}
		}
	}
}
