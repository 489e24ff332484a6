package bayes

import (
	"math"
	"testing"
)

// TestTailTable compares with the incomplete beta function between the knots and beyond.
func TestTailTable(t *testing.T) {
	for _, nu := range []float64{2.0001, 2.3, 3, 4.5, 8, 30, 300, 1e6} {
		table := newTTailTable(nu)
		worst, before := 0.0, 1.0
		for i := range 20_001 {
			x := 14 * float64(i) / 20_000
			want := 1 - tCDF(x, nu)
			if x > 0 {
				want, _ = tTails(x, nu)
			}
			got := table.tail(x)
			worst = max(worst, math.Abs(got-want))
			if got > before+1e-12 {
				t.Fatalf("nu %v: rises at %v", nu, x)
			}
			before = got
		}
		if !(worst < 2e-9) {
			t.Errorf("nu %v: off by %.2g", nu, worst)
		}
	}
}

// TestCDFForIsCDF is of skewed innovations, from a table and without.
func TestCDFForIsCDF(t *testing.T) {
	s := newSkewT(3.5, -0.4)
	table, exact := s.cdfFor(tTailTableMin), s.cdfFor(1)
	for e := -40.0; e < 40; e += 0.137 {
		if d := table(e) - s.cdf(e); math.Abs(d) > 4e-9 {
			t.Errorf("at %v off by %v", e, d)
		}
		if exact(e) != s.cdf(e) {
			t.Errorf("at %v it is not exact", e)
		}
	}
}

// BenchmarkPIT is the transform of 2,520 days at one draw.
func BenchmarkPIT(b *testing.B) {
	s := gjrSeries(1, 2520, gjrTruth(-0.2, 0.02, 0.15, 0.95, -0.05, 6))
	theta := gjrTruth(-0.2, 0.02, 0.15, 0.95, -0.05, 6)
	m, u := newGJRPredictor(s), make([]float64, s.Len())
	for b.Loop() {
		m.PIT(theta, s.Returns, u)
	}
}
