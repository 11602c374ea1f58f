package controller

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/decision"
)

// Refer names an object the way decisions do.
func Refer(resource string, obj metav1.Object) decision.Object {
	return decision.Object{Resource: resource, Namespace: obj.GetNamespace(), Name: obj.GetName(), UID: string(obj.GetUID())}
}
