package s3

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"

	"allocate/pipeline/store"
)

// An object has no time of use. Each process writes which contents and actions it used
// as objects below uses/, of 32 bytes for each, and says by an object below leases/,
// renewed while it works, that there may be more. Trim reads both.

// Touch implements engine.Store.
func (s *Store) Touch(now time.Time, action store.ID, contents ...store.ID) {
	s.local.Touch(now, action, contents...)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range append([]store.ID{action}, contents...) {
		if id.Valid() {
			s.used[id] = true
		}
	}
}

// noteUses writes the uses since the last note. One that fails is written with the next.
func (s *Store) noteUses() {
	s.mu.Lock()
	used := s.used
	s.used = map[store.ID]bool{}
	s.mu.Unlock()
	if len(used) == 0 {
		return
	}
	var b bytes.Buffer
	for id := range used {
		raw, _ := hex.DecodeString(string(id)) // Touch has checked it
		b.Write(raw)
	}
	if _, err := s.write(s.name("uses/"+rand.Text()), b.Bytes(), false); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		for id := range used {
			s.used[id] = true
		}
	}
}

// Lease implements engine.Store. Without a release, a lease ends some minutes after
// the process.
func (s *Store) Lease(now time.Time) (release func(), err error) {
	releaseLocal, err := s.local.Lease(now)
	if err != nil {
		return nil, err
	}
	key := s.name("leases/" + rand.Text())
	began := []byte(now.UTC().Format(time.RFC3339Nano))
	if _, err := s.write(key, began, false); err != nil {
		releaseLocal()
		return nil, err
	}
	beats := 0
	stop := store.Renew(func() {
		if beats++; beats%4 == 0 { // every minute
			s.noteUses()
		}
		_, _ = s.write(key, began, false)
	})
	return func() {
		stop()
		s.noteUses()
		_ = s.remove(key)
		releaseLocal()
	}, nil
}

func (s *Store) remove(key string) error {
	ctx, cancel := s.request()
	defer cancel()
	if err := s.client.RemoveObject(ctx, s.location.Bucket, key, minio.RemoveObjectOptions{}); err != nil && !absent(err) {
		return s.failed("delete", err)
	}
	return nil
}

// Claim implements engine.Claimer. The claim of a process that ended is taken over by a
// write under the condition that it is still that claim.
func (s *Store) Claim(action store.ID) (release func(), ok bool, err error) {
	key := s.key("claims", action)
	mine := []byte(rand.Text())
	exists, err := s.write(key, mine, true)
	if err != nil {
		return nil, false, err
	}
	if exists {
		if ok, err := s.takeOver(key, mine); err != nil || !ok {
			return nil, false, err
		}
	}
	stop := store.Renew(func() { _, _ = s.write(key, mine, false) })
	return func() {
		stop()
		_ = s.remove(key)
	}, true, nil
}

func (s *Store) takeOver(key string, mine []byte) (bool, error) {
	ctx, cancel := s.request()
	defer cancel()
	info, err := s.client.StatObject(ctx, s.location.Bucket, key, minio.StatObjectOptions{})
	if err != nil && absent(err) {
		exists, err := s.write(key, mine, true) // released in between
		return !exists, err
	}
	if err != nil {
		return false, s.failed("claim", err)
	}
	now, err := s.clock()
	if err != nil || !store.Ended(info.LastModified, now) {
		return false, err
	}
	o := minio.PutObjectOptions{DisableMultipart: true}
	o.SetMatchETag(info.ETag)
	_, err = s.client.PutObject(ctx, s.location.Bucket, key, bytes.NewReader(mine), int64(len(mine)), o)
	switch {
	case err == nil:
		return true, nil
	case refusedWrite(err) || conflict(err) || absent(err):
		return false, nil
	}
	return false, s.failed("claim", err)
}

// clock is the time of the server, by which objects are dated.
func (s *Store) clock() (time.Time, error) {
	key := s.name("clock/" + rand.Text())
	if _, err := s.write(key, nil, false); err != nil {
		return time.Time{}, err
	}
	defer func() { _ = s.remove(key) }()
	ctx, cancel := s.request()
	defer cancel()
	info, err := s.client.StatObject(ctx, s.location.Bucket, key, minio.StatObjectOptions{})
	if err != nil {
		if minio.ToErrorResponse(err).StatusCode == http.StatusNotFound {
			return time.Time{}, nil // deleted with the bucket's leftovers: nothing ends
		}
		return time.Time{}, s.failed("read", err)
	}
	return info.LastModified, nil
}
