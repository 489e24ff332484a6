package metrics

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// The interval of 999 replicates 1 to 999 can be looked up: the (B+1)p-th of
// them is 1000p.
func TestRangeOfReplicates(t *testing.T) {
	count := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = float64((i*500)%n + 1) // a permutation
		}
		return x
	}
	for _, c := range []struct {
		n              int
		level          float64
		own, low, high float64
	}{
		{999, 0.9, 500, 50, 950},
		{999, 0.95, 500, 25, 975},
		{999, 0.9, 50, 50, 950},
		{999, 0.9, 20, 20, 950}, // widened to the value
		{999, 0.9, 1200, 50, 1200},
		{101, 0.9, 60, 5, 97}, // 5.1 and 96.9, rounded outwards
		{11, 0.9, 6, 1, 11},   // 0.6 and 11.4
	} {
		r := Bootstrap{Replicates: c.n, Level: c.level}.around(count(c.n), c.own)
		if r.Low != c.low || r.High != c.high || r.Undefined != 0 {
			t.Errorf("%+v: %+v", c, r)
		}
	}
	b := Bootstrap{Replicates: 999, Level: 0.9}
	if r := b.around(count(999), math.NaN()); !math.IsNaN(r.Low) || !math.IsNaN(r.High) {
		t.Errorf("around a value that is not defined: %+v", r)
	}
	some := count(999)
	for i := range 90 {
		some[i*7] = math.NaN()
	}
	if r := b.around(some, 500); r.Undefined != 90 || math.IsNaN(r.Low) {
		t.Errorf("90 of 999 are not defined: %+v", r)
	}
}

// Every interval holds the value, ends at whole days where days are counted,
// and stays where the metric can be.
func TestRangeHoldsTheValue(t *testing.T) {
	calm, benchmark := heavy(21, 600)
	trend := make([]float64, 600) // rises, then falls for longer than any block
	for i := range trend {
		trend[i] = calm[i]/10 + 0.002
		if i >= 250 {
			trend[i] = calm[i]/10 - 0.001
		}
	}
	metrics := Metrics()
	for name, r := range map[string][]float64{"calm": calm, "trend": trend} {
		s := Sample{PeriodsPerYear: 252, Returns: r, Benchmark: benchmark, Alpha: 0.95}
		values := Evaluate(metrics, s)
		for i, x := range Intervals(s, metrics, Bootstrap{Replicates: 300, Level: 0.9}, rand.NewPCG(1, 2)) {
			m := metrics[i]
			if !(x.Low <= values[i] && values[i] <= x.High) {
				t.Errorf("%s: %s is %v, outside [%v, %v]", name, m.Key, values[i], x.Low, x.High)
			}
			if m.Key == "longest_drawdown" || strings.HasPrefix(m.Key, "max_consecutive") {
				if x.Low != math.Trunc(x.Low) || x.High != math.Trunc(x.High) {
					t.Errorf("%s: %s counts days, from %v to %v", name, m.Key, x.Low, x.High)
				}
			}
			if m.Key == "max_drawdown" || m.Key == "probabilistic_sharpe" {
				if x.Low < 0 || x.High > 1 || x.Low == x.High {
					t.Errorf("%s: %s from %v to %v", name, m.Key, x.Low, x.High)
				}
			}
		}
	}
}

// The median maximum drawdown over many histories lies in the intervals of at
// least as many of them as it should.
func TestDrawdownCoverage(t *testing.T) {
	series := *coverage
	if series == 0 {
		series = 60
	}
	rng := rand.New(rand.NewPCG(13, 14))
	const days = 500
	history := func() []float64 {
		x := make([]float64, days)
		for i := range x {
			x[i] = 0.0006 + 0.01*rng.NormFloat64()
		}
		return x
	}
	deepest := func(x []float64) float64 {
		if d := Drawdowns(x, 1); len(d) > 0 {
			return d[0].Depth
		}
		return 0
	}
	many := make([]float64, 4000)
	if testing.Short() {
		many = many[:1500]
	}
	for k := range many {
		many[k] = deepest(history())
	}
	truth := quantile(many, 0.5)
	held := 0
	for range series {
		if low, high := Interval(history(), deepest, 0.9, 300, rng); low <= truth && truth <= high {
			held++
		}
	}
	t.Logf("of %d intervals, %d hold the median maximum drawdown %.3f", series, held, truth)
	if share := float64(held) / float64(series); share < 0.9-3*math.Sqrt(0.09/float64(series)) {
		t.Errorf("coverage %v", share)
	}
}
