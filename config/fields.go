package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Field is one key of the configuration. The key, its meaning and its default
// are declared once, on the struct field; the template, the environment names,
// the checks for unknown keys and the schema follow from it.
type Field struct {
	Key     string // dotted, as in the file: optimize.alpha
	Doc     string
	Enum    []string
	Default any
	Path    bool // a file or folder: relative to the file that names it
	tag     reflect.StructTag
	section bool
}

// Env returns the environment variable of the key.
func (f Field) Env() string { return envPrefix + strings.ToUpper(strings.ReplaceAll(f.Key, ".", "_")) }

const envPrefix = "ALLOCATE_"

// Fields lists every key in the order of the file.
func Fields() []Field {
	var fields []Field
	for _, f := range walk("", reflect.ValueOf(Default())) {
		if !f.section {
			fields = append(fields, f)
		}
	}
	return fields
}

func described(t reflect.Type, key string) (doc string, values []string) {
	if d, is := reflect.Zero(t).Interface().(interface {
		Describe(key string) (doc string, values []string)
	}); is {
		return d.Describe(key)
	}
	return "", nil
}

func walk(prefix string, v reflect.Value) []Field {
	var fields []Field
	for i := range v.NumField() {
		t := v.Type().Field(i)
		name := t.Tag.Get("mapstructure")
		if name == "-" {
			continue // no key: another one sets it
		}
		if name == "" {
			panic(fmt.Sprintf("config: field %s of %s has no key", t.Name, v.Type()))
		}
		f := Field{Key: prefix + name, Doc: t.Tag.Get("doc"), Path: t.Tag.Get("path") == "true", Default: v.Field(i).Interface(), tag: t.Tag}
		if enum := t.Tag.Get("enum"); enum != "" {
			f.Enum = strings.Split(enum, ",")
		}
		if doc, values := described(v.Type(), name); doc != "" {
			f.Doc, f.Enum = doc, values
		}
		if t.Type.Kind() == reflect.Struct {
			f.section = true
			fields = append(fields, f)
			fields = append(fields, walk(f.Key+".", v.Field(i))...)
			continue
		}
		fields = append(fields, f)
	}
	return fields
}
