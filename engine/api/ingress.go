package api

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/apis/networking"
	"k8s.io/kubernetes/pkg/apis/networking/validation"
)

// oldIngressClass is how a class was named before spec.ingressClassName.
const oldIngressClass = "kubernetes.io/ingress.class"

// ingresses count their spec; the address in their status is their controller's to write.
var ingresses = rules[*networking.Ingress]{
	create: func(ing *networking.Ingress) {
		ing.Status = networking.IngressStatus{}
		ing.Generation = 1
	},
	validate: validation.ValidateIngressCreate,
	warn: func(ing *networking.Ingress) []string {
		if _, old := ing.Annotations[oldIngressClass]; !old || ing.Spec.IngressClassName != nil {
			return nil
		}
		return []string{fmt.Sprintf("annotation %q is deprecated, please use 'spec.ingressClassName' instead", oldIngressClass)}
	},
	update: change[*networking.Ingress]{
		prepareFunc: func(obj, old *networking.Ingress) {
			obj.Status = old.Status
			if !equality.Semantic.DeepEqual(obj.Spec, old.Spec) {
				obj.Generation = old.Generation + 1
			}
		},
		validateFunc: validation.ValidateIngressUpdate,
		reset:        []string{"status"},
	},
	subresources: map[string]change[*networking.Ingress]{
		"status": {
			prepareFunc:  func(obj, old *networking.Ingress) { obj.Spec = old.Spec },
			validateFunc: validation.ValidateIngressStatusUpdate,
			warnFunc: func(obj, _ *networking.Ingress) []string {
				var warnings []string
				path := field.NewPath("status", "loadBalancer", "ingress")
				for i, point := range obj.Status.LoadBalancer.Ingress {
					if point.IP != "" {
						warnings = append(warnings, utilvalidation.GetWarningsForIP(path.Index(i), point.IP)...)
					}
				}
				return warnings
			},
			reset: []string{"spec"},
		},
	},
}

// ingressClasses name the controller that acts on the ingresses of the class.
var ingressClasses = rules[*networking.IngressClass]{
	create:   func(class *networking.IngressClass) { class.Generation = 1 },
	validate: validation.ValidateIngressClass,
	update: change[*networking.IngressClass]{
		prepareFunc: func(obj, old *networking.IngressClass) {
			if !equality.Semantic.DeepEqual(obj.Spec, old.Spec) {
				obj.Generation = old.Generation + 1
			}
		},
		validateFunc: validation.ValidateIngressClassUpdate,
	},
}
