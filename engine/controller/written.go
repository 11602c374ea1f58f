package controller

import (
	"strconv"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Written remembers the newest version of each object that the controller has written itself. As long as the local copy
// is older, what a controller decides on it is out of date, and the API server would only refuse it as a conflict; the
// newer version is on its way through the watch and wakes the controller again.
//
// Resource versions of one object are numbers that rise: see KEP-5504. All methods may be called at the same time.
type Written struct {
	mu sync.Mutex
	// guarded by mu
	newest map[types.UID]int64
}

// NewWritten makes an empty memory.
func NewWritten() *Written { return &Written{newest: map[types.UID]int64{}} }

// Wrote takes in what the API server has answered to a write.
func (w *Written) Wrote(obj metav1.Object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.newest[obj.GetUID()] = max(version(obj), w.newest[obj.GetUID()])
}

// Stale says whether a local copy is older than what was written.
func (w *Written) Stale(obj metav1.Object) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	newest, ok := w.newest[obj.GetUID()]
	if !ok || version(obj) < newest {
		return ok
	}
	delete(w.newest, obj.GetUID()) // caught up: nothing to remember until the next write
	return false
}

// Forget drops an object that is gone.
func (w *Written) Forget(obj metav1.Object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.newest, obj.GetUID())
}

func version(obj metav1.Object) int64 {
	n, err := strconv.ParseInt(obj.GetResourceVersion(), 10, 64)
	if err != nil {
		return 0 // never older than itself: an object without a version is not held back
	}
	return n
}
