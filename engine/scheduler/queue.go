package scheduler

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
)

// How long a pod waits after an attempt that failed; it doubles with each. A pod that was unschedulable waits only while
// others are to be scheduled; after an error (the API server did not answer) the wait is kept in any case.
const (
	firstBackoff = time.Second
	lastBackoff  = 10 * time.Second
	// leftover is after how long an unschedulable pod is tried again although nothing has happened.
	leftover = 5 * time.Minute
	// sweepEvery is how often such pods are looked for.
	sweepEvery = 30 * time.Second
)

// item is a pod in the queue.
type item struct {
	pod      *podInfo  // guarded by queue.mu, like all that follows
	since    time.Time // when it came into the queue
	attempts int

	tried   time.Time // the end of the last attempt
	failed  bool      // it ended in an error
	waits   waits     // what could help
	missed  []event   // changes of the pod since the attempt began
	removed bool      // the pod is gone, or has a node
}

// attempt is an item that has been taken from the queue, with the pod as it was then: informers put newer states into
// the item while the attempt is under way.
type attempt struct {
	*podInfo
	item *item
}

// ready is when the item's back-off ends.
func (i *item) ready() time.Time {
	if i.attempts == 0 {
		return time.Time{}
	}
	return i.tried.Add(min(lastBackoff, firstBackoff<<min(i.attempts-1, 10)))
}

// waits is what an unschedulable pod waits for.
type waits struct {
	refused []filter // the plugins that refused it: their hints are asked
	gated   bool     // it has scheduling gates: nothing but a change of the pod helps
}

// helps says whether an event is worth another look. Where there was no node to ask about, any will do.
func (i *item) helps(e event) bool {
	switch {
	case i.waits.gated:
		return e.what&ownGates != 0
	case len(i.waits.refused) == 0:
		return e.what&nodeAdded != 0
	}
	return slices.ContainsFunc(i.waits.refused, func(f filter) bool { return f.Helps(i.pod, e) })
}

// queue holds the pods to schedule in three places: active (to be taken), waiting (for the end of their back-off) and
// aside (unschedulable, until something happens).
type queue struct {
	mu sync.Mutex
	// guarded by mu
	active  byPriority
	waiting byReady
	aside   map[types.UID]*item
	all     map[types.UID]*item // everything in the queue or in a cycle
	trying  bool                // an attempt is under way
	during  []event             // what has happened since it began
	swept   time.Time           // when pods that have been aside for long were last looked for
	wake    chan struct{}       // has a token when pop should look again
}

func newQueue() *queue {
	return &queue{aside: map[types.UID]*item{}, all: map[types.UID]*item{}, swept: time.Now(), wake: make(chan struct{}, 1)}
}

func (q *queue) wakeUp() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// add puts a pod into the active queue, or an updated pod that is in the queue in place of its old state. An unschedulable pod stays in
// its corner unless what changed may be what kept it there: its own condition changes with every attempt, and that must not start
// the next one.
func (q *queue) add(p *podInfo) {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := q.all[p.UID]
	if i == nil {
		i = &item{since: time.Now()}
		q.all[p.UID] = i
		i.pod = p
		heap.Push(&q.active, i)
		q.wakeUp()
		return
	}
	e := ownEvent(i.pod, p)
	p.gone = i.pod.gone // an attempt may be under way with the old state
	i.pod = p
	switch {
	case e.what == 0:
	case q.aside[p.UID] == nil:
		i.missed = append(i.missed, e)
	case i.helps(e):
		q.takeBackLocked(p.UID, i)
	}
}

// remove forgets a pod: it is gone, or has a node. The heaps keep the item until it comes up. It returns what was known of the pod, nil
// when it was not in the queue.
func (q *queue) remove(uid types.UID) *podInfo {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := q.all[uid]
	if i == nil {
		return nil
	}
	i.removed = true
	delete(q.all, uid)
	delete(q.aside, uid)
	return i.pod
}

// setAside takes an item back after an attempt that found no node. When something that could help happened during the
// attempt, which may not have seen it, the item waits only for its back-off.
func (q *queue) setAside(a *attempt, w waits) {
	i := a.item
	q.mu.Lock()
	defer q.mu.Unlock()
	i.attempts++
	i.tried, i.waits, i.failed = time.Now(), w, false
	q.trying = false
	switch {
	case i.removed:
	case slices.ContainsFunc(i.missed, i.helps), slices.ContainsFunc(q.during, i.helps):
		heap.Push(&q.waiting, i)
		q.wakeUp()
	default:
		q.aside[i.pod.UID] = i
	}
}

// retry takes an item back after an attempt that ended in an error.
func (q *queue) retry(a *attempt) {
	i := a.item
	q.mu.Lock()
	defer q.mu.Unlock()
	i.attempts++
	i.tried, i.failed = time.Now(), true
	if !i.removed {
		heap.Push(&q.waiting, i)
		q.wakeUp()
	}
}

// decided ends the attempt that is under way: it has found a node.
func (q *queue) decided() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.trying = false
}

// happened wakes the unschedulable pods that an event could help.
func (q *queue) happened(e event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.trying {
		q.during = append(q.during, e)
	}
	for uid, i := range q.aside {
		if i.helps(e) {
			q.takeBackLocked(uid, i)
		}
	}
}

func (q *queue) takeBackLocked(uid types.UID, i *item) {
	delete(q.aside, uid)
	if i.ready().After(time.Now()) {
		heap.Push(&q.waiting, i)
	} else {
		heap.Push(&q.active, i)
	}
	q.wakeUp()
}

// pop takes the next pod, blocking until there is one; its error is ctx's.
func (q *queue) pop(ctx context.Context) (*attempt, error) {
	for {
		a, pause := q.next()
		if a != nil {
			return a, nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-q.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// next returns an item, or how long there will be none unless something happens.
func (q *queue) next() (*attempt, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	if now.Sub(q.swept) >= sweepEvery {
		q.sweepLocked(now)
	}
	for len(q.waiting) > 0 && !q.waiting[0].ready().After(now) {
		heap.Push(&q.active, heap.Pop(&q.waiting))
	}
	for len(q.active) > 0 {
		if i := heap.Pop(&q.active).(*item); !i.removed {
			return q.beginLocked(i), 0
		}
	}
	// Nobody else wants to be scheduled, so a back-off would only waste time; after an error it would not.
	for at, i := range q.waiting {
		if !i.failed && !i.removed {
			heap.Remove(&q.waiting, at)
			return q.beginLocked(i), 0
		}
	}
	pause := leftover
	if len(q.waiting) > 0 {
		pause = q.waiting[0].ready().Sub(now)
	}
	if len(q.aside) > 0 {
		pause = min(pause, q.swept.Add(sweepEvery).Sub(now))
	}
	return nil, pause
}

func (q *queue) beginLocked(i *item) *attempt {
	i.missed, q.trying, q.during = nil, true, nil
	return &attempt{podInfo: i.pod, item: i}
}

// sweepLocked wakes pods that have been aside for long.
func (q *queue) sweepLocked(now time.Time) {
	q.swept = now
	for uid, i := range q.aside {
		if !i.waits.gated && now.Sub(i.tried) >= leftover {
			q.takeBackLocked(uid, i)
		}
	}
}

// byPriority is a heap: higher priority first, then who has been in the queue longer.
type byPriority []*item

func (h byPriority) Len() int { return len(h) }
func (h byPriority) Less(i, j int) bool {
	a, b := h[i], h[j]
	return cmp.Or(
		-cmp.Compare(corev1helpers.PodPriority(a.pod.Pod), corev1helpers.PodPriority(b.pod.Pod)),
		a.since.Compare(b.since),
	) < 0
}
func (h byPriority) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *byPriority) Push(i any)   { *h = append(*h, i.(*item)) }
func (h *byPriority) Pop() any     { return popLast((*[]*item)(h)) }

// byReady is a heap by the end of the back-off.
type byReady []*item

func (h byReady) Len() int           { return len(h) }
func (h byReady) Less(i, j int) bool { return h[i].ready().Before(h[j].ready()) }
func (h byReady) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byReady) Push(i any)        { *h = append(*h, i.(*item)) }
func (h *byReady) Pop() any          { return popLast((*[]*item)(h)) }

func popLast(items *[]*item) *item {
	last := len(*items) - 1
	i := (*items)[last]
	(*items)[last] = nil
	*items = (*items)[:last]
	return i
}
