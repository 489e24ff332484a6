package bayes

import (
	"math/rand/v2"
	"testing"

	"allocate/returns"
)

// BenchmarkGJR is the log density of 2,520 days with its gradient.
func BenchmarkGJR(b *testing.B) {
	s := gjrSeries(1, 2520, gjrTruth(-0.2, 0.02, 0.15, 0.95, -0.05, 6))
	o := DefaultOptions()
	m, err := newGJR(daysOf(s, o), o)
	if err != nil {
		b.Fatal(err)
	}
	q, grad := make([]float64, gjrDim), make([]float64, gjrDim)
	m.Initialize(q)
	for b.Loop() {
		if _, err := m.LogDensity(q, grad); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGJRValue is the log density alone.
func BenchmarkGJRValue(b *testing.B) {
	s := gjrSeries(1, 2520, gjrTruth(-0.2, 0.02, 0.15, 0.95, -0.05, 6))
	o := DefaultOptions()
	m, err := newGJR(daysOf(s, o), o)
	if err != nil {
		b.Fatal(err)
	}
	q := make([]float64, gjrDim)
	m.Initialize(q)
	for b.Loop() {
		if _, _, err := m.density(q, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGJRSampling samples the first series of the comparison with Stan, whose
// seconds and effective draws testdata/reference/stan/gjr_t.R prints: everything from
// the days to the diagnosed draws, on one core.
func BenchmarkGJRSampling(b *testing.B) {
	s := stanSeries()[0]
	o := DefaultOptions()
	ess, seed := 0.0, uint64(0)
	for b.Loop() {
		seed++
		m, err := newGJR(daysOf(s, o), o)
		if err != nil {
			b.Fatal(err)
		}
		p, err := SampleWith(b.Context(), m, o, testStream(seed), nil)
		if err != nil {
			b.Fatal(err)
		}
		_, least := p.worst()
		ess += least
	}
	b.ReportMetric(ess/b.Elapsed().Seconds(), "ESS/s")
	b.ReportMetric(ess/float64(b.N), "ESS/op")
}

// BenchmarkGJRThousand fits and diagnoses 1,000 strategies of 2,520 days with gjr_t, whose
// parameters scatter as those of the 27 strategies and 6 factors of ../shared do.
func BenchmarkGJRThousand(b *testing.B) {
	series := make([]*returns.Series, 1000)
	for j := range series {
		rng := rand.New(rand.NewPCG(uint64(j), 7))
		theta := gjrTruth(-0.05+0.12*rng.NormFloat64(), 0.02+0.1*rng.Float64(), 0.03+0.22*rng.Float64(), 0.95+0.045*rng.Float64(), 0.03*rng.NormFloat64(), 4+8*rng.Float64())
		series[j] = gjrSeries(uint64(j), 2520, theta)
	}
	o := DefaultOptions()
	o.Model = gjrT.Name
	benchmarkFits(b, series, o)
}
