package returns

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the errors that testdata/bad expects; review the difference")

// TestBadFiles reads every file of testdata/bad. Its index names one a line:
// the file, options as key=value, and the whole error.
func TestBadFiles(t *testing.T) {
	dir := filepath.Join("..", "testdata", "bad")
	index := filepath.Join(dir, "index.tsv")
	text, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	listed := map[string]bool{"index.tsv": true, "README.md": true}
	for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		parts := strings.SplitN(line, "\t", 3)
		for len(parts) < 3 {
			parts = append(parts, "")
		}
		name, set, want := parts[0], parts[1], parts[2]
		listed[name] = true
		o := options()
		key, value, _ := strings.Cut(set, "=")
		switch key {
		case "date_column":
			o.DateColumn = value
		case "kind":
			o.Kind = value
		case "layout":
			o.Layout = value
		case "strategies":
			o.Strategies = []string{value}
		case "":
		default:
			t.Fatalf("index: no option %q", key)
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = Read([]File{{Name: name, Data: data}}, o)
		if err == nil {
			t.Errorf("%s was read without an error", name)
			continue
		}
		got := strings.ReplaceAll(strings.ReplaceAll(err.Error(), "\n", `\n`), "\t", `\t`)
		if got != want && !*update {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
		if !strings.HasPrefix(got, name+": ") {
			t.Errorf("%s: the error does not begin with the file: %s", name, got)
		}
		out.WriteString(name + "\t" + set + "\t" + got + "\n")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !listed[e.Name()] {
			t.Errorf("%s is not in the index", e.Name())
		}
	}
	if len(entries) < 62 {
		t.Errorf("only %d bad files", len(entries)-2)
	}
	if *update {
		if err := os.WriteFile(index, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
