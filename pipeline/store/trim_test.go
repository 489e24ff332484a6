package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTrimAndVerify(t *testing.T) {
	s := open(t)
	now := time.Date(2024, 1, 10, 2, 0, 0, 0, time.UTC)
	var actions, contents []ID
	for i := range 10 {
		content, err := s.Put(make([]byte, 1000+i))
		if err != nil {
			t.Fatal(err)
		}
		action := Sum([]byte{byte(i)})
		if err := s.Record(action, content); err != nil {
			t.Fatal(err)
		}
		at := now.Add(time.Duration(i-10) * 24 * time.Hour)
		for _, path := range []string{s.path("data", content), s.path("index", action)} {
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		}
		actions, contents = append(actions, action), append(contents, content)
	}
	if list, err := s.List(); err != nil || len(list) != 20 || !list[0].Index || list[19].Index {
		t.Fatalf("%d entries, %v", len(list), err)
	}

	left := filepath.Join(s.Dir(), "data", "ab")
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	left = filepath.Join(left, ".half-written123")
	if err := os.WriteFile(left, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(left, now.Add(-9*24*time.Hour), now.Add(-9*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	s.Touch(now, actions[0], contents[0]) // used again: the oldest no more
	removed, _, err := s.Trim(now, now.Add(-7*24*time.Hour), 0, nil)
	if err != nil || removed != 4 {
		t.Errorf("by age: %d removed, %v; want the 2 actions of days 8 and 9 and their contents", removed, err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("a leftover stayed: %v", err)
	}
	if _, err := s.Get(contents[0]); err != nil {
		t.Errorf("content used today was trimmed: %v", err)
	}
	if _, _, err := s.Trim(now, time.Time{}, 3500, nil); err != nil {
		t.Fatal(err)
	}
	list, err := s.List()
	total := int64(0)
	for _, e := range list {
		total += e.Bytes
	}
	if err != nil || total > 3500 || total < 2000 {
		t.Errorf("by size: %d bytes left, %v", total, err)
	}

	if err := os.WriteFile(s.path("data", contents[0]), []byte("damage"), 0o644); err != nil {
		t.Fatal(err)
	}
	checked, damaged, err := s.Verify(false)
	if err != nil || checked != len(list) || len(damaged) != 1 || damaged[0] != contents[0] {
		t.Errorf("verify: %d checked, damaged %v, %v", checked, damaged, err)
	}
	if _, _, err := s.Verify(true); err != nil {
		t.Fatal(err)
	}
	if _, damaged, _ := s.Verify(false); len(damaged) != 0 {
		t.Errorf("damage stayed: %v", damaged)
	}
}
