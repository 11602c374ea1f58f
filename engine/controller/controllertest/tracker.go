package controllertest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"
)

type resource = schema.GroupVersionResource

type name struct{ namespace, name string }

// change is one line of a resource's history.
type change struct {
	revision  int64
	namespace string
	event     watch.Event
}

// tracker holds the objects.
type tracker struct {
	mu sync.Mutex
	// guarded by mu
	revision int64
	objects  map[resource]map[name]runtime.Object
	history  map[resource][]change
	grown    chan struct{} // closed and replaced when the history grows
	loss     *rand.Rand    // nil: watches are reliable
	held     string        // the resource whose watches are held back
}

var _ clienttesting.ObjectTracker = (*tracker)(nil)

func newTracker() *tracker {
	return &tracker{objects: map[resource]map[name]runtime.Object{}, history: map[resource][]change{}, grown: make(chan struct{})}
}

func accessor(obj runtime.Object) metav1.Object {
	m, err := meta.Accessor(obj)
	if err != nil {
		panic(err)
	}
	return m
}

// Add implements clienttesting.ObjectTracker.
func (t *tracker) Add(obj runtime.Object) error {
	kinds, _, err := scheme.Scheme.ObjectKinds(obj)
	if err != nil {
		return err
	}
	gvr, _ := meta.UnsafeGuessKindToResource(kinds[0])
	return t.Create(gvr, obj, accessor(obj).GetNamespace())
}

// Get implements clienttesting.ObjectTracker.
func (t *tracker) Get(gvr resource, ns, key string, _ ...metav1.GetOptions) (runtime.Object, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if obj := t.objects[gvr][name{ns, key}]; obj != nil {
		return obj.DeepCopyObject(), nil
	}
	return nil, apierrors.NewNotFound(gvr.GroupResource(), key)
}

// Create implements clienttesting.ObjectTracker. The caller's object gets its name, as the fake clientset reads it back.
func (t *tracker) Create(gvr resource, obj runtime.Object, ns string, _ ...metav1.CreateOptions) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := accessor(obj)
	if m.GetName() == "" {
		m.SetName(fmt.Sprintf("%s%05d", m.GetGenerateName(), t.revision))
	}
	if gvr.Resource == "events" { // named by the time, which stands still within synctest
		m.SetName(fmt.Sprintf("%s.%d", m.GetName(), t.revision))
	}
	if t.objects[gvr][name{ns, m.GetName()}] != nil {
		return apierrors.NewAlreadyExists(gvr.GroupResource(), m.GetName())
	}
	obj = obj.DeepCopyObject()
	m = accessor(obj)
	m.SetNamespace(ns)
	if m.GetUID() == "" {
		m.SetUID(types.UID(fmt.Sprintf("uid-%d", t.revision)))
	}
	if created := m.GetCreationTimestamp(); created.IsZero() {
		m.SetCreationTimestamp(metav1.Now().Rfc3339Copy())
	}
	m.SetGeneration(1)
	t.storeLocked(gvr, watch.Added, obj)
	return nil
}

// Update implements clienttesting.ObjectTracker.
func (t *tracker) Update(gvr resource, obj runtime.Object, ns string, _ ...metav1.UpdateOptions) error {
	return t.change(gvr, ns, obj, func(old, obj runtime.Object) { keepStatus(obj, old) })
}

// Patch implements clienttesting.ObjectTracker. The caller's object gets its new version, as the fake clientset answers
// with it.
func (t *tracker) Patch(gvr resource, obj runtime.Object, ns string, _ ...metav1.PatchOptions) error {
	if err := t.change(gvr, ns, obj, func(_, _ runtime.Object) {}); err != nil {
		return err
	}
	now, err := t.Get(gvr, ns, accessor(obj).GetName())
	if err == nil {
		accessor(obj).SetResourceVersion(accessor(now).GetResourceVersion())
	}
	return nil // gone again meanwhile is fine
}

// Apply implements clienttesting.ObjectTracker.
func (t *tracker) Apply(resource, runtime.Object, string, ...metav1.PatchOptions) error {
	return fmt.Errorf("controllertest: server-side apply is left out")
}

// change replaces an object by obj after admit has mended it.
func (t *tracker) change(gvr resource, ns string, obj runtime.Object, admit func(old, obj runtime.Object)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	obj = obj.DeepCopyObject()
	m := accessor(obj)
	old := t.objects[gvr][name{ns, m.GetName()}]
	if old == nil {
		return apierrors.NewNotFound(gvr.GroupResource(), m.GetName())
	}
	before := accessor(old)
	if rv := m.GetResourceVersion(); rv != "" && rv != before.GetResourceVersion() {
		return apierrors.NewConflict(gvr.GroupResource(), m.GetName(), fmt.Errorf("the object has been modified"))
	}
	if m.GetUID() != "" && m.GetUID() != before.GetUID() {
		return apierrors.NewConflict(gvr.GroupResource(), m.GetName(), fmt.Errorf("another UID"))
	}
	admit(old, obj)
	m.SetUID(before.GetUID())
	m.SetNamespace(ns)
	m.SetDeletionTimestamp(before.GetDeletionTimestamp())
	m.SetGeneration(before.GetGeneration())
	m.SetResourceVersion(before.GetResourceVersion())
	if equality.Semantic.DeepEqual(old, obj) {
		return nil
	}
	if specChanged(old, obj) {
		m.SetGeneration(before.GetGeneration() + 1)
	}
	if m.GetDeletionTimestamp() != nil && len(m.GetFinalizers()) == 0 && gvr.Resource != "pods" && gvr.Resource != "namespaces" {
		t.storeLocked(gvr, watch.Deleted, obj)
		return nil
	}
	t.storeLocked(gvr, watch.Modified, obj)
	return nil
}

// divided says whether a kind has a spec and a status that are written separately. Pods are left out: here anybody may
// write both at once, which keeps tests short.
func divided(obj runtime.Object) bool {
	_, pod := obj.(*corev1.Pod)
	_, namespace := obj.(*corev1.Namespace)
	v := reflect.ValueOf(obj).Elem()
	return !pod && !namespace && v.FieldByName("Spec").IsValid() && v.FieldByName("Status").IsValid()
}

func part(obj runtime.Object, name string) reflect.Value {
	return reflect.ValueOf(obj).Elem().FieldByName(name)
}

// keepStatus is what an update of the object itself does with the status.
func keepStatus(obj, old runtime.Object) {
	if divided(obj) {
		part(obj, "Status").Set(part(old.DeepCopyObject(), "Status"))
	}
}

// takeStatus is what an update of the status does with the rest.
func takeStatus(obj, old runtime.Object) {
	if _, node := obj.(*corev1.Node); node || !divided(obj) {
		return
	}
	annotations := accessor(obj).GetAnnotations()
	old = old.DeepCopyObject()
	part(obj, "Spec").Set(part(old, "Spec"))
	part(obj, "ObjectMeta").Set(part(old, "ObjectMeta"))
	if _, ok := obj.(*appsv1.Deployment); ok { // annotations pass, unlike those of other kinds: the controller keeps the revision there
		accessor(obj).SetAnnotations(annotations)
	}
}

func specChanged(old, obj runtime.Object) bool {
	return divided(obj) && !equality.Semantic.DeepEqual(part(old, "Spec").Interface(), part(obj, "Spec").Interface())
}

// storeLocked gives obj the next resourceVersion, keeps or removes it, and tells the watchers.
func (t *tracker) storeLocked(gvr resource, kind watch.EventType, obj runtime.Object) {
	t.revision++
	m := accessor(obj)
	m.SetResourceVersion(strconv.FormatInt(t.revision, 10))
	if t.objects[gvr] == nil {
		t.objects[gvr] = map[name]runtime.Object{}
	}
	key := name{m.GetNamespace(), m.GetName()}
	if t.objects[gvr][key] = obj; kind == watch.Deleted {
		delete(t.objects[gvr], key)
	}
	t.history[gvr] = append(t.history[gvr], change{t.revision, m.GetNamespace(), watch.Event{Type: kind, Object: obj}})
	close(t.grown)
	t.grown = make(chan struct{})
}

// Delete implements clienttesting.ObjectTracker. A pod on a node, an object with finalizers and a namespace only get
// their deletion timestamp.
func (t *tracker) Delete(gvr resource, ns, key string, opts ...metav1.DeleteOptions) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.objects[gvr][name{ns, key}]
	if old == nil {
		return apierrors.NewNotFound(gvr.GroupResource(), key)
	}
	m := accessor(old)
	if uid := preconditionUID(opts); uid != "" && uid != m.GetUID() {
		return apierrors.NewConflict(gvr.GroupResource(), key, fmt.Errorf("another UID"))
	}
	obj := old.DeepCopyObject()
	m = accessor(obj)
	if !t.graceful(obj, opts) {
		t.storeLocked(gvr, watch.Deleted, obj)
		return nil
	}
	if m.GetDeletionTimestamp() == nil {
		now := metav1.NewTime(time.Now().Add(30 * time.Second))
		m.SetDeletionTimestamp(&now)
		t.storeLocked(gvr, watch.Modified, obj)
	}
	return nil
}

func (t *tracker) graceful(obj runtime.Object, opts []metav1.DeleteOptions) bool {
	m := accessor(obj)
	if len(opts) > 0 && opts[0].PropagationPolicy != nil && *opts[0].PropagationPolicy == metav1.DeletePropagationForeground {
		m.SetFinalizers(append(m.GetFinalizers(), metav1.FinalizerDeleteDependents))
	}
	if len(opts) > 0 && opts[0].PropagationPolicy != nil && *opts[0].PropagationPolicy == metav1.DeletePropagationOrphan {
		m.SetFinalizers(append(m.GetFinalizers(), metav1.FinalizerOrphanDependents))
	}
	switch obj := obj.(type) {
	case *corev1.Pod:
		forced := len(opts) > 0 && opts[0].GracePeriodSeconds != nil && *opts[0].GracePeriodSeconds == 0
		return len(m.GetFinalizers()) > 0 || !forced
	case *corev1.Namespace:
		obj.Status.Phase = corev1.NamespaceTerminating
		return len(obj.Spec.Finalizers) > 0 || len(m.GetFinalizers()) > 0
	default:
		return len(m.GetFinalizers()) > 0
	}
}

func preconditionUID(opts []metav1.DeleteOptions) types.UID {
	if len(opts) == 0 || opts[0].Preconditions == nil || opts[0].Preconditions.UID == nil {
		return ""
	}
	return *opts[0].Preconditions.UID
}

// List implements clienttesting.ObjectTracker.
func (t *tracker) List(gvr resource, gvk schema.GroupVersionKind, ns string, _ ...metav1.ListOptions) (runtime.Object, error) {
	list, err := scheme.Scheme.New(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var objects []runtime.Object
	for _, obj := range t.objects[gvr] {
		if ns == "" || accessor(obj).GetNamespace() == ns {
			objects = append(objects, obj.DeepCopyObject())
		}
	}
	slices.SortFunc(objects, func(a, b runtime.Object) int { return int(revisionOf(a) - revisionOf(b)) })
	m, err := meta.ListAccessor(list)
	if err != nil {
		return nil, err
	}
	m.SetResourceVersion(strconv.FormatInt(t.revision, 10))
	return list, meta.SetList(list, objects)
}

func revisionOf(obj runtime.Object) int64 {
	n, _ := strconv.ParseInt(accessor(obj).GetResourceVersion(), 10, 64)
	return n
}
