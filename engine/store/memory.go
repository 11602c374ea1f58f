package store

import (
	"context"
	"errors"
)

// Memory is the Store that holds everything in memory and keeps a journal of it.
type Memory struct{}

var _ Store = (*Memory)(nil)

var errNotYet = errors.New("not yet")

// Open reads the journal, if there is one, and returns the store as it was when the last answered write was made.
// ErrCorrupt when the journal is damaged elsewhere than at its torn end.
func Open(opts Options) (*Memory, error) { return nil, errNotYet }

// Get implements Store.
func (m *Memory) Get(ctx context.Context, key string) (*KV, error) { return nil, errNotYet }

// List implements Store.
func (m *Memory) List(ctx context.Context, opts ListOptions) (Page, error) {
	return Page{}, errNotYet
}

// Create implements Store.
func (m *Memory) Create(ctx context.Context, key string, value []byte) (*KV, error) {
	return nil, errNotYet
}

// Update implements Store.
func (m *Memory) Update(ctx context.Context, key string, value []byte, expected int64) (*KV, error) {
	return nil, errNotYet
}

// Delete implements Store.
func (m *Memory) Delete(ctx context.Context, key string, expected int64) (*KV, int64, error) {
	return nil, 0, errNotYet
}

// Watch implements Store.
func (m *Memory) Watch(prefix string, revision int64) (Watcher, error) { return nil, errNotYet }

// Revision implements Store.
func (m *Memory) Revision() int64 { return 0 }

// Close implements Store.
func (m *Memory) Close() error { return nil }
