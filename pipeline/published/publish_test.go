package published

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"allocate/config"
	"allocate/pipeline/engine"
	"allocate/pipeline/store"
	"allocate/pipeline/store/storetest"
	"allocate/returns"
)

func TestMain(m *testing.M) {
	storetest.InMemory()
	os.Exit(m.Run())
}

// TestPartsOutsideFolderAreRefused: a stored tree that names a part elsewhere, as a
// poisoned cache may, publishes nothing.
func TestPartsOutsideFolderAreRefused(t *testing.T) {
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

// publishedAs publishes files of a text, as of a day.
func publishedAs(t *testing.T, out string, s *store.Memory, day int, text string) (dir string, fresh bool) {
	t.Helper()
	content, err := s.Put([]byte(text))
	if err != nil {
		t.Error(err)
	}
	m := &Manifest{AsOf: returns.NewDate(2022, 12, day), Outcome: "published"}
	for _, name := range []string{"weights.csv", "summary.json"} {
		m.Files = append(m.Files, engine.Part{Name: name, Content: content})
	}
	dir, fresh, err = Publish(out, m, s, false, func(fs []returns.Finding) []returns.Finding { return fs })
	if err != nil {
		t.Errorf("publishing %q: %v", text, err)
	}
	return dir, fresh
}

// Whoever reads latest while runs are published sees one of them, whole.
func TestConcurrentReaders(t *testing.T) {
	out, s := t.TempDir(), store.NewMemory()
	publishedAs(t, out, s, 1, "first")
	done := make(chan struct{})
	var readers sync.WaitGroup
	var read atomic.Int64
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				dir, err := filepath.EvalSymlinks(filepath.Join(out, "latest"))
				if err != nil {
					t.Error(err)
					return
				}
				v, err := Open(dir)
				if err != nil || len(v.Damaged()) > 0 || len(v.Manifest.Files) != 2 {
					t.Errorf("%s: %v, %+v", dir, err, v)
					return
				}
				read.Add(1)
			}
		})
	}
	for k := range 20 {
		if _, fresh := publishedAs(t, out, s, 1+k/5, strings.Repeat("x", k)); !fresh {
			t.Errorf("text %d was not published", k)
		}
	}
	close(done)
	readers.Wait()
	if read.Load() == 0 {
		t.Error("nothing was read")
	}
}

// Of many that want the lock of a folder one has it at a time, and the others are
// told who.
func TestLockIsExclusive(t *testing.T) {
	out := t.TempDir()
	var holders, took, refused atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				release, err := Lock(out)
				if locked := new(LockedError); errors.As(err, &locked) {
					refused.Add(1)
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if holders.Add(1) > 1 {
					t.Error("two hold the lock")
				}
				took.Add(1)
				holders.Add(-1)
				release()
			}
		})
	}
	all.Wait()
	if took.Load() == 0 || took.Load()+refused.Load() != 400 {
		t.Errorf("%d took the lock, %d were refused", took.Load(), refused.Load())
	}
}

// TestRetain keeps the newest days, and the one that latest names.
func TestRetain(t *testing.T) {
	left := func(out string) (days []string) {
		entries, err := os.ReadDir(out)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.IsDir() {
				days = append(days, strings.TrimPrefix(e.Name(), "2022-12-"))
			}
		}
		return days
	}
	for _, c := range []struct {
		keep, last int // the day that is run last
		want       string
	}{{0, 9, "05 06 07 08 09"}, {2, 9, "08 09"}, {1, 9, "09"}, {9, 9, "05 06 07 08 09"}, {2, 5, "05 08 09"}} {
		out, s := t.TempDir(), store.NewMemory()
		for day := 5; day <= 9; day++ {
			publishedAs(t, out, s, day, "x")
		}
		publishedAs(t, out, s, c.last, "y")
		if err := Retain(out, c.keep); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(left(out), " "); got != c.want {
			t.Errorf("keep %d, day %d last: %s, want %s", c.keep, c.last, got, c.want)
		}
	}
}

// What was taken back is not published again by the same files, but by others.
func TestRetractedFilesAreNotRepublished(t *testing.T) {
	out, s := t.TempDir(), store.NewMemory()
	publishedAs(t, out, s, 23, "wrong")
	if _, err := Retract(out, "2022-12-23/r1", "stale prices", time.Now); err != nil {
		t.Fatal(err)
	}
	if dir, fresh := publishedAs(t, out, s, 23, "right"); !fresh || filepath.Base(dir) != "r2" {
		t.Errorf("other files are published as %s, fresh %v", dir, fresh)
	}
	content, _ := s.Put([]byte("wrong"))
	m := &Manifest{AsOf: returns.NewDate(2022, 12, 23), Files: []engine.Part{{Name: "weights.csv", Content: content}, {Name: "summary.json", Content: content}}}
	if _, _, err := Publish(out, m, s, false, func(fs []returns.Finding) []returns.Finding { return fs }); !errors.As(err, new(*RetractedError)) {
		t.Errorf("the same files: %v", err)
	}
}
