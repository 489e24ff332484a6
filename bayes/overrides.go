package bayes

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"allocate/returns"
)

// Override are options of one strategy, or of every strategy of a group of the
// metadata, in place of the section's own. What is nil stays as it is.
type Override struct {
	Name         string   `mapstructure:"name" json:"name,omitempty" doc:"strategy"`
	Group        string   `mapstructure:"group" json:"group,omitempty" doc:"instead of name: a group of the metadata; options by name take precedence"`
	Model        *string  `mapstructure:"model" json:"model,omitempty" doc:"as bayes.model"`
	HalfLife     *float64 `mapstructure:"half_life" json:"half_life,omitempty" doc:"as bayes.half_life"`
	HalfLifeMean *float64 `mapstructure:"half_life_mean" json:"half_life_mean,omitempty" doc:"as bayes.half_life_mean"`
	PriorSharpe  *Prior   `mapstructure:"prior_sharpe" json:"prior_sharpe,omitempty" doc:"as bayes.prior_sharpe"`
	PriorLogSD   *Prior   `mapstructure:"prior_log_sd" json:"prior_log_sd,omitempty" doc:"as bayes.prior_log_sd"`
	PriorNu      *Prior   `mapstructure:"prior_nu" json:"prior_nu,omitempty" doc:"as bayes.prior_nu"`
}

// Describe is that of Options.
func (Override) Describe(key string) (doc string, values []string) {
	if _, values = (Options{}).Describe(key); values == nil {
		return "", nil
	}
	return "as bayes." + key, values
}

// For returns the options of one strategy, which may be of a group: without
// overrides, and with those that are for it in force.
func (o Options) For(name, group string) Options {
	own := o
	own.Of = nil
	for _, v := range o.Of {
		if v.Group != "" && v.Group == group {
			v.apply(&own)
		}
	}
	for _, v := range o.Of {
		if v.Name != "" && v.Name == name {
			v.apply(&own)
		}
	}
	return own
}

// apply writes what the override says into o and returns the keys.
func (v Override) apply(o *Options) (keys []string) {
	from, to := reflect.ValueOf(v), reflect.ValueOf(o).Elem()
	for f := range from.Type().Fields() {
		if f.Type.Kind() != reflect.Pointer || from.FieldByIndex(f.Index).IsNil() {
			continue
		}
		key := keyOf(f)
		to.FieldByIndex(optionFields[key]).Set(from.FieldByIndex(f.Index).Elem())
		keys = append(keys, key)
	}
	return keys
}

func keyOf(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return key
}

// Settings says the override's options in a line: "model normal, half_life 250".
func (v Override) Settings() string {
	var parts []string
	o := DefaultOptions()
	for _, key := range v.apply(&o) {
		parts = append(parts, fmt.Sprintf("%s %v", key, reflect.ValueOf(o).FieldByIndex(optionFields[key]).Interface()))
	}
	return strings.Join(parts, ", ")
}

// validateOverrides reports the problems of the overrides themselves and of the
// options that they set.
func (o Options) validateOverrides() error {
	var errs []error
	seen := map[string]bool{}
	for i, v := range o.Of {
		at := fmt.Sprintf("of[%d]", i)
		if (v.Name == "") == (v.Group == "") {
			errs = append(errs, fmt.Errorf("bayes.%s: expected either name or group", at))
		}
		if who := v.Name + "\x00" + v.Group; seen[who] {
			errs = append(errs, fmt.Errorf("bayes.%s: duplicate entry for %q; merge the two", at, v.Name+v.Group))
		} else {
			seen[who] = true
		}
		own := o
		own.Of = nil
		keys := v.apply(&own)
		if len(keys) == 0 {
			errs = append(errs, fmt.Errorf("bayes.%s: sets no option; expected one such as model or prior_sharpe", at))
		}
		set := map[string]bool{}
		for _, key := range keys {
			set[key] = true
		}
		for _, p := range own.problems() {
			if set[p.key] {
				errs = append(errs, fmt.Errorf("bayes.%s.%s: %w", at, p.key, p.err))
			}
		}
	}
	return errors.Join(errs...)
}

// Known reports overrides of strategies and groups that are not there, given all
// strategies and all groups.
func (o Options) Known(names, groups []string) error {
	var errs []error
	for i, v := range o.Of {
		if v.Name != "" && !slices.Contains(names, v.Name) {
			errs = append(errs, fmt.Errorf("bayes.of[%d].name: no strategy %q among %d%s", i, v.Name, len(names), returns.Suggest(v.Name, names)))
		}
		if v.Group != "" && !slices.Contains(groups, v.Group) {
			errs = append(errs, fmt.Errorf("bayes.of[%d].group: no strategy in group %q; add a column group to returns.metadata, or name the strategies", i, v.Group))
		}
	}
	return errors.Join(errs...)
}
