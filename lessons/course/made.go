package course

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"drydock/lessons/pack"
)

// Made are the objects that the learner made or changed in the lesson that is open, cleaned of what a cluster adds, in
// the order in which they can be applied. What the lesson brought and nobody touched is left out.
func (c *Course) Made(ctx context.Context) ([]*unstructured.Unstructured, error) {
	a, err := c.open()
	if err != nil {
		return nil, err
	}
	world, err := manifests(a.lesson)
	if err != nil {
		return nil, err
	}
	all, err := c.oldWorld(ctx, world)
	if err != nil {
		return nil, err
	}
	var out []*unstructured.Unstructured
	for _, f := range all {
		if !brought(f.object, world) || touched(f.object) {
			out = append(out, f.object)
		}
	}
	return Authored(out), nil
}

// Authored are copies of those objects that a person decided on, cleaned and in order: no controller made them, a fresh
// cluster does not have them, and they stay. Of what belongs to no namespace, only namespaces are looked at.
func Authored(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	var out []*unstructured.Unstructured
	for _, o := range objects {
		made := o.GetNamespace() == "" && o.GetKind() != "Namespace" || metav1.GetControllerOf(o) != nil || o.GetGenerateName() != "" || slices.Contains(derived, o.GetKind())
		if !made && o.GetDeletionTimestamp() == nil && !stays(o, nil) {
			out = append(out, cleaned(o))
		}
	}
	slices.SortFunc(out, func(a, b *unstructured.Unstructured) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a.GetKind(), b.GetKind()),
			strings.Compare(a.GetNamespace(), b.GetNamespace()), strings.Compare(a.GetName(), b.GetName()))
	})
	return out
}

// Brings reports whether an object is one with which the lesson begins.
func Brings(lesson *pack.Lesson, o *unstructured.Unstructured) (bool, error) {
	world, err := manifests(lesson)
	return brought(o, world), err
}

// derived are kinds that controllers make without saying that they own them.
var derived = []string{"Endpoints", "EndpointSlice", "IPAddress", "Lease", "ControllerRevision"}

// brought reports whether an object is of the lesson's world.
func brought(o *unstructured.Unstructured, world []*unstructured.Unstructured) bool {
	return slices.ContainsFunc(world, func(w *unstructured.Unstructured) bool {
		return w.GetKind() == o.GetKind() && w.GetName() == o.GetName() && cmp.Or(w.GetNamespace(), "default") == o.GetNamespace()
	})
}

// touched reports whether a person changed an object of the lesson: somebody owns fields of it who is neither the lesson
// nor a part of the cluster (those write to status, or are called kube-…).
func touched(o *unstructured.Unstructured) bool {
	for _, m := range o.GetManagedFields() {
		if m.Manager != fieldManager && m.Subresource == "" && strings.HasPrefix(m.Manager, "kubectl") {
			return true
		}
	}
	return false
}

// rank orders kinds so that what others need comes first.
func rank(o *unstructured.Unstructured) int {
	switch o.GetKind() {
	case "Namespace":
		return 0
	case "ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim", "Role", "LimitRange", "ResourceQuota":
		return 1
	default:
		return 2
	}
}

// Manifests writes objects as one text that kubectl takes, the same for the same objects.
func Manifests(objects []*unstructured.Unstructured) ([]byte, error) {
	var out bytes.Buffer
	for _, o := range objects {
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			return nil, fmt.Errorf("write %s %s: %w", o.GetKind(), o.GetName(), err)
		}
		fmt.Fprintf(&out, "---\n%s", text)
	}
	return out.Bytes(), nil
}
