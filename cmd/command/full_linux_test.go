package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestChaosFullDisk runs on file systems that are full at some point of the
// run: one clear error, nothing half-published, and the next run, with room,
// succeeds with the same bytes. It needs the right to mount a tmpfs.
func TestChaosFullDisk(t *testing.T) {
	binary := buildBinary(t)
	want, _ := reference(t, binary, "run")
	points := min(20, 2*chances(*chaos))
	const mostKiB = 1500 // the run needs about 1.7 MiB
	failed := 0
	for i := range points {
		dir := filepath.Join(t.TempDir(), "disk")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		size := 40 + mostKiB*i/points
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dk", size)); err != nil {
			t.Skipf("a tmpfs cannot be mounted here: %v", err)
		}
		func() {
			defer func() {
				if err := syscall.Unmount(dir, 0); err != nil {
					t.Error(err)
				}
			}()
			out, err := tinyRun(binary, dir, "run").CombinedOutput()
			if err != nil {
				failed++
				lines := strings.Split(strings.TrimSpace(string(out)), "\n")
				if last := lines[len(lines)-1]; !strings.HasPrefix(last, "allocate: ") || !strings.Contains(last, "no space left on device") {
					t.Errorf("at %d KiB: the error is %q", size, last)
				}
			}
			whole(t, dir)
			if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=200m"); err != nil {
				t.Fatal(err)
			}
			if out, err := tinyRun(binary, dir, "run").CombinedOutput(); err != nil {
				t.Errorf("at %d KiB, then with room: %v\n%s", size, err, out)
				return
			}
			if result(t, dir, "run") != want {
				t.Errorf("at %d KiB, then with room: other bytes", size)
			}
		}()
	}
	t.Logf("%d of %d runs found the disk full; each next run succeeded", failed, points)
	if failed == 0 {
		t.Error("no run found the disk full")
	}
}
