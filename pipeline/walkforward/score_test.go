package walkforward

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"allocate/bayes"
	"allocate/returns"
)

// weekdays is a series of daily returns from 1990 on.
func weekdays(y []float64) *returns.Series {
	s := &returns.Series{Strategy: returns.Strategy{Name: "a"}, Returns: y}
	day, _ := returns.ParseDate("1990-01-01")
	for range y {
		s.Dates = append(s.Dates, day)
		day = day.NextWeekday()
	}
	s.Strategy.Entry, s.Strategy.Last = s.Dates[0], s.Dates[len(y)-1]
	return s
}

// posterior has the draws theta, in equal parts.
func posterior(model string, theta ...[]float64) *bayes.Posterior {
	p := &bayes.Posterior{Model: model, Chains: 1, Draws: len(theta), Names: make([]string, len(theta[0]))}
	for _, t := range theta {
		p.Values = append(p.Values, t...)
	}
	return p
}

func streams(seed uint64) func(string) rand.Source {
	return func(part string) rand.Source {
		h := seed
		for _, c := range part {
			h = h*1099511628211 + uint64(c)
		}
		return rand.NewPCG(seed, h)
	}
}

func evaluate(t *testing.T, y []float64, from, horizon int, p *bayes.Posterior) *Scores {
	t.Helper()
	s := weekdays(y)
	scores, err := Evaluate(t.Context(), s.Cut(0, from), s.Cut(from, len(y)), p, horizon, streams(7))
	if err != nil {
		t.Fatal(err)
	}
	if scores.Failed != "" {
		t.Fatal(scores.Failed)
	}
	return scores
}

// TestMixture compares with the mixture of two normals, whose densities and
// distribution functions are averaged.
func TestMixture(t *testing.T) {
	y := []float64{0.01, -0.02, 0.005, 0.03, -0.4}
	s := evaluate(t, y, 2, 5, posterior("normal", []float64{0.001, 0.01, 0}, []float64{-0.002, 0.03, 0}))
	a, b := distuv.Normal{Mu: 0.001, Sigma: 0.01}, distuv.Normal{Mu: -0.002, Sigma: 0.03}
	if len(s.Days) != 3 || len(s.Horizons) != 0 || !s.Density || s.Idle {
		t.Fatalf("%+v", s)
	}
	for k, d := range s.Days {
		r := y[2+k]
		if want := (a.CDF(r) + b.CDF(r)) / 2; math.Abs(float64(d.PIT)-want) > 1e-12 {
			t.Errorf("day %d: PIT %v, want %v", k, d.PIT, want)
		}
		la, lb := a.LogProb(r), b.LogProb(r) // the first is -800 on the last day
		if want := lb + math.Log(0.5+0.5*math.Exp(la-lb)); math.Abs(float64(d.LogScore)-want) > 1e-9 {
			t.Errorf("day %d: log score %v, want %v", k, d.LogScore, want)
		}
	}
}

// TestLogMean has draws that exclude a return, some of them or all.
func TestLogMean(t *testing.T) {
	m := newLogMean(2)
	none := math.Inf(-1)
	for _, log := range [][]float64{{none, none}, {0, none}, {none, none}, {math.Log(3), none}} {
		m.add(log)
	}
	if math.Abs(m.at(0)) > 1e-15 || m.at(1) != none {
		t.Errorf("%v and %v, want 0 and -Inf", m.at(0), m.at(1))
	}
}

// TestCRPSOfNormal compares the mean CRPS of simulated paths of one day with the
// closed form of a normal distribution (Gneiting and Raftery 2007, eq. 21).
func TestCRPSOfNormal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	y := make([]float64, 140)
	for i := range y {
		y[i] = 0.001 + 0.012*rng.NormFloat64()
	}
	s := evaluate(t, y, 40, 1, posterior("normal", []float64{0.001, 0.01, 0}))
	n := distuv.UnitNormal
	got, want := 0.0, 0.0
	for k, h := range s.Horizons {
		z := (y[40+k] - 0.001) / 0.01
		got += float64(h.CRPS)
		want += 0.01 * (z*(2*n.CDF(z)-1) + 2*n.Prob(z) - 1/math.Sqrt(math.Pi))
		if p := n.CDF(z); math.Abs(float64(h.PIT)-p) > 5*math.Sqrt(p*(1-p)/paths)+1e-3 {
			t.Errorf("horizon %d: PIT %v, want about %v", k, h.PIT, p)
		}
	}
	if len(s.Horizons) != 100 || math.Abs(got/want-1) > 0.005 {
		t.Errorf("%d horizons: CRPS %v, the closed form is %v", len(s.Horizons), got, want)
	}
}

// TestHorizonReturnIsCompounded expects a certain return of every path to be the compound of
// its days.
func TestHorizonReturnIsCompounded(t *testing.T) {
	y := make([]float64, 70)
	for i := range y {
		y[i] = 0.01
	}
	y[65] = -0.05
	s := evaluate(t, y, 60, 5, posterior("normal", []float64{0.01, 1e-9, 0}))
	sure := math.Pow(1.01, 5) - 1
	for k, want := range []float64{sure, math.Pow(1.01, 4)*0.95 - 1} {
		h := s.Horizons[k]
		if math.Abs(float64(h.Realized)-want) > 1e-12 || math.Abs(float64(h.CRPS)-(sure-want)) > 1e-6 || h.Date != s.Days[5*k].Date {
			t.Errorf("horizon %d: %+v, want a return of %v and a CRPS of %v", k, h, want, sure-want)
		}
	}
}

// garch are the parameters of gjr_t in its order: mu, sd, nu, lambda, news_gains,
// news_losses, persistence, kappa, sharpe, sd_next, rms.
var garch = []float64{0.0003, 0.012, 6, -0.1, 0.03, 0.16, 0.97, -0.05, 0.4, 0, 0.012}

// clustered simulates a history of gjr_t.
func clustered(t *testing.T, seed uint64, days int) []float64 {
	f, err := bayes.Lookup("gjr_t")
	if err != nil {
		t.Fatal(err)
	}
	y := make([]float64, days)
	f.Predictor(weekdays([]float64{0})).(bayes.Replicator).Replicate(garch, rand.New(rand.NewPCG(seed, 3)), y)
	return y
}

// TestStates predicts histories of gjr_t by gjr_t, whose exceedances must be nominal
// in every state of volatility, and by a Student-t that is fitted to them, which must
// have too few in calm and too many in high volatility.
func TestStates(t *testing.T) {
	if testing.Short() {
		t.Skip("states have too few days in a short series; TestIdleDays scores in -short")
	}
	const series = 3
	var all []Strategy
	const from, days = 1260, 3780
	for k := range series {
		y := clustered(t, uint64(k), days)
		s := weekdays(y)
		fit, err := bayes.Fit(t.Context(), s.Cut(0, from), staticOptions(), streams(uint64(k)), nil)
		if err != nil {
			t.Fatal(err)
		}
		x := Strategy{Name: string(rune('a' + k)), Segments: []Segment{{0, from, days}}, Days: s.Dates}
		for _, p := range []*bayes.Posterior{fit, posterior("gjr_t", garch)} {
			x.Scores = append(x.Scores, []*Scores{evaluate(t, y, from, 21, p)})
		}
		all = append(all, x)
	}
	r := NewReport(Options{Models: []string{"student_t", "gjr_t"}}, returns.Daily, 21, all, nil)
	static, dynamic := r.Models[0], r.Models[1]
	// nominal is within four standard errors of a binomial distribution.
	within := func(x, n int, level float64) bool {
		return math.Abs(float64(x)-level*float64(n)) <= 4*math.Sqrt(level*(1-level)*float64(n))
	}
	for _, c := range []struct {
		ahead string
		*Coverage
	}{{"1 day", &dynamic.Day}, {"21 days", &dynamic.Horizon}} {
		for state := range returns.States {
			e := c.In(state)
			if !within(e.Below5, e.Forecasts, 0.05) || !within(e.Below1, e.Forecasts, 0.01) || e.Forecasts < 5*series {
				t.Errorf("gjr_t, %s, %v: %d and %d of %d below", c.ahead, state, e.Below5, e.Below1, e.Forecasts)
			}
			t.Logf("gjr_t, %s, %v: %d and %d of %d below", c.ahead, state, e.Below5, e.Below1, e.Forecasts)
		}
	}
	calm, high := static.Day.Calm, static.Day.High
	if float64(calm.Below5) > 0.035*float64(calm.Forecasts) || float64(high.Below5) < 0.08*float64(high.Forecasts) {
		t.Errorf("student_t: %d of %d calm and %d of %d turbulent days below the 5%% quantile", calm.Below5, calm.Forecasts, high.Below5, high.Forecasts)
	}
	if z := float64(dynamic.LogScore.Mean / dynamic.LogScore.SE); !(z > 3) || dynamic.Better.LogScore != series || !(dynamic.CRPSRatio < 1) {
		t.Errorf("gjr_t against student_t: %+v, CRPS %v", dynamic.LogScore, dynamic.CRPSRatio)
	}
}

func staticOptions() bayes.Options {
	o := bayes.DefaultOptions()
	o.Model, o.Draws, o.MinESS, o.Replicates, o.Horizon = "student_t", 250, 100, 0, 21
	return o
}

// TestNoLookAhead changes the last day: no forecast but its own score moves, also of
// a model with memory.
func TestNoLookAhead(t *testing.T) {
	y := clustered(t, 5, 400)
	before := evaluate(t, y, 300, 20, posterior("gjr_t", garch))
	y[399] = -0.2
	after := evaluate(t, y, 300, 20, posterior("gjr_t", garch))
	for k := range 99 {
		if before.Days[k] != after.Days[k] {
			t.Errorf("day %d: %+v, with another last day %+v", k, before.Days[k], after.Days[k])
		}
	}
	if before.Days[99] == after.Days[99] || before.Days[99].Ratio != after.Days[99].Ratio {
		t.Errorf("last day: %+v, then %+v", before.Days[99], after.Days[99])
	}
	for k := range 4 {
		if before.Horizons[k] != after.Horizons[k] {
			t.Errorf("horizon %d changes", k)
		}
	}
	// The state is carried on: one more day of history, one forecast fewer, and the
	// others are the same.
	later := evaluate(t, y, 320, 20, posterior("gjr_t", garch))
	for k, d := range later.Days {
		if d != after.Days[20+k] {
			t.Errorf("day %d: %+v, from an earlier fit %+v", k, d, after.Days[20+k])
		}
	}
	if later.Horizons[0] != after.Horizons[1] {
		t.Errorf("horizon: %+v, from an earlier fit %+v", later.Horizons[0], after.Horizons[1])
	}
}

// TestIdleDays has the days of a strategy that is often out of the market spread over
// the jump at 0.
func TestIdleDays(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	theta := []float64{0.001, 0.01, 8, 0.1, 0.004, 0.3} // trades on a tenth of the days
	f, err := bayes.Lookup("hurdle_student_t")
	if err != nil {
		t.Fatal(err)
	}
	y := make([]float64, 4060)
	f.Predictor(weekdays([]float64{0})).(bayes.Replicator).Replicate(theta, rng, y)
	s := evaluate(t, y, 60, 1000, posterior("hurdle_student_t", theta))
	below := map[float64]int{}
	for k, d := range s.Days {
		for _, p := range []float64{0.01, 0.05, 0.5, 0.9} {
			if float64(d.PIT) < p {
				below[p]++
			}
		}
		if y[60+k] == 0 && math.Abs(float64(d.LogScore)-math.Log(0.9)) > 1e-12 {
			t.Errorf("an idle day scores %v", d.LogScore)
		}
	}
	for p, n := range below {
		if math.Abs(float64(n)-4000*p) > 4*math.Sqrt(4000*p*(1-p)) {
			t.Errorf("%d of 4000 days below %v", n, p)
		}
	}
	if !s.Idle {
		t.Error("a model with idle days says that it has none")
	}
}

// TestPosteriorsWithoutForecast is of posteriors without forecast, which are results.
func TestPosteriorsWithoutForecast(t *testing.T) {
	s := weekdays([]float64{0.01, -0.01, 0.02, 0.03})
	unusable := posterior("normal", []float64{0, 0.01, 0})
	unusable.Findings = []returns.Finding{{Severity: returns.Warn, Sentence: "Other."}, {Severity: returns.Hold, Sentence: "R-hat is large."}, {Severity: returns.Info, Sentence: "Last."}}
	for why, p := range map[string]*bayes.Posterior{
		"R-hat is large.": unusable,
		"the predictive distribution of 1990-01-03 is not finite": posterior("normal", []float64{math.NaN(), 0.01, 0}),
		"There are no draws.": {Model: "normal"},
	} {
		got, err := Evaluate(t.Context(), s.Cut(0, 2), s.Cut(2, 4), p, 1, streams(1))
		if err != nil || got.Failed != why || len(got.Days) != 0 {
			t.Errorf("%+v, %v; want %q", got, err, why)
		}
	}
	// The days are predicted, and paths of two of them grow beyond all numbers.
	if got, err := Evaluate(t.Context(), s.Cut(0, 2), s.Cut(2, 4), posterior("normal", []float64{0, 1e300, 0}), 2, streams(1)); err != nil || got.Failed != "simulated returns from 1990-01-03 on are not finite" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestCancelled ends an evaluation between draws, and between horizons.
func TestCancelled(t *testing.T) {
	s, p := weekdays([]float64{0.01, -0.01, 0.02, 0.03}), posterior("normal", []float64{0, 0.01, 0})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Evaluate(ctx, s.Cut(0, 2), s.Cut(2, 4), p, 5, streams(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	first := func(part string) rand.Source {
		if part != "ties" {
			cancel()
		}
		return streams(1)(part)
	}
	if _, err := Evaluate(ctx, s.Cut(0, 2), s.Cut(2, 4), p, 1, first); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled during the first horizon: %v", err)
	}
}
