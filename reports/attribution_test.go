package reports

import (
	"html"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"allocate/optimize"
	"allocate/returns"
)

// The Shapley value is compared with its definition: the mean over all orders of what an input
// changes when it is switched.
func TestAttributeIsTheMeanOverOrders(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for _, inputs := range [][]string{{NewData}, {NewData, Holdings}, {NewData, Holdings, ScenarioNoise}, {NewData, NewScenarios, NewLimits, Holdings, ScenarioNoise}} {
		n := len(inputs)
		decisions := make([]map[string]float64, 1<<n)
		for set := range decisions {
			decisions[set] = map[string]float64{"a": random.Float64(), "b": random.Float64()}
			if set%3 == 0 {
				delete(decisions[set], "b") // not held
			}
		}
		drifted := map[string]float64{"a": 0.3, "gone": 0.1}
		want := map[string][]float64{"a": make([]float64, n), "b": make([]float64, n), "gone": make([]float64, n)}
		orders := 0
		var visit func(set int)
		order := []int{}
		visit = func(set int) {
			if len(order) == n {
				orders++
				now := 0
				for _, i := range order {
					for name := range want {
						want[name][i] += decisions[now|1<<i][name] - decisions[now][name]
					}
					now |= 1 << i
				}
				return
			}
			for i := range n {
				if set&(1<<i) == 0 {
					order = append(order, i)
					visit(set | 1<<i)
					order = order[:len(order)-1]
				}
			}
		}
		visit(0)
		a := Attribute(returns.NewDate(2022, 3, 1), inputs, decisions, drifted)
		turnover := 0.0
		for name, parts := range want {
			sum := 0.0
			for i, p := range a.Parts {
				x := parts[i] / float64(orders)
				if p.Input == Holdings {
					x += decisions[0][name] - drifted[name]
				}
				if math.Abs(p.By[name]-x) > 1e-14 {
					t.Errorf("%d inputs: %s of %s is %v, want %v", n, p.Input, name, p.By[name], x)
				}
				sum += p.By[name]
			}
			change := decisions[1<<n-1][name] - drifted[name]
			turnover += math.Abs(change) / 2
			if n > 1 && math.Abs(sum-change) > 1e-14 {
				t.Errorf("%d inputs: the parts of %s sum to %v, its change is %v", n, name, sum, change)
			}
		}
		trades := 0.0
		for _, p := range a.Parts {
			trades += p.Trade
		}
		if n > 1 && math.Abs(trades-turnover) > 1e-14 {
			t.Errorf("%d inputs: the parts of the turnover sum to %v, it is %v", n, trades, turnover)
		}
	}
}

func TestCausesOnThePage(t *testing.T) {
	r := plausible(4)
	r.Held = &Held{AsOf: returns.NewDate(2022, 12, 27), Weights: map[string]float64{r.Set.Names[0]: 0.2, r.Set.Names[1]: 0.55, r.Set.Names[2]: 0.25}}
	r.Solution.Weights = []float64{0.5, 0.25, 0.25, 0}
	now := map[string]float64{}
	for j, name := range r.Solution.Names {
		now[name] = r.Solution.Weights[j]
	}
	half := map[string]float64{r.Set.Names[0]: 0.4, r.Set.Names[1]: 0.35, r.Set.Names[2]: 0.25}
	r.Attribution = Attribute(r.Held.AsOf, []string{NewData, Holdings}, []map[string]float64{r.Held.Weights, half, r.Held.Weights, now}, r.Held.Weights)
	r.Limits = []LimitCost{NewLimitCost("optimize.max_weight", r.Solution, &optimize.Solution{Names: r.Solution.Names, Weights: []float64{0.75, 0, 0.25, 0}, CVaR: r.Solution.CVaR - 0.01, Mean: r.Solution.Mean + 0.002})}
	var b strings.Builder
	if err := WriteTearsheet(&b, r); err != nil {
		t.Fatal(err)
	}
	page := html.UnescapeString(b.String())
	for _, want := range []string{
		"Of the turnover of 30.00%: new data 25.00 pp, drift of the holdings 5.00 pp.", "What the limits cost", "<td>-1.00 pp</td><td>+0.20 pp</td><td>25.00%</td>",
		"<td>+30.00 pp</td><td>+25.00 pp</td><td>+5.00 pp</td>", "mostly new data (+25.00 pp)", "mostly new data (-25.00 pp)",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if parts := Attribute(r.Held.AsOf, []string{Holdings, NewData}, []map[string]float64{r.Held.Weights, r.Held.Weights, half, now}, r.Held.Weights).largest(); parts[0].Input != NewData {
		t.Errorf("the largest is %v", parts[0])
	}
	if strings.Contains(page, "+0.00 pp)") {
		t.Error("a weight that has not changed has a cause")
	}
	if strings.Contains(page, "<td>+0.00 pp</td><td>+0.00 pp</td>") {
		t.Error("a weight that has not changed is listed")
	}
}
