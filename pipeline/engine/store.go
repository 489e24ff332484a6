package engine

import (
	"time"

	"allocate/pipeline/store"
)

// Store keeps contents under their hash, and for each action that was done the
// hash of its result. It may be used by several goroutines and several processes
// at once. Package storetest has the tests that every implementation passes.
type Store interface {
	// Put stores content and returns its ID.
	Put(b []byte) (ContentID, error)
	// Get returns the content of that ID, verified. The error wraps
	// store.ErrMissing where it is absent and store.ErrDamaged where its bytes
	// are not those that were written.
	Get(id ContentID) ([]byte, error)
	// Has reports whether content of that ID is there, without verifying it.
	Has(id ContentID) bool
	// Record remembers that an action led to a content.
	Record(action ActionID, content ContentID) error
	// Lookup returns the content that an action led to, with the errors of Get.
	Lookup(action ActionID) (ContentID, error)
	// Touch marks an action and contents as used at now, so that trimming spares
	// them.
	Touch(now time.Time, action ActionID, contents ...ContentID)
	// Lease marks the store as in use until release, or until the process ends:
	// trimming keeps results used from now on.
	Lease(now time.Time) (release func(), err error)
}

// Maintainer is a Store with a place of its own, that can be inspected and trimmed.
type Maintainer interface {
	Store
	// Dir returns where the store is, as it was opened: a folder or a URL.
	Dir() string
	// List returns every entry.
	List() ([]store.Entry, error)
	// Verify reads every entry and returns the IDs of those that are damaged; with
	// remove it deletes them, and they are made again when needed.
	Verify(remove bool) (checked int, damaged []store.ID, err error)
	// Trim deletes what was not used since before, and then the longest unused
	// until at most mostBytes are left (0: no limit). It spares what keep names,
	// and what may be in use.
	Trim(now, before time.Time, mostBytes int64, keep map[ContentID]bool) (removed int, freed int64, err error)
}

// Claimer is a Store whose users on several machines divide the work.
type Claimer interface {
	// Claim reserves an action for this process until release. ok is false while
	// another process has it that is alive.
	Claim(action ActionID) (release func(), ok bool, err error)
}

// Restorer is a Store with copies on each machine, which may have what the store has lost.
type Restorer interface {
	// Restore is Put, without trust in what was there before.
	Restore(b []byte) (ContentID, error)
}

// Restore puts content into a store that another machine reads, whatever copies there are.
func Restore(s Store, b []byte) (ContentID, error) {
	if r, ok := s.(Restorer); ok {
		return r.Restore(b)
	}
	return s.Put(b)
}

var (
	_ Maintainer = (*store.Disk)(nil)
	_ Claimer    = (*store.Disk)(nil)
	_ Store      = (*store.Memory)(nil)
)
