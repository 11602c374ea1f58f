package controller

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
)

// expectationsTimeout is how long a controller waits for its own writes to come back before it trusts what it sees.
const expectationsTimeout = 5 * time.Minute

// Expectations remember, for each owner, which of its controller's own creations and deletions the informer has not shown
// yet. While there are any, the local copy is behind, and counting pods in it would make or delete too many.
// All methods may be called at the same time.
type Expectations struct {
	mu sync.Mutex
	// guarded by mu
	byOwner map[Key]*expectation
}

type expectation struct {
	creations int                 // counted: the names and UIDs are given by the API server
	deletions sets.Set[types.UID] // by UID: a deletion shows first as a deletion timestamp and then once more
	since     time.Time
}

// NewExpectations makes an empty memory.
func NewExpectations() *Expectations { return &Expectations{byOwner: map[Key]*expectation{}} }

// ExpectCreations replaces what owner waits for by n creations.
func (e *Expectations) ExpectCreations(owner Key, n int) {
	e.set(owner, &expectation{creations: n, since: time.Now()})
}

// ExpectDeletions replaces what owner waits for by the deletion of these objects.
func (e *Expectations) ExpectDeletions(owner Key, uids []types.UID) {
	e.set(owner, &expectation{deletions: sets.New(uids...), since: time.Now()})
}

// Expect replaces what owner waits for by n creations and the deletion of these objects.
func (e *Expectations) Expect(owner Key, n int, uids []types.UID) {
	e.set(owner, &expectation{creations: n, deletions: sets.New(uids...), since: time.Now()})
}

func (e *Expectations) set(owner Key, expected *expectation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.byOwner[owner] = expected
}

// Created tells that a creation was seen, or will not happen.
func (e *Expectations) Created(owner Key) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if expected := e.byOwner[owner]; expected != nil && expected.creations > 0 {
		expected.creations--
	}
}

// Deleted tells that a deletion was seen, or will not happen.
func (e *Expectations) Deleted(owner Key, uid types.UID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if expected := e.byOwner[owner]; expected != nil {
		expected.deletions.Delete(uid)
	}
}

// Forget drops what owner waits for: the owner is gone.
func (e *Expectations) Forget(owner Key) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.byOwner, owner)
}

// Satisfied says whether owner waits for nothing. When it does wait, the second result is how long until it gives up
// waiting: look again then.
func (e *Expectations) Satisfied(owner Key) (bool, time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	expected := e.byOwner[owner]
	if expected == nil || expected.creations == 0 && expected.deletions.Len() == 0 {
		return true, 0
	}
	left := expectationsTimeout - time.Since(expected.since)
	return left <= 0, left
}
