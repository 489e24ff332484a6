package bayes

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"allocate/returns"
)

// gjrSeries simulates a series of the model.
func gjrSeries(seed uint64, n int, theta []float64) *returns.Series {
	y := make([]float64, n)
	newGJRPredictor(nil).Replicate(theta, rand.New(rand.NewPCG(seed, 9)), y)
	return seriesOf(y)
}

// gjrTruth is a set of parameters as daily returns have them.
func gjrTruth(lambda, gains, losses, p, kappa, nu float64) []float64 {
	return []float64{gjrMu: 0.0004, gjrSD: 0.012, gjrNu: nu, gjrLambda: lambda, gjrGains: gains, gjrLosses: losses, gjrP: p, gjrKappa: kappa, gjrSharpe: 0.0004 / 0.012 * math.Sqrt(252), gjrNext: 0, gjrRMS: 0.012}
}

// TestGJRGradient compares the adjoint gradient with differences, at many points
// and over histories with and without the bound on the variance.
func TestGJRGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for trial := range 40 {
		n := 60 + 40*(trial%4)
		s := gjrSeries(uint64(trial), n, gjrTruth(-0.2, 0.02, 0.15, 0.95, -0.1, 4))
		if trial%5 == 4 {
			s.Returns[n/2] *= 400 // the variance after it is bounded
		}
		o := DefaultOptions()
		if trial%7 == 6 {
			o.PriorNu = "fixed(5)"
		}
		m, err := newGJR(daysOf(s, o), o)
		if err != nil {
			t.Fatal(err)
		}
		q, grad, ignored := make([]float64, gjrDim), make([]float64, gjrDim), make([]float64, gjrDim)
		m.Initialize(q)
		for i := range q {
			q[i] += 0.3 * rng.NormFloat64()
		}
		if _, err := m.LogDensity(q, grad); err != nil {
			continue // outside the support
		}
		for i := range q {
			h := 1e-5
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
				t.Errorf("trial %d: coordinate %d: %v, differences give %v (q %v)", trial, i, grad[i], want, q)
			}
		}
	}
}

// TestGJRDensity compares the log density with the formula written out: the
// densities of the days and of the priors.
func TestGJRDensity(t *testing.T) {
	s := gjrSeries(3, 200, gjrTruth(0.3, 0.1, 0.02, 0.9, 0.1, 6))
	o := DefaultOptions()
	m, err := newGJR(daysOf(s, o), o)
	if err != nil {
		t.Fatal(err)
	}
	value := func(shift float64) (lp, want float64) {
		q, theta := make([]float64, gjrDim), make([]float64, len(m.Names()))
		m.Initialize(q)
		for i := range q {
			q[i] += shift * float64(i-3) / 10
		}
		lp, err := m.LogDensity(q, make([]float64, gjrDim))
		if err != nil {
			t.Fatal(err)
		}
		m.Constrain(q, theta)
		g := garchOf(theta)
		h := m.first * m.rms * m.rms
		for _, r := range s.Returns {
			y, next := g.step(r, h)
			want += math.Log(g.skew.density(y/math.Sqrt(h))) - math.Log(h)/2
			h = next
		}
		if math.Abs(math.Sqrt(h)-theta[gjrNext]) > 1e-12 {
			t.Errorf("sd_next is %v, the recursion ends in %v", theta[gjrNext], math.Sqrt(h))
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

// TestGJRLongRun expects of long histories the standard deviation sd and the mean
// mu + kappa (sd^2 - rms^2)/rms, whatever skew, asymmetry and the variance in the mean.
func TestGJRLongRun(t *testing.T) {
	for _, theta := range [][]float64{
		gjrTruth(0, 0.05, 0.05, 0.9, 0, 8),
		gjrTruth(-0.4, 0.01, 0.16, 0.9, -0.15, 8),
		gjrTruth(0.5, 0.15, 0.02, 0.85, 0.2, 10),
	} {
		theta[gjrRMS] = 0.009
		const n, histories = 40_000, 50
		want := theta[gjrMu] + theta[gjrKappa]*(0.012*0.012-0.009*0.009)/0.009
		y := make([]float64, n)
		rng := rand.New(rand.NewPCG(1, 1))
		var means, squares []float64
		for range histories {
			newGJRPredictor(nil).Replicate(theta, rng, y)
			mean, square := 0.0, 0.0
			for _, r := range y {
				mean += r / n
				square += (r - want) * (r - want) / n
			}
			means, squares = append(means, mean), append(squares, square)
		}
		check := func(what string, x []float64, want float64) {
			mean, se := meanSE(x)
			if math.Abs(mean-want) > 4*se {
				t.Errorf("%v: %s %v +- %v, want %v", theta, what, mean, se, want)
			}
		}
		check("mean", means, want)
		// The variance of r is that of y, E h = sd^2, and of kappa h.
		if theta[gjrKappa] == 0 {
			check("variance", squares, theta[gjrSD]*theta[gjrSD])
		}
	}
}

func meanSE(x []float64) (mean, se float64) {
	n := float64(len(x))
	for _, v := range x {
		mean += v / n
	}
	for _, v := range x {
		se += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(se / (n - 1) / n)
}

// TestGJRRecovers fits a simulated history: every parameter is within four posterior
// standard deviations of the truth, the transforms of the days are uniform, and
// tomorrow's distribution starts from the last day's variance.
func TestGJRRecovers(t *testing.T) {
	truth := gjrTruth(-0.25, 0.03, 0.17, 0.96, -0.05, 6)
	s := gjrSeries(11, 2520, truth)
	o := DefaultOptions()
	o.Model, o.Draws, o.Replicates = "gjr_t", 400, 20
	p, err := Fit(t.Context(), s, o, testStream(3), nil)
	if err != nil || p.Model != "gjr_t" || p.Verdict() == Unusable {
		t.Fatalf("%v, %v, %v", p.Model, p.Findings, err)
	}
	for k, x := range p.Summary {
		if k == gjrNext || k == gjrRMS { // of this history
			continue
		}
		if z := (float64(x.Mean) - truth[k]) / float64(x.SD); math.Abs(z) > 4 {
			t.Errorf("%s is %v +- %v, the truth %v", x.Name, x.Mean, x.SD, truth[k])
		}
	}
	accept := 0.0
	for _, a := range p.Sampler.Accept {
		accept += a / float64(p.Len())
	}
	if accept < 0.86 { // the family asks for 0.9, the options for 0.8
		t.Errorf("mean acceptance statistic %v", accept)
	}
	m := newGJRPredictor(s)
	theta := p.Theta(p.Len() / 2)
	u := make([]float64, s.Len())
	m.PIT(theta, s.Returns, u)
	if far := farFromUniform(u); far > 1.95/math.Sqrt(float64(len(u))) {
		t.Errorf("the transforms of the days are %v from uniform", far)
	}
	// Quantiles of tomorrow, from innovations of one standard deviation on either side.
	low, high := []float64{-1}, []float64{1}
	m.Path(theta, low, low)
	m.Path(theta, high, high)
	last, stormy := *s, *s
	stormy.Returns = slices.Clone(s.Returns)
	stormy.Returns[len(stormy.Returns)-1] = -0.15
	a, b := []float64{-1}, []float64{1}
	newGJRPredictor(&stormy).Path(theta, a, a)
	newGJRPredictor(&stormy).Path(theta, b, b)
	if width, after := high[0]-low[0], b[0]-a[0]; !(width > 0) || after < 1.5*width {
		t.Errorf("tomorrow is %v wide, and %v after a loss of 15%% on %v", width, after, last.Dates)
	}
}

// farFromUniform is the statistic of Kolmogorov and Smirnov, and reorders u.
func farFromUniform(u []float64) (far float64) {
	slices.Sort(u)
	for i, v := range u {
		far = max(far, math.Abs(v-(float64(i)+0.5)/float64(len(u))))
	}
	return far
}

// TestGJRPathsKeepWithinBounds draws the fattest tails and the longest memory that a
// posterior has: no path explodes.
func TestGJRPathsKeepWithinBounds(t *testing.T) {
	theta := gjrTruth(-0.3, 0.2, 0.5, 0.999, -0.2, 2.3)
	theta[gjrSD] = 0.06 // as of a coin
	m := newGJRPredictor(gjrSeries(1, 900, theta))
	rng := rand.New(rand.NewPCG(2, 2))
	r := make([]float64, 21)
	worst := 0.0
	for range 20_000 {
		for i := range r {
			r[i] = rng.NormFloat64()
		}
		m.Path(theta, r, r)
		wealth := 1.0
		for _, x := range r {
			if x < -1 || math.IsNaN(x) {
				t.Fatalf("a return of %v", x)
			}
			wealth *= 1 + x
		}
		worst = max(worst, wealth)
	}
	if worst > 1e9 {
		t.Errorf("a path multiplies the capital by %v in 21 days", worst)
	}
	t.Logf("largest of 20,000 21-day returns: %.4g", worst-1)
}

// TestGJRRefuses says what gjr_t is not for, and takes the hurdle for a strategy that
// is flat on many days.
func TestGJRRefuses(t *testing.T) {
	o := DefaultOptions()
	o.Model = "gjr_t"
	short := gjrSeries(1, garchFewest-1, gjrTruth(0, 0.05, 0.05, 0.9, 0, 5))
	if _, err := newGJR(daysOf(short, o), o); err == nil || !strings.Contains(err.Error(), "student_t") {
		t.Errorf("a short history: %v", err)
	}
	flat := gjrSeries(1, 500, gjrTruth(0, 0.05, 0.05, 0.9, 0, 5))
	for i := range flat.Returns {
		if i%4 > 0 {
			flat.Returns[i] = 0
		}
	}
	if f, err := Choose(flat, o); err != nil || f.Name != "hurdle_gjr_t" {
		t.Errorf("a flat strategy has %v, %v", f.Name, err)
	}
	if f, err := Choose(short, o); err != nil || f.Name != "gjr_t" {
		t.Errorf("another has %v, %v", f.Name, err)
	}
}

var updateStan = flag.Bool("update-stan", false, "write the series of testdata/reference/stan/gjr_t.R")

// stanSeries are simulated: an ordinary history; a trend follower, whose volatility
// rises with gains; tails of nu near 2; a variance that hardly reverts; and a short
// history without clustering, which leaves persistence to its prior.
func stanSeries() []*returns.Series {
	return []*returns.Series{
		gjrSeries(11, 1000, gjrTruth(-0.25, 0.03, 0.17, 0.96, -0.05, 6)),
		gjrSeries(12, 750, gjrTruth(0.2, 0.15, 0.03, 0.93, 0.1, 8)),
		gjrSeries(13, 900, gjrTruth(0.1, 0.1, 0.1, 0.95, 0, 2.6)),
		gjrSeries(14, 1000, gjrTruth(-0.1, 0.02, 0.08, 0.995, 0.05, 10)),
		gjrSeries(15, 250, gjrTruth(0, 0.005, 0.005, 0.9, 0, 5)),
	}
}

// TestGJRAgreesWithStan compares with the posteriors that Stan has of the same series:
// means and standard deviations to within four standard errors of Monte Carlo, those of ln
// sd in place of sd: where the variance hardly reverts, sd has a kurtosis of 20, of which
// some thousand draws do not know the error.
// testdata/reference/stan/gjr_t.R has the provenance.
func TestGJRAgreesWithStan(t *testing.T) {
	for k, s := range stanSeries() {
		t.Run(fmt.Sprint(k+1), func(t *testing.T) {
			if testing.Short() && k > 0 {
				t.Skip("one posterior in -short")
			}
			file := fmt.Sprintf("../testdata/reference/stan/gjr_t_%d", k+1)
			o := DefaultOptions()
			if *updateStan {
				writeStan(t, file+".csv", s, o)
			}
			b, err := os.ReadFile(file + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var want []struct {
				Name          string
				Mean, SD, ESS float64
			}
			if err := json.Unmarshal(b, &want); err != nil {
				t.Fatal(err)
			}
			o.Model, o.Replicates, o.Draws = "gjr_t", 0, 4000
			p, err := Fit(t.Context(), s, o, testStream(5), nil)
			if err != nil || p.Verdict() == Unusable || len(want) != gjrRMS {
				t.Fatalf("%v, %v, %d parameters, want %d", err, p.Findings, len(p.Summary), len(want))
			}
			for i := range p.Len() {
				p.Values[i*len(p.Names)+gjrSD] = math.Log(p.Values[i*len(p.Names)+gjrSD])
			}
			p.Summary = nil
			p.summarize()
			p.Summary[gjrSD].Name = "log_sd"
			for k, x := range p.Summary[:gjrRMS] {
				w := want[k]
				more := math.Sqrt(1 + float64(x.ESSBulk)/w.ESS) // of Stan's draws
				if z := (float64(x.Mean) - w.Mean) / (float64(x.MCSEMean) * more); x.Name != w.Name || math.Abs(z) > 4 {
					t.Errorf("%s: mean %v; Stan has %v of %s, %.1f standard errors off", x.Name, x.Mean, w.Mean, w.Name, z)
				}
				if z := (float64(x.SD) - w.SD) / (float64(x.MCSESD) * more); math.Abs(z) > 4 {
					t.Errorf("%s: standard deviation %v; Stan has %v, %.1f standard errors off", x.Name, x.SD, w.SD, z)
				}
			}
		})
	}
}

// writeStan writes a series for gjr_t.R: in its first line the unit, the robust
// standard deviation and the first variance.
func writeStan(t *testing.T, file string, s *returns.Series, o Options) {
	t.Helper()
	m, err := newGJR(daysOf(s, o), o)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("# %v,%v,%v\n", m.rms, math.Exp(m.robust)*m.rms, m.first*m.rms*m.rms)
	for _, r := range s.Returns {
		text += fmt.Sprintln(r)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestGJRHasNoHalfLife expects a half-life, which gjr_t would ignore, to be refused:
// for all strategies, and for one that has a model of its own.
func TestGJRHasNoHalfLife(t *testing.T) {
	o := DefaultOptions()
	o.Model, o.HalfLife = "gjr_t", 63
	if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "set bayes.half_life to 0") {
		t.Errorf("%v", err)
	}
	own := "gjr_t"
	o.Model, o.Of = automatic, []Override{{Name: "a", Model: &own}}
	if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "bayes.of[0].model: gjr_t has no weights") {
		t.Errorf("of one strategy: %v", err)
	}
	o.HalfLife = 0
	if err := o.Validate(); err != nil {
		t.Error(err)
	}
}

// TestGJRUnits expects the density at a point to be that of the series in any unit,
// and the parameters there to be in that unit.
func TestGJRUnits(t *testing.T) {
	s := gjrSeries(4, 300, gjrTruth(-0.2, 0.05, 0.1, 0.9, 0.05, 5))
	o := DefaultOptions()
	of := func(unit float64) (lp float64, theta []float64) {
		y := slices.Clone(s.Returns)
		for i := range y {
			y[i] *= unit
		}
		m, err := newGJR(daysOf(seriesOf(y), o), o)
		if err != nil {
			t.Fatal(err)
		}
		q := make([]float64, gjrDim)
		m.Initialize(q)
		q[qSkew], q[qKappa] = -0.1, 0.05
		theta = make([]float64, gjrParameters)
		m.Constrain(q, theta)
		lp, err = m.LogDensity(q, make([]float64, gjrDim))
		if err != nil {
			t.Fatal(err)
		}
		return lp, theta
	}
	lp, theta := of(1)
	scaled, wide := of(1000)
	if math.Abs(lp-scaled) > 1e-8*math.Abs(lp) {
		t.Errorf("log density %v, and %v of a thousand times the returns", lp, scaled)
	}
	for k, want := range theta {
		if k == gjrMu || k == gjrSD || k == gjrNext || k == gjrRMS {
			want *= 1000
		}
		if math.Abs(wide[k]-want) > 1e-9*math.Abs(want) {
			t.Errorf("parameter %d is %v, want %v", k, wide[k], want)
		}
	}
}

// TestBackcast is a weighted mean square by hand, and the floor where the first days
// do not vary.
func TestBackcast(t *testing.T) {
	want := (0.01*0.01 + 0.94*0.03*0.03 + 0.94*0.94*0.02*0.02) / (1 + 0.94 + 0.94*0.94)
	if got := backcast([]float64{0.01, -0.03, 0.02}); math.Abs(got-want) > 1e-15 {
		t.Errorf("%v, want %v", got, want)
	}
	late := make([]float64, 300)
	late[200] = 0.1
	if got, want := backcast(late), 0.01*0.01/300; math.Abs(got-want) > 1e-15 {
		t.Errorf("flat first days: %v, want %v", got, want)
	}
}

// TestGJRPathFollowsItsDraw holds paths of several draws of one predictor to the
// recursion written out, whether the predictor remembers where the history ended or
// not.
func TestGJRPathFollowsItsDraw(t *testing.T) {
	s := gjrSeries(8, 400, gjrTruth(-0.2, 0.05, 0.15, 0.9, -0.1, 6))
	remembers, forgets := newGJRPredictor(s), newGJRPredictor(s)
	forgets.ends = nil
	z := []float64{-0.5, 0, 1.5}
	for range 2 {
		for _, theta := range [][]float64{gjrTruth(-0.2, 0.05, 0.15, 0.9, -0.1, 6), gjrTruth(0.3, 0.1, 0.02, 0.97, 0.2, 9)} {
			g := garchOf(theta)
			h := g.after(backcast(s.Returns), s.Returns)
			a, b := slices.Clone(z), slices.Clone(z)
			remembers.Path(theta, a, a)
			forgets.Path(theta, b, b)
			for i := range z {
				mean := theta[gjrMu] + theta[gjrKappa]*(h-theta[gjrRMS]*theta[gjrRMS])/theta[gjrRMS]
				if p := g.skew.cdf((a[i] - mean) / math.Sqrt(h)); math.Abs(p-0.5*math.Erfc(-z[i]/math.Sqrt2)) > 1e-4 {
					t.Errorf("day %d: a return of %v has probability %v below it", i, a[i], p)
				}
				if a[i] != b[i] {
					t.Errorf("day %d: %v remembered, %v not", i, a[i], b[i])
				}
				_, h = g.step(a[i], h)
			}
		}
	}
}

// TestGJRMeanIsTheSampleMean compares the posterior mean with the sample's over ten years,
// by the Sharpe ratio of their difference in root mean square. skew_t has 0.11 on the
// factors, most of it the prior's. Here the days of low variance count for more: 0.16 on
// the factors, and 0.10 on 22 strategies; on five pairs, whose many nearly flat days lie
// below the mean, and whose tails do not make up for it, 0.80. UMD to 2023-03-31, whose
// crash came with a high variance, is neither certain to be positive nor to be negative:
// P(mean > 0) is 0.83.
// With -surrogates 71 it goes over all windows.
func TestGJRMeanIsTheSampleMean(t *testing.T) {
	if testing.Short() {
		t.Skip("six fits")
	}
	o := DefaultOptions()
	o.Model, o.Replicates, o.Draws, o.MinESS = "gjr_t", 0, 500, 200
	fit := func(s *returns.Series) (p *Posterior, deviation float64) {
		p, err := Fit(t.Context(), s, o, testStream(1), nil)
		if err != nil || p.Verdict() == Unusable {
			t.Fatalf("%s: %v, %v", s.Strategy.Name, err, p.Findings)
		}
		mean, sd := s.Moments()
		return p, (float64(p.Summary[gjrMu].Mean) - mean) / sd * rootYear
	}
	names, of := factorReturns(t)
	const window = 2517
	squares, n := 0.0, 0.0
	for _, name := range names {
		last := len(of[name]) - window
		for from := last; from >= 0 && (from == last || *surrogates > 30); from -= window {
			s := seriesOf(of[name][from : from+window])
			s.Strategy.Name = name
			p, d := fit(s)
			squares, n = squares+d*d, n+1
			if name != "UMD" || from != last {
				continue
			}
			above := 0.0
			for i := range p.Len() {
				if p.Theta(i)[gjrMu] > 0 {
					above += 1 / float64(p.Len())
				}
			}
			mean, _ := s.Moments()
			t.Logf("UMD: mean %.4f p.a. (sample %.4f), P(> 0) %.3f, Sharpe %.3f", 252*float64(p.Summary[gjrMu].Mean), 252*mean, above, float64(p.Summary[gjrSharpe].Mean))
			if above < 0.4 || above > 0.85 {
				t.Errorf("UMD: P(mean > 0) is %.3f", above)
			}
		}
	}
	check := func(set string, most float64) {
		rms := math.Sqrt(squares / n)
		t.Logf("%s: %.3f over %.0f windows", set, rms, n)
		if rms > most {
			t.Errorf("%s: the means are a Sharpe ratio of %.3f from the samples'", set, rms)
		}
	}
	check("factors", 0.2)
	if *surrogates <= 30 {
		return
	}
	squares, n = 0, 0
	for _, s := range sharedSeries(t, "strategies/returns.csv", 2520) {
		if s.ZeroShare() < hurdleShare && !strings.HasPrefix(s.Strategy.Name, "pair_") {
			_, d := fit(s)
			squares, n = squares+d*d, n+1
		}
	}
	check("strategies but for pairs", 0.13)
}

// TestGJRCryptoPaths draws a million returns over 21 days from posteriors of
// cryptocurrencies, nu near 3: with -surrogates 71 the largest is 6,200, and 590 but for
// ETH. A bound on the variance of 100 mean squares would allow 820,000, one of 30 540.
func TestGJRCryptoPaths(t *testing.T) {
	all := sharedSeries(t, "crypto/crypto8.csv.gz", 2520)
	if len(all) == 0 {
		t.Skip("no shared data")
	}
	paths := 1_000_000
	if *surrogates <= 30 {
		all, paths = all[:1], 50_000
	}
	if testing.Short() {
		paths = 10_000
	}
	o := DefaultOptions()
	o.Model, o.Replicates, o.MinESS = "gjr_t", 0, 100
	rng := rand.New(rand.NewPCG(5, 5))
	r := make([]float64, 21)
	for _, s := range all {
		p, err := Fit(t.Context(), s, o, testStream(1), nil)
		if err != nil || p.Verdict() == Unusable {
			t.Fatalf("%s: %v, %v", s.Strategy.Name, err, p.Findings)
		}
		m, err := p.Predictor(s)
		if err != nil {
			t.Fatal(err)
		}
		largest := 0.0
		for i := range paths / len(all) {
			for k := range r {
				r[k] = rng.NormFloat64()
			}
			m.Path(p.Theta(i%p.Len()), r, r)
			wealth := 1.0
			for _, x := range r {
				wealth *= 1 + x
			}
			if wealth < 0 || math.IsNaN(wealth) {
				t.Fatalf("%s: a return of %v", s.Strategy.Name, r)
			}
			largest = max(largest, wealth-1)
		}
		t.Logf("%s: largest of %d 21-day returns %.3g", s.Strategy.Name, paths/len(all), largest)
		if largest > 2e4 {
			t.Errorf("%s: a return of %.3g in 21 days", s.Strategy.Name, largest)
		}
	}
}
