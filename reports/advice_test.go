package reports

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"allocate/optimize"
	"allocate/returns"
)

// TestAdvice: an expected return that cannot be told from cash, or is below it, and capital
// held for its risk alone, with the cost of other keys as the frontier has it.
func TestAdvice(t *testing.T) {
	advise := func(sharpe float64, change func(r *Run)) map[string]returns.Finding {
		t.Helper()
		r := plausible(8)
		for _, p := range r.Posteriors {
			for i := range p.Len() {
				theta := p.Theta(i)
				wave := math.Sin(float64(i) * 0.618)
				theta[4] = sharpe + 0.4*wave
				theta[0] = theta[4] * theta[3] / math.Sqrt(252)
			}
		}
		r.Solution.Risk = 0.03
		r.Solution.Frontier.Points = []optimize.FrontierPoint{{Return: 0.001, Risk: 0.03}, {Return: 0.003, Risk: 0.04}, {Return: 0.005, Risk: 0.08}}
		if change != nil {
			change(r)
		}
		found, err := Advice(r)
		if err != nil {
			t.Fatal(err)
		}
		by := map[string]returns.Finding{}
		for _, f := range found {
			by[f.Code] = f
		}
		return by
	}
	if found := advise(2, nil); len(found) != 0 {
		t.Errorf("a profitable portfolio: %v", found)
	}
	f := advise(0.05, nil)["optimize.return"]
	if f.Severity != returns.Info || !strings.Contains(f.Sentence, "cannot be told from that of cash") {
		t.Errorf("no return: %v", f)
	}
	// The best ratio is the second point's, of 0.003 in 21 of 252 days; 5% a year are 0.00407
	// in 21 days, 0.535 of the way to the third.
	for _, want := range []string{"max_ratio would have an expected return of 3.66% p.a. and raise the CVaR from 3.00% to 4.00%", "min_annual_return 0.05 would have an expected return of 5.00% p.a. and raise the CVaR from 3.00% to 6.15%"} {
		if !strings.Contains(f.Sentence, want) {
			t.Errorf("%q lacks %q", f.Sentence, want)
		}
	}
	both := advise(-2, nil)
	if f := both["optimize.return"]; f.Severity != returns.Warn || !strings.Contains(f.Sentence, "is below that of cash") {
		t.Errorf("a loss: %v", f)
	}
	if f := both["optimize.low_means"]; f.Severity != returns.Warn || f.Numbers["share"] != 1 || !strings.Contains(f.Sentence, "and 3 more") {
		t.Errorf("capital in losers: %v", f)
	}
	if found := advise(-2, func(r *Run) {
		for j := range r.Solution.Weights {
			r.Solution.Weights[j] = -0.125
		}
	}); found["optimize.low_means"].Code != "" {
		t.Errorf("short of losers: %v", found)
	}
	cash := func(share float64) func(r *Run) {
		return func(r *Run) {
			r.Optimize.Cash, r.Optimize.CashReturn = true, 0.02
			for j := range r.Solution.Weights {
				r.Solution.Weights[j] *= 1 - share
			}
			r.Solution.Names = append(slices.Clone(r.Solution.Names), optimize.Cash)
			r.Solution.Weights = append(r.Solution.Weights, share)
		}
	}
	if found := advise(0.05, cash(1)); len(found) != 0 {
		t.Errorf("all in cash: %v", found)
	}
	half := advise(0.05, cash(0.5))["optimize.return"]
	whole := advise(0.05, func(r *Run) { r.Optimize.CashReturn = 0.02 })["optimize.return"]
	if want := 0.5*whole.Numbers["mean"] + 0.01; math.Abs(half.Numbers["mean"]-want) > 1e-12 {
		t.Errorf("half in cash the mean is %v, expected %v", half.Numbers["mean"], want)
	}
	if found := advise(-2, func(r *Run) { r.Scenarios.Mean = "zero" }); len(found) != 0 {
		t.Errorf("without means: %v", found)
	}
	if f := advise(0.05, func(r *Run) { r.Solution.Frontier = nil })["optimize.return"]; !strings.Contains(f.Sentence, "optimize.min_annual_return") {
		t.Errorf("without a frontier: %v", f)
	}
	if f := advise(0.05, func(r *Run) { r.Optimize.Objective = optimize.MaxRatio })["optimize.return"]; strings.Contains(f.Sentence, "min_cvar") || f.Code == "" {
		t.Errorf("of another objective: %v", f)
	}
}

// TestAdviceIsOnTheFirstScreen of the page.
func TestAdviceIsOnTheFirstScreen(t *testing.T) {
	r := plausible(8)
	r.Findings = append(r.Findings, returns.Finding{Code: "optimize.return", Severity: returns.Info, Sentence: "Nothing is expected."})
	var b bytes.Buffer
	if err := WriteTearsheet(&b, r); err != nil {
		t.Fatal(err)
	}
	if at, table := strings.Index(b.String(), "Nothing is expected."), strings.Index(b.String(), `id="weights"`); at < 0 || at > table {
		t.Errorf("at %d, the weights at %d", at, table)
	}
}

// TestExpectedReturnIntervalOfScenarioMeans also where their means are not the models'.
func TestExpectedReturnIntervalOfScenarioMeans(t *testing.T) {
	r := plausible(8)
	r.Scenarios.Mean = "shrunk"
	s, err := Summarize(r)
	if err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for j, m := range r.Set.Mean() {
		want += r.Solution.Weights[j] * m * s.PerYear / float64(r.Set.Horizon)
	}
	if math.Abs(float64(s.ExpectedSpan.Mean)-want) > 1e-12 {
		t.Errorf("expected return %v p.a., of the scenarios %v", s.ExpectedSpan.Mean, want)
	}
}

// TestSummaryIsMadeOnce, with the findings of now.
func TestSummaryIsMadeOnce(t *testing.T) {
	r := plausible(3)
	first, err := Summarize(r)
	if err != nil {
		t.Fatal(err)
	}
	r.Findings = append(r.Findings, returns.Finding{Code: "data.gap", Severity: returns.Warn})
	second, err := Summarize(r)
	if err != nil || len(second.Findings) != len(first.Findings)+1 || second.WorstFinding != returns.Warn || first.WorstFinding != returns.Info {
		t.Errorf("%d findings after %d, %v", len(second.Findings), len(first.Findings), err)
	}
}
