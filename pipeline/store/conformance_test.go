package store_test

import (
	"testing"

	"allocate/pipeline/engine"
	"allocate/pipeline/store"
	"allocate/pipeline/store/storetest"
)

func TestStores(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) engine.Store{
		"disk": func(t *testing.T) engine.Store {
			s, err := store.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		"memory": func(*testing.T) engine.Store { return store.NewMemory() },
	} {
		t.Run(name, func(t *testing.T) { storetest.Run(t, open) })
	}
}

func TestClaims(t *testing.T) {
	dir := t.TempDir()
	storetest.RunClaims(t, func(t *testing.T) engine.Claimer {
		s, err := store.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
