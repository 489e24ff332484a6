package scenarios

import (
	"math"
	"math/rand/v2"
	"sort"
	"testing"

	"gonum.org/v1/gonum/stat"

	"allocate/bayes"
)

// equalWeightCVaR is the CVaR at 95% of the equal-weight portfolio.
func equalWeightCVaR(s *Set) float64 {
	c, _ := tailMean(equalWeightLoss(s), s.Prob, 0.95)
	return c
}

// The truth: ten strategies of a t copula with nu 3 and rho 0.5 whose means
// are known only as well as 500 days tell them, all errors made on the same
// days. Its CVaR is found by simulating means and days from scratch. Ours must
// cover it; independent days, and days of a Gaussian copula with draws paired
// at random, must fall short of it and of ours.
func TestUnderstatedRisk(t *testing.T) {
	const n, days, h, nu, rho = 10, 2500, 63, 3.0, 0.5
	if testing.Short() {
		t.Skip("fewer scenarios do not tell the cases apart")
	}
	const count = 10000
	s := simulated(t, n, days, nu, rho)
	// Widen the posteriors of the means to what 500 days would leave.
	const mean, e = 0.0003, 0.0006
	rng := rand.New(rand.NewPCG(9, 9))
	for j := range s {
		p := s[j].Posterior
		for i := range p.Len() {
			theta := p.Theta(i)
			theta[0], theta[1], theta[2] = mean+e*rng.NormFloat64(), 0.01, 5
		}
	}
	// Truth, from the definition: not from this package's generator.
	m, five := mapFor(nu), mapFor(5)
	loss := make([]float64, 2*count)
	mu, wealth := make([]float64, n), make([]float64, n)
	for i := range loss {
		common := rng.NormFloat64()
		for j := range mu {
			mu[j], wealth[j] = mean+e*(math.Sqrt(rho)*common+math.Sqrt(1-rho)*rng.NormFloat64()), 1
		}
		for range h {
			f, g := rng.NormFloat64(), math.Sqrt(nu/chiSquare(rng, nu))
			for j := range wealth {
				z := m.normal(g * (math.Sqrt(rho)*f + math.Sqrt(1-rho)*rng.NormFloat64()))
				wealth[j] *= 1 + max(-1, mu[j]+0.01*five.student(z))
			}
		}
		for _, w := range wealth {
			loss[i] -= (w - 1) / n
		}
	}
	truth, se := tailMean(loss, nil, 0.95)

	run := func(kind string, random bool) float64 {
		o := options(h, count)
		o.Dependence = kind
		set, _, err := generateWith(t.Context(), 0, s, o, stream(5), 2, nil, design{lattice: true, randomPairs: random})
		if err != nil {
			t.Fatal(err)
		}
		return equalWeightCVaR(set)
	}
	ours, gaussian := run(TCopula, false), run(Gaussian, false)
	random, independent := run(TCopula, true), run(Independent, false)
	t.Logf("CVaR: truth %.4f +- %.4f, t copula %.4f, gaussian %.4f, random pairing %.4f, independent %.4f", truth, se, ours, gaussian, random, independent)
	// Both are simulated (standard error se and about 1.4 se); rho is estimated
	// from 2,500 days to 0.02, which moves CVaR by about 1.5%.
	if math.Abs(ours-truth) > 3*math.Hypot(1.7*se, 0.015*truth) {
		t.Errorf("ours is %.4f, truth %.4f", ours, truth)
	}
	if random > 0.95*truth || random > ours-3*se {
		t.Errorf("random pairing gives %.4f, truth %.4f: not understated", random, truth)
	}
	if independent > 0.6*truth {
		t.Errorf("independence gives %.4f, truth %.4f: not understated", independent, truth)
	}
}

func TestTailMean(t *testing.T) {
	loss := []float64{5, 1, 4, 2, 3}
	for _, c := range []struct {
		prob        []float64
		alpha, want float64
	}{
		{nil, 0.8, 5},
		{nil, 0.6, 4.5},
		{nil, 0.7, (0.2*5 + 0.1*4) / 0.3},
		{[]float64{0.1, 0.3, 0.1, 0.3, 0.2}, 0.8, 4.5},
	} {
		if got, _ := tailMean(loss, c.prob, c.alpha); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%v, %v: %v, want %v", c.prob, c.alpha, got, c.want)
		}
	}
	// The standard error is that over repetitions, within 20% for 200 of them.
	rng := rand.New(rand.NewPCG(4, 4))
	var got []float64
	mean := 0.0
	for range 200 {
		x := make([]float64, 2000)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		c, se := tailMean(x, nil, 0.95)
		got, mean = append(got, c), mean+se/200
	}
	if sd := stat.StdDev(got, nil); math.Abs(mean/sd-1) > 0.2 {
		t.Errorf("standard error %.4f, over repetitions %.4f", mean, sd)
	}
}

// A loss whose mean does not exist is called that.
func TestInfiniteMeanHoldsRun(t *testing.T) {
	s := &Set{Names: []string{"a"}, Horizon: 1}
	rng := rand.New(rand.NewPCG(8, 5))
	for range 5000 {
		s.Returns = append(s.Returns, -math.Pow(rng.Float64(), -1.5)/1e6)
	}
	sort.Float64s(s.Returns)
	codes := map[string]bool{}
	for _, f := range checkPortfolio(s) {
		codes[f.Code+" "+f.Severity.String()] = true
	}
	if !codes["scenarios.pareto_k hold"] {
		t.Errorf("findings %v", codes)
	}
}

// The tabulated predictive distribution against the average it stands for.
func TestPredictiveTable(t *testing.T) {
	s := simulated(t, 1, 2520, 5, 0)[0]
	m := s.Predictor.(bayes.Exchangeable)
	f, err := newPredictive(s, m)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.Series.Returns {
		if got, want := f.at(r), s.predicted(m, r); math.Abs(got-want) > 2e-4 {
			t.Errorf("P(R < %v) is %v, want %v", r, got, want)
		}
	}
}

// Days of the model fit; days of twice the scale do not.
func TestFits(t *testing.T) {
	s := simulated(t, 1, 2520, 5, 0)[0]
	found, err := s.fits()
	if err != nil || len(found) != 0 {
		t.Errorf("findings %v, %v", found, err)
	}
	wild := append([]float64(nil), s.Series.Returns...)
	for i := range wild {
		wild[i] *= 2
	}
	c, err := s.Holdout(followed(s.Series, wild...), stream(5)("cone"))
	if err != nil || len(c.Findings) != 2 {
		t.Errorf("findings %v, %v", c, err)
	}
	if c.Days != 2520 || c.Below1 < 100 || c.Below5 < c.Below1 || c.Above5 < c.Above1 || c.Above1 < 100 {
		t.Errorf("coverage %+v of days of twice the scale", c)
	}
}
