package store

import (
	"context"
	"fmt"
)

// batch is the writes that go to the journal together.
type batch struct {
	events []Event // guarded by Memory.mu until the batch is taken from Memory.open, then owned by who took it
	// guarded by journalMu
	done bool
	err  error
}

// Create implements Store.
func (m *Memory) Create(ctx context.Context, key string, value []byte) (*KV, error) {
	event, err := m.write(ctx, key, func(current *KV, revision int64) (*KV, error) {
		if current != nil {
			return nil, &ConflictError{Key: key, Current: current, cause: ErrExists}
		}
		return &KV{Key: key, Value: value, CreateRevision: revision, ModRevision: revision, Version: 1}, nil
	})
	return event.KV, err
}

// Update implements Store.
func (m *Memory) Update(ctx context.Context, key string, value []byte, expected int64) (*KV, error) {
	event, err := m.write(ctx, key, func(current *KV, revision int64) (*KV, error) {
		if err := expect(key, current, expected); err != nil {
			return nil, err
		}
		created, version := current.CreateRevision, current.Version+1
		return &KV{Key: key, Value: value, CreateRevision: created, ModRevision: revision, Version: version}, nil
	})
	return event.KV, err
}

// Delete implements Store.
func (m *Memory) Delete(ctx context.Context, key string, expected int64) (*KV, int64, error) {
	event, err := m.write(ctx, key, func(current *KV, _ int64) (*KV, error) {
		return nil, expect(key, current, expected)
	})
	return event.Prev, event.Revision, err
}

func expect(key string, current *KV, expected int64) error {
	switch {
	case current == nil:
		return fmt.Errorf("write %s: %w", key, ErrNotFound)
	case expected != Any && expected != current.ModRevision:
		return &ConflictError{Key: key, Expected: expected, Current: current, cause: ErrConflict}
	default:
		return nil
	}
}

// write makes one change and returns when it is durable and visible. change says what key becomes (nil: deleted), or why not.
func (m *Memory) write(ctx context.Context, key string, change func(*KV, int64) (*KV, error)) (Event, error) {
	for {
		if err := ctx.Err(); err != nil {
			return Event{}, fmt.Errorf("write %s: %w", key, err)
		}
		event, b, err := m.stage(key, change)
		switch {
		case err == nil:
			if err := m.flush(b); err != nil {
				return Event{}, fmt.Errorf("write %s: %w", key, err)
			}
			return event, nil
		case b == nil:
			return Event{}, err
		}
		// The refusal rests on a write that is not durable yet: it may still be taken back, and who is refused would not
		// find what refused him. Look again once it is settled; its own error is its writer's affair.
		_ = m.flush(b)
	}
}

// stage gives a change its revision and puts it into the open batch, which the caller must flush. When change refuses,
// stage returns the error, and with it a batch if the refusal rests on a write that is not visible yet.
func (m *Memory) stage(key string, change func(*KV, int64) (*KV, error)) (Event, *batch, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return Event{}, nil, fmt.Errorf("write %s: %w", key, ErrClosed)
	}
	var latest version
	if e := m.keys.get(key); e != nil {
		latest = e.newest()
	}
	next, err := change(latest.kv, m.tip+1)
	if err != nil && latest.revision <= m.visible.Load() {
		return Event{}, nil, err
	}
	if m.open == nil {
		m.open = &batch{}
	}
	if err != nil {
		return Event{}, m.open, err
	}
	m.tip++
	event := Event{Revision: m.tip, KV: next, Prev: latest.kv}
	m.keys.put(key, version{m.tip, next})
	m.open.events = append(m.open.events, event)
	return event, m.open, nil
}

// flush returns when b has been written, by this caller or by another one.
func (m *Memory) flush(b *batch) error {
	m.journalMu.Lock()
	defer m.journalMu.Unlock()
	if !b.done {
		// A batch leaves m.open only with journalMu held, and is done before journalMu is released: b is the open one.
		m.flushLocked()
	}
	return b.err
}

// flushLocked writes the open batch, if there is one. The caller holds journalMu.
func (m *Memory) flushLocked() {
	m.mu.Lock()
	b := m.open
	m.open = nil
	m.mu.Unlock()
	if b == nil {
		return
	}
	b.done = true
	if len(b.events) == 0 {
		return
	}
	if b.err = m.journal.Append(b.events); b.err != nil {
		m.takeBack(b)
		return
	}
	m.publish(b)
	m.snapshotLocked()
}

// publish makes a durable batch visible to readers and watchers.
func (m *Memory) publish(b *batch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range b.events {
		m.history.append(e)
	}
	for _, g := range m.groups {
		g.append(b.events)
	}
	// After the groups have the events: see watcher.Revision.
	m.visible.Store(b.events[len(b.events)-1].Revision)
	m.trimLocked()
}

// takeBack undoes a batch that did not reach the journal, and every write staged since: they were decided on its results.
func (m *Memory) takeBack(b *batch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	visible := m.visible.Load()
	events := b.events
	if next := m.open; next != nil {
		m.open = nil
		next.done, next.err = true, b.err
		events = append(events, next.events...)
	}
	for _, e := range events {
		m.keys.rollback(e.Key(), visible)
	}
	m.tip = visible
}

// trimLocked lets go of the history outside the window.
func (m *Memory) trimLocked() {
	before := m.history.compacted
	m.history.trim(func(e Event) { m.keys.compact(e.Key(), m.history.compacted) })
	// The shared logs are trimmed in strides: cutting one means copying it.
	stride := int64(m.opts.Window.Events)/4 + 1
	if now := m.history.compacted; now/stride != before/stride {
		for _, g := range m.groups {
			g.trim(now)
		}
	}
}
