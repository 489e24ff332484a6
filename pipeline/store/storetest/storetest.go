// Package storetest has the tests that every store of results passes.
package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"allocate/pipeline/engine"
	"allocate/pipeline/store"
)

// Run tests the stores that open returns, each of them empty.
func Run(t *testing.T, open func(t *testing.T) engine.Store) {
	t.Run("contents come back", func(t *testing.T) {
		s := open(t)
		for _, b := range [][]byte{{}, []byte("a"), bytes.Repeat([]byte{0, 255, '\n'}, 1<<16)} {
			id := put(t, s, b)
			if id != store.Sum(b) {
				t.Errorf("%d bytes have the ID %s, want their SHA-256 %s", len(b), id, store.Sum(b))
			}
			if again := put(t, s, b); again != id {
				t.Errorf("put twice: %s and %s", id, again)
			}
			if got, err := s.Get(id); err != nil || !bytes.Equal(got, b) {
				t.Errorf("%d bytes came back as %d, %v", len(b), len(got), err)
			}
			if !s.Has(id) {
				t.Errorf("%s is there, and Has says it is not", id.Short())
			}
		}
	})
	t.Run("what a caller does to its bytes does not reach the store", func(t *testing.T) {
		s := open(t)
		b := []byte("weights")
		id := put(t, s, b)
		b[0] = 'X'
		got, err := s.Get(id)
		if err != nil || string(got) != "weights" {
			t.Fatalf("%q, %v", got, err)
		}
		got[0] = 'Y'
		if got, err = s.Get(id); err != nil || string(got) != "weights" {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("what is absent is missing", func(t *testing.T) {
		s := open(t)
		id := store.Sum([]byte("never put"))
		if _, err := s.Get(id); !errors.Is(err, store.ErrMissing) {
			t.Errorf("absent content: %v", err)
		}
		if _, err := s.Lookup(id); !errors.Is(err, store.ErrMissing) {
			t.Errorf("unknown action: %v", err)
		}
		if s.Has(id) {
			t.Error("Has sees absent content")
		}
	})
	t.Run("an ID is no path", func(t *testing.T) {
		s := open(t)
		for _, id := range []store.ID{"", ".", "../../etc/passwd", "ABCD", store.ID(bytes.Repeat([]byte("G"), 64))} {
			if _, err := s.Get(id); err == nil {
				t.Errorf("Get took %q for an ID", id)
			}
			if _, err := s.Lookup(id); err == nil {
				t.Errorf("Lookup took %q for an ID", id)
			}
			if err := s.Record(id, store.Sum(nil)); err == nil {
				t.Errorf("Record took %q for an ID", id)
			}
			if s.Has(id) {
				t.Errorf("Has took %q for an ID", id)
			}
			s.Touch(time.Unix(1_700_000_000, 0), id, id) // must not panic
		}
	})
	t.Run("the last record of an action stands", func(t *testing.T) {
		s := open(t)
		action := store.Sum([]byte("action"))
		for _, text := range []string{"first", "second"} {
			content := put(t, s, []byte(text))
			if err := s.Record(action, content); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Lookup(action); err != nil || got != content {
				t.Errorf("%s: %s, %v", text, got.Short(), err)
			}
		}
		if s.Has(action) {
			t.Error("the index and the contents are one")
		}
	})
	t.Run("many at once", func(t *testing.T) {
		s := open(t)
		var wait sync.WaitGroup
		for k := range 16 {
			wait.Go(func() {
				for i := range 20 {
					b := fmt.Appendf(nil, "content %d", i)
					action := store.Sum(fmt.Appendf(nil, "action %d", (i+k)%20))
					id, err := s.Put(b)
					if err == nil {
						err = s.Record(action, id)
					}
					if err != nil {
						t.Error(err)
					}
					if got, err := s.Get(id); err != nil || !bytes.Equal(got, b) {
						t.Errorf("%q, %v", got, err)
					}
					if to, err := s.Lookup(action); err != nil || !s.Has(to) {
						t.Errorf("an action leads to %s, %v", to.Short(), err)
					}
				}
			})
		}
		wait.Wait()
	})
}

func put(t *testing.T, s engine.Store, b []byte) store.ID {
	t.Helper()
	id, err := s.Put(b)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// RunClaims tests a store whose users divide the work; open opens it once more, as another
// process does.
func RunClaims(t *testing.T, open func(t *testing.T) engine.Claimer) {
	t.Run("one of many has the claim", func(t *testing.T) {
		action := store.Sum([]byte("claimed once"))
		var wait sync.WaitGroup
		free := make(chan func(), 16)
		for range 16 {
			s := open(t)
			wait.Go(func() {
				release, ok, err := s.Claim(action)
				if err != nil {
					t.Error(err)
				}
				if ok {
					free <- release
				}
			})
		}
		wait.Wait()
		if len(free) != 1 {
			t.Fatalf("%d have the claim", len(free))
		}
		if _, ok, err := open(t).Claim(store.Sum([]byte("another"))); !ok || err != nil {
			t.Errorf("another action is not free: %v, %v", ok, err)
		}
		(<-free)()
		if _, ok, err := open(t).Claim(action); !ok || err != nil {
			t.Errorf("not free after the release: %v, %v", ok, err)
		}
	})
}
