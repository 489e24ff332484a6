package bayes

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"allocate/bayes/nuts"
	"allocate/returns"
)

// hurdleGJRTruth trades on 30 % of the days; with costs, on a tenth of the others it
// pays 0.05 %.
func hurdleGJRTruth(costs bool) []float64 {
	theta := []float64{activeMu: 0.0008, activeSD: 0.012, activeNu: 6, activeLambda: -0.2, activeGains: 0.03, activeLosses: 0.2, activeP: 0.95, activeKappa: 0, activeNext: 0, activeRMS: 0.012}
	theta = append(theta, 0.3, 0, 0)
	if costs {
		theta = append(theta, 0.1, -0.0005)
	}
	p, mean := theta[activeShape], newHurdleGJR(nil).Mean(theta)
	square := p * (theta[activeSD]*theta[activeSD] + theta[activeMu]*theta[activeMu])
	if costs {
		square += (1 - p) * 0.1 * 0.0005 * 0.0005
	}
	theta[activeShape+1] = math.Sqrt(square - mean*mean)
	theta[activeShape+2] = mean / theta[activeShape+1] * math.Sqrt(252)
	return theta
}

func newHurdleGJR(s *returns.Series) hurdleGJRPredictor {
	return hurdleGJRT.Predictor(s).(hurdleGJRPredictor)
}

func hurdleGJRSeries(seed uint64, n int, theta []float64) *returns.Series {
	y := make([]float64, n)
	newHurdleGJR(nil).Replicate(theta, rand.New(rand.NewPCG(seed, 9)), y)
	return seriesOf(y)
}

// TestHurdleGJRDensity compares the gradient with differences, the values with the log
// density, and the prior with what the likelihood written out leaves of it.
func TestHurdleGJRDensity(t *testing.T) {
	for _, costs := range []bool{false, true} {
		s := hurdleGJRSeries(3, 1500, hurdleGJRTruth(costs))
		made, err := hurdleGJRT.New(s, DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		m := made.(hurdleGJRModel)
		if has := m.costs != nil; has != costs {
			t.Fatalf("costs found: %v", has)
		}
		q, grad, ignored, theta := make([]float64, m.Dim()), make([]float64, m.Dim()), make([]float64, m.Dim()), make([]float64, len(m.Names()))
		at := func(q []float64) float64 {
			lp, err := m.LogDensity(q, ignored)
			if err != nil {
				t.Fatal(err)
			}
			return lp
		}
		var base float64
		for trial := range 4 {
			m.Initialize(q)
			for i := range q {
				q[i] += 0.05 * float64(trial) * float64(i-4)
			}
			lp, err := m.LogDensity(q, grad)
			if err != nil {
				t.Fatal(err)
			}
			value := []float64{0}
			if err := m.Values([][]float64{q}, value); err != nil || math.Abs(value[0]-lp) > 1e-9 {
				t.Errorf("value %v, log density %v (%v)", value, lp, err)
			}
			for i := range q {
				const h = 1e-5
				x := append([]float64(nil), q...)
				x[i] += h
				up := at(x)
				x[i] -= 2 * h
				if want := (up - at(x)) / (2 * h); math.Abs(grad[i]-want) > 1e-4*(1+math.Abs(want)) {
					t.Errorf("coordinate %d: %v, differences give %v", i, grad[i], want)
				}
			}
			m.Constrain(q, theta)
			prior, jacobian := m.LogPrior(theta)
			rest := lp - prior - jacobian - hurdleLikelihood(theta, s.Returns, m.costs)
			if trial == 0 {
				base = rest
			}
			if math.Abs(rest-base) > 1e-6 {
				t.Errorf("trial %d: prior and likelihood leave %v, before %v", trial, rest, base)
			}
		}
		points := [][]float64{append([]float64(nil), q...)}
		points[0][qNews], points[0][qSplit], points[0][qSkew] = 3, 3, -3
		value := []float64{0}
		if _, err := m.LogDensity(points[0], grad); !errors.Is(err, nuts.ErrRecoverable) || m.Values(points, value) != nil || !math.IsInf(value[0], -1) {
			t.Errorf("where beta is negative: %v, %v", err, value)
		}
	}
}

// hurdleLikelihood is that of every day by itself, and the prior of the cost.
func hurdleLikelihood(theta, y []float64, c *costs) (sum float64) {
	g := activeOf(theta)
	p := theta[activeShape]
	active := activeDays(theta, y)
	h := backcast(active)
	for _, r := range y {
		switch {
		case trades(theta, r):
			e, next := g.step(r, h)
			sum += math.Log(p*g.skew.density(e/math.Sqrt(h))) - math.Log(h)/2
			h = next
		case r == 0 && c == nil:
			sum += math.Log1p(-p)
		case r == 0:
			sum += math.Log1p(-p) + math.Log1p(-theta[activeShape+3])
		default:
			sum += math.Log1p(-p) + math.Log(theta[activeShape+3])
		}
	}
	if c != nil {
		z := (theta[activeShape+4] - c.mean) / c.error
		sum -= z * z / 2
	}
	return sum
}

// TestHurdleGJRRecovers fits a simulated history: every parameter within four posterior
// standard deviations, and on days that are not idle uniform transforms; the paths
// have the mean, the standard deviation and the idle days of the draw.
func TestHurdleGJRRecovers(t *testing.T) {
	truth := hurdleGJRTruth(false)
	s := hurdleGJRSeries(7, 2520, truth)
	o := DefaultOptions()
	if o.Model, o.Replicates = "gjr_t", 100; testing.Short() {
		o.Draws, o.MinESS = 250, 100
	}
	p, err := Fit(t.Context(), s, o, testStream(3), nil)
	if err != nil || p.Model != "hurdle_gjr_t" || p.Verdict() == Unusable {
		t.Fatalf("%v, %v, %v", p.Model, p.Findings, err)
	}
	for k, x := range p.Summary {
		if k == activeNext || k == activeRMS { // of this history
			continue
		}
		if z := (float64(x.Mean) - truth[k]) / float64(x.SD); math.Abs(z) > 4 {
			t.Errorf("%s is %v +- %v, the truth %v", x.Name, x.Mean, x.SD, truth[k])
		}
	}
	theta := p.Theta(p.Len() / 2)
	m, err := p.Predictor(s)
	if err != nil {
		t.Fatal(err)
	}
	u := make([]float64, s.Len())
	m.PIT(theta, s.Returns, u)
	// Of a traded day the transform has a jump of Idle where 0 is: without it, uniform.
	idle := m.Idle(theta)
	var active []float64
	for i, r := range s.Returns {
		switch {
		case r < 0:
			active = append(active, u[i]/(1-idle))
		case r > 0:
			active = append(active, (u[i]-idle)/(1-idle))
		}
	}
	if far := farFromUniform(active); far > 1.95/math.Sqrt(float64(len(active))) {
		t.Errorf("the transforms of the traded days are %v from uniform", far)
	}

	// A path of one draw, remembered or not, is the same.
	z := []float64{-1.5, 0.1, 2, -0.3}
	a, b := append([]float64(nil), z...), append([]float64(nil), z...)
	m.Path(theta, a, a)
	newHurdleGJR(s).Path(theta, b, b)
	for i := range a {
		if math.Abs(a[i]-b[i]) > 1e-9 {
			t.Errorf("day %d: %v by the parameters, %v through the series", i, a[i], b[i])
		}
	}
}

// TestHurdleGJRPaths compares long paths with the parameters, and paths on given
// trading days with their own distribution.
func TestHurdleGJRPaths(t *testing.T) {
	theta := hurdleGJRTruth(true)
	m := newHurdleGJR(hurdleGJRSeries(1, 500, theta))
	rng := rand.New(rand.NewPCG(4, 4))
	const n, paths = 2000, 200
	var means, squares, idles []float64
	r := make([]float64, n)
	for range paths {
		for i := range r {
			r[i] = rng.NormFloat64()
		}
		m.Path(theta, r, r)
		mean, square, idle := 0.0, 0.0, 0.0
		for _, x := range r {
			mean += x / n
			square += (x - m.Mean(theta)) * (x - m.Mean(theta)) / n
			if x == 0 {
				idle += 1.0 / n
			}
		}
		means, squares, idles = append(means, mean), append(squares, square), append(idles, idle)
	}
	for _, c := range []struct {
		what string
		x    []float64
		want float64
	}{{"mean", means, m.Mean(theta)}, {"variance", squares, m.Volatility(theta) * m.Volatility(theta)}, {"idle days", idles, m.Idle(theta)}} {
		if mean, se := meanSE(c.x); math.Abs(mean-c.want) > 4*se {
			t.Errorf("%s %v +- %v, want %v", c.what, mean, se, c.want)
		}
	}

	trading, z := []bool{true, false, true}, []float64{0, 0, 0}
	low, high := append([]float64(nil), z...), append([]float64(nil), z...)
	low[0], high[0] = -1, 1
	m.PathTrading(theta, trading, low, low)
	m.PathTrading(theta, trading, high, high)
	if low[1] != 0 || high[1] != 0 || low[0] >= high[0] {
		t.Errorf("paths %v and %v on trading days %v", low, high, trading)
	}
	// The share of traded days below a return is that among days that are not idle.
	const draws = 40_000
	below, at := 0.0, -0.004
	for range draws {
		one := []float64{rng.NormFloat64()}
		m.PathTrading(theta, []bool{true}, one, one)
		if one[0] == 0 {
			t.Fatal("a trading day without a return")
		}
		if one[0] < at {
			below++
		}
	}
	var d dayMixture
	e := m.end(theta)
	cdf := e.day(&d, e.skew.cdf, theta, e.next)
	if want := d.p * cdf(at) / (1 - m.Idle(theta)); math.Abs(below/draws-want) > 4*math.Sqrt(want/draws) {
		t.Errorf("%v of the trading days are below %v, want %v", below/draws, at, want)
	}
}

// TestPausedStrategy has sixty days out of the market in a row, a fortieth of its history:
// as days of an asymmetric GARCH they have no usable posterior.
func TestPausedStrategy(t *testing.T) {
	days := 2400
	if testing.Short() {
		days = 1300
	}
	y := slices.Clone(gjrSeries(5, days, gjrTruth(-0.1, 0.03, 0.12, 0.96, 0, 6)).Returns)
	clear(y[1000:1060])
	o := DefaultOptions()
	o.Model, o.Draws, o.MinESS, o.MaxRHat, o.MaxGradients, o.Replicates = "gjr_t", 250, 100, 1.05, 60_000, 0
	p, err := Fit(t.Context(), seriesOf(y), o, testStream(2), nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Model != "hurdle_gjr_t" || p.Verdict() == Unusable {
		t.Errorf("%s: %v", p.Model, p.Findings)
	}
	if sd := p.Summary[p.Index("sd")]; !(sd.Mean > 0.009 && sd.Mean < 0.016) {
		t.Errorf("standard deviation %v, simulated with 0.012", sd.Mean)
	}
}
