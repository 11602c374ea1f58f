// Package revision keeps earlier pod templates of DaemonSets and StatefulSets as ControllerRevisions.
//
// # Part played
//
// The history that the DaemonSet and the StatefulSet controller of kube-controller-manager share. (A Deployment needs none:
// its old ReplicaSets are its history.)
//
// # How it works
//
// The StatefulSet db has the image db:1. Current looks among the ControllerRevisions that db controls for one whose data is
// db's template, finds none, and creates db-6c9f8 with revision 1. The image becomes db:2: nothing matches, so db-7b4d5 is
// created with revision 2. The image becomes db:1 again, by `kubectl rollout undo` or by hand: db-6c9f8 matches, and because
// it is not the newest it gets the number 3. So a revision is created once and its number tells when it was last wanted.
//
// The data is a strategic merge patch that replaces the template; `kubectl rollout undo` sends it as it is.
//
// # Left out
//
// Joining revisions that became equal because an API version gave fields new defaults.
//
// # In Kubernetes
//
// pkg/controller/history; pkg/controller/daemon/update.go constructHistory.
package revision

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"

	"drydock/engine/controller"
)

// ErrCollision says that another revision has the wanted name. The owner counts it in its status, and the count makes
// another hash.
var ErrCollision = errors.New("another revision has this name")

// History keeps the revisions of owners of one kind.
type History struct {
	Client kubernetes.Interface
	Lister appslisters.ControllerRevisionLister
	Kind   schema.GroupVersionKind
}

// Wanted is the revision that an owner's spec asks for.
type Wanted struct {
	Data        []byte // of Data
	Hash        string
	HashLabel   string // gets the hash
	Labels      map[string]string
	Annotations map[string]string
}

// Data is the patch that puts a template back.
func Data(template *corev1.PodTemplateSpec) ([]byte, error) {
	text, err := json.Marshal(template)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	fields["$patch"] = "replace"
	return json.Marshal(map[string]any{"spec": map[string]any{"template": fields}})
}

// Template is the way back from Data.
func Template(r *appsv1.ControllerRevision) (*corev1.PodTemplateSpec, error) {
	var data struct {
		Spec struct {
			Template corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(r.Data.Raw, &data); err != nil {
		return nil, fmt.Errorf("read ControllerRevision %s: %w", r.Name, err)
	}
	return &data.Spec.Template, nil
}

// Claim returns the owner's revisions, the oldest first, adopting and releasing as for pods.
func (h History) Claim(ctx context.Context, owner controller.Owner, selector labels.Selector, fresh func(context.Context) (metav1.Object, error)) ([]*appsv1.ControllerRevision, error) {
	all, err := h.Lister.ControllerRevisions(owner.GetNamespace()).List(labels.Everything())
	if err != nil {
		return nil, fmt.Errorf("list ControllerRevisions: %w", err)
	}
	client := h.Client.AppsV1().ControllerRevisions(owner.GetNamespace())
	revisions, err := controller.Sort(ctx, controller.Claim{
		Owner: owner, Kind: h.Kind, Selector: selector, Fresh: fresh,
		Patch: func(ctx context.Context, name string, patch []byte) error {
			_, err := client.Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
			return err
		},
	}, all)
	slices.SortFunc(revisions, func(a, b *appsv1.ControllerRevision) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return revisions, err
}

// Current finds or makes the wanted revision. known is of Claim; old is the others of it.
func (h History) Current(ctx context.Context, owner controller.Owner, wanted Wanted, known []*appsv1.ControllerRevision) (current *appsv1.ControllerRevision, old []*appsv1.ControllerRevision, err error) {
	number := int64(1)
	for _, r := range known {
		number = max(number, r.Revision+1)
		if bytes.Equal(r.Data.Raw, wanted.Data) {
			current = r // the newest that is equal, should there be several
		}
	}
	old = slices.DeleteFunc(slices.Clone(known), func(r *appsv1.ControllerRevision) bool { return r == current })
	switch {
	case current == nil:
		current, err = h.create(ctx, owner, wanted, number)
	case current.Revision != number-1:
		current, err = h.renumber(ctx, current, number)
	}
	return current, old, err
}

func (h History) create(ctx context.Context, owner controller.Owner, wanted Wanted, number int64) (*appsv1.ControllerRevision, error) {
	const longest = 223 // so that with the hash it is a valid name
	r := &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: owner.GetNamespace(), Name: owner.GetName()[:min(len(owner.GetName()), longest)] + "-" + wanted.Hash,
			Labels: map[string]string{}, Annotations: wanted.Annotations,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(owner, h.Kind)},
		},
		Data: runtime.RawExtension{Raw: wanted.Data}, Revision: number,
	}
	maps.Copy(r.Labels, wanted.Labels)
	r.Labels[wanted.HashLabel] = wanted.Hash
	client := h.Client.AppsV1().ControllerRevisions(r.Namespace)
	created, err := client.Create(ctx, r, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		return created, err
	}
	existing, err := client.Get(ctx, r.Name, metav1.GetOptions{})
	switch {
	case err != nil:
		return nil, err
	case metav1.IsControlledBy(existing, owner) && bytes.Equal(existing.Data.Raw, wanted.Data):
		return existing, nil // ours, and not yet in the local copy
	}
	return nil, fmt.Errorf("create ControllerRevision %s: %w", r.Name, ErrCollision)
}

func (h History) renumber(ctx context.Context, r *appsv1.ControllerRevision, number int64) (*appsv1.ControllerRevision, error) {
	r = r.DeepCopy()
	r.Revision = number
	updated, err := h.Client.AppsV1().ControllerRevisions(r.Namespace).Update(ctx, r, metav1.UpdateOptions{})
	if err != nil {
		return nil, fmt.Errorf("update ControllerRevision %s: %w", r.Name, err)
	}
	return updated, nil
}

// Truncate deletes the oldest revisions, those that live says are in use left alone, until limit are left.
func (h History) Truncate(ctx context.Context, old []*appsv1.ControllerRevision, limit int, live func(*appsv1.ControllerRevision) bool) error {
	unused := slices.DeleteFunc(slices.Clone(old), live)
	for _, r := range unused[:max(0, len(unused)-limit)] {
		err := h.Client.AppsV1().ControllerRevisions(r.Namespace).Delete(ctx, r.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("delete ControllerRevision %s: %w", r.Name, err)
		}
	}
	return nil
}
