package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFolders(t *testing.T) {
	dir := t.TempDir()
	user := []string{"HOME=" + dir}
	moved := []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir + "/c", "XDG_STATE_HOME=" + dir + "/s", "XDG_CACHE_HOME=" + dir + "/k"}
	for _, c := range []struct {
		file, out, cache string
		env              []string
	}{
		{"", "out", ".cache", user},
		{"allocate.yaml", "out", ".cache", user},
		{"books/a.yaml", "books/out", "books/.cache", user},
		{"/etc/allocate.yaml", "/var/lib/allocate", "/var/cache/allocate", nil},
		{"/etc/allocate/allocate.yaml", "/var/lib/allocate", "/var/cache/allocate", user},
		{"/etc/allocate/book.yaml", "/var/lib/allocate/book", "/var/cache/allocate", user},
		{"/etcetera/allocate.yaml", "/etcetera/out", "/etcetera/.cache", user},
		{dir + "/.config/allocate/allocate.yaml", dir + "/.local/state/allocate", dir + "/.cache/allocate", user},
		{dir + "/.config/allocate/b.yaml", dir + "/.local/state/allocate/b", dir + "/.cache/allocate", user},
		{dir + "/.config/other/allocate.yaml", dir + "/.config/other/out", dir + "/.config/other/.cache", user},
		{dir + "/c/allocate/allocate.yaml", dir + "/s/allocate", dir + "/k/allocate", moved},
		{dir + "/.config/allocate/allocate.yaml", dir + "/.config/allocate/out", dir + "/.config/allocate/.cache", nil}, // no home is known
	} {
		if out, cache := Folders(c.file, c.env); out != c.out || cache != c.cache {
			t.Errorf("%s: %s and %s, want %s and %s", c.file, out, cache, c.out, c.cache)
		}
	}

	// Folders beside the file stay in use, each for itself.
	file := filepath.Join(dir, ".config/allocate/allocate.yaml")
	if err := os.MkdirAll(filepath.Join(filepath.Dir(file), "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, cache := Folders(file, user); out != filepath.Join(filepath.Dir(file), "out") || cache != dir+"/.cache/allocate" {
		t.Errorf("beside: %s and %s", out, cache)
	}

	// A key of the file, or another source, wins; the local copies of a bucket are where a cache would be.
	text := "returns: {path: r.csv}\ncache: s3://bucket/prefix?endpoint=http://h&region=r\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c, _, err := Load(Source{File: file, Env: user, Flags: map[string]string{"out": "elsewhere"}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Out != "elsewhere" || !strings.Contains(c.Cache, "local="+strings.ReplaceAll(dir+"/.cache/allocate", "/", "%2F")) {
		t.Errorf("out %s, cache %s", c.Out, c.Cache)
	}
}

func TestExpand(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("p${A}ss\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "large"), make([]byte, mostSecret+1), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"A=x", "EMPTY=", "A=ignored", "B=1=2"}
	for text, want := range map[string]string{
		"plain": "plain", "$A": "$A", "a${A}b${B}": "axb1=2", "${EMPTY}": "", "$${A}": "${A}", "$$": "$$",
		"${file:secret}": "p${A}ss", // a value is no text to expand again
		"":               "",
	} {
		got, err := (&loader{}).expandText(text, env, dir)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"${C}": "the environment variable C is not set", "${A": "no closing }", "${a b}": "is no variable", "${}": "is no variable",
		"${file:nowhere}": "no readable file", "${file:large}": "at most 64 KiB", "${file:.}": "no readable file", "x${A}${C}": "C is not set",
	} {
		if got, err := (&loader{}).expandText(text, env, dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}

	// In lists and sections; the error has file, line and key.
	file := filepath.Join(dir, "a.yaml")
	text := "returns:\n  path: ${A}.csv\n  strategies: [a, '${B}']\noptimize:\n  bounds: [{name: '${A}', max: 0.5}]\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c, _, err := Load(Source{File: file, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	if c.Returns.Path != filepath.Join(dir, "x.csv") || c.Returns.Strategies[1] != "1=2" || c.Optimize.Bounds[0].Name != "x" {
		t.Errorf("%+v %+v", c.Returns, c.Optimize.Bounds)
	}
	if _, _, err := Load(Source{File: file}); err == nil || !strings.Contains(err.Error(), "a.yaml:2: returns.path: the environment variable A is not set") || !strings.Contains(err.Error(), "a.yaml:5: optimize.bounds: ") {
		t.Errorf("%v", err)
	}
}

// A short file is read back as it was meant, whatever its comments and values quote.
func TestWriteShort(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.yaml")
	const hostile = "x\nout: elsewhere\n\u2028# ${HOME}: [y]\x1b[2J"
	var b strings.Builder
	err := WriteShort(&b, []string{hostile}, []Setting{
		{"as_of", "2020-01-02", hostile}, {"returns.path", "a: b.csv", hostile}, {"returns.unit", "percent", ""}, {"optimize.max_weight", 0.5, "half"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	c, _, err := Load(Source{File: file})
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	if c.AsOf != "2020-01-02" || c.Out != filepath.Join(dir, "out") || c.Returns.Path != filepath.Join(dir, "a: b.csv") || c.Returns.Unit != "percent" || c.Optimize.MaxWeight != 0.5 {
		t.Errorf("%+v\n%s", c, b.String())
	}
	for line := range strings.Lines(b.String()) {
		if len(line) > 81 {
			t.Errorf("a line of %d: %s", len(line), line)
		}
	}
}

// The text of a file that a value names is in the configuration, and nowhere that is published.
func TestSecretsAreHidden(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "allocate.yaml")
	for name, text := range map[string]string{"token": "hunter-2-hunter\n", "allocate.yaml": "returns: {path: a.csv}\ncache: s3://bucket/${file:token}/x\nscenarios: {stress: [{name: \"a ${file:token}\", strategy: s}]}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, _, err := Load(Source{File: file})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(c.Cache, "s3://bucket/hunter-2-hunter/x") {
		t.Errorf("cache %s", c.Cache)
	}
	b, err := json.Marshal(c.Published())
	if err != nil {
		t.Fatal(err)
	}
	if text := string(b); strings.Contains(text, "hunter") || !strings.Contains(text, "s3://bucket/${file:token}/x") || !strings.Contains(text, `"a ${file:token}"`) {
		t.Errorf("published: %s", text)
	}
	plain, _, err := Load(Source{Sets: []string{"returns.path=a.csv"}})
	if err != nil || plain.Published() != any(plain) {
		t.Errorf("without files: %v", err)
	}
}
