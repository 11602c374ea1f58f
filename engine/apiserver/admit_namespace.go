package apiserver

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/api"
)

var (
	namespaceKind      = api.Lookup(corev1.SchemeGroupVersion.WithResource("namespaces"))
	serviceAccountKind = api.Lookup(corev1.SchemeGroupVersion.WithResource("serviceaccounts"))
	serviceKind        = api.Lookup(corev1.SchemeGroupVersion.WithResource("services"))
	podKind            = api.Lookup(corev1.SchemeGroupVersion.WithResource("pods"))
	nodeKind           = api.Lookup(corev1.SchemeGroupVersion.WithResource("nodes"))
)

// immortal are the namespaces that nobody may delete.
var immortal = []string{metav1.NamespaceDefault, metav1.NamespaceSystem, metav1.NamespacePublic}

// admitNamespace is the NamespaceLifecycle plugin: nothing is created where no namespace is, or where one is on its way out.
func (s *Server) admitNamespace(ctx context.Context, a admission) error {
	if a.kind == namespaceKind {
		if a.operation == operationDelete && slices.Contains(immortal, a.name) {
			return apierrors.NewForbidden(a.kind.GroupResource(), a.name, errors.New("this namespace may not be deleted"))
		}
		return nil
	}
	if !a.kind.Namespaced || a.operation != operationCreate {
		return nil
	}
	e, err := s.stored(ctx, target{kind: namespaceKind, name: a.namespace})
	if err != nil {
		return err
	}
	if e.obj.(*corev1.Namespace).Status.Phase != corev1.NamespaceTerminating {
		return nil
	}
	return terminating(a)
}

// terminating carries a cause by which controllers know to give up.
func terminating(a admission) error {
	err := apierrors.NewForbidden(a.kind.GroupResource(), a.name,
		fmt.Errorf("unable to create new content in namespace %s because it is being terminated", a.namespace))
	err.ErrStatus.Details.Causes = append(err.ErrStatus.Details.Causes, metav1.StatusCause{
		Type:    corev1.NamespaceTerminatingCause,
		Message: fmt.Sprintf("namespace %s is being terminated", a.namespace),
		Field:   "metadata.namespace",
	})
	return err
}
