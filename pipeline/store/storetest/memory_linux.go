package storetest

import (
	"os"
	"syscall"
)

// InMemory puts the temporary folders of a test binary into memory, if TMPDIR is
// not set and /dev/shm is a file system with 2 GiB of room from which programs
// can be executed. Most system time of runs as small as those of tests is
// waiting for the disk (fsync), which no test looks at. Call it in TestMain.
func InMemory() {
	const (
		dir    = "/dev/shm"
		room   = 2 << 30
		noExec = 8 // ST_NOEXEC
	)
	var fs syscall.Statfs_t
	if os.TempDir() != "/tmp" || syscall.Statfs(dir, &fs) != nil || fs.Flags&noExec != 0 || uint64(fs.Bsize)*fs.Bavail < room {
		return
	}
	_ = os.Setenv("TMPDIR", dir)
}
