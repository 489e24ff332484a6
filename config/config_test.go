package config

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite allocate.yaml from the template")

// The bundled configuration is the template with two values set, under a
// header that says how the sample was made.
func TestBundledConfigurationIsTheTemplate(t *testing.T) {
	path := filepath.Join("..", "allocate.yaml")
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	header, _, found := strings.Cut(string(have), "# Configuration of allocate.")
	if !found {
		t.Fatal("allocate.yaml does not hold the template")
	}
	var want bytes.Buffer
	want.WriteString(header)
	if err := WriteTemplate(&want, Static, map[string]any{"returns.path": "testdata/panels/sample.csv", "as_of": "2022-12-23"}); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want.String() != string(have) {
		t.Error("allocate.yaml is not the template any more; run: go test ./config -run Template -update")
	}
}

// What the template says is what the defaults are.
func TestTemplateLoadsToTheDefaults(t *testing.T) {
	var b bytes.Buffer
	if err := WriteTemplate(&b, Static, map[string]any{"returns.path": "x.csv"}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	c, origins, err := Load(Source{File: path})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Returns.Path = filepath.Join(filepath.Dir(path), "x.csv")
	want.Out, want.Cache = filepath.Join(filepath.Dir(path), "out"), filepath.Join(filepath.Dir(path), ".cache")
	for i, f := range Values(c) {
		if w := Values(&want)[i]; FormatValue(f.Default) != FormatValue(w.Default) {
			t.Errorf("%s is %v, the default %v", f.Key, FormatValue(f.Default), FormatValue(w.Default))
		}
		if o := origins[f.Key]; o.Kind != "file" && FormatValue(f.Default) != "null" {
			t.Errorf("%s is from %v", f.Key, o)
		}
	}
}

func TestEveryKeyIsDocumented(t *testing.T) {
	for _, f := range Fields() {
		if f.Doc == "" || strings.ToLower(f.Key) != f.Key {
			t.Errorf("key %q: doc %q", f.Key, f.Doc)
		}
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	c := Default()
	c.AsOf, c.Out, c.Workers = "soon", "", -1
	err := c.Validate()
	var bad *Error
	if !errors.As(err, &bad) {
		t.Fatal(err)
	}
	for _, want := range []string{"as_of:", "out:", "workers:", "returns.path:"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not among the problems: %v", want, err)
		}
	}
}
