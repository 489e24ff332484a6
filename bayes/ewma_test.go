package bayes

import (
	"math"
	"math/rand/v2"
	"testing"

	"allocate/returns"
)

// ewmaTruth is a set of parameters as daily returns have them.
func ewmaTruth(lambda, decay, kappa, nu float64) []float64 {
	return []float64{ewmaMu: 0.0004, ewmaSD: 0.012, ewmaNu: nu, ewmaLambda: lambda, ewmaDecay: decay, ewmaKappa: kappa, ewmaSharpe: 0.0004 / 0.012 * math.Sqrt(252), ewmaNext: 0}
}

// ewmaSeries simulates a series from a variance of h on.
func ewmaSeries(seed uint64, n int, theta []float64) *returns.Series {
	y := make([]float64, n)
	replicateEWMA(theta, rand.New(rand.NewPCG(seed, 9)), y)
	return seriesOf(y)
}

func replicateEWMA(theta []float64, rng *rand.Rand, y []float64) {
	g := ewmaOf(theta)
	for i := range y {
		y[i] = rng.NormFloat64() / math.Sqrt(drawGamma(rng, g.skew.nu/2)/(g.skew.nu/2))
	}
	g.skew.draw(rng, y)
	h := g.square
	for t, e := range y {
		y[t] = g.mean(h) + math.Sqrt(h)*e
		_, h = g.step(y[t], h)
	}
}

// TestEWMAGradient compares the gradient with differences, and the values with the log
// density.
func TestEWMAGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 8)) // of which no difference goes across the bound
	for trial := range 30 {
		s := ewmaSeries(uint64(trial), 60+40*(trial%4), ewmaTruth(-0.2, 0.93, -0.1, 4))
		if trial%5 == 4 {
			s.Returns[30] *= 400 // the variance after it is bounded
		}
		o := DefaultOptions()
		if trial%7 == 6 {
			o.PriorNu = "fixed(5)"
		}
		m, err := newEWMA(daysOf(s, o), o)
		if err != nil {
			t.Fatal(err)
		}
		q, grad, ignored := make([]float64, ewmaDim), make([]float64, ewmaDim), make([]float64, ewmaDim)
		m.Initialize(q)
		for i := range q {
			q[i] += 0.3 * rng.NormFloat64()
		}
		lp, err := m.LogDensity(q, grad)
		if err != nil {
			t.Fatal(err)
		}
		value := []float64{0}
		if err := m.Values([][]float64{q}, value); err != nil || value[0] != lp {
			t.Errorf("trial %d: value %v, log density %v (%v)", trial, value, lp, err)
		}
		for i := range q {
			const h = 1e-5
			at := func(d float64) float64 {
				x := append([]float64(nil), q...)
				x[i] += d
				lp, err := m.LogDensity(x, ignored)
				if err != nil {
					t.Fatal(err)
				}
				return lp
			}
			want := (8*(at(h)-at(-h)) - (at(2*h) - at(-2*h))) / (12 * h)
			if math.Abs(grad[i]-want) > 1e-5*(1+math.Abs(want)) {
				t.Errorf("trial %d: coordinate %d: %v, differences give %v", trial, i, grad[i], want)
			}
		}
	}
}

// TestEWMADensity compares the log density with the formula written out.
func TestEWMADensity(t *testing.T) {
	s := ewmaSeries(3, 200, ewmaTruth(0.3, 0.9, 0.1, 6))
	o := DefaultOptions()
	m, err := newEWMA(daysOf(s, o), o)
	if err != nil {
		t.Fatal(err)
	}
	value := func(shift float64) (lp, want float64) {
		q, theta := make([]float64, ewmaDim), make([]float64, ewmaParameters)
		m.Initialize(q)
		for i := range q {
			q[i] += shift * float64(i-2) / 10
		}
		lp, err := m.LogDensity(q, make([]float64, ewmaDim))
		if err != nil {
			t.Fatal(err)
		}
		m.Constrain(q, theta)
		sd := theta[ewmaSD]
		skew := newSkewT(theta[ewmaNu], theta[ewmaLambda])
		h := backcast(s.Returns)
		for _, r := range s.Returns {
			y := r - theta[ewmaMu] - theta[ewmaKappa]*(h/sd-sd)
			want += math.Log(skew.density(y/math.Sqrt(h))) - math.Log(h)/2
			h = min((1-theta[ewmaDecay])*y*y+theta[ewmaDecay]*h, hMax*sd*sd)
		}
		if math.Abs(math.Sqrt(h)-theta[ewmaNext]) > 1e-12 {
			t.Errorf("sd_next is %v, the recursion ends in %v", theta[ewmaNext], math.Sqrt(h))
		}
		prior, jacobian := m.LogPrior(theta)
		return lp, want + prior + jacobian
	}
	base, wantBase := value(0)
	for _, shift := range []float64{-1, 0.5, 1, 2} {
		lp, want := value(shift)
		if d := lp - base - (want - wantBase); math.Abs(d) > 1e-8*math.Abs(want) {
			t.Errorf("shift %v: log density differs by %v, the formula by %v", shift, lp-base, want-wantBase)
		}
	}
}

// TestEWMARecovers fits a simulated history over the surrogate: every parameter is within
// four posterior standard deviations of the truth, the transforms of the days are
// uniform, and a later day is as wide as the next.
func TestEWMARecovers(t *testing.T) {
	truth := ewmaTruth(-0.25, 0.975, -0.05, 8)
	s := ewmaSeries(12, 600, truth)
	o := DefaultOptions()
	o.Model, o.Replicates = "ewma_t", 100
	p, err := Fit(t.Context(), s, o, testStream(3), nil)
	if err != nil || p.Model != "ewma_t" || p.Method != Delayed || p.Verdict() == Unusable {
		t.Fatalf("%v, %v, %v, %v", p.Model, p.Method, p.Findings, err)
	}
	if len(p.Checks) > 0 {
		t.Errorf("%d posterior predictive checks of a model that has no histories", len(p.Checks))
	}
	for _, k := range []int{ewmaMu, ewmaNu, ewmaLambda, ewmaDecay, ewmaKappa} {
		x := p.Summary[k]
		want := truth[k]
		if k == ewmaKappa { // v is the mean square of this history
			want *= float64(p.Summary[ewmaSD].Mean) / truth[ewmaSD]
		}
		if z := (float64(x.Mean) - want) / float64(x.SD); math.Abs(z) > 4 {
			t.Errorf("%s is %v +- %v, the truth %v", x.Name, x.Mean, x.SD, want)
		}
	}
	m, err := p.Predictor(s)
	if err != nil {
		t.Fatal(err)
	}
	theta := p.Theta(p.Len() / 2)
	u := make([]float64, s.Len())
	m.PIT(theta, s.Returns, u)
	if far := farFromUniform(u); far > 1.95/math.Sqrt(float64(len(u))) {
		t.Errorf("the transforms of the days are %v from uniform", far)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	const paths = 40_000
	mean, square := [2]float64{}, [2]float64{}
	for range paths {
		r := make([]float64, 10)
		for i := range r {
			r[i] = rng.NormFloat64()
		}
		m.Path(theta, r, r)
		for k, x := range []float64{r[0], r[9]} {
			mean[k] += x / paths
			square[k] += x * x / paths
		}
	}
	for k := range mean {
		got, want := square[k]-mean[k]*mean[k], theta[ewmaNext]*theta[ewmaNext]
		if math.Abs(got/want-1) > 0.1 {
			t.Errorf("the variance of day %d is %v, that of the next %v", 1+9*k, got, want)
		}
	}
}
