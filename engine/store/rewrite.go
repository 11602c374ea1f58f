package store

import (
	"context"
	"fmt"
)

// Change is what a key becomes. A nil Value deletes it.
type Change struct {
	Key string
	// Value is kept by the store: the caller must not change it afterwards.
	Value []byte
}

// Rewrite implements Store.
func (m *Memory) Rewrite(ctx context.Context, prefix string, decide func(now []*KV) []Change) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("rewrite %s: %w", prefix, err)
	}
	revision, b, err := m.stageRewrite(prefix, decide)
	if err == nil {
		err = m.flush(b)
	}
	if err != nil {
		return 0, fmt.Errorf("rewrite %s: %w", prefix, err)
	}
	return revision, nil
}

// stageRewrite puts all changes into the open batch, which the caller must flush: batches are written whole or not at all. What
// decide saw may not be durable yet; when it is taken back, this batch is as well (see takeBack).
func (m *Memory) stageRewrite(prefix string, decide func(now []*KV) []Change) (int64, *batch, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return 0, nil, ErrClosed
	}
	var now []*KV
	m.keys.ascend(prefix, "", func(e *entry) bool {
		if kv := e.newest().kv; kv != nil {
			now = append(now, kv)
		}
		return true
	})
	if m.open == nil {
		m.open = &batch{}
	}
	for _, c := range decide(now) {
		m.stageChangeLocked(c)
	}
	return m.tip, m.open, nil
}

// stageChangeLocked is one change of a rewrite. A key may be deleted and made again in the same one.
func (m *Memory) stageChangeLocked(c Change) {
	var before *KV
	if e := m.keys.get(c.Key); e != nil {
		before = e.newest().kv
	}
	if before == nil && c.Value == nil {
		return
	}
	m.tip++
	var next *KV
	switch {
	case c.Value == nil:
	case before == nil:
		next = &KV{Key: c.Key, Value: c.Value, CreateRevision: m.tip, ModRevision: m.tip, Version: 1}
	default:
		next = &KV{Key: c.Key, Value: c.Value, CreateRevision: before.CreateRevision, ModRevision: m.tip, Version: before.Version + 1}
	}
	m.keys.put(c.Key, version{m.tip, next})
	m.open.events = append(m.open.events, Event{Revision: m.tip, KV: next, Prev: before})
}
