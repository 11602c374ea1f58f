package quota

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
)

func serviceUsage(svc *corev1.Service) corev1.ResourceList {
	usage := corev1.ResourceList{
		Count(schema.GroupResource{Resource: "services"}): number(1),
		corev1.ResourceServices:                           number(1),
		corev1.ResourceServicesLoadBalancers:              number(0),
		corev1.ResourceServicesNodePorts:                  number(0),
	}
	ports := int64(len(svc.Spec.Ports))
	switch svc.Spec.Type {
	case corev1.ServiceTypeNodePort:
		usage[corev1.ResourceServicesNodePorts] = number(ports)
	case corev1.ServiceTypeLoadBalancer:
		if !ptr.Deref(svc.Spec.AllocateLoadBalancerNodePorts, true) {
			ports = portsAsked(svc)
		}
		usage[corev1.ResourceServicesNodePorts] = number(ports)
		usage[corev1.ResourceServicesLoadBalancers] = number(1)
	}
	return usage
}

func portsAsked(svc *corev1.Service) int64 {
	var n int64
	for _, p := range svc.Spec.Ports {
		if p.NodePort != 0 {
			n++
		}
	}
	return n
}
