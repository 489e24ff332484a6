package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

// Entry is one file of the store.
type Entry struct {
	ID    ID
	Index bool // an index entry; else content
	Bytes int64
	Used  time.Time // when it was last written or found
}

// List returns every entry, by ID. Leftovers of interrupted writes are not
// entries.
func (s *Disk) List() ([]Entry, error) {
	var list []Entry
	err := s.walk(func(path string, e Entry) error {
		list = append(list, e)
		return nil
	})
	sort.Slice(list, func(i, j int) bool {
		if list[i].Index != list[j].Index {
			return list[i].Index
		}
		return list[i].ID < list[j].ID
	})
	return list, err
}

func (s *Disk) walk(f func(path string, e Entry) error) error {
	for _, kind := range []string{"index", "data"} {
		err := filepath.WalkDir(filepath.Join(s.dir, kind), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || !ID(d.Name()).Valid() {
				return err
			}
			info, err := d.Info()
			if errors.Is(err, fs.ErrNotExist) {
				return nil // another process trimmed it
			}
			if err != nil {
				return err
			}
			return f(path, Entry{ID: ID(d.Name()), Index: kind == "index", Bytes: info.Size(), Used: info.ModTime()})
		})
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	return nil
}

// Verify reads every entry and returns the IDs of those that are damaged. With
// remove it deletes them, which is safe: they are made again when needed.
func (s *Disk) Verify(remove bool) (checked int, damaged []ID, err error) {
	err = s.walk(func(path string, e Entry) error {
		checked++
		var bad error
		if e.Index {
			_, bad = s.Lookup(e.ID)
		} else {
			_, bad = s.Get(e.ID)
		}
		if bad == nil || errors.Is(bad, ErrMissing) {
			return nil
		}
		damaged = append(damaged, e.ID)
		if remove {
			if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	})
	return checked, damaged, err
}

// Unused selects what Trim deletes: entries unused since before, and then the least recently used
// until the rest is at most mostBytes (0: no limit), without those that keep names and, while
// somebody is working, those used since spare.
func Unused(list []Entry, before time.Time, mostBytes int64, keep map[ID]bool, spare time.Time, working bool) []Entry {
	total := int64(0)
	for _, e := range list {
		total += e.Bytes
	}
	sort.Slice(list, func(i, j int) bool {
		if !list[i].Used.Equal(list[j].Used) {
			return list[i].Used.Before(list[j].Used)
		}
		return list[i].ID < list[j].ID
	})
	var unused []Entry
	for _, e := range list {
		if !e.Used.Before(before) && (mostBytes == 0 || total <= mostBytes) || keep[e.ID] || working && !e.Used.Before(spare) {
			continue
		}
		unused = append(unused, e)
		total -= e.Bytes
	}
	return unused
}

// Trim deletes entries unused since before, and then the least recently used
// ones until the rest is at most mostBytes (0: no limit), and files of
// interrupted writes. It keeps the contents named by keep, and those in use by
// other processes: see Lease.
func (s *Disk) Trim(now, before time.Time, mostBytes int64, keep map[ID]bool) (removed int, freed int64, err error) {
	began, working := s.oldestLease()
	spare := began.Add(-touched) // a use is only marked where the mark is older than that
	var list []Entry
	if err := s.walk(func(_ string, e Entry) error {
		list = append(list, e)
		return nil
	}); err != nil {
		return 0, 0, err
	}
	for _, e := range Unused(list, before, mostBytes, keep, spare, working) {
		kind := "data"
		if e.Index {
			kind = "index"
		}
		if err := os.Remove(s.path(kind, e.ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return removed, freed, fmt.Errorf("store: %w", err)
		}
		removed++
		freed += e.Bytes
	}
	return removed, freed, s.clearLeftovers(now, began, working)
}

// clearLeftovers removes temporary files of interrupted writes, and claims of
// processes that ended.
func (s *Disk) clearLeftovers(now, began time.Time, working bool) error {
	s.clearClaims()
	for _, kind := range []string{"index", "data"} {
		err := filepath.WalkDir(filepath.Join(s.dir, kind), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || !strings.HasPrefix(d.Name(), ".") {
				return err
			}
			if info, err := d.Info(); err == nil && leftover(info, began, working, now) {
				if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) { // another process may trim, too
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	return nil
}

// touched is how old a file's time of use may be before a read renews it, so
// that reading does not write more than once an hour.
const touched = time.Hour

// Touch marks entries as used at now, for Trim.
func (s *Disk) Touch(now time.Time, action ID, contents ...ID) {
	var paths []string
	if action.Valid() {
		paths = append(paths, s.path("index", action), s.path("data", action)) // the action is kept as content, too
	}
	for _, id := range contents {
		if id.Valid() {
			paths = append(paths, s.path("data", id))
		}
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && now.Sub(info.ModTime()) > touched {
			_ = os.Chtimes(path, now, now) // a missed touch trims early, and is made again
		}
	}
}
