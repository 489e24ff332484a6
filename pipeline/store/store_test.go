package store

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func open(t *testing.T) *Disk {
	t.Helper()
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPutGet(t *testing.T) {
	s := open(t)
	for _, text := range []string{"", "a", "some content"} {
		id, err := s.Put([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := s.Get(id); err != nil || string(b) != text {
			t.Errorf("%q came back as %q, %v", text, b, err)
		}
	}
	// The SHA-256 of "abc" is in FIPS 180-2, appendix B.1.
	if id := Sum([]byte("abc")); id != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("SHA-256 of abc is %s", id)
	}
}

func TestMissing(t *testing.T) {
	s := open(t)
	if _, err := s.Get(Sum([]byte("never put"))); !errors.Is(err, ErrMissing) {
		t.Errorf("absent content: %v", err)
	}
	if _, err := s.Lookup(Sum([]byte("never done"))); !errors.Is(err, ErrMissing) {
		t.Errorf("unknown action: %v", err)
	}
	for _, id := range []ID{"", "../../etc/passwd", "ABCD"} {
		if _, err := s.Get(id); err == nil {
			t.Errorf("%q was taken for an ID", id)
		}
	}
}

func TestEveryDamageIsNoticed(t *testing.T) {
	s := open(t)
	content, err := s.Put([]byte("precious content"))
	if err != nil {
		t.Fatal(err)
	}
	action := Sum([]byte("action"))
	if err := s.Record(action, content); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Lookup(action); err != nil || got != content {
		t.Fatalf("lookup: %s, %v", got, err)
	}
	for _, c := range []struct {
		path string
		read func() error
	}{
		{s.path("data", content), func() error { _, err := s.Get(content); return err }},
		{s.path("index", action), func() error { _, err := s.Lookup(action); return err }},
	} {
		whole, err := os.ReadFile(c.path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range whole {
			if c.path == s.path("index", action) && i == len(whole)-1 {
				continue // the newline means nothing
			}
			bad := append([]byte(nil), whole...)
			bad[i] ^= 0x01
			if err := os.WriteFile(c.path, bad, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := c.read(); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: byte %d flipped: %v", filepath.Base(filepath.Dir(filepath.Dir(c.path))), i, err)
			}
			if err := os.WriteFile(c.path, whole[:i], 0o644); err != nil {
				t.Fatal(err)
			}
			if err := c.read(); !errors.Is(err, ErrDamaged) {
				t.Errorf("cut to %d bytes: %v", i, err)
			}
		}
		if err := os.WriteFile(c.path, whole, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := c.read(); err != nil {
			t.Error(err)
		}
	}
	if err := os.WriteFile(s.path("data", content), []byte("something else"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put([]byte("precious content")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(content); err != nil {
		t.Errorf("putting content again did not repair it: %v", err)
	}
}

func TestManyWriters(t *testing.T) {
	s := open(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range 50 {
				id, err := s.Put([]byte{byte(i)})
				if err == nil {
					err = s.Record(Sum([]byte{byte(i), 1}), id)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for i := range 50 {
		if id, err := s.Lookup(Sum([]byte{byte(i), 1})); err != nil || id != Sum([]byte{byte(i)}) {
			t.Errorf("action %d: %s, %v", i, id, err)
		}
	}
}
