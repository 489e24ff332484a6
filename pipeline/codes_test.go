package pipeline

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"allocate/config"
	"allocate/returns"
)

var codeLiteral = regexp.MustCompile(`"((?:data|bayes|scenarios|optimize|run|backtest)\.[a-z0-9_]+)"`)

// TestCodes holds the list of findings against the code: every code that some
// stage gives is in the list, and every one of the list is given somewhere. A
// literal that is a configuration key or a file is no code; one that ends in _
// is the begin of several.
func TestCodes(t *testing.T) {
	keys := map[string]bool{"run.json": true, "backtest.json": true}
	for _, f := range config.Fields() {
		keys[f.Key] = true
	}
	seen := map[string]bool{}
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || path == "returns/catalog.go" || path == "config/retired.go" {
			return err
		}
		text, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		for _, m := range codeLiteral.FindAllStringSubmatch(string(text), -1) {
			seen[m[1]] = true
			_, known := returns.CodeOf(m[1])
			begins := strings.HasSuffix(m[1], "_") && returns.HasCode(m[1])
			if !known && !begins && !keys[m[1]] {
				t.Errorf("%s: %q is neither in returns/catalog.go nor a configuration key", path, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range returns.Codes() {
		used := seen[c.Name]
		for at := len(c.Name); !used && at > 0; at = strings.LastIndexByte(c.Name[:at], '_') {
			used = seen[c.Name[:at]+"_"]
		}
		if stage, what, _ := strings.Cut(c.Name, "."); stage == "scenarios" && (strings.HasSuffix(what, "pit") || strings.HasSuffix(what, "tail")) {
			used = true // prefix and name are put together in misfit
		}
		if !used {
			t.Errorf("%q is in the list, and no stage gives it", c.Name)
		}
	}
}
