package optimize

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"allocate/scenarios"
)

// Without a limit that binds the objective is better, and without any other change; a limit that
// does not bind is not listed.
func TestBindingLimits(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	set := &scenarios.Set{Names: []string{"a", "b", "c", "d", "e"}, Horizon: 21, Returns: make([]float64, 5*400)}
	for i := range set.Returns {
		set.Returns[i] = (0.002*float64(i%5) + 0.02*random.NormFloat64()) * (1 + float64(i%5))
	}
	value := func(x float64) *float64 { return &x }
	held := Held{"d": 0.5, "e": 0.5}
	for name, change := range map[string]func(o *Options){
		"":                           func(*Options) {},
		"optimize.max_weight":        func(o *Options) { o.MaxWeight = 0.3 },
		"optimize.min_weight":        func(o *Options) { o.MinWeight = 0.1 },
		"optimize.min_weight: short": func(o *Options) { o.MinWeight, o.Objective, o.RiskAversion = -0.02, Utility, 0.05 },
		"optimize.bounds: e":         func(o *Options) { o.Bounds = []Bound{{Name: "e", Min: value(0.2)}, {Name: "d", Max: value(0.9)}} },
		"optimize.bounds: a":         func(o *Options) { o.Bounds = []Bound{{Name: "a", Max: value(0.1)}} },
		"optimize.groups: few":       func(o *Options) { o.Groups = []Group{{Name: "few", Strategies: []string{"a", "b"}, Max: value(0.2)}} },
		"optimize.exposures: beta": func(o *Options) {
			o.Exposures = []Exposure{{Name: "beta", Loadings: []Loading{{"a", 1}}, Max: value(0.15)}}
		},
		"optimize.min_annual_return": func(o *Options) { o.MinAnnualReturn = value(0.3) },
		"optimize.max_turnover":      func(o *Options) { o.MaxTurnover = value(0.2) },
		"optimize.max_distance":      func(o *Options) { o.Benchmark, o.MaxDistance = []Share{{"e", 1}}, value(0.1) },
		"optimize.max_leverage": func(o *Options) {
			o.MinWeight, o.MaxLeverage, o.Objective, o.RiskAversion = -2, value(1.5), Utility, 0.1
		},
		"optimize.max_cvar":      func(o *Options) { o.Objective, o.MaxCVaR = MaxReturn, value(0.05) },
		"optimize.max_positions": func(o *Options) { o.MaxPositions = 2 },
		"optimize.min_position":  func(o *Options) { o.MinPosition = 0.15 },
	} {
		o := DefaultOptions()
		o.Indifference, o.Frontier = 0, 0
		change(&o)
		if o.Limited() != (name != "") {
			t.Errorf("%q: limited %v", name, o.Limited())
		}
		solve := func(o Options) *Solution {
			t.Helper()
			p, err := NewProblem(set, o, held)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			s, err := Solve(context.Background(), p)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return s
		}
		best := solve(o)
		found := false
		for _, b := range o.Binding(best) {
			without := solve(b.Without)
			if gain := best.Certificate.Primal - without.Certificate.Primal; gain < 1e-7 {
				t.Errorf("%s: without %s the objective is %v, with it %v", name, b.Name, without.Certificate.Primal, best.Certificate.Primal)
			}
			if b.Name == strings.TrimSuffix(name, ": short") {
				found = true
			} else if !strings.HasSuffix(name, ": short") { // the long one is at its limit, too
				t.Errorf("%s: %s is listed", name, b.Name)
			}
		}
		if !found && name != "" {
			t.Errorf("%s is not listed: %v", name, best.ShadowPrices)
		}
	}
}
