package apiserver

import (
	"context"
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"drydock/engine/api"
)

var storageClassKind = api.Lookup(storagev1.SchemeGroupVersion.WithResource("storageclasses"))

// protectStorage is the StorageObjectInUseProtection plugin: what is in use waits, when deleted, for the protection controllers.
func protectStorage(_ context.Context, a admission) error {
	if a.operation != operationCreate {
		return nil
	}
	switch obj := a.obj.(type) {
	case *corev1.PersistentVolume:
		addFinalizer(obj, "kubernetes.io/pv-protection")
	case *corev1.PersistentVolumeClaim:
		addFinalizer(obj, "kubernetes.io/pvc-protection")
	case *storagev1.VolumeAttributesClass:
		addFinalizer(obj, "kubernetes.io/vac-protection")
	}
	return nil
}

func addFinalizer(obj metav1.Object, name string) {
	if !slices.Contains(obj.GetFinalizers(), name) {
		obj.SetFinalizers(append(obj.GetFinalizers(), name))
	}
}

// defaultStorageClass is the DefaultStorageClass plugin. A class of "" is a wish for none, and stays.
func (s *Server) defaultStorageClass(ctx context.Context, a admission) error {
	claim, ok := created[*corev1.PersistentVolumeClaim](a)
	if !ok || claim.Spec.StorageClassName != nil {
		return nil
	}
	if _, old := claim.Annotations[corev1.BetaStorageClassAnnotation]; old {
		return nil
	}
	name, err := s.defaultOf(ctx, storageClassKind,
		"storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
	if err == nil && name != "" {
		claim.Spec.StorageClassName = &name
	}
	return err
}

// defaultOf finds the object of a kind that an annotation marks as the default: of several the newest. "" when there is none.
func (s *Server) defaultOf(ctx context.Context, kind *api.Resource, annotations ...string) (string, error) {
	entries, err := s.objectsOf(ctx, kind, "")
	if err != nil {
		return "", err
	}
	var newest metav1.Object
	for _, e := range entries { // by name, so that of two of one second the first name wins
		marked := slices.ContainsFunc(annotations, func(a string) bool { return e.meta.GetAnnotations()[a] == "true" })
		if marked && (newest == nil || e.meta.GetCreationTimestamp().After(newest.GetCreationTimestamp().Time)) {
			newest = e.meta
		}
	}
	if newest == nil {
		return "", nil
	}
	return newest.GetName(), nil
}

// checkGrowth is the PersistentVolumeClaimResize plugin: a claim grows if its class says that its volumes can.
func (s *Server) checkGrowth(ctx context.Context, a admission) error {
	claim, ok := a.obj.(*corev1.PersistentVolumeClaim)
	if !ok || a.operation != operationUpdate {
		return nil
	}
	old := a.old.(*corev1.PersistentVolumeClaim)
	size, before := claim.Spec.Resources.Requests[corev1.ResourceStorage], old.Spec.Resources.Requests[corev1.ResourceStorage]
	if size.Cmp(before) <= 0 {
		return nil
	}
	if old.Status.Phase != corev1.ClaimBound {
		return a.forbid(errors.New("Only bound persistent volume claims can be expanded")) //nolint:staticcheck // upstream's text
	}
	class := classOf(claim)
	if class != "" && class == classOf(old) {
		e, err := s.stored(ctx, target{kind: storageClassKind, name: class})
		if err == nil && ptr.Deref(e.obj.(*storagev1.StorageClass).AllowVolumeExpansion, false) {
			return nil
		}
	}
	return a.forbid(errors.New("only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"))
}

func classOf(claim *corev1.PersistentVolumeClaim) string {
	if class, old := claim.Annotations[corev1.BetaStorageClassAnnotation]; old {
		return class
	}
	return ptr.Deref(claim.Spec.StorageClassName, "")
}
