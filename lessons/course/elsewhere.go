package course

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"drydock/checks"
	"drydock/lessons/pack"
)

// On a cluster that is not drydock's own a learner has a namespace. It is made for a lesson and goes, with all that is in it,
// when the next one begins. The note about the open lesson is written on it, where no lesson looks. Nothing else is written.

// What a namespace of ours has written on it.
const (
	learnerMark = "drydock.dev/learner"
	lessonMark  = "drydock.dev/lesson"
)

// ErrTaken is the error of a namespace that is there and was not made for this learner.
var ErrTaken = errors.New("drydock did not make this namespace for you, and leaves it alone")

// Foreign is the error of a lesson that needs a lab of drydock's own.
type Foreign struct {
	Lesson string
	Wants  []checks.Text // what it needs
	Images []string      // that drydock carries, and the cluster does not show
}

func (e *Foreign) Error() string {
	var wants []string
	for _, t := range e.Wants {
		wants = append(wants, t.In("en"))
	}
	return fmt.Sprintf("lesson %s needs a lab of drydock's own: %s", e.Lesson, strings.Join(append(wants, e.Images...), "; "))
}

func (c *Course) elsewhere() bool { return c.cfg.Elsewhere.Namespace != "" }

// mine is a lesson as this learner meets it, here.
func (c *Course) mine(l *pack.Lesson, seed string) (*pack.Lesson, error) {
	return l.In(seed, c.cfg.Elsewhere)
}

// Fits says with a Foreign why a lesson cannot be worked through in this cluster. A lab holds every lesson.
func (c *Course) Fits(ctx context.Context, id string) error {
	if !c.elsewhere() {
		return nil
	}
	lesson, _, err := c.draw(id)
	if err != nil {
		return err
	}
	out := &Foreign{Lesson: id, Wants: c.Pack().Lesson(id).Wants()}
	beyond, err := c.beyond(ctx, lesson)
	if err != nil {
		return err
	}
	out.Wants = append(out.Wants, beyond...)
	carried := c.Pack().Lesson(id).Uses(c.cfg.Elsewhere.Carried)
	if c.cfg.Elsewhere.Images != "" {
		carried = nil // the cluster pulls them from there
	}
	if err := c.look(ctx, lesson.World.Nodes, carried, out); err != nil {
		return err
	}
	if len(out.Wants)+len(out.Images) == 0 {
		return nil
	}
	return out
}

// beyond says what a lesson makes or looks at that lies outside of one namespace, or that the cluster does not know.
func (c *Course) beyond(ctx context.Context, lesson *pack.Lesson) ([]checks.Text, error) {
	kinds, err := kindsOf(lesson)
	if err != nil {
		return nil, err
	}
	var out []checks.Text
	for _, k := range kinds {
		res, err := c.resources.Find(ctx, k.GroupVersionKind)
		var why checks.Text
		switch {
		case errors.Is(err, checks.ErrNoKind):
			why = checks.Text{
				"en": "objects of kind " + k.Kind + ", which this cluster does not have", "ko": "이 클러스터에 없는 종류의 오브젝트: " + k.Kind,
			}
		case err != nil:
			return nil, err
		case !res.Namespaced || k.Namespace != lesson.Namespace:
			why = checks.Text{"en": "more than one namespace: " + k.Kind, "ko": "네임스페이스 하나를 벗어나는 오브젝트: " + k.Kind}
		}
		if !why.Empty() && !slices.ContainsFunc(out, why.Equal) {
			out = append(out, why)
		}
	}
	return out, nil
}

// kindsOf are the kinds, with their namespaces, that a lesson brings and that its goals ask about.
func kindsOf(lesson *pack.Lesson) ([]checks.Kind, error) {
	objects, err := manifests(lesson)
	if err != nil {
		return nil, err
	}
	var out []checks.Kind
	for _, o := range objects {
		out = append(out, checks.Kind{GroupVersionKind: o.GroupVersionKind(), Namespace: o.GetNamespace()})
	}
	specs := slices.Clone(lesson.World.Until)
	for _, g := range lesson.Goals {
		specs = append(specs, g.Check)
	}
	for _, s := range specs {
		check, err := checks.Compile(s)
		if err != nil {
			return nil, err
		}
		out = append(out, check.Needs().Kinds...)
	}
	return out, nil
}

// look notes what of so many nodes and of the images of drydock the cluster does not show. A cluster that does not let us see its
// nodes shows one, without images.
func (c *Course) look(ctx context.Context, atLeast int, images []string, out *Foreign) error {
	if len(images) == 0 && atLeast < 2 {
		return nil
	}
	list, err := c.resources.Client().Resource(nodes).List(ctx, metav1.ListOptions{})
	if apierrors.IsForbidden(err) {
		list, err = &unstructured.UnstructuredList{}, nil
	}
	if err != nil {
		return fmt.Errorf("look at the nodes of the cluster: %w", err)
	}
	if atLeast > max(1, len(list.Items)) {
		out.Wants = append(out.Wants, checks.Text{"en": fmt.Sprintf("%d nodes", atLeast), "ko": fmt.Sprintf("노드 %d개", atLeast)})
	}
	var have []string
	for i := range list.Items {
		found, _, _ := unstructured.NestedSlice(list.Items[i].Object, "status", "images")
		for _, image := range found {
			names, _ := image.(map[string]any)["names"].([]any)
			for _, name := range names {
				have = append(have, strings.TrimPrefix(fmt.Sprint(name), "docker.io/"))
			}
		}
	}
	out.Images = slices.DeleteFunc(slices.Clone(images), func(name string) bool { return slices.Contains(have, name) })
	return nil
}

var namespaces = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}

func (c *Course) namespaces() dynamic.ResourceInterface {
	return c.resources.Client().Resource(namespaces)
}

// namespace is the learner's, or nil when there is none.
func (c *Course) namespace(ctx context.Context) (*unstructured.Unstructured, error) {
	name := c.cfg.Elsewhere.Namespace
	o, err := c.namespaces().Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look at namespace %s: %w", name, err)
	case o.GetAnnotations()[learnerMark] != c.cfg.Book.Learner():
		return nil, fmt.Errorf("namespace %s: %w", name, ErrTaken)
	}
	return o, nil
}

// clearNamespaceWithin is how long a cluster may take to delete a namespace.
const clearNamespaceWithin = 3 * time.Minute

// renew deletes the learner's namespace and makes it anew, empty.
func (c *Course) renew(ctx context.Context) error {
	old, err := c.namespace(ctx)
	if err != nil {
		return err
	}
	if old != nil {
		if err := c.deleteNamespace(ctx, old); err != nil {
			return err
		}
	}
	name := c.cfg.Elsewhere.Namespace
	fresh := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]any{"name": name, "annotations": map[string]any{learnerMark: c.cfg.Book.Learner()}},
	}}
	_, err = c.namespaces().Create(ctx, fresh, metav1.CreateOptions{FieldManager: fieldManager})
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("make namespace %s, in which you would work (a kubeconfig for lessons must be allowed to get, watch, create, patch and delete namespaces): %w", name, err)
	}
	if err != nil {
		return fmt.Errorf("make namespace %s: %w", name, err)
	}
	return nil
}

// deleteNamespace waits until it is gone. Its pods are given no time to end: the learner waits for them.
func (c *Course) deleteNamespace(ctx context.Context, o *unstructured.Unstructured) error {
	ctx, stop := context.WithTimeoutCause(ctx, clearNamespaceWithin,
		fmt.Errorf("the cluster has not deleted it within %s", clearNamespaceWithin))
	defer stop()
	f := found{object: o, client: c.namespaces()}
	if err := f.delete(ctx); err != nil {
		return err
	}
	pods := c.resources.Client().Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(o.GetName())
	err := pods.DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}, metav1.ListOptions{})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) { // forbidden: they take their time then
		return fmt.Errorf("delete the pods of namespace %s: %w", o.GetName(), err)
	}
	return f.awaitGone(ctx)
}

// note writes on the learner's namespace which lesson is open in it; nil takes that away.
func (c *Course) note(ctx context.Context, m *marker) (version string, err error) {
	var value any
	if m != nil {
		text, err := json.Marshal(m)
		if err != nil {
			return "", err
		}
		value = string(text)
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{lessonMark: value}}})
	if err != nil {
		return "", err
	}
	o, err := c.namespaces().Patch(ctx, c.cfg.Elsewhere.Namespace, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	if err != nil {
		return "", err
	}
	return o.GetResourceVersion(), nil
}

// noted reads what note wrote.
func (c *Course) noted(ctx context.Context) (marker, error) {
	o, err := c.namespace(ctx)
	if err != nil {
		return marker{}, err
	}
	var m marker
	if o == nil || o.GetDeletionTimestamp() != nil || json.Unmarshal([]byte(o.GetAnnotations()[lessonMark]), &m) != nil {
		return marker{}, ErrNoLesson
	}
	m.version = o.GetResourceVersion()
	return m, nil
}
