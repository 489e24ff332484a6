package config

import (
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"

	"allocate/bayes"
	"allocate/reports"
	"allocate/returns"
)

// Documents are the kinds of file that have a schema.
var documents = map[string]struct {
	title string
	of    any
}{
	"config":   {"Configuration of allocate", &Config{}},
	"summary":  {"summary.json of a run of allocate", &reports.Summary{}},
	"backtest": {"backtest.json of a backtest of allocate", &reports.Backtest{}},
}

// WriteSchema writes the JSON schema (draft 2020-12) of a kind of file: config,
// summary or backtest. It follows from the types and their documentation, so
// that it cannot be out of date.
func WriteSchema(w io.Writer, kind string) error {
	d, ok := documents[kind]
	if !ok {
		return fmt.Errorf("config: unknown schema %q; expected backtest, config or summary", kind)
	}
	r := jsonschema.Reflector{
		ExpandedStruct:            true,
		AllowAdditionalProperties: kind != "config", // readers of results must not break when they grow
		Mapper:                    nullable,
		LookupComment:             comment,
		Namer:                     qualified,
	}
	if kind == "config" {
		r.RequiredFromJSONSchemaTags = true // every key has a default
	}
	s := r.Reflect(d.of)
	enumerate(s, reflect.TypeOf(d.of).Elem())
	s.Title, s.ID = d.title, ""
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("config: schema: %w", err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// qualified names a type with its package: several have Options.
func qualified(t reflect.Type) string {
	if t.Name() == "" || t.PkgPath() == "" {
		return ""
	}
	return path.Base(t.PkgPath()) + "." + t.Name()
}

// nullable is the schema of numbers that are null where they do not exist, and
// of what is written as text.
func nullable(t reflect.Type) *jsonschema.Schema {
	if t == reflect.TypeFor[returns.Date]() {
		return &jsonschema.Schema{Type: "string", Format: "date"}
	}
	if t.Kind() == reflect.Int && t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return &jsonschema.Schema{Type: "string"}
	}
	if t == reflect.TypeFor[bayes.Number]() || t == reflect.TypeFor[reports.Number]() {
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "number"}, {Type: "null"}}}
	}
	return nil
}

func comment(t reflect.Type, name string) string {
	if t.Kind() != reflect.Struct || name == "" {
		return ""
	}
	f, ok := t.FieldByName(name)
	if !ok {
		return ""
	}
	if doc, _ := described(t, f.Tag.Get("mapstructure")); doc != "" {
		return doc
	}
	return f.Tag.Get("doc")
}

// enumerate adds the values of the keys that take those of a registry.
func enumerate(s *jsonschema.Schema, t reflect.Type) {
	for f := range t.Fields() {
		if of := f.Type; of.Kind() == reflect.Struct {
			enumerate(s, of)
		} else if of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Struct {
			enumerate(s, of.Elem())
		}
		_, values := described(t, f.Tag.Get("mapstructure"))
		d, known := s.Definitions[qualified(t)]
		if len(values) == 0 || !known {
			continue
		}
		if p, has := d.Properties.Get(f.Tag.Get("mapstructure")); has {
			for _, v := range values {
				p.Enum = append(p.Enum, v)
			}
		}
	}
}

// WriteDocs writes the manual of the configuration as Markdown: every key, its
// default and its meaning.
func WriteDocs(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Configuration of allocate\n\nEvery key can also be set by `--set key=value` or by an environment variable. In a value of the file `${NAME}` is a variable of the environment, `${file:PATH}` the text of a file, and `$${` a literal `${`; `run.json` has the values of variables, and of files the reference.\n")
	for _, f := range walk("", reflect.ValueOf(Default())) {
		if f.section {
			fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| key | default | meaning | environment |\n| --- | --- | --- | --- |\n", f.Key, sentence(f.Doc))
			continue
		}
		if !strings.Contains(f.Key, ".") && f.Key == "as_of" {
			b.WriteString("\n| key | default | meaning | environment |\n| --- | --- | --- | --- |\n")
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | `%s` |\n", f.Key, FormatValue(f.Default), strings.ReplaceAll(f.Doc, "|", "\\|"), f.Env())
	}
	writeModels(&b)
	writeCodes(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// writeModels lists the return models and the keys that each reads.
func writeModels(b *strings.Builder) {
	b.WriteString(`
## Return models

Values of bayes.model, and the keys that each model reads besides those of the sampler. Changing another key does not refit its
strategies. bayes.of sets these keys for single strategies or groups.

| model | definition | keys |
| --- | --- | --- |
`)
	for _, f := range bayes.Families() {
		keys := strings.Join(f.Options, ", ")
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", f.Name, sentence(f.About), strings.ReplaceAll(keys, "horizon", "scenarios.horizon"))
	}
}

// writeCodes lists every finding with the sizes at which its severity changes,
// from the one list that the stages use.
func writeCodes(b *strings.Builder) {
	b.WriteString(`
## Findings

A finding is the result of a check. It has a code and a severity: info; warn (published); hold (needs --approve); fail (refused).
The severity depends on the size. gates.severity sets a fixed severity for a code; gates.degraded lists the codes whose warnings
make the exit code 3.

| code | finding | severity | size | reason |
| --- | --- | --- | --- | --- |
`)
	for _, c := range returns.Codes() {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", c.Name, sentence(c.About), c.Scale(), c.Size, c.Why)
	}
}

func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
