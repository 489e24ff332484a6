package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTrimWithLease: what somebody at work may be using stays, whatever the
// limits; what is named stays, too; and nothing of it once the work is over.
func TestTrimWithLease(t *testing.T) {
	s := open(t)
	now := time.Now()
	put := func(text string, used time.Time) ID {
		id, err := s.Put([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(s.path("data", id), used, used); err != nil {
			t.Fatal(err)
		}
		return id
	}
	old, named := put("old", now.Add(-3*time.Hour)), put("named", now.Add(-5*time.Hour))
	release, err := s.Lease(now.Add(-time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	hit, young := put("hit half an hour before", now.Add(-30*time.Minute)), put("young", now)
	// Temporary files stand beside their targets.
	half := filepath.Join(filepath.Dir(s.path("data", young)), ".half123")
	if err := os.WriteFile(half, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	removed, _, err := s.Trim(now, now.Add(time.Hour), 1, map[ID]bool{named: true})
	if err != nil || removed != 1 || s.Has(old) || !s.Has(named) || !s.Has(hit) || !s.Has(young) {
		t.Errorf("beside a lease: %d removed, %v", removed, err)
	}
	if _, err := os.Stat(half); err != nil {
		t.Error("a temporary file of somebody at work was removed")
	}
	release()
	if err := os.Chtimes(half, now.Add(-time.Hour), now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if removed, _, err = s.Trim(now, now.Add(time.Hour), 1, nil); err != nil || removed != 3 {
		t.Errorf("afterwards: %d removed, %v", removed, err)
	}
	if _, err := os.Stat(half); !os.IsNotExist(err) {
		t.Errorf("a leftover stayed: %v", err)
	}
	if left, _ := os.ReadDir(filepath.Join(s.Dir(), "leases")); len(left) != 0 {
		t.Errorf("%d leases left", len(left))
	}
}

// TestWritesWithoutSystemTempFolder: writes do not need it.
func TestWritesWithoutSystemTempFolder(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(dir, "gone"))
	s, err := Open(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put([]byte(strings.Repeat("x", 1000))); err != nil {
		t.Error(err)
	}
}

// Of several at work the one that began first says what stays.
func TestTrimWithTwoLeases(t *testing.T) {
	s := open(t)
	now := time.Now()
	id, err := s.Put([]byte("used since the first began"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(s.path("data", id), now.Add(-5*time.Hour), now.Add(-5*time.Hour)); err != nil {
		t.Fatal(err)
	}
	for _, began := range []time.Duration{2, 10, 3} { // hours ago
		release, err := s.Lease(now.Add(-began * time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		defer release()
	}
	if removed, _, err := s.Trim(now, now.Add(time.Hour), 1, nil); err != nil || removed != 0 {
		t.Errorf("%d removed, %v", removed, err)
	}
}

// The lease and the claim of a process that ended without a release count for some minutes.
func TestUnreleasedLeaseExpires(t *testing.T) {
	s := open(t)
	now := time.Now()
	id, err := s.Put([]byte("unused"))
	if err != nil {
		t.Fatal(err)
	}
	action := Sum([]byte("action"))
	if _, err := s.Lease(now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := s.Claim(action); !ok || err != nil {
		t.Fatal(ok, err)
	}
	lease, err := filepath.Glob(filepath.Join(s.Dir(), "leases", "run-*"))
	if err != nil || len(lease) != 1 {
		t.Fatal(lease, err)
	}
	claim := s.path("claims", action)
	for _, age := range []time.Duration{dead / 2, 2 * dead} {
		for _, path := range []string{lease[0], claim} {
			if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
				t.Fatal(err)
			}
		}
		removed, _, err := s.Trim(now, now.Add(time.Hour), 1, nil)
		if ended := age > dead; err != nil || (removed == 1) != ended || s.Has(id) == ended {
			t.Errorf("%v after the last renewal: %d removed, %v", age, removed, err)
		}
		_, err = os.Stat(claim)
		if ended := age > dead; os.IsNotExist(err) != ended {
			t.Errorf("%v after the last renewal: the claim: %v", age, err)
		}
	}
}

// A store of just the size that is asked for is left alone.
func TestTrimAtExactSize(t *testing.T) {
	s := open(t)
	for _, text := range []string{"aa", "bbb"} {
		if _, err := s.Put([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for most, want := range map[int64]int{6: 0, 5: 0, 4: 1} {
		if removed, _, err := s.Trim(time.Now(), time.Time{}, most, nil); err != nil || removed != want {
			t.Errorf("at most %d bytes of 5: %d removed, %v", most, removed, err)
		}
		for _, text := range []string{"aa", "bbb"} {
			if _, err := s.Put([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A process whose clock is ahead keeps what it writes from now on.
func TestLeaseOfAClockAhead(t *testing.T) {
	s := open(t)
	release, err := s.Lease(time.Now().Add(5 * time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	id, err := s.Put([]byte("written beside it"))
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(filepath.Dir(s.path("data", id)), ".half123")
	if err := os.WriteFile(half, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if removed, _, err := s.Trim(time.Now(), time.Now().Add(6*time.Hour), 0, nil); err != nil || removed != 0 {
		t.Errorf("%d removed, %v", removed, err)
	}
	if _, err := os.Stat(half); err != nil {
		t.Error("a write in progress was removed")
	}
}
