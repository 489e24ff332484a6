package config

import (
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
)

// WriteTemplate writes a commented file with every key at its default in a preset and
// the given values in place of some of them, by key.
func WriteTemplate(w io.Writer, preset string, values map[string]any) error {
	c, err := Preset(preset)
	if err != nil {
		return &Error{err}
	}
	var b strings.Builder
	b.WriteString("# Configuration of allocate. Every key can also be set by --set key=value or by an\n")
	b.WriteString("# environment variable: optimize.alpha is ALLOCATE_OPTIMIZE_ALPHA.\n")
	b.WriteString("# Paths are relative to this file. In a value ${NAME} is a variable of the environment and\n")
	b.WriteString("# ${file:PATH} the text of a file.\n")
	for _, f := range walk("", reflect.ValueOf(c)) {
		indent := strings.Repeat("  ", strings.Count(f.Key, "."))
		name := f.Key[strings.LastIndex(f.Key, ".")+1:]
		if f.section {
			fmt.Fprintf(&b, "\n# %s\n%s:\n", f.Doc, name)
			continue
		}
		value := f.Default
		if given, ok := values[f.Key]; ok {
			value = given
		}
		for _, line := range wrap(f.Doc, 100-len(indent)) {
			fmt.Fprintf(&b, "%s# %s\n", indent, line)
		}
		fmt.Fprintf(&b, "%s%s: %s\n", indent, name, FormatValue(value))
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// FormatValue writes a value as YAML on one line.
func FormatValue(value any) string { return formatYAML(reflect.ValueOf(value)) }

func formatYAML(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return "null"
		}
		return formatYAML(v.Elem())
	case reflect.String:
		s := v.String()
		if s == "" || strings.ContainsAny(s, ":#{}[],&*!|>'\"%@`\n\t\\") || strings.TrimSpace(s) != s || isYAMLWord(s) {
			return strconv.Quote(s)
		}
		return s
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case reflect.Slice:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = formatYAML(v.Index(i))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.Struct:
		var parts []string
		for i := range v.NumField() {
			if f := v.Field(i); f.Kind() != reflect.Pointer || !f.IsNil() {
				parts = append(parts, v.Type().Field(i).Tag.Get("mapstructure")+": "+formatYAML(f))
			}
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v.Interface())
}

// isYAMLWord reports text that YAML would read as something else.
func isYAMLWord(s string) bool {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return true
	}
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "~", "-":
		return true
	}
	return len(s) == 10 && s[4] == '-' && s[7] == '-' // a date
}

func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// Values returns every key with the value it has in c, in the order of the
// file.
func Values(c *Config) []Field {
	var out []Field
	for _, f := range walk("", reflect.ValueOf(*c)) {
		if !f.section {
			out = append(out, f)
		}
	}
	return out
}
