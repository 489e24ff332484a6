package optimize

import (
	"math"
	"strings"
	"testing"
)

func TestOptionsValidate(t *testing.T) {
	if err := DefaultOptions().Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	nan, low, high := math.NaN(), 0.1, 0.7
	o := Options{
		Alpha: 1, Budget: 1. / 3, MinWeight: 0.5, MaxWeight: 0.4, MinAnnualReturn: &nan, Decimals: 6, MaxGap: -1,
		Bounds: []Bound{{Name: "a", Min: &high, Max: &low}, {Name: "a"}, {Name: ""}, {Name: Cash}, {Name: "b", Max: &nan}},
	}
	err := o.Validate()
	for _, key := range []string{
		"optimize.alpha: 1", "optimize.budget: ", "optimize.min_weight: 0.5 is above", "optimize.min_annual_return: NaN", "optimize.max_gap: -1",
		"optimize.bounds[0]: min 0.7", `optimize.bounds[1].name: duplicate name "a"`, "optimize.bounds[2].name: is empty",
		"optimize.bounds[3].name: CASH", "optimize.bounds[4].max: NaN",
	} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%v does not say %q", err, key)
		}
	}
}

func TestNewProblem(t *testing.T) {
	set := factorSet(1, 3, 50)
	set.Names = []string{"carry", "trend", "value"}
	o := DefaultOptions()
	o.Bounds = []Bound{{Name: "Trends"}, {Name: "xyz"}}
	_, err := NewProblem(set, o, nil)
	if err == nil || !strings.Contains(err.Error(), `optimize.bounds[0].name: no strategy "Trends"; did you mean trend?`) ||
		!strings.Contains(err.Error(), `optimize.bounds[1].name: no strategy "xyz"`) || strings.Count(err.Error(), "did you mean") != 1 {
		t.Errorf("unknown names: %v", err)
	}

	floor := 0.1
	o = DefaultOptions()
	o.MinAnnualReturn = &floor
	p, err := NewProblem(set, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "floor over 21 days", p.Constraints[0].Lower, math.Pow(1.1, 21./252)-1, 1e-16)
	near(t, "and back", p.annual(p.Constraints[0].Lower), floor, 1e-15)
	set.Horizon = 0
	if _, err := NewProblem(set, o, nil); err == nil {
		t.Error("a floor without a horizon is accepted")
	}
}
