package controller

import (
	"context"
	"fmt"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"drydock/engine/decision"
)

// PodControl creates and deletes the pods of owners of one kind, and says so in Events and decisions.
type PodControl struct {
	*Voice
	Client       kubernetes.Interface
	Expectations *Expectations
	Kind         schema.GroupVersionKind
}

// Owner is the object whose pods they are.
type Owner interface {
	metav1.Object
	runtime.Object
}

// PodOf makes a pod of a template, with a generated name and the owner as its controller. The caller owns it.
func (c PodControl) PodOf(owner Owner, template *corev1.PodTemplateSpec) *corev1.Pod {
	template = template.DeepCopy()
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName:    owner.GetName() + "-",
			Namespace:       owner.GetNamespace(),
			Labels:          template.Labels,
			Annotations:     template.Annotations,
			Finalizers:      template.Finalizers,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(owner, c.Kind)},
		},
		Spec: template.Spec,
	}
}

// Create creates pods in a slow start. The caller has written down that it expects them; those that were not created are
// taken off again. why is for people: what the owner wants.
func (c PodControl) Create(ctx context.Context, owner Owner, pods []*corev1.Pod, why string) (created int, err error) {
	key := keyOf(owner)
	var next atomic.Int64
	created, err = SlowStart(len(pods), func() error { return c.createOne(ctx, owner, pods[next.Add(1)-1], why) })
	for range len(pods) - created {
		c.Expectations.Created(key)
	}
	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return created, nil // nothing can be created there any more; the owner will go too
	}
	return created, err
}

func (c PodControl) createOne(ctx context.Context, owner Owner, pod *corev1.Pod, why string) error {
	made, err := c.Client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	if err != nil {
		if !apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
			c.Warning(owner, "FailedCreate", "Error creating: %v", err)
		}
		return err
	}
	c.Normal(owner, "SuccessfulCreate", "Created pod: %v", made.Name)
	c.DecidePod(owner, made, "Create", "SuccessfulCreate", why)
	return nil
}

// Delete asks for the end of pods. The caller has written down that it expects it. Pods that are gone already count as
// deleted.
func (c PodControl) Delete(ctx context.Context, owner Owner, pods []*corev1.Pod, why string) (deleted int, err error) {
	key := keyOf(owner)
	return Together(len(pods), func(i int) error {
		err := c.deleteOne(ctx, owner, pods[i], why)
		if err != nil {
			c.Expectations.Deleted(key, pods[i].UID)
		}
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	})
}

func (c PodControl) deleteOne(ctx context.Context, owner Owner, pod *corev1.Pod, why string) error {
	err := c.Client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return err
	case err != nil:
		c.Warning(owner, "FailedDelete", "Error deleting: %v", err)
		return fmt.Errorf("unable to delete pods: %w", err)
	}
	c.Normal(owner, "SuccessfulDelete", "Deleted pod: %v", pod.Name)
	c.DecidePod(owner, pod, "Delete", "SuccessfulDelete", why)
	return nil
}

// DecidePod records what was decided about a pod because of its owner.
func (c PodControl) DecidePod(owner Owner, pod *corev1.Pod, action, reason, why string) {
	c.Decide(decision.Record{
		Object: Refer("pods", pod), Action: action, Reason: reason, Message: why, Cause: Refer(c.Resource, owner),
		Details: map[string]string{"generation": fmt.Sprint(owner.GetGeneration())},
	})
}

func keyOf(owner metav1.Object) Key {
	return Key{Namespace: owner.GetNamespace(), Name: owner.GetName()}
}

// UIDs lists the pods' UIDs.
func UIDs(pods []*corev1.Pod) []types.UID {
	var uids []types.UID
	for _, pod := range pods {
		uids = append(uids, pod.UID)
	}
	return uids
}
