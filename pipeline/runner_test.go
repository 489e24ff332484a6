package pipeline

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/pipeline/store"
)

// TestUnwritableFolders expects one error each.
func TestUnwritableFolders(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c := testConfig(t)
	c.Out = filepath.Join(file, "out")
	if _, err := Run(t.Context(), c, RunOptions{}, &engine.Memory{}, time.Now); err == nil || !strings.Contains(err.Error(), "out: the folder of published runs") {
		t.Errorf("an output folder below a file: %v", err)
	}
	c = testConfig(t)
	c.Cache = filepath.Join(file, "cache")
	if _, err := Run(t.Context(), c, RunOptions{}, &engine.Memory{}, time.Now); err == nil || !strings.Contains(err.Error(), "store") {
		t.Errorf("a cache below a file: %v", err)
	}
}

// TestInputsAreReadOnce changes the file of returns while a run is at work: the run
// goes on with what it read, and run.json names that.
func TestInputsAreReadOnce(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"vanished": os.Remove,
		"changed":  func(path string) error { return os.WriteFile(path, []byte("date,a\n"), 0o644) },
	} {
		c := tinyConfig(t)
		b, err := os.ReadFile(c.Returns.Path)
		if err != nil {
			t.Fatal(err)
		}
		c.Returns.Path = filepath.Join(t.TempDir(), "returns.csv")
		if err := os.WriteFile(c.Returns.Path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		sink := sinkFunc(func(e engine.Event) {
			if e.Kind == engine.ActionStarted && e.Stage == "returns" {
				if err := change(c.Returns.Path); err != nil {
					t.Error(err)
				}
			}
		})
		o, err := Run(t.Context(), c, RunOptions{}, sink, time.Now)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m, err := published.ReadManifest(o.Dir)
		if err != nil || len(m.Inputs) != 1 || m.Inputs[0].SHA256 != store.Sum(b) {
			t.Errorf("%s: %v, inputs %+v", name, err, m.Inputs)
		}
	}
}

type sinkFunc func(engine.Event)

func (f sinkFunc) Event(e engine.Event) { f(e) }
