package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
)

// decode fills a Config strictly: no unknown key inside a list, no text taken
// for a number.
func decode(v *viper.Viper) (*Config, error) {
	c := Default()
	err := v.UnmarshalExact(&c, func(d *mapstructure.DecoderConfig) {
		d.WeaklyTypedInput = false
		d.DecodeHook = unquotedDate
	})
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		var plain []error
		for _, e := range joined.Unwrap() {
			plain = append(plain, readable(e))
		}
		return nil, errors.Join(plain...)
	}
	if err != nil {
		return nil, readable(err)
	}
	return &c, nil
}

// readable says key and expectation in place of mapstructure's Go types.
func readable(err error) error {
	var bad *mapstructure.UnconvertibleTypeError
	var parse *mapstructure.ParseError
	var de *mapstructure.DecodeError
	name := ""
	if errors.As(err, &de) {
		name = de.Name()
	}
	switch {
	case errors.As(err, &bad):
		return fmt.Errorf("%s: %v is not %s", name, bad.Value, kindName(bad.Expected.Type()))
	case errors.As(err, &parse):
		return fmt.Errorf("%s: %v is not %s", name, parse.Value, kindName(parse.Expected.Type()))
	}
	if name == "" {
		return errors.New("a value has the wrong type; see allocate config docs")
	}
	return fmt.Errorf("%s: the value has the wrong type; see allocate config docs", name)
}

func kindName(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Float64:
		return "a number"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice:
		return "a list"
	}
	return "a section"
}

// unquotedDate turns the time that YAML makes of a bare 2022-12-28 back into
// the text of the day.
func unquotedDate(from, to reflect.Type, data any) (any, error) {
	t, ok := data.(time.Time)
	if !ok || to.Kind() != reflect.String {
		return data, nil
	}
	if t.Hour() != 0 || t.Minute() != 0 || t.Second() != 0 {
		return nil, fmt.Errorf("%s has a time of day; expected YYYY-MM-DD", t.Format(time.RFC3339))
	}
	return t.Format("2006-01-02"), nil
}

// parse reads the text of an override. Keys that hold text take it as it is;
// others are read as YAML.
func parse(f Field, value string) (any, error) {
	if reflect.TypeOf(f.Default).Kind() == reflect.String {
		return value, nil
	}
	if strings.TrimSpace(value) == "" {
		return nil, fmt.Errorf("%s is blank; expected a value, or no key for the default", f.Key)
	}
	v := viper.New()
	v.SetConfigType("yaml")
	if err := v.ReadConfig(strings.NewReader("value: " + value)); err != nil {
		return nil, fmt.Errorf("%q is not valid YAML: %s", clip(value), notYAML(err))
	}
	return v.Get("value"), nil
}
