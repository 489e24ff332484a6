package bayes

import "testing"

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
