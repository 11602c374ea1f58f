package kubelet

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"drydock/engine/decision"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
)

const (
	resyncPeriod = time.Minute      // how often a pod is looked at when nothing happens: refreshed volumes, missed events
	retryPause   = 10 * time.Second // after an error that no back-off covers
)

// worker owns one pod: one goroutine that brings it from what it is to what it should be, again and again.
type worker struct {
	k      *Kubelet
	uid    types.UID
	wake   chan struct{} // something concerning the pod has happened; capacity 1
	status *statusWriter
	probes *probeSet
	done   chan struct{} // closed when run returns

	counted atomic.Bool // admitted: the pod's requests count against the node

	mu sync.Mutex
	// guarded by mu
	pod       *corev1.Pod        // the newest version; never changed, only replaced
	removed   bool               // the object is gone from the API
	interrupt context.CancelFunc // ends the sync in progress
	ending    *ending            // the node's decision to end the pod, nil for none

	// owned by run
	admitted  bool
	rejected  bool
	announced bool              // the event of ending has been written
	finished  bool              // terminal, everything stopped, nothing more to do but wait for deletion
	last      *corev1.PodStatus // generated last
	reasons   map[string]*startError
	crashes   map[string]*backoff // by container name and hash
	pulls     map[string]*imagePull
	mounts    *podMounts
	resize    resizing
	failures  int  // syncs in a row that failed in the runtime
	deleted   bool // the API server has been told to delete the object for good
}

func newWorker(k *Kubelet, pod *corev1.Pod) *worker {
	w := &worker{
		k: k, uid: pod.UID, pod: pod,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		reasons: map[string]*startError{}, crashes: map[string]*backoff{}, pulls: map[string]*imagePull{},
	}
	w.status = newStatusWriter(k, pod)
	w.probes = newProbeSet(w)
	w.mounts = newPodMounts(k, pod)
	return w
}

// update hands the worker a newer version of its pod. A sync in progress is cut short when the pod is to end, or to end
// sooner than it knew.
func (w *worker) update(pod *corev1.Pod) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if endsSooner(w.pod, pod) && w.interrupt != nil {
		w.interrupt()
	}
	news := matters(w.pod, pod)
	w.pod = pod
	if news {
		w.poke()
	}
}

// matters says whether a newer version has something for the worker: most are only our own status coming back.
func matters(before, now *corev1.Pod) bool {
	foreign := func(pod *corev1.Pod) []corev1.PodCondition {
		return slices.DeleteFunc(slices.Clone(pod.Status.Conditions), func(c corev1.PodCondition) bool { return ownedCondition(c.Type) })
	}
	return before.Generation != now.Generation || !before.DeletionTimestamp.Equal(now.DeletionTimestamp) || endsSooner(before, now) ||
		before.Status.Phase != now.Status.Phase && terminal(now.Status.Phase) ||
		!maps.Equal(before.Labels, now.Labels) || !maps.Equal(before.Annotations, now.Annotations) ||
		!equality.Semantic.DeepEqual(foreign(before), foreign(now))
}

func endsSooner(before, now *corev1.Pod) bool {
	if now.DeletionTimestamp == nil {
		return false
	}
	if before.DeletionTimestamp == nil {
		return true
	}
	return graceOf(now, nil, "") < graceOf(before, nil, "")
}

// remove tells the worker that its pod's object is gone.
func (w *worker) remove() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.removed && w.interrupt != nil {
		w.interrupt()
	}
	w.removed = true
	w.poke()
}

// poke makes the worker look again. It never blocks.
func (w *worker) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *worker) current() (pod *corev1.Pod, removed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pod, w.removed
}

// run syncs until the pod is gone or ctx ends. When ctx ends, the containers run on: the next kubelet adopts them.
func (w *worker) run(ctx context.Context) {
	defer close(w.done)
	defer w.probes.stop()
	for {
		again, over := w.syncOnce(ctx)
		if over || ctx.Err() != nil {
			return
		}
		timer := time.NewTimer(time.Until(again))
		select {
		case <-ctx.Done():
		case <-w.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// syncOnce runs one sync under a context that update and remove can end.
func (w *worker) syncOnce(ctx context.Context) (again time.Time, over bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.mu.Lock()
	w.interrupt = cancel
	pod, removed, ending := w.pod, w.removed, w.ending
	w.mu.Unlock()
	switch {
	case removed:
		over = w.forget(ctx, pod)
	case pod.DeletionTimestamp != nil:
		over = w.terminate(ctx, pod)
	case ending != nil:
		again = w.carryOut(ctx, pod, ending)
	default:
		again = w.sync(ctx, pod)
	}
	w.mu.Lock()
	w.interrupt = nil
	w.mu.Unlock()
	if again.IsZero() {
		again = time.Now().Add(resyncPeriod + rand.N(resyncPeriod/2))
		if removed || pod.DeletionTimestamp != nil {
			again = time.Now().Add(time.Second)
		}
	}
	return again, over
}

// event writes a corev1.Event about the pod, or about one of its containers.
func (w *worker) event(pod *corev1.Pod, c *corev1.Container, eventType, reason, message string) {
	w.k.events.pod(pod, c, eventType, reason, message)
}

// record writes a decision about the pod.
func (w *worker) record(pod *corev1.Pod, rec decision.Record) {
	rec.Actor = "kubelet/" + w.k.cfg.NodeName
	rec.Object = podObject(pod)
	w.k.cfg.Recorder.Record(rec)
}

func podObject(pod *corev1.Pod) decision.Object {
	return decision.Object{Resource: "pods", Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)}
}

// podText names a pod in messages as upstream does: name_namespace(uid).
func podText(pod *corev1.Pod) string {
	return pod.Name + "_" + pod.Namespace + "(" + string(pod.UID) + ")"
}
