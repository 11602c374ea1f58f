package api

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

// namespaces are born Active and with the finalizer "kubernetes", which only the finalize subresource can take away: that is
// how the namespace controller gets to empty a namespace before it goes.
var namespaces = rules[*core.Namespace]{
	create:    openNamespace,
	validate:  validation.ValidateNamespace,
	canonical: labelWithName,
	update: change[*core.Namespace]{
		prepareFunc: func(obj, old *core.Namespace) {
			obj.Spec.Finalizers = old.Spec.Finalizers
			obj.Status = old.Status
		},
		validateFunc: func(obj, old *core.Namespace) field.ErrorList {
			return append(validation.ValidateNamespace(obj), validation.ValidateNamespaceUpdate(obj, old)...)
		},
		reset: []string{"status"},
	},
	subresources: map[string]change[*core.Namespace]{
		"status": {
			prepareFunc:  func(obj, old *core.Namespace) { obj.Spec = old.Spec },
			validateFunc: validation.ValidateNamespaceStatusUpdate,
			reset:        []string{"spec"},
		},
		"finalize": {
			prepareFunc:  func(obj, old *core.Namespace) { obj.Status = old.Status },
			validateFunc: validation.ValidateNamespaceFinalizeUpdate,
			reset:        []string{"status"},
		},
	},
	fields: func(ns *core.Namespace) fields.Set {
		// "name" beside metadata.name is an old mistake of upstream's that clients rely on.
		return fields.Set{"status.phase": string(ns.Status.Phase), "name": ns.Name}
	},
}

func openNamespace(ns *core.Namespace) {
	ns.Status = core.NamespaceStatus{Phase: core.NamespaceActive}
	if !slices.Contains(ns.Spec.Finalizers, core.FinalizerKubernetes) {
		ns.Spec.Finalizers = append(ns.Spec.Finalizers, core.FinalizerKubernetes)
	}
}

// labelWithName runs after the name has been generated, too late for defaulting to have set the label.
func labelWithName(ns *core.Namespace) {
	if ns.Labels == nil {
		ns.Labels = map[string]string{}
	}
	ns.Labels[corev1.LabelMetadataName] = ns.Name
}
