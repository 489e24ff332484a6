package published

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/store"
	"allocate/returns"
)

// TestPartsStayInTheirFolder: a stored tree that names a part elsewhere, as a
// poisoned cache may, publishes nothing.
func TestPartsStayInTheirFolder(t *testing.T) {
	s := store.NewMemory()
	content, err := s.Put([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../../gone.txt", "/tmp/gone.txt", "..", "a/b", `a\b`, "", "a\x00b"} {
		out := filepath.Join(t.TempDir(), "out")
		if err := os.MkdirAll(out, 0o755); err != nil {
			t.Fatal(err)
		}
		m := &Manifest{AsOf: returns.NewDate(2022, 12, 23), Files: []engine.Part{{Name: name, Content: content}}}
		if _, _, err := Publish(out, m, s, false, func(fs []returns.Finding) []returns.Finding { return fs }); err == nil || !strings.Contains(err.Error(), "invalid file name") {
			t.Errorf("%q: %v", name, err)
		}
		if left, err := os.ReadDir(out); err != nil || len(left) > 0 {
			t.Errorf("%q left %v, %v", name, left, err)
		}
	}
}

// TestLockIsAFile: no symbolic link is followed, no FIFO waited for.
func TestLockIsAFile(t *testing.T) {
	out := t.TempDir()
	victim := filepath.Join(t.TempDir(), "victim")
	if err := errors.Join(os.WriteFile(victim, []byte("mine"), 0o644), os.Symlink(victim, filepath.Join(out, ".lock"))); err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(out); !errors.As(err, new(*config.Error)) {
		t.Errorf("a symbolic link: %v", err)
	}
	if b, _ := os.ReadFile(victim); string(b) != "mine" {
		t.Errorf("the link was followed: %q", b)
	}
	out = t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(out, ".lock"), 0o644); err != nil {
		t.Skip(err)
	}
	if _, err := Lock(out); !errors.As(err, new(*config.Error)) {
		t.Errorf("a FIFO: %v", err)
	}
	if release, err := Lock(t.TempDir()); err != nil {
		t.Error(err)
	} else {
		release()
	}
}
