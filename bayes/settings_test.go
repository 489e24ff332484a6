package bayes

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func settingsOf(t *testing.T, o Options) string {
	t.Helper()
	b, err := json.Marshal(Settings{o})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A stored fit depends on what its family reads, and on nothing else: neither on
// the value of another option nor on there being one.
func TestSettingsOfAFamily(t *testing.T) {
	change := map[string]func(o *Options){
		"half_life":      func(o *Options) { o.HalfLife = 100 },
		"half_life_mean": func(o *Options) { o.HalfLifeMean = 100 },
		"prior_sharpe":   func(o *Options) { o.PriorSharpe = "normal(0, 1)" },
		"prior_log_sd":   func(o *Options) { o.PriorLogSD = "normal(0, 2)" },
		"prior_nu":       func(o *Options) { o.PriorNu = "fixed(5)" },
		"horizon":        func(o *Options) { o.Horizon = 21 },
		"draws":          func(o *Options) { o.Draws = 200 },
		"of":             func(o *Options) { o.Of = []Override{{Name: "another", Model: new(string)}} },
	}
	for model, reads := range map[string][]string{
		"gjr_t":            {"prior_sharpe", "prior_log_sd", "prior_nu", "horizon", "draws"},
		"hurdle_gjr_t":     {"prior_sharpe", "prior_log_sd", "prior_nu", "horizon", "draws"},
		"auto":             {"half_life", "half_life_mean", "prior_sharpe", "prior_log_sd", "prior_nu", "draws", "horizon"},
		"student_t":        {"half_life", "half_life_mean", "prior_sharpe", "prior_log_sd", "prior_nu", "draws"},
		"hurdle_student_t": {"half_life", "half_life_mean", "prior_sharpe", "prior_log_sd", "prior_nu", "draws"},
		"skew_t":           {"half_life", "half_life_mean", "prior_sharpe", "prior_log_sd", "prior_nu", "draws"},
		"hurdle_skew_t":    {"half_life", "half_life_mean", "prior_sharpe", "prior_log_sd", "prior_nu", "draws"},
		"normal":           {"half_life", "half_life_mean", "prior_sharpe", "prior_log_sd", "draws"},
	} {
		o := DefaultOptions()
		o.Model = model
		before := settingsOf(t, o.For("a", ""))
		for key, f := range change {
			c := o
			f(&c)
			if differs := settingsOf(t, c.For("a", "")) != before; differs != slices.Contains(reads, key) {
				t.Errorf("%s: %s changes its fit: %v", model, key, differs)
			}
		}
		// What is read back is what the family needs; the rest is at its default.
		o.PriorSharpe = "normal(0.5, 1)"
		var back Settings
		if err := json.Unmarshal([]byte(settingsOf(t, o)), &back); err != nil || back.PriorSharpe != o.PriorSharpe || back.Model != model {
			t.Errorf("%s: %v %+v", model, err, back)
		}
		if err := back.Validate(); err != nil {
			t.Error(err)
		}
	}
	if _, err := json.Marshal(Settings{Options{Model: "normal", Of: []Override{{Name: "a"}}}}); err == nil {
		t.Error("overrides are left out in silence")
	}
}

// Every option is one of the sampler's, or some family
// reads it: one that is neither would never reach a fit.
func TestEveryOptionReachesAFit(t *testing.T) {
	known := append([]string{"of", "horizon", "refit"}, samplerOptions...) // refit: which returns are fitted, not how
	for _, f := range builtIn {
		known = append(known, f.Options...)
	}
	for key := range optionFields {
		if !slices.Contains(known, key) {
			t.Errorf("no fit depends on bayes.%s; add it to the Options of its family", key)
		}
	}
	for f := range reflect.TypeFor[Override]().Fields() {
		if key := keyOf(f); f.Type.Kind() == reflect.Pointer {
			to, known := optionFields[key]
			if !known || reflect.TypeFor[Options]().FieldByIndex(to).Type != f.Type.Elem() {
				t.Errorf("bayes.of: %s is no option, or another type", key)
			}
		}
	}
}

func pointer[T any](v T) *T { return &v }

// Options of a strategy come before those of its group, and those before the
// section's, whatever the order of the list.
func TestOverrides(t *testing.T) {
	o := DefaultOptions()
	o.Of = []Override{
		{Name: "a", Model: pointer("normal")},
		{Group: "trend", Model: pointer("student_t"), HalfLife: pointer(100.0), HalfLifeMean: pointer(500.0)},
		{Name: "b", PriorSharpe: pointer(Prior("normal(0, 0.5)"))},
	}
	if err := o.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, group, model string
		halfLife, mean     float64
		sharpe             Prior
	}{
		{"a", "", "normal", 0, 0, o.PriorSharpe},
		{"a", "trend", "normal", 100, 500, o.PriorSharpe},
		{"b", "trend", "student_t", 100, 500, "normal(0, 0.5)"},
		{"c", "carry", "student_t", 0, 0, o.PriorSharpe},
	} {
		if own := o.For(c.name, c.group); own.Model != c.model || own.HalfLife != c.halfLife || own.HalfLifeMean != c.mean || own.PriorSharpe != c.sharpe || own.Of != nil {
			t.Errorf("%s of group %q: %+v", c.name, c.group, own)
		}
	}
	if got := o.Of[1].Settings(); got != "model student_t, half_life 100, half_life_mean 500" {
		t.Errorf("%q", got)
	}
	if err := o.Known([]string{"a", "b", "c"}, []string{"", "trend"}); err != nil {
		t.Error(err)
	}
	err := o.Known([]string{"alpha", "b"}, []string{""})
	for _, want := range []string{`bayes.of[0].name: no strategy "a" among 2`, `bayes.of[1].group: no strategy in group "trend"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	o.Of = []Override{{Model: pointer("normal")}, {Name: "a", Group: "b", Model: pointer("")}, {Name: "c"}, {Name: "d", PriorNu: pointer(Prior("fixed(1)"))}, {Name: "d", HalfLife: pointer(1.0)}}
	err = o.Validate()
	for _, want := range []string{"bayes.of[0]: expected either", "bayes.of[1]: expected either", "bayes.of[1].model: ", "bayes.of[2]: sets no option", "bayes.of[3].prior_nu: ", "bayes.of[4]: duplicate entry for \"d\""} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

// A half-life of the mean is refused for a family that has no weights of returns.
func TestHalfLifeOfTheMeanIsRead(t *testing.T) {
	o := DefaultOptions()
	o.Model, o.HalfLifeMean = "gjr_t", 63
	if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "set bayes.half_life_mean to 0") {
		t.Errorf("%v", err)
	}
	o.Model = "skew_t"
	if err := o.Validate(); err != nil {
		t.Error(err)
	}
	if o.HalfLifeMean = -1; o.Validate() == nil {
		t.Error("a half-life of -1 passes")
	}
}
