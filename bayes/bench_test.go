package bayes

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"allocate/returns"
)

// The model, data and sampler settings of the comparison with Stan, kept in
// testdata/reference/stan: Student-t, 4 x 1000 draws, everything from the raw
// days to the diagnosed draws in the time, one core.
func BenchmarkSampling(b *testing.B) {
	for _, n := range []int{60, 252, 2520, 25200} {
		b.Run("N="+strconv.Itoa(n), func(b *testing.B) { benchmarkSampling(b, benchmarkReturns(n), 0) })
	}
	b.Run("N=2520/half_life=252", func(b *testing.B) { benchmarkSampling(b, benchmarkReturns(2520), 252) })
}

// benchmarkReturns are simulated Student-t returns with nu = 5, a daily scale
// of 0.9% and a mean of 0.04%.
func benchmarkReturns(n int) []float64 {
	return simulateT(rand.New(rand.NewPCG(5, 6)), n, 0.0004, 0.009, 5)
}

func benchmarkSampling(b *testing.B, y []float64, halfLife float64) {
	o := DefaultOptions()
	o.HalfLife = halfLife
	var ess, gradients float64
	b.ReportAllocs()
	seed := uint64(0)
	for b.Loop() {
		seed++
		m, err := studentT.New(seriesOf(y), o)
		if err != nil {
			b.Fatal(err)
		}
		p, err := SampleWith(context.Background(), m, o, testStream(seed), nil)
		if err != nil {
			b.Fatal(err)
		}
		least := math.Inf(1)
		for _, s := range p.Summary[:3] { // mu, sigma, nu as in Stan
			least = min(least, float64(s.ESSBulk))
		}
		ess += least
		gradients += float64(p.Sampler.Gradients)
	}
	n := float64(b.N)
	b.ReportMetric(ess/b.Elapsed().Seconds(), "ESS/s")
	b.ReportMetric(ess/n, "ESS/op")
	b.ReportMetric(gradients/n, "gradients/op")
}

func BenchmarkFit(b *testing.B) {
	y := benchmarkReturns(2520)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Fit(context.Background(), seriesOf(y), DefaultOptions(), testStream(1), nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkThousand fits and diagnoses 1,000 strategies of 2,520 days.
func BenchmarkThousand(b *testing.B) {
	const strategies = 1000
	series := make([]*returns.Series, strategies)
	for j := range series {
		rng := rand.New(rand.NewPCG(uint64(j), 6))
		series[j] = seriesOf(simulateT(rng, 2520, 0.0004*rng.NormFloat64(), 0.009, 3+5*rng.Float64()))
	}
	benchmarkFits(b, series, DefaultOptions())
}

// benchmarkFits fits series on all processors, keeps every posterior, and reports how
// many are not OK, how many attempts were made of each, and the memory at the end.
func benchmarkFits(b *testing.B, series []*returns.Series, o Options) {
	strategies := len(series)
	for b.Loop() {
		posteriors := make([]*Posterior, strategies)
		var wg sync.WaitGroup
		next := make(chan int)
		for range runtime.GOMAXPROCS(0) {
			wg.Go(func() {
				for j := range next {
					p, err := Fit(context.Background(), series[j], o, testStream(uint64(j)), nil)
					if err != nil {
						b.Error(err)
						return
					}
					posteriors[j] = p
				}
			})
		}
		for j := range strategies {
			next <- j
		}
		close(next)
		wg.Wait()
		bad, attempts := 0, 0
		for _, p := range posteriors {
			attempts += p.Sampler.Attempts
			if p.Verdict() != OK {
				bad++
			}
		}
		var mem runtime.MemStats
		runtime.ReadMemStats(&mem)
		b.ReportMetric(float64(mem.Sys)/(1<<20), "MiB")
		b.ReportMetric(float64(bad), "not-ok")
		b.ReportMetric(float64(attempts)/float64(strategies), "attempts/op")
		runtime.KeepAlive(posteriors)
	}
}

// BenchmarkSkewed fits the first of those strategies with student_t and with skew_t
// in turn, and reports the CPU time of either: processor time, since wall time
// depends on what else the machine does.
func BenchmarkSkewed(b *testing.B) {
	const strategies = 100
	fitOnce := func(model string, j uint64, s *returns.Series) {
		o := DefaultOptions()
		o.Model = model
		p, err := Fit(context.Background(), s, o, testStream(j), nil)
		if err != nil || p.Verdict() == Unusable {
			b.Fatal(err, p.Findings)
		}
	}
	var spent [2]time.Duration
	for _, model := range []string{"student_t", "skew_t"} { // which makes the tables
		fitOnce(model, 1, seriesOf(benchmarkReturns(2520)))
	}
	for b.Loop() {
		for j := range strategies {
			rng := rand.New(rand.NewPCG(uint64(j), 6))
			s := seriesOf(simulateT(rng, 2520, 0.0004*rng.NormFloat64(), 0.009, 3+5*rng.Float64()))
			for k, model := range []string{"student_t", "skew_t"} {
				before := cpuTime(b)
				fitOnce(model, uint64(j), s)
				spent[k] += cpuTime(b) - before
			}
		}
	}
	fits := float64(strategies * b.N)
	b.ReportMetric(spent[0].Seconds()*1000/fits, "cpu-ms/student_t")
	b.ReportMetric(spent[1].Seconds()*1000/fits, "cpu-ms/skew_t")
	b.ReportMetric(spent[1].Seconds()/spent[0].Seconds(), "ratio")
}

// cpuTime is the user time of the process so far.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano())
}
