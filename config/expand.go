package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
)

// reference is ${NAME}, the value of an environment variable, or ${file:PATH}, the text of a file;
// $${ is a literal ${.
var reference = regexp.MustCompile(`\$?\$\{[^}]*\}?`)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// mostSecret is the largest size of a file that a value names, in bytes.
const mostSecret = 64 << 10

// secret is a text that came from a file, and what the configuration has in its place.
type secret struct{ text, reference string }

// leastSecret is the length below which a text is hidden nowhere: it would be found by chance.
const leastSecret = 4

// Published is the configuration for run.json: its values, with ${file:PATH} in place of the text of
// such files.
func (c *Config) Published() any {
	if len(c.secrets) == 0 {
		return c
	}
	b, err := json.Marshal(c)
	var all any
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil {
		return nil // nothing rather than a secret
	}
	return hidden(all, c.Hide)
}

// Hide replaces the text of files that the configuration names by ${file:PATH}.
func (c *Config) Hide(text string) string {
	for _, s := range c.secrets {
		text = strings.ReplaceAll(text, s.text, s.reference)
	}
	return text
}

// hidden applies hide to every string of a JSON value.
func hidden(value any, hide func(string) string) any {
	switch v := value.(type) {
	case string:
		return hide(v)
	case []any:
		for i := range v {
			v[i] = hidden(v[i], hide)
		}
	case map[string]any:
		for k := range v {
			v[k] = hidden(v[k], hide)
		}
	}
	return value
}

// expand replaces the references in the strings of a value of the configuration file. dir is the
// folder of the file.
func (l *loader) expand(value any, env []string, dir string) (any, error) {
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.String:
		return l.expandText(v.String(), env, dir)
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			x, err := l.expand(v.Index(i).Interface(), env, dir)
			if err != nil {
				return nil, err
			}
			list[i] = x
		}
		return list, nil
	case reflect.Map:
		m := map[string]any{}
		for _, k := range v.MapKeys() {
			x, err := l.expand(v.MapIndex(k).Interface(), env, dir)
			if err != nil {
				return nil, err
			}
			m[fmt.Sprint(k.Interface())] = x
		}
		return m, nil
	}
	return value, nil
}

func (l *loader) expandText(text string, env []string, dir string) (string, error) {
	if !strings.Contains(text, "${") {
		return text, nil
	}
	var failed error
	out := reference.ReplaceAllStringFunc(text, func(r string) string {
		if strings.HasPrefix(r, "$$") {
			return r[1:]
		}
		value, err := referred(r, env, dir)
		if strings.HasPrefix(r, "${file:") && len(value) >= leastSecret {
			l.secrets = append(l.secrets, secret{value, r})
		}
		if err != nil && failed == nil {
			failed = err
		}
		return value
	})
	return out, failed
}

// referred is the value of one reference.
func referred(r string, env []string, dir string) (string, error) {
	name, closed := strings.CutSuffix(strings.TrimPrefix(r, "${"), "}")
	if !closed {
		return "", fmt.Errorf("%s has no closing }; expected ${NAME} or ${file:PATH}; a literal ${ is $${", clip(r))
	}
	if path, ok := strings.CutPrefix(name, "file:"); ok {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() || info.Size() > mostSecret {
			return "", fmt.Errorf("${file:%s}: no readable file of at most 64 KiB; create it, or correct the path", clip(path))
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("${file:%s}: the file cannot be read by this account; change its owner or mode", clip(path))
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	}
	if !variableName.MatchString(name) {
		return "", fmt.Errorf("${%s} is no variable; expected ${NAME} or ${file:PATH}; a literal ${ is $${", clip(name))
	}
	for _, e := range env {
		if key, value, ok := strings.Cut(e, "="); ok && key == name {
			return value, nil
		}
	}
	return "", fmt.Errorf("the environment variable %s is not set; set it, or write the value", name)
}
