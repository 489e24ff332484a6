package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"allocate/config"
	"allocate/returns"
)

// TestExamples runs every configuration of testdata/examples: it publishes, without a warning, and
// says first what it is an example of. init finds by itself how its data are read.
func TestExamples(t *testing.T) {
	folders, err := filepath.Glob("../../testdata/examples/*/allocate.yaml")
	if err != nil || len(folders) < 6 {
		t.Fatalf("%d examples, %v", len(folders), err)
	}
	for i, file := range folders {
		if testing.Short() && i > 1 {
			break
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "# ") || len(text) > 2000 {
			t.Errorf("%s: no sentence at its beginning, or not short", file)
		}
		c, _, err := config.Load(config.Source{File: file})
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		o := returns.DefaultOptions()
		o.Path = c.Returns.Path
		files, err := o.Source().Fetch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n, err := returns.Inspect(files, o)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if o, want := n.Options, c.Returns; o.Kind != want.Kind || o.Unit != want.Unit || want.Layout != "auto" && (o.Layout != want.Layout || o.DateColumn != want.DateColumn || o.StrategyColumn != want.StrategyColumn || o.ReturnColumn != want.ReturnColumn) || want.Frequency != "auto" && o.Frequency != want.Frequency {
			t.Errorf("%s: init finds %s, %s, %s, %s", file, o.Kind, o.Unit, o.Layout, o.Frequency)
		}
		dir := t.TempDir()
		var stdout, stderr bytes.Buffer
		code := Main(t.Context(), []string{"run", "-q", "-c", file, "--out", filepath.Join(dir, "out"), "--cache", filepath.Join(dir, "cache")}, &stdout, &stderr)
		if code != exitOK || stderr.Len() > 0 || !strings.Contains(stdout.String(), "certified") {
			t.Errorf("%s: exit code %d\n%s%s", file, code, stderr.String(), stdout.String())
		}
	}
}
