package bayes

import (
	"context"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/mathext"
)

// The reduction against the days summed one by one, at 2,000 random points of
// its box and at the box's edges, to the error that it promises; gradients to
// a thousandfold of it in units of the box, since differentiating a polynomial
// of degree n multiplies by up to n^2.
func TestReductionKeepsItsBound(t *testing.T) {
	rng, points := rand.New(rand.NewPCG(21, 22)), 2000
	if testing.Short() {
		points = 500
	}
	for _, c := range []struct {
		n        int
		nu       float64
		halfLife float64
	}{{150, 3, 0}, {252, 30, 0}, {2520, 2.5, 0}, {2520, 5, 0}, {2520, 200, 0}, {2520, 5, 100}, {10000, 4, 0}, {10000, 4, 500}} {
		if testing.Short() && (c.n > 2520 || c.nu == 5 && c.halfLife == 0) {
			continue
		}
		y := simulateT(rng, c.n, 0.0004, 0.009, c.nu)
		y[3], y[c.n/2] = 0.4, -0.95 // far out
		d := newDays(y, forgetting(c.n, c.halfLife))
		m, err := newStudentT(d, DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		l := modeOf(m)
		if l == nil {
			t.Fatal("no mode")
		}
		r := m.reduction(l.at, l.covariance)
		if r == nil {
			t.Errorf("%+v: no reduction", c)
			continue
		}
		// Rounding of the exact sum itself: N terms of order 1.
		rounding := 1e-14 * d.n * 10
		if r.bound > 1e-6 {
			t.Errorf("%+v: promises only %.2g", c, r.bound)
		}
		var worst, worstGrad float64
		for i := range points {
			u, v := 2*rng.Float64()-1, 2*rng.Float64()-1
			if i < 4 {
				u, v = float64(i%2*2-1), float64(i/2*2-1)
			}
			u, v = u*(1-1e-12), v*(1-1e-12)
			mu, logC := r.mu+u/r.muScale, r.logC+v/r.lScale
			got, ok := r.at(mu, logC)
			if !ok {
				t.Fatalf("%+v: outside at %v, %v", c, u, v)
			}
			want := d.tSums(mu, math.Exp(logC))
			worst = max(worst, math.Abs(got.log-want.log))
			worstGrad = max(worstGrad, math.Abs(got.u-want.u)*2/r.muScale, math.Abs(got.share-want.share)/r.lScale)
		}
		t.Logf("%+v: %d coefficients, bound %.2g, error %.2g, of derivatives %.2g", c, len(r.coef), r.bound, worst, worstGrad)
		if worst > r.bound+rounding {
			t.Errorf("%+v: error %.3g above the bound %.3g", c, worst, r.bound)
		}
		if worstGrad > 1000*(r.bound+rounding) {
			t.Errorf("%+v: error of derivatives %.3g", c, worstGrad)
		}
		if _, ok := r.at(r.mu+1.01/r.muScale, r.logC); ok {
			t.Errorf("%+v: evaluates outside its box", c)
		}
	}
}

// Means and standard deviations with and without the reduction, from unrelated
// random numbers, to 4 Monte Carlo standard errors of the difference; and the
// gradients at the same points to 1e-6 of their scale.
func TestReductionChangesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	for _, halfLife := range []float64{0, 300} {
		if testing.Short() && halfLife == 0 {
			continue
		}
		o := DefaultOptions()
		o.HalfLife = halfLife
		y := simulateT(rng, 1000, 0.0004, 0.009, 5)
		d := newDays(y, forgetting(len(y), halfLife))
		m, err := newStudentT(d, o)
		if err != nil {
			t.Fatal(err)
		}
		plain := *m
		plain.plain = true
		fast, err := SampleWith(context.Background(), m, o, testStream(1), nil)
		if err != nil {
			t.Fatal(err)
		}
		slow, err := SampleWith(context.Background(), &plain, o, testStream(2), nil)
		if err != nil {
			t.Fatal(err)
		}
		for k, a := range fast.Summary {
			b := slow.Summary[k]
			z := math.Abs(float64(a.Mean-b.Mean)) / math.Hypot(float64(a.MCSEMean), float64(b.MCSEMean))
			zsd := math.Abs(float64(a.SD-b.SD)) / math.Hypot(float64(a.MCSESD), float64(b.MCSESD))
			if z > 4 || zsd > 4 {
				t.Errorf("half-life %v: %s is %v +- %v reduced, %v +- %v day by day", halfLife, a.Name, a.Mean, a.SD, b.Mean, b.SD)
			}
		}
		l := modeOf(m)
		reduced := m.Reduce(l.at, l.covariance)
		q, z := make([]float64, 3), make([]float64, 3)
		ga, gb := make([]float64, 3), make([]float64, 3)
		for range 200 {
			for i := range z {
				z[i] = rng.NormFloat64()
			}
			l.move(q, z, 2)
			a, err := reduced.LogDensity(q, ga)
			if err != nil {
				t.Fatal(err)
			}
			b, err := plain.LogDensity(q, gb)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(a-b) > 1e-7 {
				t.Errorf("log density %v reduced, %v day by day", a, b)
			}
			for i := range ga {
				if math.Abs(ga[i]-gb[i])*math.Sqrt(l.covariance.At(i, i)) > 1e-6 {
					t.Errorf("gradient %d: %v reduced, %v day by day", i, ga[i], gb[i])
				}
			}
		}
	}
}

// The polynomials of the functions of nu against direct evaluation, to 1e-13 in
// the values and 1e-11 in the slope, over and beyond the table; and
// that against the library.
func TestNuTable(t *testing.T) {
	table := nuTable()
	for k := -20.0; k < 25; k += 0.0137 {
		excess := math.Exp(k)
		a := 1 + excess/2
		value, slope, logNu, e := table.at(k)
		if math.Abs(e-excess) > 1e-14*excess {
			t.Fatalf("k = %v: e^k is %v, want %v", k, e, excess)
		}
		if want := math.Log(2 + excess); math.Abs(logNu-want) > 1e-13*(1+want) {
			t.Fatalf("k = %v: ln nu %v, want %v", k, logNu, want)
		}
		if want := logGammaRatio(a); math.Abs(value-want) > 1e-13*(1+math.Abs(want)) {
			t.Fatalf("k = %v: %v, want %v", k, value, want)
		}
		if want := logGammaRatioSlope(a) * excess / 2; math.Abs(slope-want) > 1e-11 {
			t.Fatalf("k = %v: slope %v, want %v", k, slope, want)
		}
	}
	// The library's digamma is good to about 1e-10, its differences to less.
	for _, a := range []float64{0.3, 1.0001, 2, 9.9, 10.1, 14.9, 40, 300} {
		if got, want := logGammaRatioSlope(a), mathext.Digamma(a+0.5)-mathext.Digamma(a); math.Abs(got-want) > 1e-8*want {
			t.Errorf("slope at %v: %v, digammas %v", a, got, want)
		}
		x, _ := math.Lgamma(a + 0.5)
		y, _ := math.Lgamma(a)
		if got := logGammaRatio(a); math.Abs(got-(x-y)) > 1e-14*(1+math.Abs(y)) {
			t.Errorf("ratio at %v: %v, lgammas %v", a, got, x-y)
		}
	}
}

func BenchmarkGradient(b *testing.B) {
	for _, n := range []int{60, 252, 2520, 25200} {
		for _, plain := range []bool{false, true} {
			name := "N=" + strconv.Itoa(n) + "/reduced"
			if plain {
				name = "N=" + strconv.Itoa(n) + "/plain"
			}
			b.Run(name, func(b *testing.B) {
				m, err := newStudentT(newDays(benchmarkReturns(n), nil), DefaultOptions())
				if err != nil {
					b.Fatal(err)
				}
				m.plain = plain
				l := modeOf(m)
				p := m.Reduce(l.at, l.covariance)
				grad := make([]float64, 3)
				for b.Loop() {
					if _, err := p.LogDensity(l.at, grad); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func TestGradientAllocatesNothing(t *testing.T) {
	m, err := newStudentT(newDays(benchmarkReturns(2520), nil), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	l := modeOf(m)
	fast := m.Reduce(l.at, l.covariance)
	if fast.(*studentTModel).fast == nil {
		t.Fatal("not reduced")
	}
	grad := make([]float64, 3)
	for name, m := range map[string]Model{"reduced": fast, "day by day": m} {
		if n := testing.AllocsPerRun(100, func() { _, _ = m.LogDensity(l.at, grad) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
