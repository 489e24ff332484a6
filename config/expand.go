package config

import (
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

// expand replaces the references in the strings of a value of the configuration file. dir is the
// folder of the file.
func expand(value any, env []string, dir string) (any, error) {
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.String:
		return expandText(v.String(), env, dir)
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			x, err := expand(v.Index(i).Interface(), env, dir)
			if err != nil {
				return nil, err
			}
			list[i] = x
		}
		return list, nil
	case reflect.Map:
		m := map[string]any{}
		for _, k := range v.MapKeys() {
			x, err := expand(v.MapIndex(k).Interface(), env, dir)
			if err != nil {
				return nil, err
			}
			m[fmt.Sprint(k.Interface())] = x
		}
		return m, nil
	}
	return value, nil
}

func expandText(text string, env []string, dir string) (string, error) {
	if !strings.Contains(text, "${") {
		return text, nil
	}
	var failed error
	out := reference.ReplaceAllStringFunc(text, func(r string) string {
		if strings.HasPrefix(r, "$$") {
			return r[1:]
		}
		value, err := referred(r, env, dir)
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
