package published

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"allocate/reports"
)

// WriteIndex writes <out>/index.html over the newest revision of every day
// that is published there. It is made from what lies there and can be made again
// at any time; a run whose files are damaged is left out.
func WriteIndex(out string) error {
	var runs []reports.IndexRun
	for _, l := range NewList(out) {
		m, err := ReadManifest(l.Dir)
		if err != nil {
			continue
		}
		var s reports.Summary
		b, err := os.ReadFile(filepath.Join(l.Dir, "summary.json"))
		if err != nil || json.Unmarshal(b, &s) != nil {
			continue
		}
		runs = append(runs, reports.NewIndexRun(&s, l.Number, m.Outcome, reports.IndexLink(l.Day.String(), l.Number)))
	}
	var backtests []string
	sheets, _ := fs.Glob(os.DirFS(out), "backtest/*/r*/tearsheet.html") // out itself is no pattern
	backtests = append(backtests, sheets...)
	refused := ""
	if b, err := os.ReadFile(filepath.Join(out, refusedFile)); err == nil {
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
