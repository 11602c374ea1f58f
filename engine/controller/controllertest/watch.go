package controllertest

import (
	"net/http"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// watcher reads the history of one resource.
type watcher struct {
	result chan watch.Event
	done   chan struct{}
	stop   sync.Once
	fate   func() (times int, broken bool) // of the next event
}

// Stop implements watch.Interface.
func (w *watcher) Stop() { w.stop.Do(func() { close(w.done) }) }

// ResultChan implements watch.Interface.
func (w *watcher) ResultChan() <-chan watch.Event { return w.result }

// Watch implements clienttesting.ObjectTracker.
func (t *tracker) Watch(gvr resource, ns string, opts ...metav1.ListOptions) (watch.Interface, error) {
	var after int64
	if len(opts) > 0 && opts[0].ResourceVersion != "" {
		n, err := strconv.ParseInt(opts[0].ResourceVersion, 10, 64)
		if err != nil {
			return nil, err
		}
		after = n
	}
	w := &watcher{result: make(chan watch.Event), done: make(chan struct{}), fate: t.fate}
	go t.serve(w, gvr, ns, after)
	return w, nil
}

// watchPods is a watch that never breaks.
func (t *tracker) watchPods() *watcher {
	w := &watcher{result: make(chan watch.Event), done: make(chan struct{}), fate: func() (int, bool) { return 1, false }}
	go t.serve(w, corev1.SchemeGroupVersion.WithResource("pods"), "", 0)
	return w
}

func (t *tracker) serve(w *watcher, gvr resource, ns string, after int64) {
	defer close(w.result)
	for next := 0; ; {
		t.mu.Lock()
		history, grown := t.history[gvr], t.grown
		if t.held == gvr.Resource {
			history = history[:min(next, len(history))]
		}
		t.mu.Unlock()
		for ; next < len(history); next++ {
			c := history[next]
			if c.revision <= after || ns != "" && ns != c.namespace {
				continue
			}
			times, broken := w.fate()
			for range times {
				if !w.send(watch.Event{Type: c.event.Type, Object: c.event.Object.DeepCopyObject()}) {
					return
				}
			}
			if broken {
				w.send(watch.Event{Type: watch.Error, Object: &metav1.Status{
					Status: metav1.StatusFailure, Code: http.StatusGone, Reason: metav1.StatusReasonExpired, Message: "too old resource version",
				}})
				return
			}
		}
		select {
		case <-grown:
		case <-w.done:
			return
		}
	}
}

func (w *watcher) send(e watch.Event) bool {
	select {
	case w.result <- e:
		return true
	case <-w.done:
		return false
	}
}

// fate says how often an event is sent, and whether the watch breaks off after it.
func (t *tracker) fate() (times int, broken bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.loss == nil {
		return 1, false
	}
	switch t.loss.IntN(20) {
	case 0, 1:
		return 2, false
	case 2:
		return 0, true // lost: only a new listing will show it
	default:
		return 1, false
	}
}
