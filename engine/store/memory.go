package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// Memory is the Store that holds everything in memory and keeps a journal of it. It starts no goroutines: the callers of
// its methods do all the work.
type Memory struct {
	opts Options // set once in Open

	// journalMu is held while a batch is written; it is taken before mu.
	journalMu sync.Mutex
	// guarded by journalMu
	journal  journal
	snapshot snapshotter

	// visible is the newest revision that readers may see. Written with mu held.
	visible atomic.Int64

	mu sync.RWMutex
	// guarded by mu
	keys    index
	history history
	tip     int64 // the newest revision given to a write; ahead of visible while batches are being written
	open    *batch
	groups  map[string]*group // watchers by prefix
	closed  bool
}

var _ Store = (*Memory)(nil)

// Open reads the journal, if there is one, and returns the store as it was when the last answered write was made.
// ErrCorrupt when the journal is damaged elsewhere than at its torn end.
func Open(opts Options) (*Memory, error) {
	opts = opts.withDefaults()
	m := &Memory{opts: opts, tip: 1, groups: map[string]*group{}, journal: noJournal{}}
	m.history.window = opts.Window
	m.history.compacted = 1
	if opts.Path != "" {
		log, err := openLog(opts.Path, opts.Sync, m.replay)
		if err != nil {
			return nil, fmt.Errorf("open store: %w", err)
		}
		m.journal = log
	}
	m.visible.Store(m.tip)
	m.snapshot = snapshotter{slack: opts.SnapshotBytes, live: m.liveBytes()}
	return m, nil
}

// Get implements Store.
func (m *Memory) Get(ctx context.Context, key string) (*KV, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("get %s: %w", key, err)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return nil, fmt.Errorf("get %s: %w", key, ErrClosed)
	}
	if e := m.keys.get(key); e != nil {
		if kv := e.at(m.visible.Load()); kv != nil {
			return kv, nil
		}
	}
	return nil, fmt.Errorf("get %s: %w", key, ErrNotFound)
}

// List implements Store.
func (m *Memory) List(ctx context.Context, opts ListOptions) (Page, error) {
	if err := ctx.Err(); err != nil {
		return Page{}, fmt.Errorf("list %s: %w", opts.Prefix, err)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	revision, err := m.readableLocked(opts.Revision)
	if err != nil {
		return Page{}, fmt.Errorf("list %s at revision %d: %w", opts.Prefix, opts.Revision, err)
	}
	page := Page{Revision: revision}
	m.keys.ascend(opts.Prefix, opts.From, func(e *entry) bool {
		switch kv := e.at(revision); {
		case kv == nil:
		case opts.Limit > 0 && len(page.KVs) == opts.Limit:
			page.More++
		default:
			page.KVs = append(page.KVs, kv)
		}
		return true
	})
	return page, nil
}

// readableLocked turns a wished revision, 0 for now, into the one to read at.
func (m *Memory) readableLocked(wish int64) (int64, error) {
	visible := m.visible.Load()
	switch {
	case m.closed:
		return 0, ErrClosed
	case wish == 0:
		return visible, nil
	case wish > visible:
		return 0, ErrFuture
	case wish < m.history.compacted:
		return 0, ErrCompacted
	default:
		return wish, nil
	}
}

// Revision implements Store.
func (m *Memory) Revision() int64 { return m.visible.Load() }

// Compacted is the oldest revision that can be read or watched from.
func (m *Memory) Compacted() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.history.compacted
}

// Close implements Store. Its error is the journal's, or why the last snapshot could not be made.
func (m *Memory) Close() error {
	m.journalMu.Lock()
	defer m.journalMu.Unlock()
	m.flushLocked() // writers that wait for the journal find their batch done
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	for _, g := range m.groups {
		g.end()
	}
	return errors.Join(m.snapshot.err, m.journal.Close())
}
