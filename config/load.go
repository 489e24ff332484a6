package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/spf13/viper"

	"allocate/returns"
)

// keyDelimiter keeps viper from splitting anything but our own dotted keys.
const keyDelimiter = "."

// Source is where values come from beside the file: in rising order of
// precedence the environment, --set key=value, and flags.
type Source struct {
	File  string            // path of the configuration file; blank: none
	Env   []string          // as os.Environ gives it
	Sets  []string          // key=value
	Flags map[string]string // key to value, of the flags that were given
}

// Origin says where the value of a key is from.
type Origin struct {
	Kind   string // default, preset, file, environment, set, flag
	Detail string // path and line, variable or flag
}

func (o Origin) String() string {
	if o.Detail == "" {
		return o.Kind
	}
	return o.Kind + " " + o.Detail
}

// Load reads, checks and combines all sources. Every unknown key, unknown
// ALLOCATE_ variable, unreadable value and value out of range is reported at
// once, as an *Error.
func Load(src Source) (*Config, map[string]Origin, error) {
	l := loader{v: viper.NewWithOptions(viper.KeyDelimiter(keyDelimiter)), fields: map[string]Field{}, origins: map[string]Origin{}}
	for _, f := range Fields() {
		l.fields[f.Key] = f
		l.keys = append(l.keys, f.Key)
		l.origins[f.Key] = Origin{Kind: "default"}
	}
	if src.File != "" {
		l.file(src.File, src.Env)
	}
	l.env(src.Env)
	for _, s := range src.Sets {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			l.problem("--set %q: expected key=value", clip(s))
			continue
		}
		l.set(strings.TrimSpace(key), value, Origin{"set", "--set " + strings.TrimSpace(key)}, "--set "+key)
	}
	flags := make([]string, 0, len(src.Flags))
	for key := range src.Flags {
		flags = append(flags, key)
	}
	sort.Strings(flags)
	for _, key := range flags {
		l.set(key, src.Flags[key], Origin{"flag", "--" + strings.ReplaceAll(key, "_", "-")}, "--"+strings.ReplaceAll(key, "_", "-"))
	}
	l.applyPreset()
	if rest := l.unknown - mostUnknown; rest > 0 {
		l.problem("and %d more unknown keys", rest)
	}
	if len(l.problems) > 0 {
		return nil, nil, &Error{errors.Join(l.problems...)}
	}
	c, err := decode(l.v)
	if err != nil {
		return nil, nil, &Error{err}
	}
	l.resolve(c, src)
	completeCache(c, src)
	l.renameAllocators(c)
	c.Notices, c.secrets = l.notices, l.secrets
	return c, l.origins, c.Validate()
}

// mostUnknown is how many unknown keys are named, each with the key that may
// have been meant; the rest are counted.
const mostUnknown = 20

type loader struct {
	unknown  int // keys
	v        *viper.Viper
	fields   map[string]Field
	keys     []string
	origins  map[string]Origin
	problems []error
	notices  []string // about keys and names of earlier versions
	secrets  []secret
}

func (l *loader) problem(format string, args ...any) {
	l.problems = append(l.problems, fmt.Errorf(format, args...))
}

// more counts an unknown key and reports whether to name it: finding its line
// and the nearest key takes time.
func (l *loader) more() bool {
	l.unknown++
	return l.unknown <= mostUnknown
}

func (l *loader) file(path string, env []string) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		l.problem("%s: no such file; create one with: allocate init RETURNS -o %[1]s", path)
		return
	}
	if err != nil {
		l.problem("%s: cannot be read; expected a configuration file", path)
		return
	}
	if ext := strings.ToLower(filepath.Ext(path)); slices.Contains([]string{".csv", ".gz", ".parquet", ".pq", ".arrow", ".feather"}, ext) {
		l.problem("%s: a file of data; expected a configuration; write one with: allocate init %[1]s", path)
		return
	}
	only := viper.NewWithOptions(viper.KeyDelimiter(keyDelimiter))
	only.SetConfigFile(path)
	if ext := filepath.Ext(path); ext != ".json" && ext != ".toml" {
		only.SetConfigType("yaml")
		if line := crowded(string(text)); line > 0 {
			l.problem("%s:%d: more than %d keys in one section, most of them unknown; see allocate config docs", path, line, mostKeys)
			return
		}
	}
	if err := only.ReadInConfig(); err != nil {
		l.problems = append(l.problems, notYAMLFile(path, err))
		return
	}
	l.problems = append(l.problems, oddities(path, string(text))...)
	keys := only.AllKeys()
	sort.Strings(keys)
	sections := map[string]bool{}
	for _, key := range l.keys {
		if section, _, nested := strings.Cut(key, "."); nested {
			sections[section] = true
		}
	}
	for _, key := range keys {
		if _, known := l.fields[key]; !known {
			where := place(path, lineOf(string(text), key))
			switch {
			case l.retire(key, only.Get(key), Origin{"file", where}, where):
			case sections[key] && only.Get(key) == nil:
				// everything in it is a comment
			case sections[key]:
				l.problem("%s: %s is a section; indent its keys below it", place(path, lineOf(string(text), key)), clip(key))
			case l.more():
				l.problem("%s: unknown key %s%s", place(path, lineOf(string(text), key)), clip(key), l.suggest(key))
			}
			continue
		}
		line := lineOf(string(text), key)
		value, err := l.expand(only.Get(key), env, filepath.Dir(path))
		if err != nil {
			l.problem("%s: %s: %w", place(path, line), key, err)
			continue
		}
		value, err = normalize(key, reflect.TypeOf(l.fields[key].Default), l.fields[key].tag, value)
		if err != nil {
			l.problem("%s: %w", place(path, line), err)
			continue
		}
		l.v.Set(key, value)
		l.origins[key] = Origin{"file", place(path, line)}
	}
}

// suggest names the key that may have been meant: one whose last part is the same, else the
// nearest.
func (l *loader) suggest(key string) string {
	last := key[strings.LastIndex(key, ".")+1:]
	for _, known := range l.keys {
		if strings.HasSuffix(known, "."+last) {
			return fmt.Sprintf("; did you mean %s?", known)
		}
	}
	return returns.Suggest(key, l.keys)
}

// lineOf finds the line of a dotted key in YAML text, by following its parts
// downwards; 0 if the file is written in another way.
func lineOf(text, key string) int {
	parts := strings.Split(key, ".")
	for i, line := range strings.Split(text, "\n") {
		name, _, found := strings.Cut(strings.TrimSpace(line), ":")
		if !found || !strings.EqualFold(strings.Trim(name, `"'`), parts[0]) {
			continue
		}
		if len(parts) == 1 {
			return i + 1
		}
		parts = parts[1:]
	}
	return 0
}

func (l *loader) env(environ []string) {
	names := map[string]string{}
	known := make([]string, 0, len(l.keys))
	for _, key := range l.keys {
		names[l.fields[key].Env()] = key
		known = append(known, l.fields[key].Env())
	}
	for key := range retiredKeys {
		names[Field{Key: key}.Env()] = key
	}
	environ = slices.Clone(environ)
	sort.Strings(environ)
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, envPrefix) {
			continue
		}
		key, ok := names[name]
		if !ok {
			if l.more() {
				l.problem("unknown environment variable %s%s", clip(name), returns.Suggest(name, known))
			}
			continue
		}
		l.set(key, value, Origin{"environment", name}, name)
	}
}

// set overrides one key by text, which is read as YAML unless the key holds
// text: 0.95, true, null or [{name: a, max: 0.2}].
func (l *loader) set(key, value string, origin Origin, where string) {
	f, ok := l.fields[key]
	if !ok {
		if !l.retire(key, value, origin, where) && l.more() {
			l.problem("%s: unknown key %s%s", clip(where), clip(key), l.suggest(key))
		}
		return
	}
	parsed, err := parse(f, value)
	if err == nil {
		parsed, err = normalize(key, reflect.TypeOf(f.Default), f.tag, parsed)
	}
	if err != nil {
		l.problem("%s: %w", where, err)
		return
	}
	l.v.Set(key, parsed)
	l.origins[key] = origin
}

// resolve makes paths of the file relative to the file, so that a run does
// not depend on the folder it is started in.
func (l *loader) resolve(c *Config, src Source) {
	if src.File == "" {
		return
	}
	dir := filepath.Dir(src.File)
	out, cache := Folders(src.File, src.Env)
	if l.origins["out"].Kind == "default" {
		c.Out = out
	}
	if l.origins["cache"].Kind == "default" {
		c.Cache = cache
	}
	for key, path := range map[string]*string{
		"out": &c.Out, "cache": &c.Cache, "returns.path": &c.Returns.Path,
		"returns.metadata": &c.Returns.Metadata, "returns.holidays": &c.Returns.Holidays,
		"backtest.dates": &c.Backtest.Dates, "gates.previous": &c.Gates.Previous, "gates.textfile": &c.Gates.Textfile,
	} {
		if !l.fields[key].Path {
			panic("config: " + key + " is not declared as a path")
		}
		kind := l.origins[key].Kind
		if (kind == "file" || kind == "default" && key != "out" && key != "cache") && *path != "" && !filepath.IsAbs(*path) && scheme(*path) == "" {
			*path = filepath.Join(dir, *path)
		}
	}
	if l.origins["backtest.portfolios"].Kind == "file" {
		for i, p := range c.Backtest.Portfolios {
			if p.Path != "" && !filepath.IsAbs(p.Path) {
				c.Backtest.Portfolios[i].Path = filepath.Join(dir, p.Path)
			}
		}
	}
}

func place(path string, line int) string {
	if line == 0 {
		return path
	}
	return fmt.Sprintf("%s:%d", path, line)
}

// yamlKey is the key of a line of YAML.
var yamlKey = regexp.MustCompile(`^\s*(?:- )?["']?([A-Za-z_~][A-Za-z_.0-9]*)["']?\s*:(?:\s|$)`)

// oddities reports what YAML allows and a reader would not expect: a second
// document, which is ignored; a key without a name; one key in two spellings, of
// which one counts.
func oddities(path, text string) []error {
	if ext := filepath.Ext(path); ext == ".json" || ext == ".toml" {
		return nil
	}
	var errs []error
	begun := false
	for i, line := range strings.Split(text, "\n") {
		odd := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("%s: %s", place(path, i+1), fmt.Sprintf(format, args...)))
		}
		bare := strings.TrimSpace(line)
		switch {
		case bare == "" || strings.HasPrefix(bare, "#") || strings.HasPrefix(bare, "%"):
			continue
		case strings.HasPrefix(line, "---") || strings.HasPrefix(line, "..."):
			if begun {
				odd("the file has a second YAML document; merge the two")
				return errs
			}
			continue
		}
		begun = true
		m := yamlKey.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		switch key := m[1]; {
		case strings.EqualFold(key, "null") || key == "~":
			odd("a key without a name")
		case key != strings.ToLower(key):
			odd("write the key %s in lower case: %s", clip(key), clip(strings.ToLower(key)))
		case strings.Contains(key, "."):
			odd("write the key %s as a section, with its keys indented below it", clip(key))
		}
	}
	return errs
}

// scheme returns what is before :// in a path, blank if there is none.
func scheme(path string) string {
	before, _, found := strings.Cut(path, "://")
	if !found || strings.ContainsAny(before, "/\\") {
		return ""
	}
	return before
}

func clip(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}
