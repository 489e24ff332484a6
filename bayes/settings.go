package bayes

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
)

// Settings are the Options of one fit in stored form. Their JSON has the options
// that the fit can depend on and no others: those of the sampler, and those that
// the family declares (Family.Options; of auto, the families that it chooses
// from). An option of one family therefore changes no stored fit of another,
// neither its value nor that it exists. Overrides are resolved before (Options.For).
type Settings struct{ Options }

// samplerOptions are the keys on which every fit depends.
var samplerOptions = []string{
	"model", "chains", "draws", "warmup", "target_accept", "max_tree_depth", "max_rhat", "min_ess", "max_divergent",
	"max_gradients", "replicates",
}

var optionFields = fieldsOf(reflect.TypeFor[Options]())

func fieldsOf(t reflect.Type) map[string][]int {
	fields := map[string][]int{}
	for f := range t.Fields() {
		fields[keyOf(f)] = f.Index
	}
	return fields
}

// MarshalJSON writes the options that matter, by key.
func (s Settings) MarshalJSON() ([]byte, error) {
	if len(s.Of) > 0 {
		return nil, errors.New("bayes: unresolved overrides; call For first")
	}
	families, err := candidates(s.Model)
	if err != nil {
		return nil, err
	}
	if s.Model == automatic {
		families = append(families, gjrT, ewmaT, hurdleGJRT)
	}
	keys := slices.Clone(samplerOptions)
	for _, f := range families {
		keys = append(keys, f.Options...)
	}
	out, v := map[string]any{}, reflect.ValueOf(s.Options)
	for _, key := range keys {
		out[key] = v.FieldByIndex(optionFields[key]).Interface()
	}
	return json.Marshal(out) // by key
}

// UnmarshalJSON reads what MarshalJSON wrote; every other option has its default.
func (s *Settings) UnmarshalJSON(b []byte) error {
	s.Options = DefaultOptions()
	return json.Unmarshal(b, &s.Options)
}
