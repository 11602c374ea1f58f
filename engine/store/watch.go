package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// group is the watchers of one prefix: they share its log.
type group struct {
	prefix   string // set once
	watchers int    // guarded by Memory.mu

	mu sync.Mutex
	// guarded by mu
	log   []Event       // the prefix's events, oldest first; parts of it are in the hands of watchers, so it only grows or is replaced
	lost  int64         // the newest revision that was cut from log
	grown chan struct{} // closed when log grows; nil while nobody waits
	ended bool
}

// append adds the events that match and wakes who waits.
func (g *group) append(events []Event) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := len(g.log)
	for _, e := range events {
		if strings.HasPrefix(e.Key(), g.prefix) {
			g.log = append(g.log, e)
		}
	}
	if len(g.log) > before {
		g.wakeLocked()
	}
}

func (g *group) wakeLocked() {
	if g.grown != nil {
		close(g.grown)
		g.grown = nil
	}
}

// trim forgets the events up to revision.
func (g *group) trim(revision int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := g.afterLocked(revision)
	if first == 0 {
		return
	}
	g.lost = g.log[first-1].Revision
	g.log = slices.Clone(g.log[first:])
}

// end tells every watcher that the store is closed.
func (g *group) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
	g.wakeLocked()
}

// afterLocked is the position of the first event after revision.
func (g *group) afterLocked(revision int64) int {
	i, _ := slices.BinarySearchFunc(g.log, revision+1, func(e Event, revision int64) int {
		return cmp.Compare(e.Revision, revision)
	})
	return i
}

// watcher is one reader of a group's log.
type watcher struct {
	store *Memory
	group *group
	close sync.Once

	position int64 // owned by the reader: the revision of the last event it was given, or where it began
}

// Watch implements Store.
func (m *Memory) Watch(prefix string, revision int64) (Watcher, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if revision == 0 {
		revision = -1 // not "now": the beginning of time, which is compacted
	}
	if _, err := m.readableLocked(revision); err != nil {
		return nil, fmt.Errorf("watch %s after revision %d: %w", prefix, revision, err)
	}
	g := m.groups[prefix]
	if g == nil {
		g = &group{prefix: prefix, lost: m.history.compacted}
		g.append(m.history.events)
		m.groups[prefix] = g
	}
	g.watchers++
	return &watcher{store: m, group: g, position: revision}, nil
}

// Poll implements Watcher.
func (w *watcher) Poll() ([]Event, <-chan struct{}, error) {
	g := w.group
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.ended:
		return nil, nil, fmt.Errorf("watch %s: %w", g.prefix, ErrClosed)
	case w.position < g.lost:
		return nil, nil, fmt.Errorf("watch %s after revision %d: %w", g.prefix, w.position, ErrSlow)
	}
	if first := g.afterLocked(w.position); first < len(g.log) {
		events := g.log[first:len(g.log):len(g.log)]
		w.position = events[len(events)-1].Revision
		return events, nil, nil
	}
	if g.grown == nil {
		g.grown = make(chan struct{})
	}
	return nil, g.grown, nil
}

// Next implements Watcher.
func (w *watcher) Next(ctx context.Context) ([]Event, error) {
	for {
		events, more, err := w.Poll()
		if len(events) > 0 || err != nil {
			return events, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-more:
		}
	}
}

// Revision implements Watcher.
func (w *watcher) Revision() int64 {
	// Before the log: what is visible now is in the log by now, see publish.
	visible := w.store.visible.Load()
	w.group.mu.Lock()
	defer w.group.mu.Unlock()
	if w.position >= w.group.lost && w.group.afterLocked(w.position) == len(w.group.log) {
		// Nothing is pending, so the reader is up to date; moving its position also keeps a quiet watcher in the window.
		w.position = max(w.position, visible)
	}
	return w.position
}

// Close implements Watcher.
func (w *watcher) Close() {
	w.close.Do(func() {
		w.store.mu.Lock()
		defer w.store.mu.Unlock()
		if w.group.watchers--; w.group.watchers == 0 {
			delete(w.store.groups, w.group.prefix)
		}
	})
}
