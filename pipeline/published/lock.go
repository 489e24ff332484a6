package published

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gofrs/flock"

	"allocate/config"
	"allocate/returns"
)

// Lock locks the output folder for this process. The kernel releases it when
// the process ends, so that no stale lock can remain.
func Lock(out string) (release func(), err error) {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, fmt.Errorf("out: the folder of published runs cannot be made (%w); set out to a folder that this account may write to", err)
	}
	path := filepath.Join(out, ".lock")
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, &config.Error{Err: fmt.Errorf("%s is not a regular file; expected the lock file of a run; remove it", path)}
	}
	// Nothing follows a symbolic link that somebody puts there in between.
	l := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW), flock.SetPermissions(0o644))
	got, err := l.TryLock()
	if errors.Is(err, fs.ErrPermission) {
		return nil, &LockedError{Path: path, Holder: "another account"}
	}
	if err != nil {
		return nil, fmt.Errorf("published: %s: %w", path, err)
	}
	if !got {
		holder, _ := returns.ReadRegular(path)
		return nil, &LockedError{Path: path, Holder: strings.TrimSpace(string(holder))}
	}
	host, _ := os.Hostname()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC|syscall.O_NOFOLLOW, 0)
	if err == nil {
		_, err = fmt.Fprintf(f, "process %d on %s\n", os.Getpid(), host)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		_ = l.Unlock()
		return nil, fmt.Errorf("published: %s: %w", path, err)
	}
	return func() { _ = l.Unlock() }, nil
}

// Holder returns who holds the lock of an output folder, "" if nobody does. It creates nothing, and
// shares the lock for as long as it takes to ask: a run that begins in that moment finds it locked.
func Holder(out string) (string, error) {
	path := filepath.Join(out, ".lock")
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return "", nil
	}
	l := flock.New(path, flock.SetFlag(os.O_RDONLY|syscall.O_NOFOLLOW))
	got, err := l.TryRLock()
	if errors.Is(err, fs.ErrPermission) {
		return "another account", nil
	}
	if err != nil {
		return "", fmt.Errorf("published: %s: %w", path, err)
	}
	if got {
		return "", l.Unlock()
	}
	holder, _ := returns.ReadRegular(path)
	return strings.TrimSpace(string(holder)), nil
}

// Refusal returns the record of the last run if it was refused or held, nil if it was not.
func Refusal(out string) *Manifest {
	b, err := os.ReadFile(filepath.Join(out, refusedFile))
	var m Manifest
	if err != nil || json.Unmarshal(b, &m) != nil {
		return nil
	}
	return &m
}
