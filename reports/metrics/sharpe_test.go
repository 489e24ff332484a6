package metrics

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats/scalar"
)

// The examples of the papers, to the digits that they print.
func TestSharpePublished(t *testing.T) {
	for _, c := range []struct {
		name        string
		got, want   float64
		publishedTo float64
	}{
		// Bailey & López de Prado 2014, "A numerical example": annual Sharpe
		// ratio 2.5 of 250 days a year, 5 years, the trials' variance 1/2 a year.
		{"expected maximum of 100", ExpectedMaximumSharpe(100, 0.5/250), 0.1132, 5e-5},
		{"deflated, 100 trials", TrackRecord{2.5 / math.Sqrt(250), -3, 10, 1250}.Deflated(100, 0.5/250), 0.9004, 5e-5},
		{"deflated, 46 trials", TrackRecord{2.5 / math.Sqrt(250), -3, 10, 1250}.Deflated(46, 0.5/250), 0.9505, 5e-5},
		{"deflated, normal, 88 trials", TrackRecord{2.5 / math.Sqrt(250), 0, 3, 1250}.Deflated(88, 0.5/250), 0.9505, 5e-5},
		// Bailey & López de Prado 2012: 24 months of a hedge fund.
		{"probabilistic, normal", TrackRecord{0.458, 0, 3, 24}.Probabilistic(0), 0.982, 5e-4},
		{"probabilistic", TrackRecord{0.458, -2.448, 10.164, 24}.Probabilistic(0), 0.913, 5e-4},
		// 2012: years until an annual ratio of 2 is above 1, at 95 %, normal, by
		// days, weeks and months.
		{"minimum length, daily", TrackRecord{2 / math.Sqrt(252), 0, 3, 0}.MinimumLength(1/math.Sqrt(252), 0.95) / 252, 2.73, 5e-3},
		{"minimum length, weekly", TrackRecord{2 / math.Sqrt(52), 0, 3, 0}.MinimumLength(1/math.Sqrt(52), 0.95) / 52, 2.83, 5e-3},
		{"minimum length, monthly", TrackRecord{2 / math.Sqrt(12), 0, 3, 0}.MinimumLength(1/math.Sqrt(12), 0.95) / 12, 3.24, 5e-3},
	} {
		if math.Abs(c.got-c.want) > c.publishedTo {
			t.Errorf("%s: %v, published %v", c.name, c.got, c.want)
		}
	}
}

// After exactly the minimum length, the confidence is what was asked for.
func TestMinimumLengthInverts(t *testing.T) {
	r, _ := heavy(4, 900)
	record := NewTrackRecord(r, 0, 252)
	n := record.MinimumLength(0.01, 0.95)
	se := math.Sqrt(record.variance() / (n - 1))
	if z := (record.Sharpe - 0.01) / se; !scalar.EqualWithinAbs(z, 1.6448536269514722, 1e-12) {
		t.Errorf("z %v", z)
	}
	if n := record.MinimumLength(record.Sharpe, 0.95); !math.IsInf(n, 1) {
		t.Errorf("%v days to exceed oneself", n)
	}
	if got := record.Deflated(1, 0.01); got != record.Probabilistic(0) {
		t.Errorf("one trial is deflated to %v", got)
	}
	if p := NewTrackRecord([]float64{0.01, 0.01}, 0, 252).Probabilistic(0); !math.IsNaN(p) {
		t.Errorf("constant returns have the probability %v", p)
	}
	if p := NewTrackRecord([]float64{0.01, math.NaN()}, 0, 252).Probabilistic(0); !math.IsNaN(p) {
		t.Errorf("a NaN has the probability %v", p)
	}
}

// The expected maximum against simulation: the formula is good to 1 % of it.
func TestExpectedMaximumSimulated(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	const trials, repeats = 50, 20000
	sum := 0.0
	for range repeats {
		best := math.Inf(-1)
		for range trials {
			best = max(best, 0.3*rng.NormFloat64())
		}
		sum += best
	}
	if got, want := ExpectedMaximumSharpe(trials, 0.09), sum/repeats; math.Abs(got-want) > 0.015*want {
		t.Errorf("formula %v, simulated %v", got, want)
	}
}
