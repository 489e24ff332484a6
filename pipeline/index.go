package pipeline

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/google/renameio/v2"

	"allocate/reports"
	"allocate/returns"
)

// writeIndex writes <out>/index.html over the newest revision of every day
// that is published there. It is made from what lies there and can be made again
// at any time; a run whose files are damaged is left out.
func writeIndex(out string) error {
	entries, err := os.ReadDir(out)
	if err != nil {
		return err
	}
	var runs []reports.IndexRun
	for _, e := range entries {
		if _, err := returns.ParseDate(e.Name()); err != nil || !e.IsDir() {
			continue
		}
		valid, _, err := standing(filepath.Join(out, e.Name()))
		if err != nil || len(valid) == 0 {
			continue
		}
		k := valid[len(valid)-1]
		dir := filepath.Join(out, e.Name(), "r"+strconv.Itoa(k))
		m, err := ReadManifest(dir)
		if err != nil {
			continue
		}
		var s reports.Summary
		b, err := os.ReadFile(filepath.Join(dir, "summary.json"))
		if err != nil || json.Unmarshal(b, &s) != nil {
			continue
		}
		runs = append(runs, reports.NewIndexRun(&s, k, m.Outcome, reports.IndexLink(e.Name(), k)))
	}
	slices.SortFunc(runs, func(a, b reports.IndexRun) int { return int(a.AsOf) - int(b.AsOf) })
	var backtests []string
	sheets, _ := fs.Glob(os.DirFS(out), "backtest/*/r*/tearsheet.html") // out itself is no pattern
	backtests = append(backtests, sheets...)
	refused := ""
	if b, err := os.ReadFile(filepath.Join(out, "refused.json")); err == nil {
		var m Manifest
		if json.Unmarshal(b, &m) == nil {
			refused = m.Outcome + " on " + m.AsOf.String()
		}
	}
	var page bytes.Buffer
	if err := reports.WriteIndex(&page, runs, backtests, refused, retractions(out)); err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(out, "index.html"), page.Bytes(), 0o644, renameio.WithTempDir(out))
}
