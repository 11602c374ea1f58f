package checks

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

// How long a watcher waits before it connects again: doubled after each attempt that brought nothing.
const (
	firstWait = 20 * time.Millisecond
	lastWait  = 2 * time.Second
)

// change is one thing that a watcher saw. Exactly one of list, object and err is set; or past or records, which say that
// there is more to read where those are kept.
type change struct {
	kind    Kind
	list    []*unstructured.Unstructured // everything there is, after a list
	listed  bool
	version int64 // of the list
	object  *unstructured.Unstructured
	deleted bool
	err     error // the kind cannot be watched at present

	past    bool
	records bool
}

// watcher follows one kind: list, then watch from there. A watch that ends is taken up where it ended; one that is too
// old (410 Gone) begins with a list again. client-go's reflector does the same, but waits up to 30 s after an error, and
// hides the moment at which the list is complete.
type watcher struct {
	kind      Kind
	resources *Resources
	out       chan<- change
}

// run ends when ctx does.
func (w *watcher) run(ctx context.Context) {
	wait := firstWait
	for ctx.Err() == nil {
		began := time.Now()
		err := w.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			w.send(ctx, change{kind: w.kind, err: err})
		}
		if time.Since(began) > lastWait {
			wait = firstWait
		}
		pause(ctx, wait)
		wait = min(2*wait, lastWait)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (w *watcher) send(ctx context.Context, c change) {
	select {
	case w.out <- c:
	case <-ctx.Done():
	}
}

// follow lists once and watches until the server forgets where we were, or cannot be reached.
func (w *watcher) follow(ctx context.Context) error {
	res, err := w.resources.Find(ctx, w.kind.GroupVersionKind)
	if err != nil {
		return err
	}
	var client dynamic.ResourceInterface = w.resources.Client().Resource(res.Resource)
	if w.kind.Namespace != "" && res.Namespaced {
		client = w.resources.Client().Resource(res.Resource).Namespace(w.kind.Namespace)
	}
	list, err := client.List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list %s: %w", res.Resource.Resource, err)
	}
	objects := make([]*unstructured.Unstructured, len(list.Items))
	for i := range list.Items {
		objects[i] = &list.Items[i]
	}
	from := list.GetResourceVersion()
	w.send(ctx, change{kind: w.kind, list: objects, listed: true, version: version(from)})
	for ctx.Err() == nil {
		if from, err = w.watch(ctx, client, from); err != nil {
			if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
				return nil
			}
			return fmt.Errorf("watch %s: %w", res.Resource.Resource, err)
		}
	}
	return nil
}

// errEmptyWatch says that a watch ended without having brought anything: the server is going away.
var errEmptyWatch = errors.New("the connection ended")

// watch passes on what one watch connection brings and returns how far it came.
func (w *watcher) watch(ctx context.Context, client dynamic.ResourceInterface, version string) (string, error) {
	stream, err := client.Watch(ctx, metav1.ListOptions{ResourceVersion: version, AllowWatchBookmarks: true})
	if err != nil {
		return version, err
	}
	defer stream.Stop()
	began, brought := time.Now(), false
	for ev := range stream.ResultChan() {
		if ev.Type == watch.Error {
			return version, apierrors.FromObject(ev.Object)
		}
		o, ok := ev.Object.(*unstructured.Unstructured)
		if !ok {
			continue
		}
		brought = true
		version = o.GetResourceVersion()
		if ev.Type != watch.Bookmark {
			w.send(ctx, change{kind: w.kind, object: o, deleted: ev.Type == watch.Deleted})
		}
	}
	if !brought && time.Since(began) < time.Second {
		return version, errEmptyWatch
	}
	return version, nil
}
