// Package s3 keeps results in a bucket of S3, so that several machines share them.
// The layout is that of a store on disk, below a prefix: data/ab/abcd..., named by
// the SHA-256 of the content, and index/12/1234..., the content an action led to.
//
// Each machine has a store on disk, too, with copies of what it read and wrote: a read
// goes to the bucket once. The bucket has a generation, which trimming changes; copies
// of an earlier generation are dropped, so that what a machine has, the bucket has.
//
// Contents are written under the condition that they are not there. Every read is
// verified by its hash; damaged content is overwritten when its action is executed
// again.
package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"allocate/pipeline/store"
)

const (
	// attempts bounds the retries of a request, which wait up to a second each.
	attempts = 60
	// small is the size in bytes up to which content is sent without asking whether
	// it is there.
	small = 64 << 10
	// patience bounds one request with its retries.
	patience = 10 * time.Minute
	// brief is patience once a request was given up, until the server answers: a command
	// that ends for it has claims and leases to release, each with a request.
	brief = time.Second
)

// Store is a store in a bucket. It may be used by several goroutines and several
// processes at once.
type Store struct {
	client   *minio.Client
	location store.Location
	local    *store.Disk

	mu      sync.Mutex
	there   map[store.ID]bool // contents that are in the bucket, as far as this process knows
	damaged map[store.ID]bool // contents that are there and wrong
	used    map[store.ID]bool // since the last note of uses
	plain   bool              // the server has no conditional writes

	away atomic.Bool // a request was given up, and the server has not answered since
}

// answers notes that the server answers.
type answers struct {
	http.RoundTripper
	away *atomic.Bool
}

// RoundTrip implements http.RoundTripper.
func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := a.RoundTripper.RoundTrip(r)
	if err == nil && answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests {
		a.away.Store(false)
	}
	return answer, err
}

// request bounds one request with its retries.
func (s *Store) request() (context.Context, context.CancelFunc) {
	if s.away.Load() {
		return context.WithTimeout(context.Background(), brief)
	}
	return context.WithTimeout(context.Background(), patience)
}

// Open returns the store of that location. An error is a *store.RemoteError.
func Open(location string) (*Store, error) {
	l, err := store.ParseLocation(location)
	if err != nil {
		return nil, err
	}
	if l.Local == "" {
		return nil, fmt.Errorf("store: %s: no folder for local copies", location)
	}
	host, secure := "s3.amazonaws.com", true
	lookup := minio.BucketLookupAuto
	if l.Endpoint != "" {
		e, err := url.Parse(l.Endpoint)
		if err != nil {
			return nil, err
		}
		host, secure = e.Host, e.Scheme == "https"
		if !strings.HasSuffix(e.Hostname(), ".amazonaws.com") {
			lookup = minio.BucketLookupPath
		}
	}
	s := &Store{location: l, there: map[store.ID]bool{}, damaged: map[store.ID]bool{}, used: map[store.ID]bool{}}
	transport, err := minio.DefaultTransport(secure)
	if err != nil {
		return nil, err
	}
	s.client, err = minio.New(host, &minio.Options{
		Creds: credentials.NewChainCredentials([]credentials.Provider{
			&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{Client: &http.Client{Timeout: 5 * time.Second}},
		}),
		Secure: secure, Region: l.Region, BucketLookup: lookup, MaxRetries: attempts,
		Transport: answers{transport, &s.away},
	})
	if err != nil {
		return nil, s.failed("open", err)
	}
	ctx, cancel := s.request()
	defer cancel()
	ok, err := s.client.BucketExists(ctx, l.Bucket)
	if err == nil && !ok {
		err = minio.ErrorResponse{Code: minio.NoSuchBucket, Message: "the bucket does not exist; create it, or correct cache", StatusCode: http.StatusNotFound}
	}
	if err != nil {
		return nil, s.failed("open", err)
	}
	return s, s.openCopies()
}

// Local returns the store of the copies on this machine.
func (s *Store) Local() *store.Disk { return s.local }

// Dir returns the location of the store.
func (s *Store) Dir() string { return s.location.String() }

// bucket is the location without the folder of this machine.
func (s *Store) bucket() string {
	return store.Location{Bucket: s.location.Bucket, Prefix: s.location.Prefix, Endpoint: s.location.Endpoint}.String()
}

func (s *Store) key(kind string, id store.ID) string {
	return s.name(kind + "/" + string(id[:2]) + "/" + string(id))
}

func (s *Store) name(below string) string {
	if s.location.Prefix == "" {
		return below
	}
	return s.location.Prefix + "/" + below
}

// failed describes an error of the server or of the way to it.
func (s *Store) failed(doing string, err error) error {
	r := minio.ToErrorResponse(err)
	text := r.Message
	if text == "" {
		text = err.Error()
	}
	if r.Code != "" && r.Code != text {
		text += " (" + r.Code + ")"
	}
	temporary := r.StatusCode == 0 || r.StatusCode >= 500 || r.StatusCode == http.StatusTooManyRequests || r.StatusCode == http.StatusRequestTimeout
	if temporary {
		s.away.Store(true)
	}
	return &store.RemoteError{Server: "cache " + s.bucket(), Text: doing + ": " + text, Temporary: temporary}
}

// absent reports the answer that an object is not there.
func absent(err error) bool {
	r := minio.ToErrorResponse(err)
	return r.Code == minio.NoSuchKey || r.StatusCode == http.StatusNotFound && r.Code != minio.NoSuchBucket
}

// refusedWrite reports the answer to a conditional write that the condition does not hold.
func refusedWrite(err error) bool {
	r := minio.ToErrorResponse(err)
	return r.StatusCode == http.StatusPreconditionFailed || r.Code == minio.PreconditionFailed
}

// conflict reports the answer to a conditional write beside another write or a deletion: whether
// there is an object afterwards is not known.
func conflict(err error) bool {
	return minio.ToErrorResponse(err).StatusCode == http.StatusConflict
}

// write puts an object, with new only where there is none. exists reports that there was one.
func (s *Store) write(key string, b []byte, new bool) (exists bool, err error) {
	ctx, cancel := s.request()
	defer cancel()
	o := minio.PutObjectOptions{DisableMultipart: true, ContentType: "application/octet-stream"}
	s.mu.Lock()
	conditional := new && !s.plain
	s.mu.Unlock()
	if conditional {
		o.SetMatchETagExcept("*")
	}
	for pause := 50 * time.Millisecond; ; pause *= 2 {
		_, err = s.client.PutObject(ctx, s.location.Bucket, key, bytes.NewReader(b), int64(len(b)), o)
		if !conditional || !conflict(err) || pause > 5*time.Second {
			break
		}
		time.Sleep(pause)
	}
	switch {
	case err == nil:
		return false, nil
	case conditional && refusedWrite(err):
		return true, nil
	case conditional && minio.ToErrorResponse(err).StatusCode == http.StatusNotImplemented:
		s.mu.Lock()
		s.plain = true
		s.mu.Unlock()
		return s.write(key, b, false)
	}
	return false, s.failed("write", err)
}

// read gets an object. The error wraps store.ErrMissing where there is none.
func (s *Store) read(key string) ([]byte, error) {
	ctx, cancel := s.request()
	defer cancel()
	var b []byte
	var err error
	for range 5 { // a body that breaks off is no failed request to the client
		var o *minio.Object
		if o, err = s.client.GetObject(ctx, s.location.Bucket, key, minio.GetObjectOptions{}); err == nil {
			b, err = io.ReadAll(o)
			_ = o.Close()
		}
		if err == nil {
			return b, nil
		}
		var request *url.Error // the client has repeated it
		if r := minio.ToErrorResponse(err); absent(err) || r.StatusCode != 0 || errors.As(err, &request) {
			break
		}
	}
	if absent(err) {
		return nil, store.ErrMissing
	}
	return nil, s.failed("read", err)
}

// Put implements engine.Store.
func (s *Store) Put(b []byte) (store.ID, error) {
	id, err := s.local.Put(b)
	if err != nil {
		return id, err
	}
	s.mu.Lock()
	there, damaged := s.there[id], s.damaged[id]
	s.mu.Unlock()
	if there {
		return id, nil
	}
	if !damaged && len(b) > small {
		size, err := s.size(s.key("data", id))
		if err != nil && !errors.Is(err, store.ErrMissing) {
			return id, err
		}
		there, damaged = err == nil && size == int64(len(b)), err == nil && size != int64(len(b))
	}
	if !there {
		if _, err := s.write(s.key("data", id), b, !damaged); err != nil {
			return id, err
		}
	}
	s.mark(id)
	return id, nil
}

// Restore implements engine.Restorer: trimming may have deleted what this process has seen there.
func (s *Store) Restore(b []byte) (store.ID, error) {
	id := store.Sum(b)
	s.mu.Lock()
	delete(s.there, id)
	s.mu.Unlock()
	return s.Put(b)
}

// mark notes contents that are in the bucket.
func (s *Store) mark(id store.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.there[id] = true
	delete(s.damaged, id)
}

// size is that of an object. The error wraps store.ErrMissing where there is none.
func (s *Store) size(key string) (int64, error) {
	ctx, cancel := s.request()
	defer cancel()
	info, err := s.client.StatObject(ctx, s.location.Bucket, key, minio.StatObjectOptions{})
	if err != nil && absent(err) {
		return 0, store.ErrMissing
	}
	if err != nil {
		return 0, s.failed("read", err)
	}
	return info.Size, nil
}

// Get implements engine.Store.
func (s *Store) Get(id store.ID) ([]byte, error) {
	b, err := s.local.Get(id)
	if err == nil {
		return b, nil
	}
	if !id.Valid() {
		return nil, err
	}
	if b, err = s.remote(id); err != nil {
		return nil, err
	}
	_, err = s.local.Put(b)
	return b, err
}

// remote is the content in the bucket, verified.
func (s *Store) remote(id store.ID) ([]byte, error) {
	b, err := s.read(s.key("data", id))
	if err != nil {
		s.forget(id, false)
		return nil, fmt.Errorf("store: content %s: %w", id.Short(), err)
	}
	if store.Sum(b) != id {
		s.forget(id, true)
		return nil, fmt.Errorf("store: content %s: %w", id.Short(), store.ErrDamaged)
	}
	s.mark(id)
	return b, nil
}

// forget notes contents that are not in the bucket, or damaged there.
func (s *Store) forget(id store.ID, damaged bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.there, id)
	if damaged {
		s.damaged[id] = true
	}
}

// Has implements engine.Store.
func (s *Store) Has(id store.ID) bool {
	if s.local.Has(id) {
		return true
	}
	if !id.Valid() {
		return false
	}
	_, err := s.size(s.key("data", id))
	return err == nil
}

// Record implements engine.Store.
func (s *Store) Record(action, content store.ID) error {
	b, err := store.EncodeEntry(action, content)
	if err != nil {
		return err
	}
	if _, err := s.write(s.key("index", action), b, false); err != nil {
		return err
	}
	return s.local.Record(action, content)
}

// Lookup implements engine.Store.
func (s *Store) Lookup(action store.ID) (store.ID, error) {
	content, err := s.local.Lookup(action)
	if err == nil || !action.Valid() {
		return content, err
	}
	b, err := s.read(s.key("index", action))
	if err != nil {
		return "", fmt.Errorf("store: action %s: %w", action.Short(), err)
	}
	if content, err = store.DecodeEntry(action, b); err != nil {
		return "", err
	}
	return content, s.local.Record(action, content)
}
