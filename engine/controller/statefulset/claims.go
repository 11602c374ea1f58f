package statefulset

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A pod db-1 of a set with the claim template data uses the claim data-db-1, whichever pod db-1 it is. Claims outlive pods.
// By default they outlive the set too; the retention policy can bind them to the set, or to a pod that was scaled down, by an
// owner reference, and then the garbage collector deletes them.

// staleRetry is how soon a claim that is in the way is looked at again: claims are not watched.
const staleRetry = time.Second

var podKind = corev1.SchemeGroupVersion.WithKind("Pod")

func claimName(set *appsv1.StatefulSet, template *corev1.PersistentVolumeClaim, ordinal int) string {
	return fmt.Sprintf("%s-%s-%d", template.Name, set.Name, ordinal)
}

// mountClaims puts the claims of an ordinal into the pod's volumes, in place of volumes with the same names.
func mountClaims(set *appsv1.StatefulSet, pod *corev1.Pod, ordinal int) {
	for i := range set.Spec.VolumeClaimTemplates {
		template := &set.Spec.VolumeClaimTemplates[i]
		pod.Spec.Volumes = slices.DeleteFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == template.Name })
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: template.Name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claimName(set, template, ordinal)},
		}})
	}
}

func newClaim(set *appsv1.StatefulSet, template *corev1.PersistentVolumeClaim, ordinal int) *corev1.PersistentVolumeClaim {
	claim := template.DeepCopy()
	claim.Namespace, claim.Name = set.Namespace, claimName(set, template, ordinal)
	if claim.Labels == nil {
		claim.Labels = map[string]string{}
	}
	maps.Copy(claim.Labels, set.Spec.Selector.MatchLabels)
	return claim
}

// createClaims makes the claims of a pod that are missing. It says false while one is left from a pod that was scaled down and
// is about to be deleted with it.
func (r *row) createClaims(ctx context.Context, pod *corev1.Pod) (ready bool, err error) {
	ordinal, _ := ordinalOf(r.set, pod)
	client := r.client.CoreV1().PersistentVolumeClaims(r.set.Namespace)
	var errs []error
	ready = true
	for i := range r.set.Spec.VolumeClaimTemplates {
		wanted := newClaim(r.set, &r.set.Spec.VolumeClaimTemplates[i], ordinal)
		claim, err := client.Get(ctx, wanted.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			_, err = client.Create(ctx, wanted, metav1.CreateOptions{})
			errs = append(errs, r.tellClaim(wanted, pod, err))
		case err != nil:
			errs = append(errs, fmt.Errorf("read PVC %s: %w", wanted.Name, err))
		case claim.DeletionTimestamp != nil:
			errs = append(errs, fmt.Errorf("pvc %s is being deleted", claim.Name))
		case r.retention().WhenScaled != appsv1.RetainPersistentVolumeClaimRetentionPolicyType && stale(claim, pod, podKind):
			ready = false
			r.AddAfter(r.key, staleRetry)
		}
	}
	return ready, errors.Join(errs...)
}

func (r *row) tellClaim(claim *corev1.PersistentVolumeClaim, pod *corev1.Pod, err error) error {
	switch {
	case apierrors.IsAlreadyExists(err):
		return nil
	case err != nil:
		r.Warning(r.set, "FailedCreate", "Create Claim %s for Pod %s in StatefulSet %s failed error: %s", claim.Name, pod.Name, r.set.Name, err)
		return fmt.Errorf("create PVC %s: %w", claim.Name, err)
	}
	r.Normal(r.set, "SuccessfulCreate", "Create Claim %s Pod %s in StatefulSet %s success", claim.Name, pod.Name, r.set.Name)
	return nil
}

func (r *row) retention() appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy {
	if p := r.set.Spec.PersistentVolumeClaimRetentionPolicy; p != nil {
		return *p
	}
	return appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{
		WhenDeleted: appsv1.RetainPersistentVolumeClaimRetentionPolicyType, WhenScaled: appsv1.RetainPersistentVolumeClaimRetentionPolicyType,
	}
}

// keepClaims keeps the owners of the claims in line with the retention policy, and makes the claims of pods that wait for them.
func (r *row) keepClaims(ctx context.Context) error {
	if len(r.set.Spec.VolumeClaimTemplates) == 0 {
		return nil
	}
	var errs []error
	for _, pod := range r.pods {
		if pod.Status.Phase == corev1.PodPending && !slices.Contains(r.condemned, pod) {
			_, err := r.createClaims(ctx, pod)
			errs = append(errs, err)
		}
		ordinal, _ := ordinalOf(r.set, pod)
		for i := range r.set.Spec.VolumeClaimTemplates {
			errs = append(errs, r.keepClaim(ctx, claimName(r.set, &r.set.Spec.VolumeClaimTemplates[i], ordinal), pod))
		}
	}
	return errors.Join(errs...)
}

func (r *row) keepClaim(ctx context.Context, name string, pod *corev1.Pod) error {
	client := r.client.CoreV1().PersistentVolumeClaims(r.set.Namespace)
	claim, err := client.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return ignoreNotFound(err)
	}
	if stale(claim, r.set, kind) || stale(claim, pod, podKind) {
		return nil // of an earlier set or pod: the garbage collector's business
	}
	owners := r.owners(claim, pod)
	if equality.Semantic.DeepEqual(owners, claim.OwnerReferences) {
		return nil
	}
	claim.OwnerReferences = owners
	if _, err := client.Update(ctx, claim, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("could not update claim %s for delete policy ownerRefs: %w", name, err)
	}
	return nil
}

// owners is who should own a claim: the set, so that it goes with the set; the pod, when that is scaled down, so that it goes
// with the pod; or neither. Others' references stay, and where another controller has the claim, ours go.
func (r *row) owners(claim *corev1.PersistentVolumeClaim, pod *corev1.Pod) []metav1.OwnerReference {
	owners := slices.DeleteFunc(slices.Clone(claim.OwnerReferences), func(ref metav1.OwnerReference) bool {
		return names(ref, r.set, kind) || names(ref, pod, podKind)
	})
	policy := r.retention()
	withSet := policy.WhenDeleted == appsv1.DeletePersistentVolumeClaimRetentionPolicyType
	withPod := policy.WhenScaled == appsv1.DeletePersistentVolumeClaimRetentionPolicyType && slices.Contains(r.condemned, pod)
	if !withSet && !withPod {
		return owners
	}
	if slices.ContainsFunc(owners, func(ref metav1.OwnerReference) bool { return ref.Controller != nil && *ref.Controller }) {
		r.Warning(r.set, "ConflictingController",
			"PersistentVolumeClaim %s has a conflicting OwnerReference that acts as a managing controller, the retention policy is ignored for this claim", claim.Name)
		return owners
	}
	if withPod {
		return append(owners, *metav1.NewControllerRef(pod, podKind))
	}
	return append(owners, *metav1.NewControllerRef(r.set, kind))
}

// names says whether a reference is to an object of this kind and name; stale, whether to an earlier one.
func names(ref metav1.OwnerReference, obj metav1.Object, kind schema.GroupVersionKind) bool {
	return ref.APIVersion == kind.GroupVersion().String() && ref.Kind == kind.Kind && ref.Name == obj.GetName()
}

func stale(claim *corev1.PersistentVolumeClaim, obj metav1.Object, kind schema.GroupVersionKind) bool {
	return slices.ContainsFunc(claim.OwnerReferences, func(ref metav1.OwnerReference) bool {
		return names(ref, obj, kind) && ref.UID != obj.GetUID()
	})
}
