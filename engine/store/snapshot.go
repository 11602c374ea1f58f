package store

import (
	"fmt"
	"iter"
)

// snapshotter decides when the journal is worth rewriting.
type snapshotter struct {
	slack int64 // set once: Options.SnapshotBytes
	live  int64 // about how many bytes a snapshot took, when last looked
	err   error // why the last snapshot could not be made
	next  int64 // after an error: the size at which to try again
}

func (s *snapshotter) due(size int64) bool { return size > max(2*s.live+s.slack, s.next) }

// snapshotLocked rewrites the journal when it has outgrown its content. Writers wait meanwhile, about 10 ms for 10 MB;
// readers do not. The caller holds journalMu, and everything that is visible is in the journal. That a snapshot cannot be
// made harms nobody yet, so no writer is told: the journal stays as it is, and Close reports the error.
func (m *Memory) snapshotLocked() {
	if !m.snapshot.due(m.journal.Size()) {
		return
	}
	m.snapshot.err = m.journal.Replace(m.state())
	if m.snapshot.err != nil {
		m.snapshot.next = m.journal.Size() + m.snapshot.slack
		return
	}
	m.snapshot.live, m.snapshot.next = m.journal.Size(), 0
}

// state yields the records that make up the visible state.
func (m *Memory) state() iter.Seq[record] {
	m.mu.RLock()
	defer m.mu.RUnlock()
	visible := m.visible.Load()
	var kvs []*KV
	m.keys.ascend("", "", func(e *entry) bool {
		if kv := e.at(visible); kv != nil {
			kvs = append(kvs, kv)
		}
		return true
	})
	return func(yield func(record) bool) {
		if !yield(record{kind: recordBase, revision: visible}) {
			return
		}
		for _, kv := range kvs {
			if !yield(record{kind: recordState, revision: kv.ModRevision, kv: kv}) {
				return
			}
		}
	}
}

// liveBytes is about how long a snapshot of the present state would be.
func (m *Memory) liveBytes() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var sum int64
	m.keys.ascend("", "", func(e *entry) bool {
		if kv := e.newest().kv; kv != nil {
			sum += int64(len(kv.Key) + len(kv.Value) + 16)
		}
		return true
	})
	return sum
}

// replay takes one record of the journal into the state. Only Open calls it. The checksums have been verified, so what
// does not fit together here is damage all the same, and is refused.
func (m *Memory) replay(r record) error {
	var prev *KV
	if r.kv != nil {
		if e := m.keys.get(r.kv.Key); e != nil {
			prev = e.newest().kv
		}
	}
	switch fits := m.fits(r, prev); {
	case !fits:
		return fmt.Errorf("%w: record at revision %d does not follow revision %d", ErrCorrupt, r.revision, m.tip)
	case r.kind == recordBase:
		m.tip, m.history.compacted = r.revision, r.revision
		return nil
	case r.kind == recordState:
		m.keys.put(r.kv.Key, version{r.revision, r.kv})
		return nil
	}
	event := Event{Revision: r.revision, KV: r.kv, Prev: prev}
	if r.kind == recordDelete {
		event.KV = nil
	}
	m.tip = r.revision
	m.keys.put(r.kv.Key, version{r.revision, event.KV})
	m.history.append(event)
	m.trimLocked()
	return nil
}

// fits says whether r may come next, prev being what its key was before.
func (m *Memory) fits(r record, prev *KV) bool {
	snapshot := len(m.history.events) == 0 && m.tip == m.history.compacted
	switch r.kind {
	case recordBase:
		return snapshot && m.tip == 1 && r.revision >= 1 && len(m.keys.blocks) == 0
	case recordState:
		return snapshot && prev == nil && r.revision <= m.tip && r.kv.CreateRevision <= r.revision && r.kv.Version >= 1
	case recordDelete:
		return r.revision == m.tip+1 && prev != nil
	}
	if prev == nil {
		return r.revision == m.tip+1 && r.kv.CreateRevision == r.revision && r.kv.Version == 1
	}
	return r.revision == m.tip+1 && r.kv.CreateRevision == prev.CreateRevision && r.kv.Version == prev.Version+1
}
