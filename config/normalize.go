package config

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"allocate/returns"
)

// normalize converts a value of the YAML parser to the type of its field: 20% to
// 0.2 where a fraction is expected, and the numbers of a sweep to their text.
// A value that does not fit the field is an error with the key and the remedy. t is the field's type, tag its tag; key is for messages.
func normalize(key string, t reflect.Type, tag reflect.StructTag, value any) (any, error) {
	for t.Kind() == reflect.Pointer {
		if value == nil {
			return nil, nil
		}
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Float64:
		if s, ok := value.(string); ok {
			return percentage(key, tag, s)
		}
		if when, ok := value.(time.Time); ok {
			return nil, fmt.Errorf("%s: %s is not a number", key, when.Format("2006-01-02"))
		}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return whole(key, value)
	case reflect.String:
		return text(key, value)
	case reflect.Slice:
		return list(key, t, value)
	case reflect.Struct:
		return section(key, t, value)
	}
	return value, nil
}

// whole refuses what is no whole number, which would be cut off in silence.
func whole(key string, value any) (any, error) {
	switch v := value.(type) {
	case float64:
		if v != math.Trunc(v) || math.Abs(v) > 1<<53 {
			return nil, fmt.Errorf("%s: %v is not a whole number, or is too large", key, v)
		}
		return int64(v), nil
	case string:
		return nil, fmt.Errorf("%s: %q is not a whole number", key, clip(v))
	}
	return value, nil
}

// percentage reads the text of a number: only 20% is one.
func percentage(key string, tag reflect.StructTag, s string) (any, error) {
	digits, ok := strings.CutSuffix(strings.TrimSpace(s), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %q is not a number", key, clip(s))
	case !ok:
		return nil, fmt.Errorf("%s: %q is a string; remove the quotes", key, clip(s))
	case tag.Get("fraction") != "true":
		return nil, fmt.Errorf("%s: %q has a percent sign, but the key is not a fraction; expected a number", key, clip(s))
	}
	return v / 100, nil
}

// text refuses what YAML takes for a number or a truth value, since its own
// text is lost: 010 would be 8.
func text(key string, value any) (any, error) {
	switch v := value.(type) {
	case string, time.Time, nil:
		return value, nil
	case []any, map[string]any:
		return nil, fmt.Errorf("%s: must be a string, not a list or a section", key)
	default:
		if strings.Contains(key, "sweep[") && strings.Contains(key, ".values[") {
			return fmt.Sprint(v), nil
		}
		return nil, fmt.Errorf("%s: %v must be a string; write it in quotes, \"%v\"", key, v, v)
	}
}

func list(key string, t reflect.Type, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	items, ok := value.([]any)
	if !ok {
		example := "[a, b]"
		if t.Elem().Kind() == reflect.Struct {
			example = "[{name: a, …}]"
			if keys := sectionKeys(t.Elem()); len(keys) > 0 {
				example = "[{" + keys[0] + ": …}]"
			}
		} else if s, isText := value.(string); isText && strings.Contains(s, ",") {
			example = "[" + s + "]"
		}
		if _, isSection := value.(map[string]any); isSection {
			return nil, fmt.Errorf("%s: a section where a list is expected; write %s", key, example)
		}
		return nil, fmt.Errorf("%s: %v is not a list; write %s", key, clip(fmt.Sprint(value)), example)
	}
	out := make([]any, len(items))
	var errs []error
	for i, item := range items {
		v, err := normalize(fmt.Sprintf("%s[%d]", key, i), t.Elem(), "", item)
		if err != nil {
			errs = append(errs, err)
		}
		out[i] = v
	}
	return out, errors.Join(errs...)
}

// section is an item of a list that has keys of its own.
func section(key string, t reflect.Type, value any) (any, error) {
	values, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: %v is not a section; write {%s: …}", key, clip(fmt.Sprint(value)), strings.Join(sectionKeys(t), ": …, "))
	}
	out := make(map[string]any, len(values))
	known := map[string]reflect.StructField{}
	for i := range t.NumField() {
		known[t.Field(i).Tag.Get("mapstructure")] = t.Field(i)
	}
	var errs []error
	unknown := 0
	for _, name := range slices.Sorted(maps.Keys(values)) {
		f, ok := known[name]
		if !ok {
			if unknown++; unknown <= mostUnknown {
				errs = append(errs, fmt.Errorf("%s: unknown key %s%s", key, clip(name), returns.Suggest(name, sectionKeys(t))))
			}
			continue
		}
		v, err := normalize(key+"."+name, f.Type, f.Tag, values[name])
		if err != nil {
			errs = append(errs, err)
		}
		out[name] = v
	}
	if unknown > mostUnknown {
		errs = append(errs, fmt.Errorf("%s: and %d more unknown keys", key, unknown-mostUnknown))
	}
	return out, errors.Join(errs...)
}

func sectionKeys(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("mapstructure"); name != "" {
			keys = append(keys, name)
		}
	}
	return keys
}
