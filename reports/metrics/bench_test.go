package metrics

import (
	"math"
	"math/rand/v2"
	"testing"
)

// heavy returns days of Student-t returns with 5 degrees of freedom and a
// volatility that clusters, and those of a benchmark.
func heavy(seed uint64, days int) (returns, benchmark []float64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	scale := 0.006
	for range days {
		z := student(rng)
		b := 0.0003 + scale*z
		scale = 0.0005 + 0.9*scale + 0.06*scale*min(3, math.Abs(z))
		returns = append(returns, 0.0002+0.6*b+0.004*student(rng))
		benchmark = append(benchmark, b)
	}
	return returns, benchmark
}

func student(rng *rand.Rand) float64 {
	s := 0.0
	for range 5 {
		z := rng.NormFloat64()
		s += z * z
	}
	return rng.NormFloat64() / math.Sqrt(s/5)
}

func BenchmarkEvaluate(b *testing.B) {
	r, m := heavy(1, 5000)
	all := Metrics()
	b.ReportAllocs()
	for b.Loop() {
		Evaluate(all, Sample{PeriodsPerYear: 252, Returns: r, Benchmark: m, Alpha: 0.95})
	}
}

// The tear sheet: 5000 days, 30 metrics, 1000 replicates.
func BenchmarkIntervals(b *testing.B) {
	r, _ := heavy(1, 5000)
	thirty := Metrics()[:30]
	b.ReportAllocs()
	for b.Loop() {
		Intervals(Sample{PeriodsPerYear: 252, Returns: r, Alpha: 0.95}, thirty, DefaultBootstrap(), rand.NewPCG(1, 2))
	}
}

func BenchmarkIntervalsWithBenchmark(b *testing.B) {
	r, m := heavy(1, 5000)
	all := Metrics()
	for b.Loop() {
		Intervals(Sample{PeriodsPerYear: 252, Returns: r, Benchmark: m, Alpha: 0.95}, all, DefaultBootstrap(), rand.NewPCG(1, 2))
	}
}

func BenchmarkInterval(b *testing.B) {
	r, _ := heavy(1, 5000)
	for b.Loop() {
		Interval(r, mean, 0.9, 1000, rand.NewPCG(1, 2))
	}
}

func BenchmarkCRPS(b *testing.B) {
	r, _ := heavy(1, 10000)
	for b.Loop() {
		CRPS(0.01, r, nil)
	}
}

// A year of 2000 scenarios, 1000 paths.
func BenchmarkBacktestCVaR(b *testing.B) {
	r, _ := heavy(1, 252)
	scenarios := make([][]float64, len(r))
	for t := range scenarios {
		scenarios[t], _ = heavy(uint64(t), 2000)
	}
	for b.Loop() {
		BacktestCVaR(r, scenarios, nil, 0.95, 1000, rand.NewPCG(1, 2))
	}
}

// Ten years of 50 strategies, 12,870 splits.
func BenchmarkCrossValidate(b *testing.B) {
	x := noise(1, 2520, 50)
	for b.Loop() {
		CrossValidate(x, 50, 16)
	}
}
