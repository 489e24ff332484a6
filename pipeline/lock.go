package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// lock takes the output folder for this process. The kernel gives it back
// when the process ends, however it ends, so no lock can be left behind.
func lock(out string) (release func(), err error) {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, fmt.Errorf("pipeline: output folder: %w", err)
	}
	path := filepath.Join(out, ".lock")
	l := flock.New(path)
	got, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("pipeline: %s: %w", path, err)
	}
	if !got {
		holder, _ := os.ReadFile(path)
		return nil, &LockedError{Path: path, Holder: strings.TrimSpace(string(holder))}
	}
	host, _ := os.Hostname()
	if err := os.WriteFile(path, fmt.Appendf(nil, "process %d on %s\n", os.Getpid(), host), 0o644); err != nil {
		_ = l.Unlock()
		return nil, fmt.Errorf("pipeline: %s: %w", path, err)
	}
	return func() { _ = l.Unlock() }, nil
}
