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
			"optimize.min_annual_return 9 is above the highest achievable",
		},
		{"rows", nil, []Constraint{
			{Name: "equity", Coef: []float64{1, 1, 0}, Lower: 0.7, Upper: math.Inf(1)},
			{Name: "idle", Coef: []float64{1, 2, 3}, Lower: math.Inf(-1), Upper: 9},
			{Name: "bonds", Coef: []float64{0, 0, 1}, Lower: 0.5, Upper: 1},
		}, []string{keyBudget, "bonds", "equity"}, "equity needs at least 0.7, but optimize.budget and bonds allow at most 0.5"},
		{
			"nothing contributes", nil,
			[]Constraint{{Name: "void", Coef: make([]float64, 3), Lower: 1, Upper: 2}},
			[]string{"void"},
			"void needs at least 1, but no strategy contributes to it",
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
