package pipeline

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"allocate/pipeline/store"
)

// failing makes the actions of a stage of which one fails.
func failing(t *testing.T, keepGoing bool) (*Memory, error) {
	t.Helper()
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	stages := map[string]Stage{"s": {Name: "s", Version: 1, Run: func(_ context.Context, c *Call) ([]byte, error) {
		switch c.Action.Unit {
		case "bad":
			return nil, errors.New("no luck")
		case "panics":
			panic("boom")
		}
		return []byte(c.Action.Unit), nil
	}}}
	var m Memory
	r := &Runner{Stages: stages, Store: s, Executor: Local{Stages: stages}, Sink: &m, Workers: 1, KeepGoing: keepGoing, Now: time.Now}
	var actions []Action
	for _, unit := range []string{"a", "bad", "panics", "b", "c"} {
		actions = append(actions, Action{Stage: "s", Version: 1, Unit: unit, Options: []byte("{}"), Arch: arch()})
	}
	_, err = r.Stage(t.Context(), "s", actions)
	return &m, err
}

func TestKeepGoing(t *testing.T) {
	m, err := failing(t, true)
	if err == nil || !strings.Contains(err.Error(), "no luck") || !strings.Contains(err.Error(), "boom") {
		t.Errorf("both failures should be named: %v", err)
	}
	if n := m.Count(ActionFinished, "s"); n != 3 {
		t.Errorf("%d actions were finished, want the three that can be", n)
	}
	m, err = failing(t, false)
	if err == nil || m.Count(ActionFinished, "s") != 1 {
		t.Errorf("without keeping going: %v, %d finished", err, m.Count(ActionFinished, "s"))
	}
}

// A folder that cannot be written and a file that vanishes or changes under
// the run are one error each, and nothing is published.
func TestFoldersAndFilesThatFail(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c := testConfig(t)
	c.Out = filepath.Join(file, "out")
	if _, err := Run(t.Context(), c, Manner{}, &Memory{}, time.Now); err == nil || !strings.Contains(err.Error(), "output folder") {
		t.Errorf("an output folder below a file: %v", err)
	}
	c = testConfig(t)
	c.Cache = filepath.Join(file, "cache")
	if _, err := Run(t.Context(), c, Manner{}, &Memory{}, time.Now); err == nil || !strings.Contains(err.Error(), "store") {
		t.Errorf("a cache below a file: %v", err)
	}
	for name, change := range map[string]func(path string) error{
		"vanished": os.Remove,
		"changed":  func(path string) error { return os.WriteFile(path, []byte("date,a\n"), 0o644) },
	} {
		c = testConfig(t)
		b, err := os.ReadFile(c.Returns.Path)
		if err != nil {
			t.Fatal(err)
		}
		c.Returns.Path = filepath.Join(t.TempDir(), "returns.csv")
		if err := os.WriteFile(c.Returns.Path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		sink := sinkFunc(func(e Event) {
			if e.Kind == ActionStarted && e.Stage == "returns" {
				if err := change(c.Returns.Path); err != nil {
					t.Error(err)
				}
			}
		})
		if _, err := Run(t.Context(), c, Manner{}, sink, time.Now); err == nil || !strings.Contains(err.Error(), "returns.csv") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Lstat(filepath.Join(c.Out, "latest")); err == nil {
			t.Errorf("%s: something was published", name)
		}
	}
}

type sinkFunc func(Event)

func (f sinkFunc) Event(e Event) { f(e) }
