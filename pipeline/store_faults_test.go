package pipeline

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/pipeline/store"
	"allocate/reports"
	"allocate/returns"
)

// TestStoreDamageIsNoticed damages one file of the store: the next run gives the
// same bytes, and makes the entry again if it needs it.
func TestStoreDamageIsNoticed(t *testing.T) {
	c := tinyConfig(t)
	o, _ := run(t, c)
	sound := mainFiles(t, o.Dir)
	files := folder(t, c.Out)
	s, err := store.Open(c.Cache)
	if err != nil {
		t.Fatal(err)
	}
	verified, again, made := 0, 0, damagesMade()
	cache := folder(t, c.Cache)
	var names []string
	for name := range cache {
		if store.ID(filepath.Base(name)).Valid() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for seed := range uint64(made) {
		rng := rand.New(rand.NewPCG(seed, 6))
		name := names[rng.IntN(len(names))]
		kind := damage(t, rng, filepath.Join(c.Cache, name))
		what := fmt.Sprintf("seed %d: %s: %s", seed, name, kind)
		if _, damaged, err := s.Verify(false); err != nil || (len(damaged) == 0) != (kind == "gone") {
			t.Errorf("%s: verify names %v, %v", what, damaged, err)
		} else {
			verified++
		}
		restore(t, c.Out, nil) // or there would be little to do
		o, m := run(t, c)
		same(t, what, sound, mainFiles(t, o.Dir))
		again += min(1, m.Count(engine.ActionFinished, "")+m.Count(engine.Damaged, ""))
		restore(t, c.Cache, cache)
	}
	restore(t, c.Out, files)
	t.Logf("%d damages: %d noticed by verify, %d met and made again by the run", made, verified, again)
}

// TestFIFOsAreRefused: metadata, holidays and previous weights that would never end.
func TestFIFOsAreRefused(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o644); err != nil {
		t.Skip(err)
	}
	for what, change := range map[string]func(*config.Config){
		"metadata": func(c *config.Config) { c.Returns.Metadata = fifo },
		"holidays": func(c *config.Config) { c.Returns.Calendar, c.Returns.Holidays = "file", fifo },
		"previous": func(c *config.Config) { c.Gates.Previous = fifo },
		"device":   func(c *config.Config) { c.Returns.Metadata = "/dev/zero" },
	} {
		c := testConfig(t)
		change(c)
		var m engine.Memory
		if _, err := Run(context.Background(), c, RunOptions{}, &m, time.Now); !errors.As(err, new(*returns.InputError)) || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestLostInputIsRecomputed: what somebody deletes from the cache while a run is
// at work is made again.
func TestLostInputIsRecomputed(t *testing.T) {
	c := warm(tinyConfig(t))
	want := mainFiles(t, func() string { o, _ := run(t, c); return o.Dir }())
	c = tinyConfig(t)
	deleted := 0
	sink := sinkFunc(func(e engine.Event) {
		if e.Kind == engine.StageFinished && (e.Stage == "returns" || e.Stage == "window" || e.Stage == "bayes" || e.Stage == "scenarios") {
			deleted++
			if err := os.RemoveAll(filepath.Join(c.Cache, "data")); err != nil {
				t.Error(err)
			}
		}
	})
	o, err := Run(context.Background(), c, RunOptions{}, sink, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "with a cache that is deleted all the time", want, mainFiles(t, o.Dir))
	if deleted != 4 {
		t.Errorf("deleted %d times", deleted)
	}
}

// TestSeverityPoliciesShareStore: a backtest under one policy of severities has the
// same bytes whether another one has filled the cache or not.
func TestSeverityPoliciesShareStore(t *testing.T) {
	shared := t.TempDir()
	policy := func(severity string) *config.Config {
		c := cold(t, tinyBacktest(t))
		c.Backtest.Start, c.Backtest.Every = "2022-03-01", 126
		c.Bayes.MinESS = 199 // every posterior has a finding
		c.Gates.Severity = []returns.NamedSeverity{{Code: "scenarios.dependence", Severity: severity}, {Code: "scenarios.cvar", Severity: severity}}
		return c
	}
	warm := func(severity string) *config.Config {
		c := policy(severity)
		c.Cache = shared
		return c
	}
	tested(t, warm("info"))
	a, b := folder(t, tested(t, policy("fail")).Dir), folder(t, tested(t, warm("fail")).Dir)
	for name := range a {
		if name != published.ManifestFile && name != published.SumsFile && a[name] != b[name] {
			t.Errorf("%s differs from that of an empty cache", name)
		}
	}
}

// hostile are 50 names that attack file systems, spreadsheets, pages, terminals
// and each other.
func hostile() []string {
	names := []string{
		"../../../etc/passwd", "=cmd|' /C calc'!A0", "<img src=x onerror=alert(1)>", `quote"comma,semi;`, "@sum(1)", "-2+3", "+1", "=1", "'=1", "''=1",
		"'", "''", "'abc", "abc'", "\u202egnp.exe", "emoji 🙂", "cash", strings.Repeat("x", 256), "CASH2", "nan1",
		"NaN%", "nil", "true", "0", "1e5", "2020-01-01", "dates", "strategy", "weight", "as_of",
		"a b", "a\u00a0b", "ä", "a\u0308", "%s%n%d", "{{.}}", "${HOME}", "`id`", "a;rm -rf", "a|b",
		"a\\b", "C:\\x", "con", ".hidden", "-rf", "--flag", "*", "?", "[a]", "#",
	}
	return names
}

// TestHostileNamesInTwoRuns: the same names come back from every file.
func TestHostileNamesInTwoRuns(t *testing.T) {
	names := hostile()
	if len(names) != 50 {
		t.Fatalf("%d names", len(names))
	}
	if testing.Short() {
		names = names[:16]
	}
	panel, _, err := returns.Simulate(returns.Simulation{Strategies: len(names), Days: 150, Start: returns.NewDate(2020, 1, 1)}, engine.Streams(3, "hostile"))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	out := csv.NewWriter(&text)
	_ = out.Write([]string{"date", "strategy", "return"})
	for day := range panel.Days() {
		for j, name := range names {
			v, _ := panel.At(day, j)
			if err := out.Write([]string{panel.Date(day).String(), name, fmt.Sprint(v)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	out.Flush()
	c := testConfig(t)
	c.Returns.Path = filepath.Join(t.TempDir(), "hostile.csv")
	fewDraws(c)
	c.Scenarios.Count, c.Scenarios.Holdout = 300, new(int)
	c.Optimize.MinWeight, c.Optimize.MaxWeight = 0.005, 0.1 // everything is held
	if err := os.WriteFile(c.Returns.Path, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	c.AsOf = panel.Date(panel.Days() - 2).String()
	run(t, c)
	c.AsOf = panel.Last().String()
	var m engine.Memory
	o, err := Run(context.Background(), c, RunOptions{Approve: true}, &m, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(slices.Values(names))
	check := func(what string, got []string) {
		t.Helper()
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: %q\nwant %q", what, got, want)
		}
	}
	check("solution", slices.Clone(o.Decision.Solution.Names))
	var held []string
	for name := range o.Decision.Held.Weights {
		held = append(held, name)
	}
	check("previous weights", held)
	w, err := published.Weights(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	check("weights.csv", slices.Clone(w.Names))
	var s reports.Summary
	if err := json.Unmarshal([]byte(mainFiles(t, o.Dir)["summary.json"]), &s); err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, x := range s.Strategies {
		listed = append(listed, x.Name)
	}
	check("summary.json", listed)
	cells := func(text string, pick func(row int, r []string) []string) (got []string) {
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range rows {
			for _, cell := range pick(i, r) {
				if strings.ContainsAny(cell[:1], "=+-@") {
					t.Errorf("a spreadsheet would run %q", cell)
				}
				got = append(got, reports.CSVName(cell))
			}
		}
		return got
	}
	header := func(row int, r []string) []string {
		if row > 0 {
			return nil
		}
		return r[1:]
	}
	known, err := Panel(context.Background(), c, &m, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	b, err := published.ExportPanel(known, "csv")
	if err != nil {
		t.Fatal(err)
	}
	check("export panel", cells(string(b), header))
	for form, pick := range map[string]func(int, []string) []string{
		reports.WideWeights: header,
		reports.LongWeights: func(row int, r []string) []string { return r[2:3][:min(row, 1)] },
		reports.IBKRWeights: func(_ int, r []string) []string { return r[1:2] },
		reports.LEANWeights: func(_ int, r []string) []string { return r[1:2] },
	} {
		var b strings.Builder
		if err := reports.EncodeWeights(&b, w, form); err != nil {
			t.Fatal(err)
		}
		got := cells(b.String(), pick)
		if form == reports.IBKRWeights || form == reports.LEANWeights {
			got = slices.DeleteFunc(got, func(s string) bool { return !slices.Contains(want, s) })
		}
		check("export weights "+form, got)
	}
	if page := mainFiles(t, o.Dir)["tearsheet.html"]; strings.Contains(page, "<img") || strings.Contains(page, "<script>alert") {
		t.Error("a name reached the page as markup")
	}
	if err := filepath.WalkDir(filepath.Dir(c.Out), func(path string, d os.DirEntry, err error) error {
		if strings.Contains(path, "passwd") || strings.Contains(path, "onerror") {
			t.Errorf("a name reached the file name %s", path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
