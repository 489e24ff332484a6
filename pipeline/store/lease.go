package store

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Lease marks the store as in use from now on: until release, Trim keeps what
// is used from then. The kernel releases it when the process ends.
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

// oldestLease returns the start of the oldest active lease, and removes the
// leases of processes that ended. ok is false if there is none.
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

// leftover reports a temporary file of an interrupted write: its name begins
// with a dot, and it is older than every active lease.
func leftover(info fs.FileInfo, began time.Time, working bool, now time.Time) bool {
	if working {
		return info.ModTime().Before(began)
	}
	return info.ModTime().Before(now.Add(-time.Minute))
}
