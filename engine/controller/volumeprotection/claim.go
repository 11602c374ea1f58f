package volumeprotection

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"

	"drydock/engine/controller"
)

const claimFinalizer = "kubernetes.io/pvc-protection"

// Claims protects claims that pods use.
type Claims struct {
	// set once in NewClaims
	*controller.Loop[controller.Key]
	client kubernetes.Interface
	claims corelisters.PersistentVolumeClaimLister
}

// NewClaims makes the controller. Nothing runs before Run.
func NewClaims(cfg controller.Config) (*Claims, error) {
	core := cfg.Informers.Core().V1()
	c := &Claims{client: cfg.Client, claims: core.PersistentVolumeClaims().Lister()}
	c.Loop = controller.NewLoop("pvc-protection-controller", cfg, c.Reconcile)
	c.Resource = "persistentvolumeclaims"
	return c, errors.Join(
		c.FollowAll(core.PersistentVolumeClaims().Informer(), func(obj any) []controller.Key {
			key, _ := controller.KeyOf(obj)
			return []controller.Key{key}
		}),
		c.FollowAll(core.Pods().Informer(), func(obj any) []controller.Key { return claimsOf(obj.(*corev1.Pod)) }),
	)
}

// claimsOf are the claims that a pod names.
func claimsOf(pod *corev1.Pod) []controller.Key {
	var keys []controller.Key
	for i := range pod.Spec.Volumes {
		switch v := &pod.Spec.Volumes[i]; {
		case v.PersistentVolumeClaim != nil:
			keys = append(keys, controller.Key{Namespace: pod.Namespace, Name: v.PersistentVolumeClaim.ClaimName})
		case v.Ephemeral != nil:
			keys = append(keys, controller.Key{Namespace: pod.Namespace, Name: pod.Name + "-" + v.Name})
		}
	}
	return keys
}

// Reconcile gives a claim its finalizer, or takes it away from one that is to go and that nobody uses.
func (c *Claims) Reconcile(ctx context.Context, key controller.Key) error {
	claim, err := c.claims.PersistentVolumeClaims(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	has, going := slices.Contains(claim.Finalizers, claimFinalizer), claim.DeletionTimestamp != nil
	if has != going {
		return nil // protected and wanted, or neither
	}
	if going {
		if used, err := c.used(ctx, key); used || err != nil {
			return err // the pod's own event brings the claim back
		}
	}
	changed := claim.DeepCopy()
	changed.Finalizers = toggled(claim.Finalizers, claimFinalizer)
	_, err = c.client.CoreV1().PersistentVolumeClaims(key.Namespace).Update(ctx, changed, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// used says whether a pod that has a node names the claim. One without a node will not get past the kubelet with a claim that is to go.
func (c *Claims) used(ctx context.Context, key controller.Key) (bool, error) {
	pods, err := c.client.CoreV1().Pods(key.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, fmt.Errorf("look for pods with claim %s: %w", key, err)
	}
	return slices.ContainsFunc(pods.Items, func(pod corev1.Pod) bool {
		return pod.Spec.NodeName != "" && slices.Contains(claimsOf(&pod), key)
	}), nil
}

// toggled is the list with a finalizer more or less.
func toggled(finalizers []string, name string) []string {
	rest := slices.DeleteFunc(slices.Clone(finalizers), func(f string) bool { return f == name })
	if len(rest) == len(finalizers) {
		rest = append(rest, name)
	}
	return rest
}
