package apiserver

import (
	"context"

	networkingv1 "k8s.io/api/networking/v1"

	"drydock/engine/api"
)

var ingressClassKind = api.Lookup(networkingv1.SchemeGroupVersion.WithResource("ingressclasses"))

// defaultIngressClass is the DefaultIngressClass plugin.
func (s *Server) defaultIngressClass(ctx context.Context, a admission) error {
	ingress, ok := created[*networkingv1.Ingress](a)
	if !ok || ingress.Spec.IngressClassName != nil {
		return nil
	}
	if _, old := ingress.Annotations["kubernetes.io/ingress.class"]; old {
		return nil
	}
	name, err := s.defaultOf(ctx, ingressClassKind, networkingv1.AnnotationIsDefaultIngressClass)
	if err == nil && name != "" {
		ingress.Spec.IngressClassName = &name
	}
	return err
}
