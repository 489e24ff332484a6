package bayes

import (
	"flag"
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"

	"allocate/returns"
)

var updateSessions = flag.Int("updates", 0, "sessions of 2020 and of 2022 on which TestUpdateAgreesWithARefit compares every series of ../shared; 0: four days of a simulated one")

// updateTally counts comparisons of updated posteriors with fits.
type updateTally struct {
	sync.Mutex
	sessions, refitted, compared, beyond, mean, sd int
	squares                                        float64
}

// compare compares every mean and standard deviation, in standard errors of Monte Carlo.
func (c *updateTally) compare(t *testing.T, label string, got, want *Posterior) {
	c.Lock()
	defer c.Unlock()
	for j, name := range want.Names {
		g, w := got.Summary[j], want.Summary[j]
		if g.constant() && w.constant() {
			if d := g.Mean/w.Mean - 1; math.Abs(float64(d)) > 1e-9 {
				t.Errorf("%s: %s is %v, of a fit %v", label, name, g.Mean, w.Mean)
			}
			continue
		}
		for k, z := range []float64{
			float64(g.Mean-w.Mean) / math.Hypot(float64(g.MCSEMean), float64(w.MCSEMean)),
			float64(g.SD-w.SD) / math.Hypot(float64(g.MCSESD), float64(w.MCSESD)),
		} {
			c.compared++
			c.squares += z * z
			if math.Abs(z) > 4 || math.IsNaN(z) {
				c.beyond++
				c.mean, c.sd = c.mean+1-k, c.sd+k
				t.Logf("%s: %s, z %.1f of its %s", label, name, z, []string{"mean", "sd"}[k])
			}
		}
	}
}

func (c *updateTally) String() string {
	return fmt.Sprintf("%d sessions, %d refitted; of %d means and sds %d beyond 4 standard errors (%d means, %d sds); rms %.2f",
		c.sessions, c.refitted, c.compared, c.beyond, c.mean, c.sd, math.Sqrt(c.squares/float64(max(1, c.compared))))
}

// TestUpdateAgreesWithARefit compares posteriors of month ends, updated by the days since,
// with fits to all days.
func TestUpdateAgreesWithARefit(t *testing.T) {
	for _, model := range []string{"student_t", "gjr_t", "ewma_t", "hurdle_gjr_t"} {
		t.Run(model, func(t *testing.T) { updateAgrees(t, model) })
	}
}

func updateAgrees(t *testing.T, model string) {
	o := DefaultOptions()
	o.Model, o.Replicates, o.Refit = model, 0, RefitMonthly
	var tally updateTally
	one := func(s *returns.Series, fitted *Posterior, to int) {
		at := s.Cut(0, to)
		got, why, err := fitted.Update(at, o)
		if err != nil {
			t.Error(err)
			return
		}
		tally.Lock()
		tally.sessions++
		if got == nil {
			tally.refitted++
		}
		tally.Unlock()
		if got == nil {
			t.Logf("%s %s, %v: %s", model, s.Strategy.Name, at.Dates[to-1], why.Sentence)
			return
		}
		want, err := Fit(t.Context(), at, o, testStream(uint64(to)), nil)
		if err != nil || want.Verdict() == Unusable {
			t.Log(s.Strategy.Name, err)
			return
		}
		tally.compare(t, fmt.Sprintf("%s %s %v", model, s.Strategy.Name, at.Dates[to-1]), got, want)
	}
	fit := func(s *returns.Series) *Posterior {
		p, err := Fit(t.Context(), s, o, testStream(2), nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if *updateSessions == 0 {
		if testing.Short() && model != "gjr_t" {
			return
		}
		s := gjrSeries(31, 1200, gjrTruth(-0.2, 0.03, 0.12, 0.95, 0, 6))
		if model == "hurdle_gjr_t" {
			for i := 0; i < s.Len(); i += 3 {
				s.Returns[i] = 0
			}
		}
		const from = 1150
		p := fit(s.Cut(0, from))
		for _, to := range []int{from + 1, from + 5, from + 21} {
			one(s, p, to)
		}
	} else {
		var all []*returns.Series
		for _, file := range []string{"strategies/returns.csv", "factors/ff_factors.csv.gz"} {
			all = append(all, sharedSeries(t, file, math.MaxInt)...)
		}
		var group sync.WaitGroup
		slots := make(chan bool, runtime.GOMAXPROCS(0))
		for _, s := range all {
			if out := s.ZeroShare() >= hurdleShare; out != (model == "hurdle_gjr_t") {
				continue
			}
			group.Go(func() {
				slots <- true
				defer func() { <-slots }()
				for _, year := range []int{2020, 2022} {
					sessions, from, n := 0, 0, 0
					var fitted *Posterior
					var within *returns.Series
					for to := 1; to < s.Len(); to++ {
						day, next := s.Dates[to-1].Time(), s.Dates[to].Time()
						if day.Year() == year && next.Month() == day.Month() && sessions*250 <= n**updateSessions {
							sessions++
							if fitted == nil {
								window := max(0, from-2520)
								within = s.Cut(window, s.Len())
								fitted = fit(s.Cut(window, from))
							}
							first := s.Len() - within.Len()
							one(within, fitted, to-first)
						}
						if day.Year() == year {
							n++
						}
						if next.Month() != day.Month() {
							from, fitted = to, nil
						}
					}
				}
			})
		}
		group.Wait()
	}
	t.Logf("%s: %v", model, &tally)
	if tally.sessions > 0 && (100*tally.beyond > tally.compared || 4*tally.refitted > tally.sessions) {
		t.Errorf("%s: %v", model, &tally)
	}
}

// BenchmarkUpdate adds ten days to a posterior of gjr_t given 2,520: an ordinary night.
func BenchmarkUpdate(b *testing.B) {
	s := gjrSeries(31, 2530, gjrTruth(-0.2, 0.03, 0.12, 0.95, 0, 6))
	o := DefaultOptions()
	o.Model, o.Refit, o.Horizon = "gjr_t", RefitMonthly, 21
	p, err := Fit(b.Context(), s.Cut(0, 2520), o, testStream(2), nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if got, why, err := p.Update(s, o); got == nil {
			b.Fatal(why, err)
		}
	}
}

// TestUpdateOfAMixture keeps the shares of the families in every chain, moves every state
// as a walk through the whole series does, agrees with fits of the families to all days, and
// survives storage.
func TestUpdateOfAMixture(t *testing.T) {
	o := mixedOptions()
	o.Refit, o.Draws, o.MinESS = RefitMonthly, 600, 50
	s, whole := mixedOf(t, o, 0.15, 0.55, 0.3)
	const from = 1285
	e := &Evidence{}
	for _, c := range whole.Components {
		e.Families = append(e.Families, c.FamilyEvidence)
	}
	p, err := FitMixed(t.Context(), s.Cut(0, from), o, e, nil, testStream(5), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, why, err := p.Update(s, o)
	if err != nil || got == nil {
		t.Fatalf("%v, %v", err, why.Sentence)
	}
	table, err := got.Table()
	if err != nil {
		t.Fatal(err)
	}
	if got, err = FromTable(table); err != nil {
		t.Fatal(err)
	}
	if u := got.Updated; u == nil || u.From != s.Dates[from-1] || u.Days != s.Len()-from || !(u.ParetoK < 0.7) {
		t.Fatalf("updated: %+v", u)
	}
	for i := range p.Len() {
		if got.Theta(i)[0] != p.Theta(i)[0] {
			t.Fatalf("draw %d is of another family", i)
		}
	}
	anchored, err := got.Predictor(s)
	if err != nil {
		t.Fatal(err)
	}
	walks := *got
	walks.Fitted = ""
	walking, err := walks.Predictor(s)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got.Len() {
		a, b := anchored.(Conditional).VolatilityAhead(got.Theta(i)), walking.(Conditional).VolatilityAhead(got.Theta(i))
		if math.Abs(a/b-1) > 1e-6 { // the first variances differ by the longer history
			t.Fatalf("draw %d of family %v: volatility ahead %v, by a walk %v", i, got.Theta(i)[0], a, b)
		}
	}
	for k, c := range got.Components {
		for j, x := range c.Summary {
			w := whole.Components[k].Summary[j]
			if x.constant() || w.constant() {
				continue
			}
			if z := float64(x.Mean-w.Mean) / math.Hypot(float64(x.MCSEMean), float64(w.MCSEMean)); math.Abs(z) > 4.5 {
				t.Errorf("%s: %s is %v, of a fit %v, %.1f standard errors apart", c.Family, x.Name, x.Mean, w.Mean, z)
			}
		}
	}
	// What cannot be updated says so.
	other := *s
	other.Returns = append([]float64{0.01}, s.Returns[1:]...)
	if again, why, err := p.Update(&other, o); again != nil || err != nil || why.Code != "bayes.refitted" {
		t.Errorf("of a restated history: %v, %v", why, err)
	}
}
