package api

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/fields"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	serviceutil "k8s.io/kubernetes/pkg/api/service"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

// services are four kinds in one, told apart by spec.type; changing the type clears what the old type had filled in.
var services = rules[*core.Service]{
	create:   func(s *core.Service) { s.Status = core.ServiceStatus{} },
	validate: validation.ValidateServiceCreate,
	warn:     func(s *core.Service) []string { return serviceutil.GetWarningsForService(s, nil) },
	update: change[*core.Service]{
		prepareFunc: func(obj, old *core.Service) {
			obj.Status = old.Status
			dropOldType(obj, old)
		},
		validateFunc: validation.ValidateServiceUpdate,
		warnFunc:     serviceutil.GetWarningsForService,
		reset:        []string{"status"},
	},
	subresources: map[string]change[*core.Service]{
		"status": {
			prepareFunc:  func(obj, old *core.Service) { obj.Spec = old.Spec },
			validateFunc: validation.ValidateServiceStatusUpdate,
			warnFunc:     ingressWarnings,
			reset:        []string{"spec"},
		},
	},
	fields: func(s *core.Service) fields.Set {
		return fields.Set{"spec.clusterIP": s.Spec.ClusterIP, "spec.type": string(s.Spec.Type)}
	},
}

// dropOldType clears a field when the new type has no use for it, the old type did, and the user did not also change it: a
// changed one must fail validation instead.
func dropOldType(obj, old *core.Service) {
	dropClusterIPs(obj, old)
	if usesNodePorts(old) && !usesNodePorts(obj) && !addsNodePorts(obj, old) {
		for i := range obj.Spec.Ports {
			obj.Spec.Ports[i].NodePort = 0
		}
	}
	if usesHealthPort(old) && !usesHealthPort(obj) && obj.Spec.HealthCheckNodePort == old.Spec.HealthCheckNodePort {
		obj.Spec.HealthCheckNodePort = 0
	}
	if balanced(old) && !balanced(obj) {
		if equality.Semantic.DeepEqual(obj.Spec.AllocateLoadBalancerNodePorts, old.Spec.AllocateLoadBalancerNodePorts) {
			obj.Spec.AllocateLoadBalancerNodePorts = nil
		}
		if equality.Semantic.DeepEqual(obj.Spec.LoadBalancerClass, old.Spec.LoadBalancerClass) {
			obj.Spec.LoadBalancerClass = nil
		}
	}
	if serviceutil.ExternallyAccessible(old) && !serviceutil.ExternallyAccessible(obj) &&
		obj.Spec.ExternalTrafficPolicy == old.Spec.ExternalTrafficPolicy {
		obj.Spec.ExternalTrafficPolicy = ""
	}
	if !balanced(obj) {
		obj.Status.LoadBalancer = core.LoadBalancerStatus{}
	}
}

func dropClusterIPs(obj, old *core.Service) {
	if old.Spec.Type == core.ServiceTypeExternalName || obj.Spec.Type != core.ServiceTypeExternalName {
		return
	}
	if obj.Spec.ClusterIP == old.Spec.ClusterIP && slices.Equal(obj.Spec.ClusterIPs, old.Spec.ClusterIPs) {
		obj.Spec.ClusterIP, obj.Spec.ClusterIPs = "", nil
	}
	if slices.Equal(obj.Spec.IPFamilies, old.Spec.IPFamilies) {
		obj.Spec.IPFamilies = nil
	}
	if equality.Semantic.DeepEqual(obj.Spec.IPFamilyPolicy, old.Spec.IPFamilyPolicy) {
		obj.Spec.IPFamilyPolicy = nil
	}
}

func balanced(s *core.Service) bool { return s.Spec.Type == core.ServiceTypeLoadBalancer }

func usesNodePorts(s *core.Service) bool {
	return s.Spec.Type == core.ServiceTypeNodePort || balanced(s)
}

func usesHealthPort(s *core.Service) bool {
	return balanced(s) && s.Spec.ExternalTrafficPolicy == core.ServiceExternalTrafficPolicyLocal
}

// addsNodePorts reports whether obj names a node port that old did not have.
func addsNodePorts(obj, old *core.Service) bool {
	for _, port := range obj.Spec.Ports {
		had := func(p core.ServicePort) bool { return p.NodePort == port.NodePort }
		if port.NodePort != 0 && !slices.ContainsFunc(old.Spec.Ports, had) {
			return true
		}
	}
	return false
}

func ingressWarnings(obj, _ *core.Service) []string {
	var warnings []string
	path := field.NewPath("status", "loadBalancer", "ingress")
	for i, ingress := range obj.Status.LoadBalancer.Ingress {
		if ingress.IP != "" {
			warnings = append(warnings, utilvalidation.GetWarningsForIP(path.Index(i), ingress.IP)...)
		}
	}
	return warnings
}
