package decision

import (
	"context"
	"sync"
	"time"
)

// Ring keeps the newest records in memory and lets any number of readers follow them.
// All methods may be called at the same time.
type Ring struct {
	capacity int // set once in NewRing

	mu sync.Mutex
	// guarded by mu
	records []Record      // the newest records, oldest first; at most 2*capacity, cut to capacity when full
	next    uint64        // Seq of the next record
	grown   chan struct{} // closed and replaced whenever a record arrives
}

// NewRing makes a ring that remembers at least the newest capacity records.
func NewRing(capacity int) *Ring {
	return &Ring{capacity: capacity, next: 1, grown: make(chan struct{})}
}

// Record numbers r and appends it.
func (r *Ring) Record(rec Record) {
	if rec.Time.IsZero() {
		rec.Time = time.Now()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rec.Seq = r.next
	r.next++
	if len(r.records) >= 2*r.capacity {
		// Copy into a new slice rather than shift: readers hold slices of the old one.
		r.records = append(make([]Record, 0, 2*r.capacity), r.records[r.capacity:]...)
	}
	r.records = append(r.records, rec)
	close(r.grown)
	r.grown = make(chan struct{})
}

// Since returns the remembered records with Seq greater than seq, oldest first, and a channel that is closed when more
// arrive. The caller must not change the slice's elements.
func (r *Ring) Since(seq uint64) ([]Record, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := r.next - uint64(len(r.records))
	skip := uint64(0)
	if seq >= first {
		skip = min(seq-first+1, uint64(len(r.records)))
	}
	return r.records[skip:len(r.records):len(r.records)], r.grown
}

// Follow calls fn for every remembered record after seq and then for each new one, in order, until ctx ends or fn
// returns an error; it returns that error or ctx's.
func (r *Ring) Follow(ctx context.Context, seq uint64, fn func(Record) error) error {
	for {
		records, grown := r.Since(seq)
		for _, rec := range records {
			if err := fn(rec); err != nil {
				return err
			}
			seq = rec.Seq
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-grown:
		}
	}
}
