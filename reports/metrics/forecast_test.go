package metrics

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats/scalar"
	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"
)

func TestCRPS(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		n := rapid.IntRange(1, 40).Draw(t, "n")
		x, w, total := make([]float64, n), make([]float64, n), 0.0
		for j := range x {
			x[j], w[j] = math.Round(rng.NormFloat64()*4)/4, rng.Float64()
			total += w[j]
		}
		y := math.Round(rng.NormFloat64()*8) / 4
		want := 0.0
		for j := range x {
			want += w[j] / total * math.Abs(x[j]-y)
			for k := range x {
				want -= w[j] * w[k] / total / total * math.Abs(x[j]-x[k]) / 2
			}
		}
		got := CRPS(y, x, w)
		if !scalar.EqualWithinAbs(got, want, 1e-13) {
			t.Fatalf("got %v, by pairs %v", got, want)
		}
		moved := make([]float64, n)
		for j := range x {
			moved[j] = 3*x[j] + 1
		}
		if m := CRPS(3*y+1, moved, w); !scalar.EqualWithinAbs(m, 3*got, 1e-12) {
			t.Fatalf("moved %v, want %v", m, 3*got)
		}
		if p := PIT(y, x, w); !(p >= 0 && p <= 1) {
			t.Fatalf("PIT %v", p)
		}
	})
	if got := CRPS(2, []float64{5}, nil); got != 3 {
		t.Errorf("a point forecast: %v", got)
	}
	// Of a standard normal at 0, 2 phi(0) - 1/sqrt(pi) (Gneiting & Raftery 2007).
	x := make([]float64, 20001)
	for j := range x {
		x[j] = distuv.UnitNormal.Quantile((float64(j) + 0.5) / float64(len(x)))
	}
	if got, want := CRPS(0, x, nil), 2/math.Sqrt(2*math.Pi)-1/math.Sqrt(math.Pi); !scalar.EqualWithinAbs(got, want, 1e-4) {
		t.Errorf("normal: %v, want %v", got, want)
	}
	// The CRPS is twice the mean pinball loss over all levels.
	pinball := 2 * quad.Fixed(func(level float64) float64 {
		u := 0.7 - distuv.UnitNormal.Quantile(level)
		return max(level*u, (level-1)*u)
	}, 0, 1, 2000, nil, 0)
	if got := CRPS(0.7, x, nil); !scalar.EqualWithinAbs(got, pinball, 1e-4) {
		t.Errorf("CRPS %v, twice the mean pinball loss %v", got, pinball)
	}
	for _, got := range []float64{
		CRPS(math.NaN(), x, nil), CRPS(1, nil, nil), CRPS(1, []float64{math.NaN()}, nil),
		PIT(math.NaN(), x, nil), PIT(1, nil, nil), Skill(nil, nil), Skill([]float64{1}, []float64{0}),
	} {
		if !math.IsNaN(got) {
			t.Errorf("%v should be NaN", got)
		}
	}
	if got := PIT(1, []float64{0, 1, 1, 2}, nil); got != 0.5 {
		t.Errorf("PIT at ties: %v", got)
	}
}

// Kolmogorov's distribution where it is known in closed form, and where the
// exact one goes over into the limiting one.
func TestKolmogorov(t *testing.T) {
	for _, d := range []float64{0.55, 0.7, 0.9} {
		if got := kolmogorovCDF(d, 1); !scalar.EqualWithinAbs(got, 2*d-1, 1e-14) {
			t.Errorf("n 1, d %v: %v", d, got)
		}
	}
	// Birnbaum 1952: n!(2d - 1/n)^n for 1/(2n) <= d <= 1/n.
	if got, want := kolmogorovCDF(0.15, 6), 720*math.Pow(0.3-1./6, 6); !scalar.EqualWithinRel(got, want, 1e-12) {
		t.Errorf("n 6: %v, want %v", got, want)
	}
	// Marsaglia, Tsang & Wang 2003, page 2: K(10, 0.274) = 0.6284796154565.
	if got := kolmogorovCDF(0.274, 10); !scalar.EqualWithinAbs(got, 0.6284796154565, 1e-12) {
		t.Errorf("n 10: %.16g", got)
	}
	for _, s := range []float64{0.5, 0.8, 1, 1.3, 1.6} {
		d := s / math.Sqrt(1000)
		exact, limit := kolmogorovTail(d, 1000), kolmogorovTail(s/math.Sqrt(1001), 1001)
		if math.Abs(exact-limit) > 2e-5 {
			t.Errorf("at %v: exact %v, limiting %v", s, exact, limit)
		}
	}
	if a, b := kolmogorovLimit(1-1e-12), kolmogorovLimit(1); math.Abs(a-b) > 1e-10 {
		t.Errorf("the two series differ: %v and %v", a, b)
	}
	for _, bad := range [][]float64{nil, {0.5, math.NaN()}, {1.5}} {
		if got := Uniformity(bad); !math.IsNaN(got.PValue) {
			t.Errorf("%v has the p-value %v", bad, got.PValue)
		}
	}
	if got := Uniformity(make([]float64, 50)); got.Statistic != 1 || got.PValue > 1e-15 {
		t.Errorf("all zero: %+v", got)
	}
}

// Kupiec 1995: the numbers of exceedances not rejected at 5 %. For 255
// days at 1 % it prints no lower bound, but the ratio of none is 5.13.
func TestKupiecPublished(t *testing.T) {
	for _, c := range []struct {
		p                float64
		days, above, low int // accepted strictly between
	}{
		{0.01, 255, 7, 0},
		{0.01, 510, 11, 1},
		{0.01, 1000, 17, 4},
		{0.025, 255, 12, 2},
		{0.025, 510, 21, 6},
		{0.025, 1000, 36, 15},
		{0.05, 255, 21, 6},
		{0.05, 510, 36, 16},
		{0.05, 1000, 65, 37},
	} {
		for x := range c.days / 8 {
			hits := make([]bool, c.days)
			for i := range x {
				hits[i] = true
			}
			accepted := BacktestVaR(hits, 1-c.p).Unconditional.PValue > 0.05
			if want := c.low < x && x < c.above; accepted != want {
				t.Errorf("p %v, %d days, %d exceedances: accepted %v", c.p, c.days, x, accepted)
			}
		}
	}
}

func TestBacktestVaREdges(t *testing.T) {
	none := BacktestVaR(make([]bool, 100), 0.95)
	if want := -200 * math.Log(0.95); !scalar.EqualWithinRel(none.Unconditional.Statistic, want, 1e-12) || none.Independence.Statistic != 0 || none.Expected != 5 {
		t.Errorf("no exceedance: %+v", none)
	}
	every := BacktestVaR([]bool{true, true, true}, 0.95)
	if want := -6 * math.Log(0.05); !scalar.EqualWithinRel(every.Unconditional.Statistic, want, 1e-12) || every.Independence.Statistic != 0 {
		t.Errorf("all exceed: %+v", every)
	}
	var turns []bool
	for i := range 100 {
		turns = append(turns, i%2 == 0)
	}
	if got := BacktestVaR(turns, 0.5); got.Unconditional.PValue != 1 || got.Independence.PValue > 1e-20 || got.Conditional.PValue > 1e-20 {
		t.Errorf("every second day: %+v", got)
	}
	if got := BacktestVaR(nil, 0.95); !math.IsNaN(got.Unconditional.PValue) || !math.IsNaN(got.Conditional.PValue) {
		t.Errorf("no day: %+v", got)
	}
	if got := Exceedances([]float64{-0.02, -0.01, math.NaN()}, []float64{0.01, 0.01, 0.01}); !got[0] || got[1] || got[2] {
		t.Errorf("exceedances %v", got)
	}
}

// The p-values of a true model are uniform, those of one that understates risk
// small, and those of one that overstates it large.
func TestBacktestCVaR(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	const days, tests = 200, 150
	scenarios := make([][]float64, days)
	for d := range scenarios {
		scenarios[d] = make([]float64, 250)
		for j := range scenarios[d] {
			scenarios[d][j] = 0.01 * student(rng)
		}
	}
	for _, c := range []struct{ scale, least, most float64 }{{1, 0.01, 0.11}, {1.5, 0.8, 1}, {0.6, 0, 0.001}} {
		if testing.Short() && c.scale < 1 {
			continue
		}
		conditional, unconditional := 0.0, 0.0
		for range tests {
			r := make([]float64, days)
			for d := range r {
				r[d] = c.scale * scenarios[d][rng.IntN(250)]
			}
			s := BacktestCVaR(r, scenarios, nil, 0.95, 199, rng)
			if s.Unconditional.PValue <= 0.05 {
				unconditional++
			}
			if s.Conditional.PValue <= 0.05 {
				conditional++
			}
		}
		if rate := unconditional / tests; rate < c.least || rate > c.most {
			t.Errorf("scale %v: %v rejected by Z2", c.scale, rate)
		}
		if rate := conditional / tests; c.scale == 1 && (rate < c.least || rate > c.most) {
			t.Errorf("%v rejected by Z1", rate)
		}
	}
}

func TestBacktestCVaREdges(t *testing.T) {
	x := [][]float64{{-0.1, 0, 0.1, 0.2}, {-0.1, 0, 0.1, 0.2}}
	quiet := BacktestCVaR([]float64{0.1, 0.1}, x, nil, 0.75, 99, rand.NewPCG(1, 1))
	if quiet.Unconditional.Statistic != 1 || quiet.Unconditional.PValue != 1 || !math.IsNaN(quiet.Conditional.PValue) {
		t.Errorf("no exceedance: %+v", quiet)
	}
	// VaR 0, CVaR 0.1: -0.2 is twice the shortfall.
	hit := BacktestCVaR([]float64{0.1, -0.2}, x, [][]float64{nil, {1, 1, 1, 1}}, 0.75, 99, rand.NewPCG(1, 1))
	if !scalar.EqualWithinAbs(hit.Conditional.Statistic, -1, 1e-14) || !scalar.EqualWithinAbs(hit.Unconditional.Statistic, -3, 1e-14) {
		t.Errorf("one exceedance: %+v", hit)
	}
	again := BacktestCVaR([]float64{0.1, -0.2}, x, [][]float64{nil, {1, 1, 1, 1}}, 0.75, 99, rand.NewPCG(1, 1))
	if hit != again {
		t.Errorf("the same source: %+v and %+v", hit, again)
	}
	gain := BacktestCVaR([]float64{0.1}, [][]float64{{0.1, 0.2}}, nil, 0.5, 9, rand.NewPCG(1, 1))
	if !math.IsNaN(gain.Unconditional.Statistic) {
		t.Errorf("a CVaR that is a gain: %+v", gain)
	}
}
