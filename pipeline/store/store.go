// Package store keeps results on disk under the hash of their content, and an
// index from the hash of what was asked to the hash of the result. It is
// why a run can be repeated, resumed and explained: nothing else remembers.
//
// Layout, below one folder:
//
//	data/ab/abcd...   content, named by its SHA-256
//	index/12/1234...  one line of JSON: the content an action led to
//
// Every file is written beside its place, synced and renamed; content before
// index. A reader therefore sees a whole entry or none. Every read verifies
// the hash, so a damaged entry is a miss and never a wrong result.
package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// ID is a SHA-256 in lower-case hexadecimal.
type ID string

// Sum returns the ID of b.
func Sum(b []byte) ID {
	h := sha256.Sum256(b)
	return ID(hex.EncodeToString(h[:]))
}

// Valid reports whether the ID has the form of one.
func (id ID) Valid() bool {
	if len(id) != 2*sha256.Size {
		return false
	}
	for _, c := range id {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Short returns the first 12 digits, enough for a person.
func (id ID) Short() string { return string(id[:min(12, len(id))]) }

// The error of a read wraps ErrMissing for an absent entry, and ErrDamaged for one
// whose bytes are not those that were written.
var (
	ErrMissing = errors.New("not in the store")
	ErrDamaged = errors.New("damaged in the store")
)

// Disk is a store in a folder. It may be used by several goroutines and
// several processes at once.
type Disk struct{ dir string }

// Open returns the store in dir, which it makes if need be.
func Open(dir string) (*Disk, error) {
	for _, sub := range []string{"data", "index"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
	}
	return &Disk{dir: dir}, nil
}

// Dir returns the store's folder.
func (s *Disk) Dir() string { return s.dir }

func (s *Disk) path(kind string, id ID) string {
	return filepath.Join(s.dir, kind, string(id[:2]), string(id))
}

// Put stores content and returns its ID. Content already there is not written
// again unless it is damaged.
func (s *Disk) Put(b []byte) (ID, error) {
	id := Sum(b)
	if have, err := s.Get(id); err == nil && len(have) == len(b) {
		return id, nil
	}
	return id, s.write(s.path("data", id), b)
}

// Get returns the content of that ID, verified.
func (s *Disk) Get(id ID) ([]byte, error) {
	if !id.Valid() {
		return nil, fmt.Errorf("store: invalid content ID %q", id)
	}
	b, err := os.ReadFile(s.path("data", id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("store: content %s: %w", id.Short(), ErrMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if Sum(b) != id {
		return nil, fmt.Errorf("store: content %s: %w", id.Short(), ErrDamaged)
	}
	return b, nil
}

// Has reports whether content of that ID is there, without reading it.
func (s *Disk) Has(id ID) bool {
	if !id.Valid() {
		return false
	}
	_, err := os.Stat(s.path("data", id))
	return err == nil
}

type entry struct {
	Action  ID `json:"action"`
	Content ID `json:"content"`
	Sum     ID `json:"sum"` // of action and content, so that a damaged line is noticed
}

func (e entry) check() ID { return Sum([]byte(e.Action + e.Content)) }

// EncodeEntry returns the line of the index for an action and the content that it
// led to.
func EncodeEntry(action, content ID) ([]byte, error) {
	if !action.Valid() || !content.Valid() {
		return nil, fmt.Errorf("store: invalid ID %q or %q", action, content)
	}
	e := entry{Action: action, Content: content}
	e.Sum = e.check()
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return append(b, '\n'), nil
}

// DecodeEntry returns the content of that action's line of the index. Any byte that
// differs from what EncodeEntry writes is ErrDamaged.
func DecodeEntry(action ID, b []byte) (ID, error) {
	var e entry
	if err := json.Unmarshal(b, &e); err == nil && e.Action == action {
		if written, err := EncodeEntry(e.Action, e.Content); err == nil && string(b) == string(written) {
			return e.Content, nil
		}
	}
	return "", fmt.Errorf("store: action %s: %w", action.Short(), ErrDamaged)
}

// Record remembers that an action led to a content.
func (s *Disk) Record(action, content ID) error {
	b, err := EncodeEntry(action, content)
	if err != nil {
		return err
	}
	return s.write(s.path("index", action), b)
}

// Lookup returns the content of an action's result. The error wraps ErrMissing
// if the action is unknown and ErrDamaged if its entry is not readable; the
// caller then executes the action.
func (s *Disk) Lookup(action ID) (ID, error) {
	if !action.Valid() {
		return "", fmt.Errorf("store: invalid action ID %q", action)
	}
	b, err := os.ReadFile(s.path("index", action))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("store: action %s: %w", action.Short(), ErrMissing)
	}
	if err != nil {
		return "", fmt.Errorf("store: %w", err)
	}
	return DecodeEntry(action, b)
}

func (s *Disk) write(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := renameio.WriteFile(path, b, 0o644, renameio.WithTempDir(filepath.Dir(path))); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}
