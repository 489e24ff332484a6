package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
	"testing"

	"allocate/bayes"
	"allocate/returns"
)

// withMemory is a run whose second strategy has the model gjr_t, symmetric, and whose
// third has ewma_t. news and decay move with the draws.
func withMemory() *Run {
	r := plausible(4)
	gjr := &bayes.Posterior{Strategy: "strategy_001", Model: "gjr_t", Method: bayes.Delayed, Chains: 4, Draws: 100, Summary: r.Posteriors[0].Summary}
	gjr.Names = []string{"mu", "sd", "nu", "lambda", "news_gains", "news_losses", "persistence", "kappa", "sharpe", "sd_next", "rms"}
	ewma := &bayes.Posterior{Strategy: "strategy_002", Model: "ewma_t", Method: bayes.NUTS, Chains: 4, Draws: 100, Summary: r.Posteriors[0].Summary}
	ewma.Names = []string{"mu", "sd", "nu", "lambda", "decay", "kappa", "sharpe", "sd_next"}
	for i := range 400 {
		x := math.Sin(float64(i * i))
		gjr.Values = append(gjr.Values, 0.0002, 0.006+0.0003*x, 8, 0, 0.08+0.02*x, 0.08+0.02*x, 0.96+0.01*x, 0, 0.5, 0, 0.006)
		ewma.Values = append(ewma.Values, 0.0002, 0.007, 8, 0, 0.94+0.01*x, 0, 0.5, 0)
	}
	r.Posteriors[1], r.Posteriors[2] = gjr, ewma
	return r
}

// recursion is the volatility of every day and of the next of a symmetric GARCH(1,1).
func recursion(y []float64, mu, omega, alpha, beta float64) (sd []float64) {
	h, weights, w := 0.0, 0.0, 1.0
	for _, r := range y[:75] {
		h += w * r * r
		weights += w
		w *= 0.94
	}
	h /= weights
	for _, r := range y {
		sd = append(sd, math.Sqrt(h))
		h = omega + alpha*(r-mu)*(r-mu) + beta*h
	}
	return append(sd, math.Sqrt(h))
}

func middle(draws []float64) (q5, median, q95 float64) {
	s := slices.Sorted(slices.Values(draws))
	at := func(p float64) float64 { // type 7 of R
		h := p * float64(len(s)-1)
		low := math.Floor(h)
		return s[int(low)] + (h-low)*(s[min(len(s)-1, int(low)+1)]-s[int(low)])
	}
	return at(0.05), at(0.5), at(0.95)
}

// TestConditionalVolatility compares summary.json with the recursion written out for
// every draw, and the page with summary.json. A strategy without memory is the same
// beside one with memory as beside one without.
func TestConditionalVolatility(t *testing.T) {
	r, plain := withMemory(), plausible(4)
	write := func(r *Run) (page string, s Summary, raw string) {
		var p, b bytes.Buffer
		if err := WriteTearsheet(&p, r); err != nil {
			t.Fatal(err)
		}
		if err := WriteSummary(&b, r); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		return p.String(), s, b.String()
	}
	page, s, raw := write(r)
	before, was, old := write(plain)

	root := math.Sqrt(252)
	check := func(what string, got Quantiles, draws []float64) {
		q5, median, q95 := middle(draws)
		for k, x := range []Number{got.Q5, got.Median, got.Q95} {
			if want := []float64{q5, median, q95}[k]; !(math.Abs(float64(x)/want-1) <= 1e-9) {
				t.Errorf("%s: %v, of the draws %v, %v, %v", what, got, q5, median, q95)
			}
		}
	}
	var ahead, far, life, later []float64
	for i := range 400 {
		th := r.Posteriors[1].Theta(i)
		v, p, news := th[1]*th[1], th[6], th[4]
		sd := recursion(r.Series[1].Returns, th[0], v*(1-p), news, p-news)
		ahead, far, life = append(ahead, root*sd[len(sd)-1]), append(far, root*th[1]), append(life, math.Log(0.5)/math.Log(p))
		th = r.Posteriors[2].Theta(i)
		sd = recursion(r.Series[2].Returns, th[0], 0, 1-th[4], th[4])
		later = append(later, root*sd[len(sd)-1])
	}
	gjr, ewma := s.Strategies[1].Conditional, s.Strategies[2].Conditional
	check("forecast of gjr_t", gjr.Forecast, ahead)
	check("long run of gjr_t", *gjr.LongRun, far)
	check("half-life of gjr_t", *gjr.HalfLife, life)
	check("forecast of ewma_t", ewma.Forecast, later)
	if ewma.LongRun != nil || ewma.HalfLife != nil || strings.Count(raw, `"long_run"`) != 1 {
		t.Errorf("ewma_t has a long run: %v, %v", ewma.LongRun, ewma.HalfLife)
	}

	for _, want := range []string{
		fmt.Sprintf("<figcaption>%s</figcaption>", html.EscapeString(gjr.sentence(returns.Daily))),
		fmt.Sprintf("<figcaption>%s</figcaption>", html.EscapeString(ewma.sentence(returns.Daily))),
		fmt.Sprintf(`<br><span class="range">forecast %.2f%%</span>`, 100*gjr.Forecast.Median),
		`<svg role="img" aria-label="Annual volatility of strategy_001 given the days before, 2021-10-01 to 2022-07-27: lowest posterior median `,
		"Model gjr_t (asymmetric GARCH(1,1) with skewed Student-t innovations",
		"The forecast is conditional on today&#39;s volatility. Draws: delayed acceptance (NUTS over a polynomial surrogate, corrected by the exact density).",
		"<p class=\"soft\">Draws of 1 posterior: delayed acceptance (",
		"Models with memory: return at the volatility of the history, volatility in the long run",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, none := range []string{"conditional", "forecast: volatility", "given the days before"} {
		if strings.Contains(before, none) {
			t.Errorf("the page of models without memory contains %q", none)
		}
	}
	if strings.Contains(old, "conditional_volatility") || was.Strategies[0].Conditional != nil {
		t.Error("the summary of models without memory has a conditional volatility")
	}
	for _, name := range []string{"strategy_000", "strategy_003"} {
		block := func(page string) string {
			_, rest, _ := strings.Cut(page, "<summary>"+name+"<")
			block, _, _ := strings.Cut(rest, "</details>")
			return block
		}
		if a, b := block(page), block(before); a != b || a == "" {
			t.Errorf("the charts of %s, which has no memory, are others", name)
		}
	}
	for _, k := range []int{0, 3} {
		a, _ := json.Marshal(s.Strategies[k])
		if b, _ := json.Marshal(was.Strategies[k]); !bytes.Equal(a, b) {
			t.Errorf("the summary of strategy %d, which has no memory, is another: %s", k, a)
		}
	}
}

// The chart has the quantiles of the recursion on the days that it shows, few points of
// a long history, and the extremes of the median in its text.
func TestVolatilityChart(t *testing.T) {
	r := withMemory()
	s, p := r.Series[1], r.Posteriors[1]
	q, err := quantitiesOf(s, p, 252)
	if err != nil {
		t.Fatal(err)
	}
	v := conditionalVolatility(q, 252)
	c, err := volatilityChart(s, p, q.conditional, v)
	if err != nil {
		t.Fatal(err)
	}
	low, high, lowDay, highDay := math.Inf(1), 0.0, 0, 0
	paths := make([][]float64, 0, 200)
	for i := 0; i < 400; i += 2 {
		th := p.Theta(i)
		paths = append(paths, recursion(s.Returns, th[0], th[1]*th[1]*(1-th[6]), th[4], th[6]-th[4]))
	}
	for day := range s.Len() {
		var of []float64
		for _, path := range paths {
			of = append(of, path[day]*math.Sqrt(252))
		}
		_, median, _ := middle(of)
		if median < low {
			low, lowDay = median, day
		}
		if median > high {
			high, highDay = median, day
		}
	}
	if want := fmt.Sprintf("lowest posterior median %.2f%% on %v, highest %.2f%% on %v. Forecast volatility", 100*low, s.Dates[lowDay], 100*high, s.Dates[highDay]); !strings.Contains(c.Alt(), want) {
		t.Errorf("the text is %q, want %q", c.Alt(), want)
	}
	drawn, _, err := volatilityCourse(s, p, q.conditional, v)
	if err != nil {
		t.Fatal(err)
	}
	for k, day := range drawn.Days[:len(drawn.Days)-1] {
		var of []float64
		for _, path := range paths {
			of = append(of, path[slices.Index(s.Dates, returns.Date(day))]*math.Sqrt(252))
		}
		q5, median, q95 := middle(of)
		if far := math.Abs(drawn.Q5[k]-q5) + math.Abs(drawn.Y[k]-median) + math.Abs(drawn.Q95[k]-q95); !(far < 1e-9) {
			t.Fatalf("day %v: %v, %v, %v, of the draws %v, %v, %v", day, drawn.Q5[k], drawn.Y[k], drawn.Q95[k], q5, median, q95)
		}
	}
	last := len(drawn.Days) - 1
	if f := v.Forecast; drawn.Days[last] != drawn.Until || drawn.Until != float64(s.Dates[299])+365.25/252 || drawn.Q5[last] != float64(f.Q5) || drawn.Y[last] != float64(f.Median) || drawn.Q95[last] != float64(f.Q95) || drawn.Now != float64(f.Median) {
		t.Errorf("the line ends on day %v with %v (%v to %v), today is %v", drawn.Days[last], drawn.Y[last], drawn.Q5[last], drawn.Q95[last], drawn.Now)
	}
	if far := float64(v.LongRun.Median); drawn.Level == nil || *drawn.Level != far || drawn.LevelName != fmt.Sprintf("long run %.2f%%", 100*far) || drawn.NowName != fmt.Sprintf("forecast %.2f%%", 100*drawn.Now) {
		t.Errorf("%q and %q", drawn.LevelName, drawn.NowName)
	}
	for len(s.Returns) < 5000 {
		s.Dates, s.Returns = append(s.Dates, s.Dates[len(s.Dates)-1]+1), append(s.Returns, s.Returns[len(s.Returns)%300]*(1+math.Sin(float64(len(s.Returns))/200)))
	}
	s.Returns[3210] = 0.2
	if drawn, _, err = volatilityCourse(s, p, q.conditional, v); err != nil || len(drawn.Y) > 301 || !slices.Contains(drawn.Days, float64(s.Dates[3211])) {
		t.Errorf("%d points without the highest day (%v)", len(drawn.Y), err)
	}
	if c, err = volatilityChart(s, p, q.conditional, v); err != nil {
		t.Fatal(err)
	}
	if svg, err := c.SVG(); err != nil || len(svg) > 24_000 {
		t.Errorf("the chart of %d days has %d bytes (%v)", s.Len(), len(svg), err)
	}
	for _, spoil := range []func(s *returns.Series){
		func(s *returns.Series) { s.Dates, s.Returns = s.Dates[:1], s.Returns[:1] },
		func(s *returns.Series) { s.Dates = nil },
	} {
		x := *s
		if spoil(&x); x.Len() > 0 {
			if _, err := volatilityChart(&x, p, q.conditional, v); err == nil {
				t.Errorf("%d days with %d dates are drawn", x.Len(), len(x.Dates))
			}
		}
	}
}

// The order of the draws changes no quantile.
func TestConditionalVolatilityOfReorderedDraws(t *testing.T) {
	r := withMemory()
	of := func() ConditionalVolatility {
		q, err := quantitiesOf(r.Series[1], r.Posteriors[1], 252)
		if err != nil {
			t.Fatal(err)
		}
		return *conditionalVolatility(q, 252)
	}
	a := of()
	rows := slices.Collect(slices.Chunk(slices.Clone(r.Posteriors[1].Values), len(r.Posteriors[1].Names)))
	slices.Reverse(rows)
	r.Posteriors[1].Values = slices.Concat(rows...)
	if b := of(); a.Forecast != b.Forecast || *a.LongRun != *b.LongRun || *a.HalfLife != *b.HalfLife {
		t.Errorf("%v, in another order %v", a, b)
	}
}

func TestConditionalVolatilitySentence(t *testing.T) {
	far, life := Quantiles{0.152, 0.141, 0.17}, Quantiles{24.4, 15, 1060}
	forever := Quantiles{24.4, 15, Number(math.Inf(1))}
	short := Quantiles{0.2, 0.1, 1.2}
	now := Quantiles{0.214, 0.198, 0.231}
	for want, c := range map[string]struct {
		v ConditionalVolatility
		f returns.Frequency
	}{
		"Forecast volatility 21.40% (90% CI 19.80% to 23.10%), long run 15.20% (14.10% to 17.00%): 1.4 times as high. A shock halves in 24 days (90% CI 15 to 1,060).": {ConditionalVolatility{now, &far, &life}, returns.Daily},
		"Forecast volatility 21.40% (90% CI 19.80% to 23.10%), long run 15.20% (14.10% to 17.00%): 1.4 times as high. A shock halves in 24 weeks (90% CI 15 to –).":    {ConditionalVolatility{now, &far, &forever}, returns.Weekly},
		"Forecast volatility 21.40% (90% CI 19.80% to 23.10%), long run 15.20% (14.10% to 17.00%): 1.4 times as high. A shock halves in 1 day (90% CI 1 to 1).":        {ConditionalVolatility{now, &far, &short}, returns.Daily},
		"Forecast volatility 21.40% (90% CI 19.80% to 23.10%), also of every later period: the model has no long run.":                                                 {ConditionalVolatility{Forecast: now}, returns.Daily},
	} {
		if got := c.v.sentence(c.f); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The page says how the forecast has moved, where the volatility of the long run has not.
func TestChangedVolatilityForecastIsReported(t *testing.T) {
	r := withMemory()
	s, err := Summarize(r)
	if err != nil {
		t.Fatal(err)
	}
	x := &s.Strategies[1]
	then := HeldStrategy{AnnualReturn: x.AnnualReturn.Mean, AnnualVolatility: x.AnnualVolatility.Mean}
	for forecast, want := range map[Number]string{
		0:                             "no material change in the forecast", // by a version that had none, or a model without memory
		x.Conditional.Forecast.Median: "no material change in the forecast",
		0.3:                           fmt.Sprintf("forecast volatility 30.00%% → %.2f%%", 100*x.Conditional.Forecast.Median),
	} {
		then.ForecastVolatility = forecast
		r.Held.Beliefs[x.Name] = then
		if got := since(r, x); got != want {
			t.Errorf("after %v: %q, want %q", forecast, got, want)
		}
	}
	b, err := json.Marshal(HeldStrategy{AnnualReturn: 0.1, AnnualVolatility: 0.2})
	if err != nil || string(b) != `{"annual_return":0.1,"annual_volatility":0.2}` {
		t.Errorf("of a model without memory: %s, %v", b, err)
	}
}

// Every way to make draws has a description, and those by NUTS alone need none.
func TestMethods(t *testing.T) {
	var all []*bayes.Posterior
	for _, m := range []bayes.Method{bayes.NUTS, bayes.Stale, bayes.Delayed, bayes.Laplace, bayes.Delayed, ""} {
		all = append(all, &bayes.Posterior{Method: m})
		if m != "" && (m.About() == string(m) || m.About() == "") {
			t.Errorf("%s has no description", m)
		}
	}
	got := methods(all)
	if len(got) != 3 || !strings.HasPrefix(got[0], "Draws of 2 posteriors: delayed acceptance (NUTS over a polynomial surrogate") || !strings.HasPrefix(got[1], "Draws of 1 posterior: Laplace") {
		t.Errorf("%q", got)
	}
	if got := methods(all[:1]); got != nil {
		t.Errorf("of NUTS: %q", got)
	}
}
