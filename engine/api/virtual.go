package api

import (
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// virtual lists the kinds that are created and answered but kept nowhere: questions put as objects, and bindings. Discovery and
// OpenAPI describe them like any other; Lookup does not find them, for there is nothing to get, change or watch.
func virtual() []*Resource {
	create, read := []string{"create"}, []string{"get", "list"}
	metrics := schema.GroupVersion{Group: "metrics.k8s.io", Version: "v1beta1"} // measured when asked for
	authentication, authorization := authenticationv1.SchemeGroupVersion, authorizationv1.SchemeGroupVersion
	return []*Resource{
		{GroupVersionResource: corev1.SchemeGroupVersion.WithResource("bindings"), Kind: "Binding", Namespaced: true, Verbs: create},
		{GroupVersionResource: authentication.WithResource("selfsubjectreviews"), Kind: "SelfSubjectReview", Verbs: create},
		{GroupVersionResource: authentication.WithResource("tokenreviews"), Kind: "TokenReview", Verbs: create},
		{GroupVersionResource: metrics.WithResource("nodes"), Kind: "NodeMetrics", Verbs: read},
		{GroupVersionResource: metrics.WithResource("pods"), Kind: "PodMetrics", Namespaced: true, Verbs: read},
		{GroupVersionResource: authorization.WithResource("selfsubjectaccessreviews"), Kind: "SelfSubjectAccessReview", Verbs: create},
		{GroupVersionResource: authorization.WithResource("selfsubjectrulesreviews"), Kind: "SelfSubjectRulesReview", Verbs: create},
		{GroupVersionResource: authorization.WithResource("subjectaccessreviews"), Kind: "SubjectAccessReview", Verbs: create},
	}
}
