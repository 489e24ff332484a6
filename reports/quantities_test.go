package reports

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"allocate/bayes"
	"allocate/bayes/mcmc"
	"allocate/returns"
)

// infinite is a family whose posterior has a mean and a volatility, which is
// infinite from 1 on, and no parameter that other families have.
type infinite struct{}

func (infinite) Mean(theta []float64) float64 { return theta[0] }
func (infinite) Volatility(theta []float64) float64 {
	if theta[1] >= 1 {
		return math.Inf(1)
	}
	return theta[1]
}
func (infinite) Idle([]float64) float64 { return 0 }
func (infinite) PIT(_, _, _ []float64)  {}
func (infinite) Path(_, _, _ []float64) {}

func init() {
	bayes.Register(bayes.Family{
		Name:      "infinite_test",
		New:       func(*returns.Series, bayes.Options) (bayes.Model, error) { return nil, nil },
		Predictor: func(*returns.Series) bayes.Predictor { return infinite{} },
	})
}

// withInfinite is a run whose second strategy has an infinite volatility in the
// given number of 400 draws.
func withInfinite(draws int) *Run {
	r := plausible(3)
	p := &bayes.Posterior{Strategy: "strategy_001", Model: "infinite_test", Names: []string{"drift", "scale"}, Chains: 4, Draws: 100, Summary: r.Posteriors[0].Summary[:2]}
	for i := range 400 {
		scale := 0.01 + 0.00001*float64(i)
		if i%100 < draws/4 {
			scale = 1
		}
		p.Values = append(p.Values, 0.0002, scale)
	}
	r.Posteriors[1] = p
	return r
}

// A volatility that is infinite in some draws, or in all, is null in
// summary.json and a dash on the page, with the share of the draws in words; the
// return stays a number, and the next run reads what this one has written.
func TestInfiniteVolatility(t *testing.T) {
	for _, c := range []struct {
		draws      int
		cell, note string
		lowFinite  bool
	}{
		{0, "19.04%", "", true},
		{40, "–<br><span class=\"range\">16.35% to –</span>", "infinite in 10.0% of the draws", true},
		{400, "–<br><span class=\"range\">– to –</span>", "infinite in &gt;99.9% of the draws", false},
	} {
		r := withInfinite(c.draws)
		var page, summary bytes.Buffer
		if err := WriteTearsheet(&page, r); err != nil {
			t.Fatal(err)
		}
		if err := WriteSummary(&summary, r); err != nil {
			t.Fatal(err)
		}
		var s Summary
		if err := json.Unmarshal(summary.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		x := s.Strategies[1]
		if math.Abs(float64(x.AnnualReturn.Mean)-0.0504) > 1e-12 || x.ProbMeanPositive != 1 || x.ProbNoVolatility != float64(c.draws)/400 {
			t.Errorf("%d: return %v, above 0 with %v, no volatility with %v", c.draws, x.AnnualReturn, x.ProbMeanPositive, x.ProbNoVolatility)
		}
		if finite := x.AnnualVolatility.Mean.finite(); finite != (c.draws == 0) || x.AnnualVolatility.Q5.finite() != c.lowFinite {
			t.Errorf("%d: volatility %v", c.draws, x.AnnualVolatility)
		}
		if !x.Sharpe.Mean.finite() || !s.ExpectedSpan.Mean.finite() {
			t.Errorf("%d: Sharpe ratio %v, expected return %v", c.draws, x.Sharpe, s.ExpectedSpan)
		}
		if c.draws > 0 && !strings.Contains(summary.String(), `"annual_volatility": {
        "mean": null`) {
			t.Errorf("%d: the mean volatility is not null", c.draws)
		}
		if notes := strings.Count(page.String(), string(notDrawn)); notes != c.draws/400 {
			t.Errorf("%d: %d charts are not drawn", c.draws, notes)
		}
		text := strings.ReplaceAll(page.String(), string(script()), "")
		for _, want := range []string{c.cell, c.note} {
			if !strings.Contains(text, want) {
				t.Errorf("%d: the page lacks %s in %v", c.draws, want, cells(t, text, "strategies")[1])
			}
		}
		for _, wrong := range []string{"Inf", "NaN"} {
			if at := strings.Index(text, wrong); at >= 0 {
				t.Errorf("%d: the page says %s", c.draws, text[max(0, at-60):at+10])
			}
		}
		// As what is believed of a strategy before the next decision.
		b, err := json.Marshal(Held{Beliefs: map[string]HeldStrategy{x.Name: {AnnualReturn: x.AnnualReturn.Mean, AnnualVolatility: x.AnnualVolatility.Mean}}})
		if err != nil {
			t.Fatal(err)
		}
		next := withInfinite(0)
		next.Held.Beliefs = nil
		if err := json.Unmarshal(b, &next.Held); err != nil {
			t.Fatal(err)
		}
		if why := since(next, &x); strings.Contains(why, "Inf") || strings.Contains(why, "NaN") {
			t.Errorf("%d: %s", c.draws, why)
		}
	}
}

// Return, volatility and Sharpe ratio of a family without parameters of these
// names are those of its predictor; of one that has them, the posterior's own
// summaries to the last bit.
func TestQuantitiesAskThePredictor(t *testing.T) {
	r := plausible(1)
	p := r.Posteriors[0]
	q, err := quantitiesOf(r.Series[0], p, 252)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Len() {
		theta := p.Theta(i)
		if q.volatility[i] != theta[3] || q.sharpe[i] != theta[4] || q.mean[i] != theta[0]*252 {
			t.Fatalf("draw %d: %v %v %v of %v", i, q.mean[i], q.volatility[i], q.sharpe[i], theta)
		}
	}
	for k, want := range []int{3, 4} {
		exact := new(mcmc.Workspace).Summarize(p.Parameter(want))
		if got := summarized([][]float64{q.volatility, q.sharpe}[k], 1); got != (Interval{Number(exact.Mean), Number(exact.Q05), Number(exact.Q95)}) {
			t.Errorf("%s: %v, the posterior has %v, %v to %v", p.Names[want], got, exact.Mean, exact.Q05, exact.Q95)
		}
	}
	chains := byChain(q.sharpe, 4)
	for c, chain := range p.Parameter(4) {
		for i, x := range chain {
			if chains[c][i] != x {
				t.Fatalf("chain %d, draw %d", c, i)
			}
		}
	}
	r.Posteriors[0].Model = "gone"
	if _, err := Summarize(r); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a posterior of an unknown family: %v", err)
	}
}
