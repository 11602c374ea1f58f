package conformance_test

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
)

// object is a pointer to an API object.
type object interface {
	runtime.Object
	metav1.Object
}

// watcher is the part of a typed client that await needs.
type watcher interface {
	Watch(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error)
}

// awaitAll follows the objects that match until done says that they are as they should be.
func awaitAll[T object](r *room, in watcher, match metav1.ListOptions, done func([]T) bool) []T {
	r.Helper()
	all := true
	match.SendInitialEvents, match.AllowWatchBookmarks, match.ResourceVersionMatch = &all, true, metav1.ResourceVersionMatchNotOlderThan
	w := must(in.Watch(r.ctx, match))(r)
	defer w.Stop()
	seen, complete := map[string]T{}, false
	list := func() []T {
		var all []T
		for _, obj := range seen {
			all = append(all, obj)
		}
		return all
	}
	for e := range w.ResultChan() {
		obj, ok := e.Object.(T)
		switch {
		case e.Type == watch.Bookmark:
			complete = true
		case !ok:
			r.Fatalf("watch: %v", e.Object)
		case e.Type == watch.Deleted:
			delete(seen, obj.GetName())
		default:
			seen[obj.GetName()] = obj
		}
		if complete && done(list()) {
			return list()
		}
	}
	r.Fatalf("it did not come to pass; at last:\n%s", describe(list()))
	return nil
}

// await follows one object.
func await[T object](r *room, in watcher, name string, done func(T) bool) T {
	r.Helper()
	found := awaitAll(r, in, named(name), func(objects []T) bool { return len(objects) == 1 && done(objects[0]) })
	return found[0]
}

// gone waits until there is no such object.
func gone[T object](r *room, in watcher, match metav1.ListOptions) {
	r.Helper()
	awaitAll(r, in, match, func(objects []T) bool { return len(objects) == 0 })
}

func named(name string) metav1.ListOptions {
	return metav1.ListOptions{FieldSelector: "metadata.name=" + name}
}

func labelled(selector string) metav1.ListOptions { return metav1.ListOptions{LabelSelector: selector} }

func describe[T object](objects []T) string {
	var out string
	for _, obj := range objects {
		obj.SetManagedFields(nil)
		text, err := json.MarshalIndent(obj, "", " ")
		if err != nil {
			text = []byte(err.Error())
		}
		out += fmt.Sprintf("%s %s\n", obj.GetName(), text)
	}
	return out
}
