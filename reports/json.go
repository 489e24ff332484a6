package reports

import (
	"encoding"
	"encoding/json"
	"errors"
	"io"
	"reflect"
)

// WriteJSON writes v as JSON, one line or indented, with null for every number
// that is not finite.
func WriteJSON(w io.Writer, indent string, v any) error {
	encode := func(v any) ([]byte, error) {
		if indent == "" {
			return json.Marshal(v)
		}
		return json.MarshalIndent(v, "", indent)
	}
	b, err := encode(v)
	if unsupported := (*json.UnsupportedValueError)(nil); errors.As(err, &unsupported) {
		b, err = encode(withNumbers(reflect.ValueOf(v)).Interface())
	}
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

var (
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

func ownForm(t reflect.Type) bool { return t.Implements(marshaler) || t.Implements(textMarshaler) }

// numbered is the type t with Number in place of every float; a type with its own
// JSON form stays.
func numbered(t reflect.Type) reflect.Type {
	if ownForm(t) {
		return t
	}
	switch t.Kind() {
	case reflect.Float32, reflect.Float64:
		return reflect.TypeFor[Number]()
	case reflect.Interface:
		return reflect.TypeFor[any]()
	case reflect.Pointer:
		return reflect.PointerTo(numbered(t.Elem()))
	case reflect.Slice, reflect.Array:
		return reflect.SliceOf(numbered(t.Elem()))
	case reflect.Map:
		return reflect.MapOf(t.Key(), numbered(t.Elem()))
	case reflect.Struct:
		var fields []reflect.StructField
		for f := range t.Fields() {
			if f.IsExported() {
				fields = append(fields, reflect.StructField{Name: f.Name, Type: numbered(f.Type), Tag: f.Tag})
			}
		}
		return reflect.StructOf(fields)
	}
	return t
}

// withNumbers is a copy of v of its numbered type.
func withNumbers(v reflect.Value) reflect.Value {
	t := numbered(v.Type())
	if ownForm(v.Type()) {
		return v
	}
	out := reflect.New(t).Elem()
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		out.SetFloat(v.Float())
	case reflect.Interface:
		if !v.IsNil() {
			out.Set(withNumbers(v.Elem()))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(t.Elem()))
			out.Elem().Set(withNumbers(v.Elem()))
		}
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Array || !v.IsNil() {
			out.Set(reflect.MakeSlice(t, v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(withNumbers(v.Index(i)))
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			out.Set(reflect.MakeMap(t))
			for _, k := range v.MapKeys() { // JSON sorts them
				out.SetMapIndex(k, withNumbers(v.MapIndex(k)))
			}
		}
	case reflect.Struct:
		for k := range t.NumField() {
			out.Field(k).Set(withNumbers(v.FieldByName(t.Field(k).Name)))
		}
	default:
		return v
	}
	return out
}
