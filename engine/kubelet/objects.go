package kubelet

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// getConfigMap and getSecret read what containers refer to. A missing one is named in the singular, as upstream's kubelet does: the text
// ends up in the pod's Events.
//
// Kubernetes: each object that a pod refers to is watched; here it is read when needed, and volumes look again every minute.

func (k *Kubelet) getConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error) {
	object, err := k.cfg.Client.ConfigMap(ctx, namespace, name)
	if apierrors.IsNotFound(err) {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "configmap"}, name)
	}
	return object, err
}

func (k *Kubelet) getSecret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	object, err := k.cfg.Client.Secret(ctx, namespace, name)
	if apierrors.IsNotFound(err) {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "secret"}, name)
	}
	return object, err
}
