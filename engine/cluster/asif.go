package cluster

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/cluster/control"
	"drydock/engine/nettrace"
)

// asIf tells what kube-proxy would have written in another mode for the Service at an address.
func (t *tracing) asIf(ctx context.Context, to netip.AddrPort) ([]control.TraceStep, error) {
	port, node, err := t.servicePort(ctx, to)
	if err != nil {
		return nil, err
	}
	step := control.TraceStep{Where: "kube-proxy in mode " + t.request.As + " (teaching text: nothing of it is in this kernel)"}
	switch t.request.As {
	case "iptables":
		step.What, step.Rule = "iptables-save -t nat", strings.Join(port.AsIptables(), "\n")
	case "ipvs":
		step.What, step.Rule = "ipvsadm -Ln", strings.Join(port.AsIPVS(node), "\n")
	default:
		return nil, fmt.Errorf("there is no mode %q: want iptables or ipvs", t.request.As)
	}
	return append(t.steps, step), nil
}

// servicePort is the port of a Service that is reached at an address: a cluster address, or a node's with a node port. node is the
// one whose address it is, or the first.
func (t *tracing) servicePort(ctx context.Context, to netip.AddrPort) (found nettrace.ServicePort, node netip.Addr, err error) {
	client, err := t.cluster.admin()
	if err != nil {
		return found, node, err
	}
	list, err := client.CoreV1().Services("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return found, node, fmt.Errorf("list Services: %w", err)
	}
	for _, n := range t.cluster.allNodes() {
		if !node.IsValid() || n.address == to.Addr() {
			node = n.address
		}
	}
	for i := range list.Items {
		s := &list.Items[i]
		for j := range s.Spec.Ports {
			p := &s.Spec.Ports[j]
			ip, err := netip.ParseAddr(s.Spec.ClusterIP)
			if err != nil || !strings.EqualFold(string(p.Protocol), t.request.Protocol) {
				continue
			}
			if at := netip.AddrPortFrom(ip, uint16(p.Port)); at == to || node == to.Addr() && p.NodePort != 0 && uint16(p.NodePort) == to.Port() {
				found = describePort(s, p, at)
				found.Endpoints, err = t.endpoints(ctx, s, p)
				return found, node, err
			}
		}
	}
	return found, node, fmt.Errorf("%s is the address of no Service: there is nothing that kube-proxy would write", to)
}

func describePort(s *corev1.Service, p *corev1.ServicePort, at netip.AddrPort) nettrace.ServicePort {
	found := nettrace.ServicePort{
		Name: s.Namespace + "/" + s.Name, Protocol: strings.ToLower(string(p.Protocol)), Address: at, NodePort: uint16(p.NodePort), Pods: podRange,
	}
	if p.Name != "" {
		found.Name += ":" + p.Name
	}
	if c := s.Spec.SessionAffinityConfig; s.Spec.SessionAffinity == corev1.ServiceAffinityClientIP {
		found.Affinity = int(corev1.DefaultClientIPServiceAffinitySeconds)
		if c != nil && c.ClientIP != nil && c.ClientIP.TimeoutSeconds != nil {
			found.Affinity = int(*c.ClientIP.TimeoutSeconds)
		}
	}
	return found
}

// endpoints are those of a port that are ready, in the order of their addresses.
func (t *tracing) endpoints(ctx context.Context, s *corev1.Service, p *corev1.ServicePort) ([]netip.AddrPort, error) {
	client, err := t.cluster.admin()
	if err != nil {
		return nil, err
	}
	slicesOf, err := client.DiscoveryV1().EndpointSlices(s.Namespace).List(ctx, metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + s.Name})
	if err != nil {
		return nil, fmt.Errorf("list the EndpointSlices of %s/%s: %w", s.Namespace, s.Name, err)
	}
	var all []netip.AddrPort
	for _, slice := range slicesOf.Items {
		for _, port := range slice.Ports {
			if port.Port == nil || port.Name == nil || *port.Name != p.Name {
				continue
			}
			for _, e := range slice.Endpoints {
				ip, err := netip.ParseAddr(e.Addresses[0])
				if err == nil && (e.Conditions.Ready == nil || *e.Conditions.Ready) {
					all = append(all, netip.AddrPortFrom(ip, uint16(*port.Port)))
				}
			}
		}
	}
	slices.SortFunc(all, netip.AddrPort.Compare)
	return slices.Compact(all), nil
}
