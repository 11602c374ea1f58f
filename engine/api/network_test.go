package api_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	storagev1 "k8s.io/api/storage/v1"
	apiresource "k8s.io/apimachinery/pkg/api/resource"
)

// TestPolicyOfNobodyIsAnotherOne: an empty list of peers and none at all look alike and mean opposites.
func TestPolicyOfNobodyIsAnotherOne(t *testing.T) {
	r := resource(t, "networking.k8s.io/v1/networkpolicies")
	old := storedOnce(t, r, "metadata: {name: p}\nspec: {podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}").(*networkingv1.NetworkPolicy)
	if len(old.Spec.PolicyTypes) != 1 || old.Spec.PolicyTypes[0] != networkingv1.PolicyTypeIngress || old.Generation != 1 {
		t.Errorf("defaults: %+v", old)
	}
	policy := old.DeepCopy()
	policy.Spec.Ingress[0].From = nil
	if _, err := r.BeforeUpdate("default", "", policy, old); err != nil || policy.Generation != 2 {
		t.Errorf("generation %d (%v)", policy.Generation, err)
	}
	_, err := r.BeforeCreate("default", manifest(t, r, "metadata: {name: p}\nspec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/40}}]}]}"))
	if err == nil || !strings.Contains(err.Error(), `spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0/40"`) {
		t.Errorf("got %v", err)
	}
}

func TestIngressWarnsOfOldClass(t *testing.T) {
	r := resource(t, "networking.k8s.io/v1/ingresses")
	obj := manifest(t, r, "metadata: {name: i, annotations: {kubernetes.io/ingress.class: x}}\nspec: {defaultBackend: {service: {name: web, port: {number: 80}}}}")
	warnings, err := r.BeforeCreate("default", obj)
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "is deprecated, please use 'spec.ingressClassName' instead") {
		t.Errorf("%v %v", warnings, err)
	}
}

func TestVolumePhaseHasATime(t *testing.T) {
	r := resource(t, "persistentvolumes")
	old := storedOnce(t, r, "metadata: {name: v}\nspec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /data}}").(*corev1.PersistentVolume)
	if old.Status.Phase != corev1.VolumePending || old.Status.LastPhaseTransitionTime == nil || old.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimRetain {
		t.Errorf("new: %+v", old)
	}
	pv := old.DeepCopy()
	pv.Status.Phase, pv.Status.LastPhaseTransitionTime = corev1.VolumeAvailable, nil
	if _, err := r.BeforeUpdate("", "status", pv, old); err != nil || pv.Status.LastPhaseTransitionTime == nil {
		t.Errorf("available: %+v (%v)", pv.Status, err)
	}
}

func TestClaimOnlyGrows(t *testing.T) {
	r := resource(t, "persistentvolumeclaims")
	old := storedOnce(t, r, "metadata: {name: c}\nspec: {accessModes: [ReadWriteOnce], volumeName: v, storageClassName: s, resources: {requests: {storage: 2Gi}}}").(*corev1.PersistentVolumeClaim)
	old.Status.Phase = corev1.ClaimBound
	old.Status.Capacity = corev1.ResourceList{corev1.ResourceStorage: apiresource.MustParse("2Gi")}
	claim := old.DeepCopy()
	claim.Spec.Resources.Requests[corev1.ResourceStorage] = apiresource.MustParse("1Gi")
	if _, err := r.BeforeUpdate("default", "", claim, old); err == nil || !strings.Contains(err.Error(), "field can not be less than") {
		t.Errorf("smaller: %v", err)
	}
	claim.Spec.Resources.Requests[corev1.ResourceStorage] = apiresource.MustParse("3Gi")
	if _, err := r.BeforeUpdate("default", "", claim, old); err != nil {
		t.Errorf("bigger: %v", err)
	}
}

func TestStorageClassIsForLife(t *testing.T) {
	r := resource(t, "storage.k8s.io/v1/storageclasses")
	old := storedOnce(t, r, "metadata: {name: s}\nprovisioner: a.example.com").(*storagev1.StorageClass)
	if *old.ReclaimPolicy != corev1.PersistentVolumeReclaimDelete || *old.VolumeBindingMode != storagev1.VolumeBindingImmediate {
		t.Errorf("defaults: %+v", old)
	}
	class := old.DeepCopy()
	class.Provisioner = "b.example.com"
	if _, err := r.BeforeUpdate("", "", class, old); err == nil {
		t.Error("another provisioner was accepted")
	}
}
