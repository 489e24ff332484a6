package optimize

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestInfeasible(t *testing.T) {
	num := func(x float64) *float64 { return &x }
	for _, c := range []struct {
		name     string
		change   func(*Options)
		rows     []Constraint
		conflict []string
		says     string
	}{
		{
			"caps", func(o *Options) { o.MaxWeight = 0.2 }, nil,
			[]string{keyBudget, keyMaxWeight},
			"budget 1 needs sum of max_weight >= 1, but 3 strategies x 0.2 reach only 0.6; raise optimize.max_weight to at least 0.333334",
		},
		{"caps with an exception", func(o *Options) {
			o.MaxWeight = 0.2
			o.Bounds = []Bound{{Name: "saa", Max: num(0.3)}}
		}, nil, []string{keyBudget, keyMaxWeight}, "3 bounds reach only 0.7; raise optimize.max_weight to at least 0.35"},
		{
			"floors of weight", func(o *Options) { o.MinWeight = 0.4 }, nil,
			[]string{keyBudget, keyMinWeight},
			"3 strategies x 0.4 reach at least 1.2; lower optimize.min_weight to at most 0.333333",
		},
		{
			"return", func(o *Options) { o.MinAnnualReturn = num(9) }, nil,
			[]string{keyBudget, keyMaxWeight, keyMinReturn},
			"optimize.min_annual_return 9 exceeds the maximum",
		},
		{"rows", nil, []Constraint{
			{Name: "equity", Coef: []float64{1, 1, 0}, Lower: 0.7, Upper: math.Inf(1)},
			{Name: "idle", Coef: []float64{1, 2, 3}, Lower: math.Inf(-1), Upper: 9},
			{Name: "bonds", Coef: []float64{0, 0, 1}, Lower: 0.5, Upper: 1},
		}, []string{keyBudget, "bonds", "equity"}, "equity requires at least 0.7, but optimize.budget and bonds allow at most 0.5"},
		{
			"nothing contributes", nil,
			[]Constraint{{Name: "void", Coef: make([]float64, 3), Lower: 1, Upper: 2}},
			[]string{"void"},
			"void requires at least 1, but no strategy contributes",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := problem(t, factorSet(1, 3, 400), func(o *Options) {
				o.MaxWeight = 1
				if c.change != nil {
					c.change(o)
				}
			})
			p.Constraints = append(p.Constraints, c.rows...)
			_, err := Solve(t.Context(), p)
			conflict := new(InfeasibleError)
			if !errors.As(err, &conflict) {
				t.Fatalf("got %v, want an InfeasibleError", err)
			}
			if !reflect.DeepEqual(conflict.Conflict, c.conflict) {
				t.Errorf("conflict %v, want %v", conflict.Conflict, c.conflict)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q does not say %q", err, c.says)
			}
		})
	}
}

// TestAdviceWorks follows the advice and expects the next attempt to succeed.
func TestAdviceWorks(t *testing.T) {
	set := factorSet(1, 3, 400)
	solve(t, problem(t, set, func(o *Options) { o.MaxWeight = 0.333334 }))
	solve(t, problem(t, set, func(o *Options) { o.MinWeight, o.MaxWeight = 0.333333, 1 }))

	p := problem(t, set, func(o *Options) { o.MaxWeight = 1 })
	best := math.Inf(-1)
	for _, m := range set.Mean() {
		best = max(best, m)
	}
	highest := math.Floor(p.annual(best)*1e6) / 1e6
	solve(t, problem(t, set, func(o *Options) { o.MaxWeight, o.MinAnnualReturn = 1, &highest }))
	above := highest + 2e-6
	p = problem(t, set, func(o *Options) { o.MaxWeight, o.MinAnnualReturn = 1, &above })
	if _, err := Solve(t.Context(), p); err == nil || !strings.Contains(err.Error(), "lower it to at most "+short(highest)+",") {
		t.Errorf("floor %v above %v: %v", above, highest, err)
	}
}

// TestInfeasibleLimits explains limits on distances and on the risk.
func TestInfeasibleLimits(t *testing.T) {
	num := func(x float64) *float64 { return &x }
	held := Held{"saa": 0.5, "sab": 0.3, "old": 0.2}
	for _, c := range []struct {
		name     string
		change   func(*Options)
		conflict []string
		says     string
	}{
		{
			"turnover", func(o *Options) { o.MaxTurnover = num(0.1) },
			[]string{keyBudget, keyMaxTurnover},
			"optimize.max_turnover allows 0.1, but optimize.budget require at least 0.2; raise it to at least 0.2, or relax optimize.budget",
		},
		{
			"gone", func(o *Options) { o.MaxTurnover = num(0.05) },
			[]string{keyMaxTurnover},
			"optimize.max_turnover 0.05 is infeasible: selling strategies that left the universe takes 0.1; raise it to at least 0.2",
		},
		{
			"leverage", func(o *Options) {
				o.MinWeight, o.MaxLeverage = -1, num(1.2)
				o.Bounds = []Bound{{Name: "saa", Max: num(-0.3)}}
			},
			[]string{keyBudget, keyMaxWeight, keyMaxLeverage},
			"optimize.max_leverage allows 1.2, but optimize.budget and optimize.max_weight require at least 1.6; raise it to at least 1.6",
		},
		{
			"benchmark and cap", func(o *Options) {
				o.MaxWeight, o.MaxDistance = 0.4, num(0.1)
				o.Benchmark = []Share{{"saa", 1}}
			},
			[]string{keyMaxWeight, keyMaxDistance},
			"optimize.max_distance allows 0.1, but optimize.max_weight require at least 0.3; raise it to at least 0.6",
		},
		{
			"group", func(o *Options) {
				o.Groups = []Group{{Name: "trend", Strategies: []string{"saa", "sab"}, Max: num(0.4)}}
				o.Bounds = []Bound{{Name: "sac", Max: num(0.5)}}
			},
			[]string{keyBudget, keyMaxWeight, "optimize.groups: trend"},
			"optimize.groups: trend requires at most 0.4, but optimize.budget and optimize.max_weight allow at least 0.5; raise it to at least 0.5",
		},
		{
			"risk", func(o *Options) { o.Objective, o.MaxCVaR = MaxReturn, num(0.001) },
			[]string{keyMaxCVaR},
			"optimize.max_cvar 0.001 is below the minimum achievable",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := DefaultOptions()
			c.change(&o)
			p, err := NewProblem(factorSet(1, 3, 400), o, held)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Solve(t.Context(), p)
			conflict := new(InfeasibleError)
			if !errors.As(err, &conflict) {
				t.Fatalf("got %v, want an InfeasibleError", err)
			}
			if !reflect.DeepEqual(conflict.Conflict, c.conflict) {
				t.Errorf("conflict %v, want %v", conflict.Conflict, c.conflict)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q does not say %q", err, c.says)
			}
		})
	}
}

func TestUndefinedRatio(t *testing.T) {
	set := factorSet(1, 4, 400)
	ratio := func(change func(*Options)) error {
		_, err := Solve(t.Context(), problem(t, set, func(o *Options) {
			o.Objective, o.MaxWeight = MaxRatio, 1
			change(o)
		}))
		return err
	}
	for says, change := range map[string]func(*Options){
		"CASH earns 0.00246627 over the horizon without risk, more than the risk-free return 0; set optimize.risk_free to optimize.cash_return": func(o *Options) { o.Cash, o.CashReturn = true, 0.03 },
		"with optimize.budget 0 the portfolio can be scaled":    func(o *Options) { o.Budget, o.MinWeight, o.Alpha = 0, -1, 0 },
		"not above the risk-free return 0.0178; choose another": func(o *Options) { o.RiskFree = math.Pow(1.0178, 12) - 1 },
	} {
		err := ratio(change)
		if undefined := new(UndefinedError); !errors.As(err, &undefined) || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want an UndefinedError that says %q", err, says)
		}
	}
	if err := ratio(func(o *Options) { o.Cash, o.CashReturn, o.RiskFree = true, 0.03, 0.03 }); err != nil {
		t.Errorf("the advice does not help: %v", err)
	}
	if err := ratio(func(*Options) {}); err != nil {
		t.Errorf("the ratio of these strategies is defined: %v", err)
	}
}
