package s3

import (
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"allocate/pipeline/store"
)

// skew is by how much the clock of a process may differ from that of the server.
const skew = 10 * time.Minute

// readers bounds the requests of Verify and Trim at once.
const readers = 16

// objects lists the objects below a part of the store.
func (s *Store) objects(below string) ([]minio.ObjectInfo, error) {
	ctx, cancel := s.request()
	defer cancel()
	var list []minio.ObjectInfo
	for o := range s.client.ListObjects(ctx, s.location.Bucket, minio.ListObjectsOptions{Prefix: s.name(below), Recursive: true}) {
		if o.Err != nil {
			return nil, s.failed("list", o.Err)
		}
		list = append(list, o)
	}
	return list, nil
}

// List returns every entry in the bucket, with the time of its last use as far as it was
// noted.
func (s *Store) List() ([]store.Entry, error) {
	used, err := s.uses()
	if err != nil {
		return nil, err
	}
	var list []store.Entry
	for _, kind := range []string{"index", "data"} {
		objects, err := s.objects(kind + "/")
		if err != nil {
			return nil, err
		}
		for _, o := range objects {
			id := store.ID(o.Key[strings.LastIndexByte(o.Key, '/')+1:])
			if !id.Valid() {
				continue
			}
			e := store.Entry{ID: id, Index: kind == "index", Bytes: o.Size, Used: o.LastModified}
			if at := used[id]; at.After(e.Used) {
				e.Used = at
			}
			list = append(list, e)
		}
	}
	return list, nil
}

// uses are the times of use that were noted.
func (s *Store) uses() (map[store.ID]time.Time, error) {
	notes, err := s.objects("uses/")
	if err != nil {
		return nil, err
	}
	contents := make([][]byte, len(notes))
	group := errgroup.Group{}
	group.SetLimit(readers)
	for i, o := range notes {
		group.Go(func() error {
			b, err := s.read(o.Key)
			if err == nil || !errors.Is(err, store.ErrMissing) {
				contents[i] = b
				return err
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	used := map[store.ID]time.Time{}
	for i, o := range notes {
		for b := contents[i]; len(b) >= 32; b = b[32:] {
			id := store.ID(hex.EncodeToString(b[:32]))
			if o.LastModified.After(used[id]) {
				used[id] = o.LastModified
			}
		}
	}
	return used, nil
}

// Verify reads every entry in the bucket and returns the IDs of those that are damaged.
// With remove it deletes them there.
func (s *Store) Verify(remove bool) (checked int, damaged []store.ID, err error) {
	list, err := s.List()
	if err != nil {
		return 0, nil, err
	}
	bad := make([]error, len(list))
	group := errgroup.Group{}
	group.SetLimit(readers)
	for i, e := range list {
		group.Go(func() error {
			if !e.Index {
				_, bad[i] = s.remote(e.ID)
			} else {
				var b []byte
				if b, bad[i] = s.read(s.key("index", e.ID)); bad[i] == nil {
					_, bad[i] = store.DecodeEntry(e.ID, b)
				}
			}
			if bad[i] == nil || errors.Is(bad[i], store.ErrMissing) || errors.Is(bad[i], store.ErrDamaged) {
				return nil
			}
			return bad[i]
		})
	}
	if err := group.Wait(); err != nil {
		return 0, nil, err
	}
	for i, e := range list {
		if !errors.Is(bad[i], store.ErrDamaged) {
			continue
		}
		damaged = append(damaged, e.ID)
		if remove {
			if err := s.nextGeneration(); err != nil {
				return len(list), damaged, err
			}
			kind := "data"
			if e.Index {
				kind = "index"
			}
			if err := s.remove(s.key(kind, e.ID)); err != nil {
				return len(list), damaged, err
			}
		}
	}
	return len(list), damaged, nil
}

// Trim deletes entries of the bucket as store.Disk.Trim does those of a folder. Copies on
// any machine are dropped when it opens the store again.
func (s *Store) Trim(now, before time.Time, mostBytes int64, keep map[store.ID]bool) (removed int, freed int64, err error) {
	list, err := s.List()
	if err != nil {
		return 0, 0, err
	}
	began, working, err := s.oldestLease()
	if err != nil {
		return 0, 0, err
	}
	var gone []minio.ObjectInfo
	for _, e := range store.Unused(list, before, mostBytes, keep, began.Add(-skew), working) {
		kind := "data"
		if e.Index {
			kind = "index"
		}
		gone = append(gone, minio.ObjectInfo{Key: s.key(kind, e.ID)})
		freed += e.Bytes
		s.forget(e.ID, false)
	}
	if len(gone) > 0 {
		if err := s.nextGeneration(); err != nil {
			return 0, 0, err
		}
		if err := s.removeAll(gone); err != nil {
			return 0, 0, err
		}
		if err := s.nextGeneration(); err != nil { // a machine may have begun in between
			return 0, 0, err
		}
	}
	return len(gone), freed, s.clearNotes(before)
}

// removeAll deletes objects, a thousand with each request.
func (s *Store) removeAll(list []minio.ObjectInfo) error {
	ctx, cancel := s.request()
	defer cancel()
	objects := make(chan minio.ObjectInfo, len(list))
	for _, o := range list {
		objects <- o
	}
	close(objects)
	var failed error
	for e := range s.client.RemoveObjects(ctx, s.location.Bucket, objects, minio.RemoveObjectsOptions{}) {
		failed = s.failed("delete", e.Err)
	}
	return failed
}

// oldestLease returns the start of the oldest active lease, and removes those that ended.
func (s *Store) oldestLease() (began time.Time, ok bool, err error) {
	leases, err := s.objects("leases/")
	if err != nil || len(leases) == 0 {
		return began, false, err
	}
	now, err := s.clock()
	if err != nil {
		return began, false, err
	}
	for _, o := range leases {
		if store.Ended(o.LastModified, now) {
			if err := s.remove(o.Key); err != nil {
				return began, false, err
			}
			continue
		}
		at := o.LastModified
		if b, err := s.read(o.Key); err == nil {
			if t, err := time.Parse(time.RFC3339Nano, string(b)); err == nil {
				at = t
			}
		}
		if !ok || at.Before(began) {
			began, ok = at, true
		}
	}
	return began, ok, nil
}

// clearNotes deletes notes of uses from before, and claims of processes that ended.
func (s *Store) clearNotes(before time.Time) error {
	now, err := s.clock()
	if err != nil {
		return err
	}
	for _, below := range []string{"uses/", "claims/", "clock/"} {
		list, err := s.objects(below)
		if err != nil {
			return err
		}
		for _, o := range list {
			if below == "uses/" && !o.LastModified.Before(before) || !store.Ended(o.LastModified, now) {
				continue
			}
			if err := s.remove(o.Key); err != nil {
				return err
			}
		}
	}
	return nil
}
