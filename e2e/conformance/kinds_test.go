package conformance_test

import (
	"context"
	"encoding/json"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// client is what every typed client has.
type client[T object] interface {
	watcher
	Create(ctx context.Context, obj T, opts metav1.CreateOptions) (T, error)
	Update(ctx context.Context, obj T, opts metav1.UpdateOptions) (T, error)
	Get(ctx context.Context, name string, opts metav1.GetOptions) (T, error)
	Patch(ctx context.Context, name string, kind types.PatchType, data []byte, opts metav1.PatchOptions, subresources ...string) (T, error)
	Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error
	DeleteCollection(ctx context.Context, opts metav1.DeleteOptions, list metav1.ListOptions) error
}

// statusClient is what typed clients of kinds with a status have.
type statusClient[T object] interface {
	client[T]
	UpdateStatus(ctx context.Context, obj T, opts metav1.UpdateOptions) (T, error)
}

// change is a retry of get, change, update while others write too.
func change[T object](r *room, c client[T], name string, edit func(T)) T {
	r.Helper()
	for {
		obj := must(c.Get(r.ctx, name, metav1.GetOptions{}))(r)
		edit(obj)
		changed, err := c.Update(r.ctx, obj, metav1.UpdateOptions{})
		if apierrors.IsConflict(err) {
			continue
		}
		r.ok(err)
		return changed
	}
}

// patch applies a merge patch, given as what it is made of.
func patch[T object](r *room, c client[T], name string, change map[string]any, subresources ...string) T {
	r.Helper()
	data := must(json.Marshal(change))(r)
	return must(c.Patch(r.ctx, name, types.MergePatchType, data, metav1.PatchOptions{}, subresources...))(r)
}

func label(key, value string) map[string]any {
	return map[string]any{"metadata": map[string]any{"labels": map[string]any{key: value}}}
}

// lifecycle creates an object, reads it, patches it, updates it and deletes it; a watch sees it all in this order.
func lifecycle[T object](r *room, c client[T], obj T) {
	r.Helper()
	w := must(c.Watch(r.ctx, named(obj.GetName())))(r)
	defer w.Stop()
	made := must(c.Create(r.ctx, obj, metav1.CreateOptions{}))(r)
	if got := must(c.Get(r.ctx, made.GetName(), metav1.GetOptions{}))(r); got.GetUID() != made.GetUID() {
		r.Errorf("read %s, made %s", got.GetUID(), made.GetUID())
	}
	if got := patch(r, c, made.GetName(), label("step", r.ns)); got.GetLabels()["step"] != r.ns {
		r.Errorf("labels after the patch: %v", got.GetLabels())
	}
	awaitAll(r, c, labelled("step="+r.ns), func(all []T) bool { return len(all) == 1 })
	change(r, c, made.GetName(), func(obj T) { obj.SetAnnotations(map[string]string{"step": "updated"}) })
	r.ok(c.Delete(r.ctx, made.GetName(), metav1.DeleteOptions{}))
	gone[T](r, c, named(made.GetName()))
	sawInOrder(r, w, watch.Added, watch.Modified, watch.Modified, watch.Deleted)
}

// sawInOrder reads a watch until it has shown events of these types in this order; others may be in between.
func sawInOrder(r *room, w watch.Interface, want ...watch.EventType) {
	r.Helper()
	for len(want) > 0 {
		e, ok := <-w.ResultChan()
		if !ok {
			r.Fatalf("the watch ended without %v", want)
		}
		if e.Type == want[0] {
			want = want[1:]
		}
	}
}

// collection makes three objects, marks one, and deletes the others at once, then the one.
func collection[T object](r *room, c client[T], make func(name string) T) {
	r.Helper()
	kept := make("two").GetName()
	for _, name := range []string{"one", "two", "three"} {
		obj := make(name)
		obj.SetLabels(map[string]string{"app": name, "all": r.ns}) // some kinds are in no namespace
		must(c.Create(r.ctx, obj, metav1.CreateOptions{}))(r)
	}
	patch(r, c, kept, label("marked", r.ns))
	r.ok(c.DeleteCollection(r.ctx, metav1.DeleteOptions{}, labelled("all="+r.ns+",marked!="+r.ns)))
	awaitAll(r, c, labelled("all="+r.ns), func(left []T) bool { return len(left) == 1 && left[0].GetName() == kept })
	r.ok(c.DeleteCollection(r.ctx, metav1.DeleteOptions{}, labelled("marked="+r.ns)))
	gone[T](r, c, labelled("all="+r.ns))
}

// keepsConditions writes a condition of our own into a status, by update and by patch; a controller may write the status too.
func keepsConditions[T object](r *room, c statusClient[T], name string, conditions func(T) []string, add func(T, string)) {
	r.Helper()
	for {
		obj := must(c.Get(r.ctx, name, metav1.GetOptions{}))(r)
		add(obj, "Updated")
		_, err := c.UpdateStatus(r.ctx, obj, metav1.UpdateOptions{})
		if apierrors.IsConflict(err) {
			continue
		}
		r.ok(err)
		break
	}
	await(r, c, name, func(obj T) bool { return slices.Contains(conditions(obj), "Updated") })
	patch(r, c, name, map[string]any{"status": map[string]any{"conditions": []any{map[string]any{
		"type": "Patched", "status": "True", "reason": "Told", "message": "by us", "lastTransitionTime": "2020-01-01T00:00:00Z",
	}}}}, "status")
	await(r, c, name, func(obj T) bool { return slices.Contains(conditions(obj), "Patched") })
}
