package bayes

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/stat/distuv"

	"allocate/returns"
)

// builtIn are the families of this package; tests register others.
var builtIn = []Family{studentT, skewStudentT, hurdleT, hurdleSkewT, normalModel}

// Every family of prior in every model, with one memory and with two: the gradient
// against differences.
func TestGradientsOfEveryPrior(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	y := simulateT(rng, 203, 0.0005, 0.01, 4)
	y[7], y[100] = 0.31, -0.9 // far out
	flat := append(make([]float64, 300), y...)
	for _, family := range builtIn {
		for _, nu := range []Prior{"gamma(2, 0.1)", "exponential(0.03)", "fixed(5)"} {
			for _, sharpe := range []Prior{"normal(0.5, 1)", "student_t(4, 0, 0.7)"} {
				o := DefaultOptions()
				o.PriorNu, o.PriorSharpe, o.PriorLogSD, o.HalfLife = nu, sharpe, "student_t(3, 0.2, 0.5)", 150
				if sharpe == "normal(0.5, 1)" {
					o.HalfLifeMean = o.HalfLife
				}
				m, err := family.New(seriesOf(flat), o)
				if err != nil {
					t.Fatal(err)
				}
				if _, is := m.(*memories); is == (o.HalfLifeMean != 0) && !strings.HasPrefix(family.Name, "hurdle") {
					t.Errorf("%s with a half-life of %v in the mean is a %T", family.Name, o.HalfLifeMean, m)
				}
				for range 10 {
					q := make([]float64, m.Dim())
					m.(Initializer).Initialize(q)
					for i := range q {
						q[i] += 0.7 * rng.NormFloat64()
					}
					grad, scratch := make([]float64, len(q)), make([]float64, len(q))
					if _, err := m.LogDensity(q, grad); err != nil {
						t.Fatal(err)
					}
					want := fd.Gradient(nil, func(x []float64) float64 {
						lp, err := m.LogDensity(x, scratch)
						if err != nil {
							t.Fatal(err)
						}
						return lp
					}, q, &fd.Settings{Formula: fd.Central})
					for i := range grad {
						if math.Abs(grad[i]-want[i]) > 1e-5*(1+math.Abs(want[i])) {
							t.Fatalf("%s, %s, %s at %v: gradient %d is %v, by differences %v", family.Name, nu, sharpe, q, i, grad[i], want[i])
						}
					}
				}
			}
		}
	}
}

// A prior's draws have the distribution function of its density: the mean of
// F(draw) over 20,000 is 1/2 and its variance 1/12, to 4 standard errors.
func TestPriorDraws(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		text     Prior
		families []string
		cdf      func(float64) float64
	}{
		{"normal(0.5, 2)", locationFamilies, distuv.Normal{Mu: 0.5, Sigma: 2}.CDF},
		{"student_t(4, 0.1, 0.7)", locationFamilies, distuv.StudentsT{Mu: 0.1, Sigma: 0.7, Nu: 4}.CDF},
		{"gamma(2, 0.1)", tailFamilies, distuv.Gamma{Alpha: 2, Beta: 0.1}.CDF},
		{"gamma(0.4, 3)", tailFamilies, distuv.Gamma{Alpha: 0.4, Beta: 3}.CDF},
		{"exponential(0.03)", tailFamilies, distuv.Exponential{Rate: 0.03}.CDF},
	} {
		p, err := c.text.parse(c.families)
		if err != nil {
			t.Fatal(err)
		}
		const n = 20000
		var mean, square float64
		for range n {
			u := c.cdf(p.draw(rng)) - 0.5
			mean += u / n
			square += u * u / n
		}
		if math.Abs(mean) > 4*math.Sqrt(1./12/n) || math.Abs(square-1./12) > 4*math.Sqrt(1./180/n) {
			t.Errorf("%s: mean %v, variance %v of probabilities, want 0 and %v", c.text, mean, square, 1./12)
		}
	}
}

func TestBadPriors(t *testing.T) {
	o := DefaultOptions()
	o.PriorSharpe, o.PriorLogSD, o.PriorNu, o.HalfLife = "cauchy(0, 1)", "normal(0, -1)", "fixed(2)", -1
	err := o.Validate()
	for _, want := range []string{"bayes.prior_sharpe: is \"cauchy(0, 1)\"; expected normal(location, scale) or student_t", "bayes.prior_log_sd", "scale must be above 0", "bayes.prior_nu", "above 2", "bayes.half_life"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	for _, bad := range []Prior{"", "normal", "normal(0)", "normal(0, 1, 2)", "normal(a, 1)", "normal(0, 1", "normal(NaN, 1)", "normal(0, 1e9)"} {
		o := DefaultOptions()
		o.PriorSharpe = bad
		if o.Validate() == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

// The normal model against its conjugate limit: with 2,520 days and wide
// priors, mean and sd of mu are those of the sample to 4 Monte Carlo errors
// and the 1% that the prior of the Sharpe ratio may matter.
func TestNormalModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	y := make([]float64, 2520)
	for i := range y {
		y[i] = 0.0005 + 0.01*rng.NormFloat64()
	}
	o := DefaultOptions()
	o.Model, o.PriorSharpe, o.PriorLogSD = "normal", "normal(0, 100)", "normal(0, 10)"
	s := seriesOf(y)
	p, err := Fit(context.Background(), s, o, testStream(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	mean, sd := s.Moments()
	mu := p.Summary[0]
	if math.Abs(float64(mu.Mean)-mean) > 4*float64(mu.MCSEMean) {
		t.Errorf("mu %v, sample %v", mu.Mean, mean)
	}
	if want := sd / math.Sqrt(2520); math.Abs(float64(mu.SD)/want-1) > 0.01+4*float64(mu.MCSESD/mu.SD) {
		t.Errorf("sd of mu %v, want %v", mu.SD, want)
	}
	if p.Verdict() != OK {
		t.Errorf("verdict %s: %v", p.Verdict(), p.Findings)
	}
}

// sigma is not sd: with nu fixed at 3 they differ by sqrt(3), in every draw.
func TestSigmaIsNotSD(t *testing.T) {
	o := DefaultOptions()
	o.PriorNu = "fixed(3)"
	p, err := Fit(context.Background(), seriesOf(benchmarkReturns(500)), o, testStream(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	sigma, nu, sd := p.Index("sigma"), p.Index("nu"), p.Index("sd")
	for i := range p.Len() {
		theta := p.Theta(i)
		if math.Abs(theta[sd]/theta[sigma]-math.Sqrt(3)) > 1e-12 || math.Abs(theta[nu]-3) > 1e-12 {
			t.Fatalf("draw %d: %v", i, theta)
		}
	}
	if p.Verdict() != OK { // a parameter that its prior fixes has no R-hat, which is no fault
		t.Errorf("verdict %s: %v", p.Verdict(), p.Findings)
	}
}

// A day of weight 2 is the same day twice; a half-life forgets what is old.
func TestWeights(t *testing.T) {
	y := benchmarkReturns(300)
	two, w := append(append([]float64(nil), y...), y...), make([]float64, len(y))
	for i := range w {
		w[i] = 2
	}
	for _, family := range []string{"student_t", "skew_t", "normal"} {
		build := func(d days) Model {
			var m Model
			var err error
			switch family {
			case "normal":
				m, err = newNormal(d, DefaultOptions())
			case "skew_t":
				m, err = newSkewStudentT(d, DefaultOptions())
			default:
				m, err = newStudentT(d, DefaultOptions())
			}
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		a, b := build(newDays(y, w)), build(newDays(two, nil))
		ga, gb := make([]float64, a.Dim()), make([]float64, a.Dim())
		q := []float64{0.3, -4.8, 1.2, -0.3}[:a.Dim()]
		la, _ := a.LogDensity(q, ga)
		lb, _ := b.LogDensity(q, gb)
		if math.Abs(la-lb) > 1e-9 || math.Abs(ga[1]-gb[1]) > 1e-9 {
			t.Errorf("%s: log density %v with weights 2, %v with the days twice", family, la, lb)
		}
	}
	changed := append(simulateT(rand.New(rand.NewPCG(8, 8)), 1500, 0, 0.03, 5), simulateT(rand.New(rand.NewPCG(9, 9)), 300, 0, 0.01, 5)...)
	o := DefaultOptions()
	o.HalfLife, o.Replicates = 50, 0
	p, err := Fit(context.Background(), seriesOf(changed), o, testStream(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if sigma := p.Summary[p.Index("sigma")]; !(sigma.Q5 < 0.01 && 0.01 < sigma.Q95) {
		t.Errorf("after the change sigma is 0.01; the posterior says %v to %v", sigma.Q5, sigma.Q95)
	}
}

// The plain Student-t collapses onto the zeros of a strategy that is flat on
// half of its days; the hurdle does not.
func TestFlatDays(t *testing.T) {
	y := benchmarkReturns(1000)
	for i := range y {
		if i%2 == 0 || i%5 == 0 {
			y[i] = 0
		}
	}
	o := DefaultOptions()
	p, err := Fit(context.Background(), seriesOf(y), o, testStream(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Model != hurdleT.Name || p.Verdict() != OK {
		t.Errorf("model %s, verdict %s: %v", p.Model, p.Verdict(), p.Findings)
	}
	if sigma := p.Summary[p.Index("sigma")]; !(sigma.Q5 < 0.009 && 0.009 < sigma.Q95) {
		t.Errorf("sigma of the days traded is 0.009; the posterior says %v to %v", sigma.Q5, sigma.Q95)
	}
	if trade := p.Summary[p.Index("p_trade")]; math.Abs(float64(trade.Mean)-0.4) > 0.03 {
		t.Errorf("trades on %v of days", trade.Mean)
	}
	o.Model = plainT.Name
	plain, err := Fit(context.Background(), seriesOf(y), o, testStream(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if plain.Len() > 0 && plain.Summary[1].Median > 0.003 {
		t.Errorf("sigma of the plain model is %v: it did not collapse, and the hurdle is not needed", plain.Summary[1].Median)
	}
}

// A strategy that has hardly traded has losses too rare for a tail to be judged;
// that is no tail without a mean, and what is said of it can be written down.
func TestRarelyTraded(t *testing.T) {
	y := benchmarkReturns(1500)
	for i := range y {
		if i%120 != 7 {
			y[i] = 0
		}
	}
	p, err := Fit(context.Background(), seriesOf(y), DefaultOptions(), testStream(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range p.Findings {
		if f.Code == "bayes.pareto_k" && f.Severity == returns.Fail {
			t.Errorf("%s", f.Sentence)
		}
	}
	if _, err := p.Table(); err != nil {
		t.Error(err)
	}
}

// Posterior predictive checks of returns that cluster find the clustering and
// nothing else; of returns that the model made, nothing.
func TestChecks(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	independent, clustered := make([]float64, 2000), make([]float64, 2000)
	v := 0.0
	for i := range clustered {
		v = 0.98*v + 0.1*rng.NormFloat64()
		independent[i] = 0.01 * rng.NormFloat64() / math.Sqrt(drawGamma(rng, 2.5)/2.5)
		clustered[i] = 0.01 * math.Exp(v) * rng.NormFloat64()
	}
	for name, c := range map[string]struct {
		y    []float64
		want bool
	}{"independent": {independent, false}, "clustered": {clustered, true}} {
		p, err := Fit(context.Background(), seriesOf(c.y), DefaultOptions(), testStream(1), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Checks) != len(statistics) {
			t.Fatalf("%d checks", len(p.Checks))
		}
		found := false
		for _, f := range p.Findings {
			switch f.Code {
			case "bayes.check_abs_autocorrelation":
				found = true
			case "bayes.check_zeros", "bayes.check_q01", "bayes.check_q99":
				t.Errorf("%s: %s", name, f.Sentence)
			}
		}
		if found != c.want {
			t.Errorf("%s: clustering found %v: %v", name, found, p.Checks)
		}
	}
}

// The prior in words: an annual Sharpe whose 5% and 95% quantiles are 0.7 times
// those of a Student-t with 3 degrees of freedom, 2.353 (tables), to 4 standard
// errors of 2,000 draws, 0.3; years that gain or lose about what such a Sharpe
// and sd make.
func TestPriorPredictive(t *testing.T) {
	for i, family := range builtIn {
		if testing.Short() && i%2 == 1 {
			continue
		}
		y := append(benchmarkReturns(500), 0, 0, 0)
		m, err := family.New(seriesOf(y), DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		q, err := PriorPredictive(m, family.Predictor(nil), returns.Daily, 252, 2000, rand.NewPCG(1, 1))
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := PriorPredictive(m, family.Predictor(nil), returns.Daily, 252, 2000, rand.NewPCG(1, 1)); again[0] != q[0] {
			t.Error("the same seed gives another summary")
		}
		for _, v := range q {
			switch {
			case v.Name == "sharpe" && !strings.HasPrefix(family.Name, "hurdle"):
				if math.Abs(float64(v.Q5)+0.7*2.353) > 0.3 || math.Abs(float64(v.Q95)-0.7*2.353) > 0.3 {
					t.Errorf("%s: sharpe %v to %v", family.Name, v.Q5, v.Q95)
				}
			case v.Name == "year_return":
				if !(v.Q5 < -0.05 && v.Q95 > 0.05 && v.Q5 >= -1) {
					t.Errorf("%s: year %v to %v", family.Name, v.Q5, v.Q95)
				}
			case v.Name == "zeros" && strings.HasPrefix(family.Name, "hurdle"):
				if math.Abs(float64(v.Mean)-0.5) > 0.03 {
					t.Errorf("share of zeros %v under a uniform prior", v.Mean)
				}
			}
		}
	}
	if _, err := PriorPredictive(nil, normalPredictor{}, returns.Daily, 252, 100, rand.NewPCG(1, 1)); err == nil {
		t.Error("no model, no error")
	}
}

// What a predictive tail says: at nu = 20 the mean of losses exists with room,
// at nu = 1.1 hardly.
func TestLossTail(t *testing.T) {
	y := benchmarkReturns(200)
	m, err := newStudentT(newDays(y, nil), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		nu   float64
		code bool
	}{{20, false}, {1.1, true}} {
		p := &Posterior{Names: m.Names(), Chains: 4, Draws: 1000}
		for range p.Len() {
			p.Values = append(p.Values, 0, 0.01, c.nu, 0.01, 0)
		}
		o := DefaultOptions()
		o.Replicates = 0
		p.predict(studentTPredictor{}, y, o, testStream(1))
		found := false
		for _, f := range p.Findings {
			found = found || f.Code == "bayes.pareto_k"
		}
		if found != c.code {
			t.Errorf("nu %v: Pareto k %v, reported %v", c.nu, p.LossTail, found)
		}
	}
}

// Selection against sorting, with ties.
func TestMedian(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for range 500 {
		x := make([]float64, 1+rng.IntN(40))
		for i := range x {
			x[i] = float64(rng.IntN(15))
		}
		want := returns.Median(x)
		if got := median(x); got != want {
			t.Fatalf("median of %v is %v, want %v", x, got, want)
		}
	}
}
