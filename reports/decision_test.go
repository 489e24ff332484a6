package reports

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"allocate/optimize"
	"allocate/returns"
	"allocate/scenarios"
)

func TestVerdict(t *testing.T) {
	of := func(change func(r *Run)) string {
		t.Helper()
		r := plausible(10)
		change(r)
		s, err := Summarize(r)
		if err != nil {
			t.Fatal(err)
		}
		return s.Verdict
	}
	for _, c := range []struct {
		name, want string
		change     func(r *Run)
	}{
		{"trade", "Trade 4.5% of capital: strategy_000 +2.5 pp, strategy_001 +2.0 pp, strategy_002 +1.5 pp, 4 smaller changes.", func(r *Run) {}},
		{"no trade", "No trade: the weights of 2022-11-30 are kept.", func(r *Run) {
			for j, name := range r.Solution.Names {
				r.Held.Weights[name] = r.Solution.Weights[j]
			}
		}},
		{"first", "First portfolio: 8 positions, the largest strategy_000 with 12.5%.", func(r *Run) { r.Held = nil }},
		{"a strategy that left", "Trade 100.0% of capital: gone -100.0 pp, strategy_000 +12.5 pp, strategy_001 +12.5 pp, 6 smaller changes.", func(r *Run) {
			r.Held.Weights = map[string]float64{"gone": 1}
		}},
		{"approved", "Published with approval. No trade: the weights of 2022-11-30 are kept.", func(r *Run) {
			for j, name := range r.Solution.Names {
				r.Held.Weights[name] = r.Solution.Weights[j]
			}
			r.Findings = append(r.Findings, returns.Finding{Code: "data.gap", Severity: returns.Hold, Sentence: "A finding."})
		}},
		{"fallback", "Fallback: the optimum is not certified. First portfolio: 8 positions, the largest strategy_000 with 12.5%.", func(r *Run) {
			r.Held, r.Solution.Status = nil, optimize.Fallback
		}},
	} {
		if got := of(c.change); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Two strategies that move together lose together under a stress of one; the expected return of
// the portfolio is that of the probabilities, by hand.
func TestStressLosses(t *testing.T) {
	r := plausible(2)
	r.Solution.Weights = []float64{0.5, 0.5}
	n := r.Set.Len()
	for i := range n {
		x := -0.15 + 0.4*float64(i)/float64(n-1)
		r.Set.Returns[2*i], r.Set.Returns[2*i+1] = x, x/2
	}
	r.Scenarios.Stress = []scenarios.Stress{{Name: "crash", Strategy: "strategy_000", Return: -0.1}, {Name: "boom", Strategy: "strategy_001", Return: 0.08}}
	s, err := Summarize(r)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Stresses) != 2 {
		t.Fatalf("%d stresses", len(s.Stresses))
	}
	crash := s.Stresses[0]
	if math.Abs(crash.Return+0.1) > 1e-6 || math.Abs(crash.Mean+0.075) > 1e-6 || crash.CVaR <= 0.075 {
		t.Errorf("%+v; want a return of -10%% and of the portfolio of -7.5%%", crash)
	}
	if boom := s.Stresses[1]; math.Abs(boom.Return-0.08) > 1e-6 || math.Abs(boom.Mean-0.12) > 1e-6 {
		t.Errorf("%+v; want a return of 8%% and of the portfolio of 12%%", boom)
	}
	if want := 0.75 * 0.4 / math.Sqrt(12); math.Abs(s.Volatility-want) > 2e-3 {
		t.Errorf("volatility %v, that of a uniform distribution is %v", s.Volatility, want)
	}
}

// A reverse stress: the portfolio loses what it says, which is the sum of what its positions lose, and the
// position that loses the most comes first.
func TestReverseStress(t *testing.T) {
	r := plausible(3)
	r.Solution.Weights = []float64{0.25, 0.75, 0}
	mean := r.Set.Mean()
	r.Scenarios.Stress = []scenarios.Stress{
		{Name: "loss", Loss: 0.02},
		{Name: "far", Loss: 0.99},
		{Name: "both", Moves: []scenarios.Move{{Strategy: "strategy_000", Return: mean[0] - 0.002}, {Strategy: "strategy_002", Return: mean[2] + 0.001}}},
	}
	s, err := Summarize(r)
	if err != nil {
		t.Fatal(err)
	}
	loss, far, both := s.Stresses[0], s.Stresses[1], s.Stresses[2]
	if len(loss.Moves) != 2 || math.Abs(loss.Mean+0.02) > 1e-8 {
		t.Fatalf("%+v", loss)
	}
	weight := map[string]float64{"strategy_000": 0.25, "strategy_001": 0.75}
	one, two := loss.Moves[0], loss.Moves[1]
	if sum := weight[one.Strategy]*one.Return + weight[two.Strategy]*two.Return; math.Abs(sum+0.02) > 1e-8 || weight[one.Strategy]*one.Return > weight[two.Strategy]*two.Return {
		t.Errorf("the positions lose %v: %+v", sum, loss.Moves)
	}
	if far.Missing == "" || far.CVaR != 0 {
		t.Errorf("a loss beyond every scenario: %+v", far)
	}
	if math.Abs(both.Moves[0].Return-mean[0]+0.002) > 1e-8 || math.Abs(both.Moves[1].Return-mean[2]-0.001) > 1e-8 || !strings.Contains(both.What(), "%, strategy_002 ") {
		t.Errorf("%+v: %s", both, both.What())
	}
	var b strings.Builder
	if err := WriteTearsheet(&b, r); err != nil {
		t.Fatal(err)
	}
	if page := b.String(); !strings.Contains(page, "no scenario of the forecast loses so much") || !strings.Contains(page, ">loss</th>") {
		t.Error("the page lacks the reverse stresses")
	}
}

// A stress is the same whichever stress the weights are optimized under.
func TestStressesOfAConditionedSet(t *testing.T) {
	losses := func(condition string) []StressLoss {
		r := plausible(2)
		r.Solution.Weights = []float64{0.5, 0.5}
		r.Scenarios.Views = []scenarios.View{{Name: "v", Strategy: "strategy_000", Kind: scenarios.Mean, Relation: scenarios.Equal, Value: 0.001}}
		r.Scenarios.Stress = []scenarios.Stress{{Name: "down", Strategy: "strategy_000", Return: -0.02}, {Name: "up", Strategy: "strategy_000", Return: 0.02}, {Name: "loss", Loss: 0.02}}
		r.Scenarios.Condition = condition
		sets, err := r.Scenarios.Stressed(r.Set)
		if err != nil {
			t.Fatal(err)
		}
		if condition != "" {
			r.Set.Prob = sets[0].Prob
		}
		s, err := Summarize(r)
		if err != nil {
			t.Fatal(err)
		}
		return s.Stresses
	}
	if free, down := losses(""), losses("down"); !reflect.DeepEqual(free, down) {
		t.Errorf("%+v and, under the first, %+v", free, down)
	}
	r := plausible(1)
	r.Scenarios.Stress = []scenarios.Stress{{Name: "impossible", Strategy: "strategy_000", Return: -0.9}}
	if _, err := Summarize(r); err == nil {
		t.Error("a stress beyond every scenario")
	}
}

func TestEpisodes(t *testing.T) {
	r := plausible(1)
	r.Solution.Weights, r.Set.Horizon = []float64{1}, 5
	x := r.Series[0].Returns
	for i := range x {
		x[i] = 0.001
	}
	for i := range 5 {
		x[100+i], x[200+i] = -0.02, -0.01
	}
	got := episodes(r)
	if len(got) != 2 {
		t.Fatalf("%d episodes, want the 2 with a loss: %+v", len(got), got)
	}
	for k, want := range []Episode{
		{r.Series[0].Dates[100], r.Series[0].Dates[104], math.Pow(0.98, 5) - 1}, {r.Series[0].Dates[200], r.Series[0].Dates[204], math.Pow(0.99, 5) - 1},
	} {
		if got[k].From != want.From || got[k].To != want.To || math.Abs(got[k].Return-want.Return) > 1e-12 {
			t.Errorf("%+v, want %+v", got[k], want)
		}
	}
	r.Series[0].Returns[50] = -1
	if got := episodes(r); got != nil {
		t.Errorf("after a total loss: %+v", got)
	}
}

func TestActive(t *testing.T) {
	r := plausible(3)
	r.Scenarios.Views = []scenarios.View{
		{Name: "desk", Strategy: "a", Kind: scenarios.Mean, Relation: scenarios.AtLeast, Value: 0.01},
		{Name: "tail", Strategy: "b", Kind: scenarios.Probability, Relation: scenarios.AtMost, Value: 0.05, Below: -0.1},
	}
	r.Scenarios.Condition, r.Scenarios.Mean = "crash", scenarios.ZeroMean
	r.Findings = append(r.Findings, returns.Finding{Code: "run.override", Sentence: "--set overrides the configuration file: seed."})
	r.Solution.ShadowPrices = append(r.Solution.ShadowPrices, optimize.ShadowPrice{Name: "strategy_001", Side: "upper", Price: -0.2}, optimize.ShadowPrice{Name: "strategy_002", Side: "lower", Price: 0.1})
	r.Solution.Weights[2] = 0
	want := []string{
		"View desk: the expected return of a over the horizon is at least 1.00%",
		"View tail: the probability of a return of b below -10.00% over the horizon is at most 5.00%",
		"Weights are optimized under the stress crash", "Expected returns: zero", "--set overrides the configuration file: seed", "strategy_001 is at its upper limit",
	}
	if got := active(r); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
