package store

import (
	"context"
	"errors"
	"fmt"
)

// Any, given as the expected revision, means: whatever the key's present revision is.
const Any int64 = 0

// Answers that the caller is expected to tell apart with errors.Is.
var (
	ErrNotFound  = errors.New("key not found")
	ErrExists    = errors.New("key exists")
	ErrConflict  = errors.New("key was changed in the meantime")
	ErrCompacted = errors.New("revision has been compacted")
	ErrFuture    = errors.New("revision is in the future")
	ErrSlow      = errors.New("watcher is too slow: events it has not read were compacted")
	ErrClosed    = errors.New("store is closed")
	ErrCorrupt   = errors.New("journal is damaged")
)

// KV is one version of one key. A KV handed out by the store is shared: nobody may change it or the bytes of Value.
type KV struct {
	Key   string
	Value []byte
	// CreateRevision is the revision that created the key; ModRevision the one that wrote this version.
	CreateRevision, ModRevision int64
	// Version counts the writes since the key was created, from 1.
	Version int64
}

// Event is one change. Prev is nil when the key was created, KV is nil when it was deleted.
type Event struct {
	Revision int64
	KV, Prev *KV
}

// Key is the key that changed.
func (e Event) Key() string {
	if e.KV != nil {
		return e.KV.Key
	}
	return e.Prev.Key
}

// ListOptions say which part of the keys to list.
type ListOptions struct {
	// Prefix is what every listed key starts with.
	Prefix string
	// From is the first key of this page; empty begins at the first key of the prefix. To go on after key k ask From: k+"\x00".
	From string
	// Limit is the most keys to return; 0 is no limit.
	Limit int
	// Revision is the moment to read at; 0 is now.
	Revision int64
}

// Page is the answer to List.
type Page struct {
	// KVs are in the order of their keys.
	KVs []*KV
	// Revision is the moment that was read.
	Revision int64
	// More is how many further keys of the prefix follow this page.
	More int
}

// Store is what the API server needs of its storage. Every method may be called from any goroutine. A write returns after
// it is durable (see Options.Sync) and visible. Another implementation, such as one that asks an etcd, can stand behind it.
type Store interface {
	// Get returns the present version of key, or ErrNotFound.
	Get(ctx context.Context, key string) (*KV, error)
	// List returns the keys with a prefix, as they were at one revision: ErrCompacted when that is too old, ErrFuture when
	// it has not happened.
	List(ctx context.Context, opts ListOptions) (Page, error)
	// Create writes a key that does not exist; a ConflictError (ErrExists) otherwise. The store keeps value: the caller
	// must not change it afterwards.
	Create(ctx context.Context, key string, value []byte) (*KV, error)
	// Update writes a key whose ModRevision is expected (or Any). ErrNotFound when the key is absent, a ConflictError
	// (ErrConflict) that carries the present version otherwise. The store keeps value.
	Update(ctx context.Context, key string, value []byte, expected int64) (*KV, error)
	// Delete removes a key whose ModRevision is expected (or Any) and returns its last version and the revision of the
	// deletion; errors as Update.
	Delete(ctx context.Context, key string, expected int64) (last *KV, revision int64, err error)
	// Rewrite makes many changes as one write: readers see all of them or none, watchers get them one after the other. decide is
	// given the newest versions of the keys with a prefix and answers with what is to become of which; other keys may be
	// among them. Nothing else is written meanwhile, and decide must not call the store. The revision is that of the
	// last change.
	Rewrite(ctx context.Context, prefix string, decide func(now []*KV) []Change) (revision int64, err error)
	// Watch follows every change after revision to the keys with a prefix. ErrCompacted when such changes are forgotten,
	// ErrFuture when revision has not happened.
	Watch(prefix string, revision int64) (Watcher, error)
	// Revision is the newest visible revision; 1 in a store that was never written.
	Revision() int64
	// Close ends every watcher with ErrClosed and closes the journal.
	Close() error
}

// Watcher yields events in order, each once. One goroutine reads it; Close may be called from any.
type Watcher interface {
	// Poll returns the events that are ready, without blocking. When there are none it returns a channel that is closed
	// when Poll should be called again. After ErrSlow or ErrClosed the watcher stays ended. The caller must not change
	// the events.
	Poll() ([]Event, <-chan struct{}, error)
	// Next blocks until there are events; it ends early with ctx's error, after which it may be called again.
	Next(ctx context.Context) ([]Event, error)
	// Revision is a moment up to which every event of the prefix has been returned: what a bookmark may say.
	Revision() int64
	// Close lets go of the watcher. It may be called twice.
	Close()
}

// ConflictError is the answer to a write whose expectation did not hold: ErrExists from Create, ErrConflict otherwise.
type ConflictError struct {
	Key      string
	Expected int64
	// Current is the version that is there instead.
	Current *KV
	cause   error
}

func (e *ConflictError) Error() string {
	if errors.Is(e.cause, ErrExists) {
		return fmt.Sprintf("create %s: %v at revision %d", e.Key, e.cause, e.Current.ModRevision)
	}
	return fmt.Sprintf("write %s: %v: expected revision %d, found %d", e.Key, e.cause, e.Expected, e.Current.ModRevision)
}

// Unwrap is ErrExists or ErrConflict.
func (e *ConflictError) Unwrap() error { return e.cause }
