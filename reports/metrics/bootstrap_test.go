package metrics

import (
	"flag"
	"math"
	"math/rand/v2"
	"testing"
)

var coverage = flag.Int("coverage", 0, "series of each kind on which to count how often bootstrap intervals hold the truth")

func mean(x []float64) float64 { return momentsOf(x).mean }

// ar1 is stationary, with mean 0 and variance 1.
func ar1(rng *rand.Rand, n int, phi float64) []float64 {
	out := make([]float64, n)
	x := rng.NormFloat64()
	for t := range out {
		out[t] = x
		x = phi*x + rng.NormFloat64()*math.Sqrt(1-phi*phi)
	}
	return out
}

// One pass over all metrics gives what each gets alone from the same source.
func TestIntervalsAgreeWithInterval(t *testing.T) {
	r, _ := heavy(8, 400)
	boot := Bootstrap{Replicates: 200, Level: 0.8}
	metrics := Metrics()
	ranges := Intervals(Sample{PeriodsPerYear: 252, Returns: r, Alpha: 0.95}, metrics, boot, rand.NewPCG(1, 2))
	for i, m := range metrics {
		low, high := Interval(r, func(x []float64) float64 {
			return m.Of(Sample{PeriodsPerYear: 252, Returns: x, Alpha: 0.95})
		}, 0.8, 200, rand.NewPCG(1, 2))
		same := low == ranges[i].Low && high == ranges[i].High
		if !same && !(math.IsNaN(low) && math.IsNaN(ranges[i].Low) && ranges[i].Undefined == 200) {
			t.Errorf("%s: [%v, %v] alone, %+v together", m.Key, low, high, ranges[i])
		}
	}
}

// The variance of the mean under the stationary bootstrap has a closed form
// (Politis & Romano 1994, lemma 1, here in circular autocovariances C):
//
//	n var = C(0) + 2 sum_k (1-k/n) (1-p)^k C(k).
func TestResampleVariance(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	x := ar1(rng, 200, 0.6)
	n, m := len(x), momentsOf(x)
	for _, length := range []float64{1, 4, 25} {
		if testing.Short() && length != 4 {
			continue
		}
		p := 1 / length
		want := 0.0
		for k := range n {
			r := 0.0
			for t := range x {
				r += (x[t] - m.mean) * (x[(t+k)%n] - m.mean)
			}
			weight := 2 * (1 - float64(k)/float64(n)) * math.Pow(1-p, float64(k))
			if k == 0 {
				weight = 1
			}
			want += weight * r / float64(n) / float64(n)
		}
		means := make([]float64, 40000)
		y := make([]float64, n)
		for k := range means {
			resample(rng, length, [][]float64{x}, [][]float64{y})
			means[k] = mean(y)
		}
		got := momentsOf(means)
		if v := got.sd() * got.sd(); math.Abs(v/want-1) > 0.03 {
			t.Errorf("blocks of %v: variance %v, want %v", length, v, want)
		}
		if math.Abs(got.mean-m.mean) > 4*math.Sqrt(want/40000) {
			t.Errorf("blocks of %v: mean %v, want %v", length, got.mean, m.mean)
		}
	}
}

// For an AR(1) the optimal length follows from g(0) and G, which have closed
// forms (Politis & White 2004).
func TestBlockLengthOfAR1(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, phi := range []float64{0.3, 0.7} {
		const n, repeats = 4000, 40
		ratio := 2 * phi / (1 - phi*phi) // G / g(0)
		want := math.Cbrt(ratio * ratio * n)
		sum := 0.0
		for range repeats {
			sum += BlockLength(ar1(rng, n, phi))
		}
		if got := sum / repeats; math.Abs(got/want-1) > 0.15 {
			t.Errorf("phi %v: %v on average, want %v", phi, got, want)
		}
	}
	if got := BlockLength([]float64{1, 2, 3}); got != 1 {
		t.Errorf("three days: %v", got)
	}
	if got := BlockLength(make([]float64, 50)); got != 1 {
		t.Errorf("constant: %v", got)
	}
	if got := BlockLength([]float64{1, math.NaN()}); !math.IsNaN(got) {
		t.Errorf("a NaN: %v", got)
	}
	zigzag := make([]float64, 40) // hardly a spectrum at 0
	for i := range zigzag {
		zigzag[i] = float64(i % 2)
	}
	if got := BlockLength(zigzag); got != 14 {
		t.Errorf("a zigzag: %v, want the cap of 40/3", got)
	}
}

func TestIntervalUndefined(t *testing.T) {
	r := []float64{0.01, 0.02, -0.01, 0.03, 0.01, 0.02}
	ranges := Intervals(Sample{PeriodsPerYear: 252, Returns: r}, Metrics(), DefaultBootstrap(), rand.NewPCG(1, 1))
	for i, m := range Metrics() {
		if m.Key == "average_loss" && (ranges[i].Undefined == 0 || !math.IsNaN(ranges[i].Low)) {
			t.Errorf("one loss in six days: %+v", ranges[i])
		}
	}
	if low, high := Interval([]float64{1, math.NaN()}, mean, 0.9, 10, rand.NewPCG(1, 1)); !math.IsNaN(low) || !math.IsNaN(high) {
		t.Error("an interval of a NaN")
	}
	if low, _ := Interval(nil, mean, 0.9, 10, rand.NewPCG(1, 1)); !math.IsNaN(low) {
		t.Error("an interval of nothing")
	}
	if low, high := Interval([]float64{2}, mean, 0.9, 10, rand.NewPCG(1, 1)); low != 2 || high != 2 {
		t.Errorf("one day: [%v, %v]", low, high)
	}
}

func TestPaired(t *testing.T) {
	a, _ := heavy(10, 500)
	b := make([]float64, len(a))
	for i, x := range a {
		b[i] = x - 0.0002
	}
	metrics := Metrics()
	boot := Bootstrap{Replicates: 300, Level: 0.9}
	for i, d := range PairedIntervals(Sample{PeriodsPerYear: 252, Returns: a, Alpha: 0.9}, Sample{PeriodsPerYear: 252, Returns: b, Alpha: 0.9}, metrics, boot, rand.NewPCG(1, 1)) {
		switch metrics[i].Key {
		case "annual_mean": // a constant difference has no sampling error
			if math.Abs(d.Low-252*0.0002) > 1e-12 || math.Abs(d.High-252*0.0002) > 1e-12 || d.PValue > 0.01 {
				t.Errorf("mean: %+v", d)
			}
		case "cvar":
			if math.Abs(d.Value+0.0002) > 1e-12 || d.PValue > 0.01 {
				t.Errorf("cvar: %+v", d)
			}
		}
	}
	same := PairedIntervals(Sample{PeriodsPerYear: 252, Returns: a}, Sample{PeriodsPerYear: 252, Returns: a}, metrics[:5], boot, rand.NewPCG(1, 1))
	for _, d := range same {
		if d.Value != 0 || d.Low != 0 || d.High != 0 || d.PValue != 1 {
			t.Errorf("against itself: %+v", d)
		}
	}
}

func TestReplicatesDoNotAllocate(t *testing.T) {
	r, m := heavy(1, 500)
	s := Sample{PeriodsPerYear: 252, Returns: r, Benchmark: m, Alpha: 0.95}
	metrics := Metrics()
	few := testing.AllocsPerRun(3, func() { Intervals(s, metrics, Bootstrap{Replicates: 2, Level: 0.9}, rand.NewPCG(1, 1)) })
	many := testing.AllocsPerRun(3, func() { Intervals(s, metrics, Bootstrap{Replicates: 200, Level: 0.9}, rand.NewPCG(1, 1)) })
	if many > few {
		t.Errorf("%v allocations for 2 replicates, %v for 200", few, many)
	}
}

// How often 90 % intervals of the mean and the standard deviation hold the
// truth. The percentile method falls somewhat short where dependence is strong.
func TestCoverage(t *testing.T) {
	series := *coverage
	if series == 0 {
		series = 25
	}
	for _, phi := range []float64{0, 0.3, 0.6} {
		if testing.Short() && phi != 0.3 {
			continue
		}
		rng := rand.New(rand.NewPCG(11, 12))
		var means, sds int
		for range series {
			x := ar1(rng, 500, phi)
			low, high := Interval(x, mean, 0.9, 300, rng)
			if low <= 0 && 0 <= high {
				means++
			}
			low, high = Interval(x, func(x []float64) float64 { return momentsOf(x).sd() }, 0.9, 300, rng)
			if low <= 1 && 1 <= high {
				sds++
			}
		}
		t.Logf("phi %v: of %d intervals, %d hold the mean and %d the standard deviation", phi, series, means, sds)
		least := 0.84 - 3*math.Sqrt(0.84*0.16/float64(series))
		if m, s := float64(means)/float64(series), float64(sds)/float64(series); m < least || s < least {
			t.Errorf("phi %v: coverage %v of the mean, %v of the standard deviation", phi, m, s)
		}
	}
}
