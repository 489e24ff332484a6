package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/pipeline/store"
	"allocate/pipeline/store/storetest"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ExecuteCommand {
		os.Exit(executeOne())
	}
	storetest.InMemory()
	debug.SetGCPercent(400) // an eighth of the time of runs as small as these is their garbage
	dir, err := os.MkdirTemp("", "allocate-test-cache-")
	if err != nil {
		panic(err)
	}
	warmCache = dir
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// warmCache is the cache of all tests that neither damage it nor count what is
// found in it. Results are named by what they are made of, so that a test gets
// the same from it as from a cache of its own.
var warmCache string

// cold gives a configuration a cache of its own, empty.
func cold(t testing.TB, c *config.Config) *config.Config {
	c.Cache = t.TempDir()
	return c
}

// warm gives a configuration the cache that the tests share.
func warm(c *config.Config) *config.Config {
	c.Cache = warmCache
	return c
}

// testConfig is a run of the bundled sample, small enough for many of them.
func testConfig(t *testing.T) *config.Config {
	t.Helper()
	c := config.Default()
	c.Returns.Path = filepath.Join("..", "testdata", "panels", "sample.csv")
	c.Out, c.Cache = filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "cache")
	c.AsOf, c.Workers = "2022-12-23", 2
	c.Bayes.Draws, c.Scenarios.Count = 500, 2000
	if testing.Short() {
		fewDraws(&c)
		c.Scenarios.Count, c.Scenarios.Holdout = 500, new(int)
		c.Returns.Path, c.Returns.Window, c.Optimize.Frontier = smallPanel(t), "2y", 4
	}
	return &c
}

// sampled is the number of strategies of testConfig.
func sampled() int {
	if testing.Short() {
		return 5
	}
	return 10
}

func run(t *testing.T, c *config.Config) (*Outcome, *engine.Memory) {
	t.Helper()
	var m engine.Memory
	o, err := Run(context.Background(), c, RunOptions{}, &m, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return o, &m
}

func mainFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"weights.csv", "summary.json", "tearsheet.html"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(b)
	}
	return files
}

func same(t *testing.T, what string, a, b map[string]string) {
	t.Helper()
	for name := range a {
		if a[name] != b[name] {
			t.Errorf("%s: %s differs", what, name)
		}
	}
}

func TestOutputIndependentOfWorkers(t *testing.T) {
	var first map[string]string
	several := []int{1, 8, 2}
	if testing.Short() {
		several = several[:2]
	}
	for _, workers := range several {
		c := tinyConfig(t)
		c.Workers, c.Scenarios.Holdout, c.Bayes.Replicates = workers, nil, 100
		o, _ := run(t, c)
		files := mainFiles(t, o.Dir)
		if first == nil {
			first = files
		}
		same(t, fmt.Sprint(workers, " workers"), first, files)
	}
}

func TestOutputIndependentOfColumnAndRowOrder(t *testing.T) {
	c := warm(testConfig(t))
	o, _ := run(t, c)
	text, err := os.ReadFile(c.Returns.Path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var b strings.Builder
	write := func(line string) {
		cells := strings.Split(line, ",")
		for i := len(cells) - 1; i >= 0; i-- { // columns from the last to the first
			b.WriteString(cells[i])
			if i > 0 {
				b.WriteByte(',')
			}
		}
		b.WriteByte('\n')
	}
	write(lines[0])
	for i := len(lines) - 1; i > 0; i-- {
		write(lines[i])
	}
	shuffled := warm(testConfig(t))
	shuffled.Returns.Path = filepath.Join(t.TempDir(), "sample.csv")
	if err := os.WriteFile(shuffled.Returns.Path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	s, _ := run(t, shuffled)
	same(t, "reversed rows and columns", mainFiles(t, o.Dir), mainFiles(t, s.Dir))
}

func TestSecondRunIsCached(t *testing.T) {
	c := tinyConfig(t)
	c.Scenarios.Holdout = nil
	first, m := run(t, c)
	if !first.Fresh || m.Count(engine.ActionFinished, "bayes") != sampled() {
		t.Errorf("first run: fresh %v, %d fits", first.Fresh, m.Count(engine.ActionFinished, "bayes"))
	}
	second, m := run(t, c)
	if second.Fresh || second.Dir != first.Dir || m.Count(engine.ActionFinished, "") != 0 {
		t.Errorf("second run: fresh %v in %s, %d actions done", second.Fresh, second.Dir, m.Count(engine.ActionFinished, ""))
	}
	// Without the store everything is computed again, to the same bytes.
	before := mainFiles(t, first.Dir)
	c.Cache, c.Out = t.TempDir(), filepath.Join(t.TempDir(), "out")
	third, _ := run(t, c)
	same(t, "cold store", before, mainFiles(t, third.Dir))
}

func TestOnlyChangedStrategyIsRefit(t *testing.T) {
	c := warm(testConfig(t))
	run(t, c)
	text, err := os.ReadFile(c.Returns.Path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	cells := strings.Split(lines[900], ",")
	cells[5] = "0.00421" // strategy_05
	lines[900] = strings.Join(cells, ",")
	c.Returns.Path = filepath.Join(t.TempDir(), "sample.csv")
	if err := os.WriteFile(c.Returns.Path, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	o, m := run(t, c)
	if done, hit := m.Count(engine.ActionFinished, "bayes"), m.Count(engine.ActionHit, "bayes"); done != 1 || hit != sampled()-1 {
		t.Errorf("%d fits done and %d found, want 1 and the others", done, hit)
	}
	if !o.Fresh || filepath.Base(o.Dir) != "r2" {
		t.Errorf("changed inputs were published as %s, fresh %v", o.Dir, o.Fresh)
	}
}

// cancelAfter cancels a run when a number of fits have finished.
type cancelAfter struct {
	engine.Memory
	left   atomic.Int32
	cancel context.CancelFunc
}

func (c *cancelAfter) Event(e engine.Event) {
	c.Memory.Event(e)
	if e.Kind == engine.ActionFinished && e.Stage == "bayes" && c.left.Add(-1) == 0 {
		c.cancel()
	}
}

func TestInterruptedRunResumes(t *testing.T) {
	whole, _ := run(t, warm(testConfig(t)))
	c := testConfig(t)
	ctx, cancel := context.WithCancel(context.Background())
	sink := &cancelAfter{cancel: cancel}
	sink.left.Store(4)
	if _, err := Run(ctx, c, RunOptions{}, sink, time.Now); !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled run ended with %v", err)
	}
	if _, err := os.Lstat(filepath.Join(c.Out, "latest")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an interrupted run published something: %v", err)
	}
	kept := sink.Count(engine.ActionFinished, "bayes")
	o, m := run(t, c)
	if hit := m.Count(engine.ActionHit, "bayes"); hit != kept || kept < 4 {
		t.Errorf("%d fits were kept, %d found again", kept, hit)
	}
	same(t, "resumed", mainFiles(t, whole.Dir), mainFiles(t, o.Dir))
}

func TestDamagedStoreIsRepaired(t *testing.T) {
	c := tinyConfig(t)
	c.Scenarios.Holdout = nil // damage to its results, too
	first, _ := run(t, c)
	before := mainFiles(t, first.Dir)
	for _, kind := range []string{"data", "index"} {
		var paths []string
		err := filepath.Walk(filepath.Join(c.Cache, kind), func(path string, info os.FileInfo, err error) error {
			if err == nil && info.Mode().IsRegular() {
				paths = append(paths, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, path := range paths {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			switch i % 3 {
			case 0:
				b[len(b)/2] ^= 0x10
			case 1:
				b = b[:len(b)/2]
			default:
				b = nil
			}
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		o, m := run(t, c)
		if m.Count(engine.Damaged, "") == 0 {
			t.Errorf("damage in %s was not noticed", kind)
		}
		if o.Fresh {
			t.Errorf("damage in %s changed the result", kind)
		}
		same(t, "repaired "+kind, before, mainFiles(t, o.Dir))
	}
}

func TestLockedFolder(t *testing.T) {
	c := warm(testConfig(t))
	release, err := published.Lock(c.Out)
	if err != nil {
		t.Fatal(err)
	}
	var locked *published.LockedError
	if _, err := Run(context.Background(), c, RunOptions{}, &engine.Memory{}, time.Now); !errors.As(err, &locked) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("a second run in a locked folder: %v", err)
	}
	release()
	run(t, c)
}

func TestManifestIsComplete(t *testing.T) {
	c := warm(testConfig(t))
	c.Scenarios.Holdout = nil
	o, _ := run(t, c)
	m, err := published.ReadManifest(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(c.Returns.Path)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Inputs) != 1 || m.Inputs[0].SHA256 != store.Sum(b) || m.Seed != c.Seed || m.Versions["go"] != runtime.Version() || len(m.Stages) != 8 {
		t.Errorf("run.json: inputs %v, seed %d, versions %v, %d stages", m.Inputs, m.Seed, m.Versions, len(m.Stages))
	}
	for _, f := range m.Files {
		b, err := os.ReadFile(filepath.Join(o.Dir, f.Name))
		if err != nil || store.Sum(b) != f.Content {
			t.Errorf("%s is not the content that run.json names: %v", f.Name, err)
		}
	}
	target, err := os.Readlink(filepath.Join(c.Out, "latest"))
	if err != nil || filepath.Join(c.Out, target) != o.Dir {
		t.Errorf("latest points at %s (%v), want %s", target, err, o.Dir)
	}
}
