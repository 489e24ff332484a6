package pipeline

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/returns"
)

var damages = flag.Int("damages", 4, "random damages to published files, and as many to the store, that a run has to notice; half with -short")

func damagesMade() int {
	if testing.Short() {
		return *damages / 2
	}
	return *damages
}

// folder reads every file below dir.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// restore makes dir hold these files and no others.
func restore(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// tinyConfig makes a run of a fraction of a second.
func tinyConfig(t *testing.T) *config.Config {
	c := testConfig(t)
	fewDraws(c)
	c.Scenarios.Count, c.Scenarios.Holdout = 300, new(int)
	return c
}

// fewDraws is enough where one decision is compared with another, whatever it is
// worth.
func fewDraws(c *config.Config) {
	b := &c.Bayes
	b.Chains, b.Draws, b.Warmup, b.MinESS, b.MaxRHat, b.Replicates = 2, 100, 100, 10, 1.5, 0
}

// damage does something bad to a file, and says what.
func damage(t *testing.T, rng *rand.Rand, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	kind := []string{"a bit", "cut short", "empty", "gone", "longer", "another text", "a digit"}[rng.IntN(7)]
	switch kind {
	case "a bit":
		b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
	case "cut short":
		b = b[:rng.IntN(len(b))]
	case "empty":
		b = nil
	case "longer":
		b = append(b, "0\n"...)
	case "another text":
		b = []byte("as_of,effective,strategy,weight\n2022-12-22,2022-12-23,strategy_00,0.990000\n")
	case "a digit":
		at := max(0, strings.IndexAny(string(b), "0123456789"))
		b[at] = '0' + (b[at]-'0'+1)%10
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if kind != "gone" {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return kind
}

// TestPublishedDamageIsNoticed damages one published file, of the day or of the
// day before, with the cache and without: the run restores it or publishes a new
// revision and says so, or refuses; never does it go on from a wrong file.
func TestPublishedDamageIsNoticed(t *testing.T) {
	c := tinyConfig(t)
	c.AsOf = "2022-12-22"
	run(t, c)
	c.AsOf = "2022-12-23"
	o, _ := run(t, c)
	sound := mainFiles(t, o.Dir)
	files := folder(t, c.Out)
	var names []string
	for name := range files {
		if strings.Contains(name, "/r1/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	cache := folder(t, c.Cache)
	restored, refused, again, made := 0, 0, 0, damagesMade()
	for seed := range uint64(made) {
		rng := rand.New(rand.NewPCG(seed, 5))
		name := names[rng.IntN(len(names))]
		what := fmt.Sprintf("seed %d: %s: %s", seed, name, damage(t, rng, filepath.Join(c.Out, name)))
		if rng.IntN(3) == 0 {
			what += ", no cache"
			restore(t, c.Cache, nil)
		}
		var m engine.Memory
		o, err := Run(context.Background(), c, RunOptions{}, &m, time.Now)
		noticed := slices.ContainsFunc(m.Events(), func(e engine.Event) bool {
			return e.Kind == engine.Found && (e.Finding.Code == "run.restored" || e.Finding.Code == "run.damaged")
		})
		var input *returns.InputError
		var gate *published.GateError
		switch {
		case errors.As(err, &input), errors.As(err, &gate):
			refused++
			if !strings.HasSuffix(what, "no cache") {
				t.Errorf("%s: %v, though the cache has it", what, err)
			}
		case err != nil:
			t.Errorf("%s: %v", what, err)
		case !noticed:
			t.Errorf("%s: not noticed", what)
		default:
			same(t, what, sound, mainFiles(t, o.Dir))
			if filepath.Base(o.Dir) == "r1" {
				restored++
			} else {
				again++
			}
			if v, err := published.Open(o.Dir); err != nil || len(v.Damaged()) > 0 {
				t.Errorf("%s: %v, still damaged: %v", what, err, v)
			}
		}
		restore(t, c.Out, files)
		restore(t, c.Cache, cache)
	}
	t.Logf("%d damages: %d restored, %d published again, %d refused", made, restored, again, refused)
	if restored+again+refused != made {
		t.Errorf("%d of %d damages have no such end", made-restored-again-refused, made)
	}
}

// TestDamagedHashIsNoDamagedFile: where one hash in SHA256SUMS is wrong, and
// run.json has the right one, the file that it is of is not refused.
func TestDamagedHashIsNoDamagedFile(t *testing.T) {
	c := tinyConfig(t)
	o, _ := run(t, c)
	path := filepath.Join(o.Dir, published.SumsFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{published.HistoryFile, "weights.csv"} {
		lines := strings.Split(string(text), "\n")
		for i, line := range lines {
			if strings.HasSuffix(line, "  "+name) {
				lines[i] = strings.Repeat("0", 64) + "  " + name
			}
		}
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
		if v, err := published.Open(o.Dir); err != nil || !slices.Equal(v.Damaged(), []string{published.SumsFile}) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
		if err := os.RemoveAll(c.Cache); err != nil { // nothing can be restored from it
			t.Fatal(err)
		}
		if w, err := published.Weights(o.Dir); err != nil || len(w.Names) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestExportsReadWhatWasPublished: a damaged file is no source of an export.
func TestExportsReadWhatWasPublished(t *testing.T) {
	c := warm(tinyConfig(t))
	o, _ := run(t, c)
	for _, text := range []string{"", "as_of,effective,strategy,weight\n2022-12-23,2022-12-27,strategy_00,0.990000\n"} {
		if err := os.WriteFile(filepath.Join(o.Dir, "weights.csv"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := published.Weights(o.Dir)
		if input := new(returns.InputError); !errors.As(err, &input) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := published.Weights(filepath.Join(c.Out, "gone")); !errors.As(err, new(*returns.NotReadyError)) {
		t.Errorf("no run: %v", err)
	}
}

// TestHistoryNeedsNoCache: the cache is deleted, trimmed, or run.json of the day
// before is damaged, and the past has changed: the night is held.
func TestHistoryNeedsNoCache(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "testdata", "panels", "sample.csv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	past := len(lines) - 400
	cells := strings.Split(lines[past], ",")
	cells[3] = "0.0123"
	lines[past] = strings.Join(cells, ",")
	restated := filepath.Join(t.TempDir(), "restated.csv")
	if err := os.WriteFile(restated, []byte(strings.Join(lines, "")), 0o644); err != nil {
		t.Fatal(err)
	}
	c := tinyConfig(t)
	c.AsOf = "2022-12-22"
	before, _ := run(t, c)
	out, cache, sample := folder(t, c.Out), folder(t, c.Cache), c.Returns.Path
	for what, spoil := range map[string]func(c *config.Config, dir string) error{
		"the cache is there": func(*config.Config, string) error { return nil },
		"no cache":           func(c *config.Config, _ string) error { return os.RemoveAll(c.Cache) },
		"no digest": func(c *config.Config, dir string) error {
			return errors.Join(os.RemoveAll(c.Cache), os.Remove(filepath.Join(dir, published.HistoryFile)))
		},
	} {
		if err := spoil(c, before.Dir); err != nil {
			t.Fatal(err)
		}
		c.AsOf, c.Returns.Path = "2022-12-23", restated
		var m engine.Memory
		_, err := Run(context.Background(), c, RunOptions{}, &m, time.Now)
		restore(t, c.Out, out)
		restore(t, c.Cache, cache)
		gate := new(published.GateError)
		if !errors.As(err, &gate) || returns.Worst(gate.Findings) != returns.Hold {
			t.Errorf("%s: %v", what, err)
			continue
		}
		code := "data.restated"
		if what == "no digest" {
			code = "run.history"
		}
		if !slices.ContainsFunc(gate.Findings, func(f returns.Finding) bool { return f.Code == code }) {
			t.Errorf("%s: %v", what, gate)
		}
	}
	// The same data, and no cache: nothing has changed.
	if err := os.RemoveAll(c.Cache); err != nil {
		t.Fatal(err)
	}
	c.AsOf, c.Returns.Path = "2022-12-23", sample
	run(t, c)
}

// TestRetract: what was taken back is neither latest nor previous weights, and
// is not published again by the same inputs.
func TestRetract(t *testing.T) {
	c := warm(tinyConfig(t))
	c.AsOf = "2022-12-21"
	run(t, c)
	c.AsOf = "2022-12-22"
	o, _ := run(t, c)
	before := folder(t, o.Dir)
	latest, err := published.Retract(c.Out, "2022-12-22/r1", "a test", time.Now)
	if err != nil || latest != filepath.Join(c.Out, "2022-12-21", "r1") {
		t.Fatalf("%v, latest %s", err, latest)
	}
	if to, err := os.Readlink(filepath.Join(c.Out, "latest")); err != nil || to != filepath.Join("2022-12-21", "r1") {
		t.Errorf("latest is %s, %v", to, err)
	}
	for name, text := range before {
		if b, err := os.ReadFile(filepath.Join(o.Dir, name)); err != nil || string(b) != text {
			t.Errorf("%s has changed: %v", name, err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(c.Out, "index.html")); err != nil || !strings.Contains(string(b), "2022-12-22/r1: a test") {
		t.Errorf("the index does not say so: %v", err)
	}
	var m engine.Memory
	if _, err := Run(context.Background(), c, RunOptions{}, &m, time.Now); !errors.As(err, new(*published.GateError)) || !strings.Contains(err.Error(), "a test") {
		t.Errorf("the same again: %v", err)
	}
	c.AsOf = "2022-12-23"
	if o, _ = run(t, c); o.Decision.Held.AsOf.String() != "2022-12-21" {
		t.Errorf("previous weights are of %v", o.Decision.Held.AsOf)
	}
	c.AsOf = "2022-12-22"
	if o, err = Run(context.Background(), c, RunOptions{Approve: true}, &m, time.Now); err != nil || filepath.Base(o.Dir) != "r2" {
		t.Errorf("approved: %v, %+v", err, o)
	}
	for _, bad := range []string{"2022-12-22", "2022-12-22/r9", "../x/r1", "2022-12-22/r0"} {
		if _, err := published.Retract(c.Out, bad, "why", time.Now); !errors.As(err, new(*config.Error)) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestDryRunPublishesNothing, and decides what a run does.
func TestDryRunPublishesNothing(t *testing.T) {
	c := tinyConfig(t)
	c.AsOf, c.Scenarios.Holdout = "2022-12-22", nil
	var m engine.Memory
	dry, err := Run(context.Background(), c, RunOptions{DryRun: true}, &m, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.Out); !errors.Is(err, os.ErrNotExist) || !dry.DryRun {
		t.Errorf("something was published: %v", err)
	}
	o, _ := run(t, c)
	if !slices.Equal(dry.Decision.Solution.Weights, o.Decision.Solution.Weights) {
		t.Error("the run decides otherwise")
	}
	_, steps, err := Plan(context.Background(), c, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		if s.Status != "cached" {
			t.Errorf("after the run, plan says %+v", s)
		}
	}
	// The next night: what plan calls stored, the run finds stored, and the other way round.
	c.AsOf = "2022-12-23"
	run(t, c)
	_, steps, err = Plan(context.Background(), c, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		if s.Status != "cached" {
			t.Errorf("after the second night, plan says %+v", s)
		}
	}
}
