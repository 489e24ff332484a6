package store

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Lease says that somebody works with the store from now on: until release,
// Trim spares what is used from then. The kernel ends it with the process,
// however that ends.
func (s *Disk) Lease(now time.Time) (release func(), err error) {
	dir := filepath.Join(s.dir, "leases")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	f, err := os.CreateTemp(dir, "run-")
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	path := f.Name()
	_ = f.Close()
	l := flock.New(path)
	if got, err := l.TryLock(); err != nil || !got {
		return nil, fmt.Errorf("store: %s: %w", path, err)
	}
	_ = os.Chtimes(path, now, now) // a failure makes the lease begin a little earlier or later
	return func() {
		_ = os.Remove(path)
		_ = l.Unlock()
	}, nil
}

// oldestLease returns when the oldest of those at work began, and removes the
// leases of those that ended without a word. ok is false if nobody is at work.
func (s *Disk) oldestLease() (began time.Time, ok bool) {
	dir := filepath.Join(s.dir, "leases")
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		l := flock.New(path, flock.SetFlag(os.O_RDONLY))
		if got, err := l.TryLock(); err == nil && got {
			_ = os.Remove(path)
			_ = l.Unlock()
			continue
		}
		if at := info.ModTime(); !ok || at.Before(began) {
			began, ok = at, true
		}
	}
	return began, ok
}

// leftover reports a temporary file of a write that never ended: its name begins
// with a dot, and nobody at work can have begun it.
func leftover(info fs.FileInfo, began time.Time, working bool, now time.Time) bool {
	if working {
		return info.ModTime().Before(began)
	}
	return info.ModTime().Before(now.Add(-time.Minute))
}
