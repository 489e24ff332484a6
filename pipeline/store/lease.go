package store

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Leases and claims are renewed every beat and end after dead without a renewal.
// No lock of the operating system is used: a shared folder need not support one.
const (
	beat = 15 * time.Second
	dead = 12 * beat
)

// Renew calls f every beat until stop.
func Renew(f func()) (stop func()) { return Every(beat, f) }

// Every calls f at intervals until stop, which waits for a call in progress.
func Every(interval time.Duration, f func()) (stop func()) {
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				f()
			}
		}
	})
	return sync.OnceFunc(func() { close(done); wait.Wait() })
}

// Ended reports a lease or claim renewed at the first time that counts as ended at the
// second. Both are of one clock, that of the shared storage.
func Ended(renewed, now time.Time) bool { return now.Sub(renewed) > dead }

// Lease marks the store as in use from now on: until release, Trim keeps what
// is used from then. Without a release, it ends some minutes after the process.
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
	if info, err := f.Stat(); err == nil && info.ModTime().Before(now) {
		now = info.ModTime() // files are dated by this clock, which may be another machine's
	}
	_ = f.Close()
	began := []byte(now.Format(time.RFC3339Nano))
	if err := os.WriteFile(path, began, 0o644); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	stop := Renew(func() { appendTo(path, "\n") }) // its time of modification is by the clock of the file system
	return func() {
		stop()
		_ = os.Remove(path)
	}, nil
}

// appendTo renews a file that exists. One that was deleted stays so: it had ended.
func appendTo(path, text string) {
	if f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0); err == nil {
		_, _ = f.WriteString(text)
		_ = f.Close()
	}
}

// oldestLease returns the start of the oldest active lease, and removes those
// that ended. ok is false if there is none.
func (s *Disk) oldestLease() (began time.Time, ok bool) {
	dir := filepath.Join(s.dir, "leases")
	entries, _ := os.ReadDir(dir)
	if len(entries) == 0 {
		return began, false
	}
	now := clockOf(dir)
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		if Ended(info.ModTime(), now) {
			_ = os.Remove(path)
			continue
		}
		at := info.ModTime()
		if b, err := os.ReadFile(path); err == nil {
			if t, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(string(b))); err == nil {
				at = t
			}
		}
		if !ok || at.Before(began) {
			began, ok = at, true
		}
	}
	return began, ok
}

// clockOf returns the time by the clock of the file system that has dir, which may
// be another machine's.
func clockOf(dir string) time.Time {
	f, err := os.CreateTemp(dir, ".clock")
	if err != nil {
		return time.Time{} // nothing ends
	}
	defer os.Remove(f.Name())
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// Claim reserves an action for this process until release. ok is false while
// another process, that is alive, has it; err is the file system's.
func (s *Disk) Claim(action ID) (release func(), ok bool, err error) {
	if !action.Valid() {
		return nil, false, fmt.Errorf("store: invalid action ID %q", action)
	}
	path := s.path("claims", action)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, false, fmt.Errorf("store: %w", err)
	}
	for range 2 {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if err == nil {
			_ = f.Close()
			stop := Renew(func() { appendTo(path, "\n") })
			return func() {
				stop()
				_ = os.Remove(path)
			}, true, nil
		}
		info, statErr := os.Stat(path)
		switch {
		case os.IsNotExist(statErr) && os.IsExist(err): // released in between
		case statErr != nil || !os.IsExist(err):
			return nil, false, fmt.Errorf("store: %w", err)
		case !Ended(info.ModTime(), clockOf(filepath.Dir(path))):
			return nil, false, nil
		default:
			_ = os.Remove(path) // of a process that ended
		}
	}
	return nil, false, nil
}

func (s *Disk) clearClaims() {
	dir := filepath.Join(s.dir, "claims")
	if _, err := os.Stat(dir); err != nil {
		return
	}
	now := clockOf(dir)
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		if info, err := d.Info(); err == nil && Ended(info.ModTime(), now) {
			_ = os.Remove(path)
		}
		return nil
	})
}

// leftover reports a temporary file of an interrupted write: its name begins
// with a dot, and it is older than every active lease.
func leftover(info fs.FileInfo, began time.Time, working bool, now time.Time) bool {
	if working {
		return info.ModTime().Before(began)
	}
	return info.ModTime().Before(now.Add(-time.Minute))
}
