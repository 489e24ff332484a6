package store

import (
	"bytes"
	"fmt"
	"sync"
	"time"
)

// Memory is a store that ends with the process, for tests.
type Memory struct {
	mu      sync.RWMutex
	content map[ID][]byte
	index   map[ID]ID
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{content: map[ID][]byte{}, index: map[ID]ID{}} }

// Put stores content and returns its ID.
func (m *Memory) Put(b []byte) (ID, error) {
	id := Sum(b)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.content[id] = bytes.Clone(b)
	return id, nil
}

// Get returns a copy of the content of that ID.
func (m *Memory) Get(id ID) ([]byte, error) {
	if !id.Valid() {
		return nil, fmt.Errorf("store: invalid content ID %q", id)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	b, ok := m.content[id]
	if !ok {
		return nil, fmt.Errorf("store: content %s: %w", id.Short(), ErrMissing)
	}
	return append([]byte{}, b...), nil
}

// Has reports whether content of that ID is there.
func (m *Memory) Has(id ID) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	_, ok := m.content[id]
	return ok
}

// Record remembers that an action led to a content.
func (m *Memory) Record(action, content ID) error {
	if !action.Valid() || !content.Valid() {
		return fmt.Errorf("store: invalid ID %q or %q", action, content)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.index[action] = content
	return nil
}

// Lookup returns the content that an action led to.
func (m *Memory) Lookup(action ID) (ID, error) {
	if !action.Valid() {
		return "", fmt.Errorf("store: invalid action ID %q", action)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	id, ok := m.index[action]
	if !ok {
		return "", fmt.Errorf("store: action %s: %w", action.Short(), ErrMissing)
	}
	return id, nil
}

// Touch does nothing: nothing is trimmed.
func (m *Memory) Touch(time.Time, ID, ...ID) {}

// Lease does nothing, for the same reason.
func (m *Memory) Lease(time.Time) (release func(), err error) { return func() {}, nil }
