package pipeline

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/returns"
)

// TestHostileNames carries names that attack file systems, spreadsheets and
// pages from a file to everything that is published.
func TestHostileNames(t *testing.T) {
	names := []string{"../../../etc/passwd", "=cmd|' /C calc'!A0", "<img src=x onerror=alert(1)>", `quote"comma,semi;`, "@sum(1)", "-2+3", "\u202egnp.exe", "emoji 🙂", "cash", strings.Repeat("x", 256)}
	panel, _, err := returns.Simulate(returns.Simulation{Strategies: len(names), Days: 200, Start: returns.NewDate(2020, 1, 1)}, engine.Streams(3, "hostile"))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	out := csv.NewWriter(&text)
	if err := out.Write([]string{"date", "strategy", "return"}); err != nil {
		t.Fatal(err)
	}
	b, err := published.ExportPanel(panel, "csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		for j, cell := range row[1:] {
			if err := out.Write([]string{row[0], names[j], cell}); err != nil {
				t.Fatal(err)
			}
		}
	}
	out.Flush()
	c := tinyConfig(t)
	c.Returns.Path, c.AsOf = filepath.Join(t.TempDir(), "hostile.csv"), panel.Last().String()
	if err := os.WriteFile(c.Returns.Path, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	o, _ := run(t, c)
	files := mainFiles(t, o.Dir)
	records, err := csv.NewReader(strings.NewReader(files["weights.csv"])).ReadAll()
	if err != nil || len(records) != len(names)+1 {
		t.Fatalf("%d records in weights.csv: %v", len(records), err)
	}
	for _, r := range records[1:] {
		if strings.ContainsAny(r[2][:1], "=+-@") {
			t.Errorf("a spreadsheet would run %q", r[2])
		}
	}
	if strings.Contains(files["tearsheet.html"], "<img") || !strings.Contains(files["tearsheet.html"], "&lt;img src=x onerror=alert(1)&gt;") {
		t.Error("a name reached the page as markup")
	}
	err = filepath.WalkDir(filepath.Dir(c.Out), func(path string, d os.DirEntry, err error) error {
		if strings.Contains(path, "passwd") || strings.Contains(path, "onerror") {
			t.Errorf("a name reached the file name %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
