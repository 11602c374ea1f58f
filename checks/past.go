package checks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

// Past is every state that objects were in since the beginning of the lesson.
type Past interface {
	// Recorded returns what changed from the change with this number on. The error says why it is not known (yet).
	Recorded(from int) ([]Change, error)
	// Memory is what a check has worked out of the past so far; fresh makes it the first time. Whoever keeps something
	// there guards it.
	Memory(check any, fresh func() any) any
}

// Change is one change of one object. All with First set together are the state at the beginning.
type Change struct {
	At      time.Time
	Kind    Kind
	Object  *unstructured.Unstructured
	Deleted bool
	First   bool
}

// errPastLost says that the API server has forgotten the beginning.
var errPastLost = errors.New("the API server has forgotten what happened since the lesson began")

// timeline implements Past.
type timeline struct {
	mu sync.Mutex
	// guarded by mu
	waiting  map[Kind]bool // kinds whose past has not been read to the present
	err      error
	changes  []Change
	late     []Change // in the delay line
	reached  map[Kind]*reach
	memories map[any]any
}

// delayLine is how long a change is held back, so that one that happened before it, on another kind's watch, can come first:
// an owner's end and what the garbage collector does about it are a few milliseconds apart.
const delayLine = 50 * time.Millisecond

func newTimeline(kinds []Kind) *timeline {
	t := &timeline{waiting: map[Kind]bool{}, reached: map[Kind]*reach{}, memories: map[any]any{}}
	for _, k := range kinds {
		t.waiting[k], t.reached[k] = true, newReach()
	}
	return t
}

// known reports whether there is something to tell.
func (t *timeline) known() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err != nil || len(t.waiting) == 0
}

// caughtUp takes the past of one kind. When that of every kind is there, it is brought into order: the API server's
// versions count all objects alike.
func (t *timeline) caughtUp(k Kind, changes []Change) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.waiting, k)
	t.changes = append(t.changes, changes...)
	for _, c := range changes {
		t.reachLocked(c)
	}
	if len(t.waiting) > 0 {
		return
	}
	slices.SortStableFunc(t.changes, func(a, b Change) int {
		if a.First != b.First {
			return cmp.Compare(btoi(b.First), btoi(a.First))
		}
		return cmp.Compare(versionOf(a.Object), versionOf(b.Object))
	})
}

// add takes a change as it arrives. It is told, and then is called, when those of other kinds that happened before it have had time
// to arrive.
func (t *timeline) add(c Change, then func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) > 0 { // all will be brought into order
		t.changes = append(t.changes, c)
		t.reachLocked(c)
		return
	}
	t.late = append(t.late, c)
	time.AfterFunc(delayLine, func() {
		t.release(versionOf(c.Object))
		then()
	})
}

// release tells what is held back up to a version, in order.
func (t *timeline) release(upTo int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.SortStableFunc(t.late, func(a, b Change) int { return cmp.Compare(versionOf(a.Object), versionOf(b.Object)) })
	n := 0
	for n < len(t.late) && versionOf(t.late[n].Object) <= upTo {
		t.changes = append(t.changes, t.late[n])
		t.reachLocked(t.late[n])
		n++
	}
	t.late = slices.Delete(t.late, 0, n)
}

func (t *timeline) reachLocked(c Change) {
	t.reached[c.Kind].take(change{object: c.Object, deleted: c.Deleted})
}

// covers reports whether the past is known up to a list. One that is lost has its error for an answer.
func (t *timeline) covers(l listing) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err != nil || !t.waiting[l.kind] && t.reached[l.kind].covers(l)
}

func (t *timeline) lose(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
}

// Recorded implements Past.
func (t *timeline) Recorded(from int) ([]Change, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.err != nil:
		return nil, t.err
	case len(t.waiting) > 0:
		return nil, errNotYet
	}
	return slices.Clip(t.changes[min(from, len(t.changes)):]), nil
}

// Memory implements Past.
func (t *timeline) Memory(check any, fresh func() any) any {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.memories[check] == nil {
		t.memories[check] = fresh()
	}
	return t.memories[check]
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// versionOf is an object's resourceVersion as a number; -1 when it is none.
func versionOf(o *unstructured.Unstructured) int64 { return version(o.GetResourceVersion()) }

func version(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// historian reads the past of one kind and then follows the present. The API server keeps the older versions of objects
// for a while (etcd's window): a list at the version of the beginning and a watch from there bring every state since,
// also to a program that was started a moment ago.
type historian struct {
	kind      Kind
	began     Beginning
	resources *Resources
	timeline  *timeline
	changed   func(context.Context) // tells the loop
}

func (h *historian) run(ctx context.Context) {
	if err := h.follow(ctx); err != nil && ctx.Err() == nil {
		h.timeline.lose(err)
		h.changed(ctx)
	}
}

func (h *historian) follow(ctx context.Context) error {
	res, err := h.resources.Find(ctx, h.kind.GroupVersionKind)
	if err != nil {
		return err
	}
	var client dynamic.ResourceInterface = h.resources.Client().Resource(res.Resource)
	if h.kind.Namespace != "" && res.Namespaced {
		client = h.resources.Client().Resource(res.Resource).Namespace(h.kind.Namespace)
	}
	present, err := client.List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list %s: %w", res.Resource.Resource, err)
	}
	first := present
	if h.began.Version != "" {
		first, err = client.List(ctx, metav1.ListOptions{
			ResourceVersion: h.began.Version, ResourceVersionMatch: metav1.ResourceVersionMatchExact,
		})
		if forgotten(err) {
			return errPastLost
		} else if err != nil {
			return fmt.Errorf("list %s as they were: %w", res.Resource.Resource, err)
		}
	}
	past := &catchUp{historian: h, target: versions(present.Items)}
	for i := range first.Items {
		past.take(ctx, Change{At: h.began.Time, Kind: h.kind, Object: &first.Items[i], First: true})
	}
	return past.watch(ctx, client, first.GetResourceVersion())
}

func forgotten(err error) bool {
	return apierrors.IsResourceExpired(err) || apierrors.IsGone(err)
}

func versions(items []unstructured.Unstructured) map[string]int64 {
	out := map[string]int64{}
	for i := range items {
		out[key(&items[i])] = versionOf(&items[i])
	}
	return out
}

// quiet is how long nothing more must come before what was replayed counts as the present. The server sends the past in
// one go; an object made and deleted again would otherwise be overlooked, because without it the picture looks complete.
const quiet = 30 * time.Millisecond

// catchUp collects changes until they lead to the present as it was listed.
type catchUp struct {
	*historian
	target  map[string]int64 // nil once it was reached
	have    map[string]int64
	changes []Change
	done    bool
}

func (c *catchUp) take(ctx context.Context, change Change) {
	if c.done {
		c.timeline.add(change, func() { c.changed(ctx) })
		return
	}
	c.changes = append(c.changes, change)
	if c.have == nil {
		c.have = map[string]int64{}
	}
	if change.Deleted {
		delete(c.have, key(change.Object))
	} else {
		c.have[key(change.Object)] = versionOf(change.Object)
	}
}

// complete reports whether everything that was listed has been replayed, or something newer.
func (c *catchUp) complete() bool {
	for k, v := range c.target {
		if have, ok := c.have[k]; ok && have < v || !ok && !c.sawDeleted(k, v) {
			return false
		}
	}
	for k := range c.have {
		if _, ok := c.target[k]; !ok && !c.newer(k) {
			return false
		}
	}
	return true
}

// sawDeleted reports whether an object that was listed has been deleted since.
func (c *catchUp) sawDeleted(k string, v int64) bool {
	return slices.ContainsFunc(c.changes, func(ch Change) bool {
		return ch.Deleted && key(ch.Object) == k && versionOf(ch.Object) > v
	})
}

// newer reports whether an object came after the list of the present.
func (c *catchUp) newer(k string) bool {
	last := int64(0)
	for _, v := range c.target {
		last = max(last, v)
	}
	return c.have[k] > last
}

func (c *catchUp) finish(ctx context.Context) {
	if !c.done && c.complete() {
		c.done = true
		c.timeline.caughtUp(c.kind, c.changes)
		c.changes, c.have, c.target = nil, nil, nil
		c.changed(ctx)
	}
}

// watch follows from a version on, over as many connections as it takes, as long as the server remembers.
func (c *catchUp) watch(ctx context.Context, client dynamic.ResourceInterface, from string) error {
	wait := firstWait
	for ctx.Err() == nil {
		stream, err := client.Watch(ctx, metav1.ListOptions{ResourceVersion: from, AllowWatchBookmarks: true})
		if err == nil {
			from, err = c.read(ctx, stream, from)
			stream.Stop()
		}
		if forgotten(err) {
			return errPastLost
		}
		pause(ctx, wait)
		wait = min(2*wait, lastWait)
	}
	return ctx.Err()
}

func (c *catchUp) read(ctx context.Context, stream watch.Interface, from string) (string, error) {
	idle := time.NewTimer(quiet)
	defer idle.Stop()
	for {
		select {
		case <-ctx.Done():
			return from, ctx.Err()
		case <-idle.C:
			c.finish(ctx)
		case ev, open := <-stream.ResultChan():
			if !open {
				return from, nil
			}
			if ev.Type == watch.Error {
				return from, apierrors.FromObject(ev.Object)
			}
			o, ok := ev.Object.(*unstructured.Unstructured)
			if !ok {
				continue
			}
			from = o.GetResourceVersion()
			if ev.Type == watch.Bookmark {
				continue
			}
			c.take(ctx, Change{At: c.when(o), Kind: c.kind, Object: o, Deleted: ev.Type == watch.Deleted})
			if c.done {
				c.changed(ctx)
			} else {
				idle.Reset(quiet)
			}
		}
	}
}

// when is the time of a change: now, or for what is replayed the newest time that the object itself tells.
func (c *catchUp) when(o *unstructured.Unstructured) time.Time {
	if c.done {
		return time.Now()
	}
	newest := o.GetCreationTimestamp().Time
	for _, m := range o.GetManagedFields() {
		if m.Time != nil && m.Time.After(newest) {
			newest = m.Time.Time
		}
	}
	if d := o.GetDeletionTimestamp(); d != nil && d.After(newest) {
		newest = d.Time
	}
	return newest
}
