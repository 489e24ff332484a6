package bayes

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"allocate/returns"
)

// changed is a history whose volatility fell to a third and whose mean changed its
// sign a year ago.
func changed() []float64 {
	return append(simulateT(rand.New(rand.NewPCG(8, 8)), 2000, 0.0015, 0.03, 6), simulateT(rand.New(rand.NewPCG(9, 9)), 250, -0.001, 0.01, 6)...)
}

// With a half-life in scale and shape the mean is that of a fit without one, and sd
// and shape are those of a fit with one, to 4 Monte Carlo standard errors, and the
// Sharpe ratio is that of the two.
func TestTwoHalfLives(t *testing.T) {
	y := changed()
	fit := func(model string, y []float64, halfLife, ofMean float64) *Posterior {
		o := DefaultOptions()
		o.Model, o.HalfLife, o.HalfLifeMean, o.Replicates = model, halfLife, ofMean, 0
		p, err := Fit(context.Background(), seriesOf(y), o, testStream(1), nil)
		if err != nil || p.Divergences() > 0 || p.Sampler.Attempts > 1 || slices.ContainsFunc(p.Findings, func(f returns.Finding) bool { return strings.Contains(f.Code, "ess") }) {
			t.Fatalf("%s, half-lives %v and %v: %v, %v", model, halfLife, ofMean, err, p.Findings)
		}
		return p
	}
	flat := slices.Clone(y)
	for i := range flat {
		if i%3 == 0 {
			flat[i] = 0
		}
	}
	for model, y := range map[string][]float64{"normal": y, "student_t": y, "skew_t": y, "hurdle_student_t": flat, "hurdle_skew_t": flat} {
		if testing.Short() && model != "normal" && model != "hurdle_student_t" {
			continue
		}
		long, short, both := fit(model, y, 0, 0), fit(model, y, 60, 60), fit(model, y, 60, 0)
		for k, s := range both.Summary {
			of := short
			switch {
			case s.Name == "mu":
				of = long
			case s.Name == "sharpe" || s.Name == "sd" && strings.HasPrefix(model, "hurdle"):
				continue // of both
			}
			want := of.Summary[k]
			z := float64(s.Mean-want.Mean) / math.Hypot(float64(s.MCSEMean), float64(want.MCSEMean))
			if math.Abs(z) > 4 || math.Abs(float64(s.SD/want.SD)-1) > 0.15 {
				t.Errorf("%s: %s is %v +- %v, alone %v +- %v", model, s.Name, s.Mean, s.SD, want.Mean, want.SD)
			}
		}
		if mu := both.Index("mu"); !(both.Summary[mu].Mean > 0.0002 && short.Summary[mu].Mean < 0.0001) {
			t.Errorf("%s: the mean is %v with the whole history, %v with a half-life of 60", model, both.Summary[mu].Mean, short.Summary[mu].Mean)
		}
		sharpe, last := both.Index("sharpe"), both.Index("sd")
		theta := both.Theta(7)
		predictor, err := both.Predictor(seriesOf(y))
		if err != nil {
			t.Fatal(err)
		}
		if want := predictor.Mean(theta) / theta[last] * rootYear; math.Abs(theta[sharpe]-want) > 1e-12*math.Abs(want) {
			t.Errorf("%s: Sharpe ratio %v, of mean and sd %v", model, theta[sharpe], want)
		}
	}
}

// The density of the normal model with two memories from its definition, day by day,
// equal up to one constant; the coordinates are sqrt(P) mu'/sd, ln sd, sqrt(P) mu/sd'
// and ln sd'.
func TestTwoMemoriesFollowTheDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(71, 72))
	y := simulateT(rng, 60, 0.002, 0.01, 5)
	o := DefaultOptions()
	o.PriorSharpe, o.PriorLogSD, o.HalfLife, o.HalfLifeMean = "normal(0.3, 0.6)", "normal(0.1, 0.8)", 20, 45
	m, err := normalModel.New(seriesOf(y), o)
	if err != nil {
		t.Fatal(err)
	}
	robust := math.Log(robustSD(y))
	gauss := func(x, mean, sd float64) float64 { return -math.Pow((x-mean)/sd, 2)/2 - math.Log(sd) }
	constant := math.NaN()
	for range 50 {
		q := []float64{2 * rng.NormFloat64(), math.Log(0.01) + 0.3*rng.NormFloat64(), 2 * rng.NormFloat64(), math.Log(0.01) + 0.3*rng.NormFloat64()}
		sd, other := math.Exp(q[1]), math.Exp(q[3])
		nuisance, mu := q[0]*sd/rootYear, q[2]*other/rootYear
		want := gauss(q[0], 0.3, 0.6) + gauss(q[1], robust+0.1, 0.8)
		want += gauss(q[2], 0.3, 0.6) + gauss(q[3], robust+0.1, 0.8)
		for i, v := range y {
			age := float64(len(y) - 1 - i)
			want += math.Exp2(-age/20)*gauss(v, nuisance, sd) + math.Exp2(-age/45)*gauss(v, mu, other)
		}
		lp, err := m.LogDensity(q, make([]float64, 4))
		if err != nil {
			t.Fatal(err)
		}
		if math.IsNaN(constant) {
			constant = lp - want
		}
		if math.Abs(lp-want-constant) > 1e-9*(1+math.Abs(want)) {
			t.Errorf("at %v: log density differs by %v, elsewhere by %v", q, lp-want, constant)
		}
		theta := make([]float64, 3)
		m.Constrain(q, theta)
		if math.Abs(theta[0]-mu) > 1e-15 || math.Abs(theta[1]-sd) > 1e-15 || math.Abs(theta[2]-rootYear*mu/sd) > 1e-12 {
			t.Errorf("parameters %v, want %v, %v", theta, mu, sd)
		}
	}
}

// A draw of the prior has a mean and a nuisance of its own for either memory.
func TestMemoriesPrior(t *testing.T) {
	o := DefaultOptions()
	o.HalfLife = 100
	m, err := skewStudentT.New(seriesOf(benchmarkReturns(300)), o)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(73, 74))
	q, before := make([]float64, m.Dim()), make([]float64, m.Dim())
	for range 3 {
		copy(before, q)
		m.(PriorSampler).SamplePrior(rng, q)
		for i := range q {
			if q[i] == before[i] || i > 0 && q[i] == q[i-1] {
				t.Errorf("coordinate %d of a draw is %v, as before", i, q[i])
			}
		}
	}
}
