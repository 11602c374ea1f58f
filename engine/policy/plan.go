package policy

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// pod is what policies ask of a pod.
type pod struct {
	namespace, name, node string
	ip                    netip.Addr
	labels                labels.Set
	ports                 []corev1.ContainerPort // the named ones
}

// world is all that a plan is made from.
type world struct {
	node       string
	policies   []*networkingv1.NetworkPolicy // in the order of namespace and name
	pods       []*pod                        // those with an address of their own
	namespaces map[string]labels.Set
}

// direction of traffic, seen from the pod.
type direction string

const (
	ingress direction = "ingress"
	egress  direction = "egress"
)

// plan is the whole table, as data. Two equal plans need the same rules.
type plan struct {
	// isolated are this node's pods that a policy selects, with the chains of those policies.
	isolated map[direction]map[netip.Addr]isolation
	chains   map[string][]rule // of policies, by name
}

type isolation struct {
	pod      string
	policies []string // names of chains
}

// rule lets traffic through when all that it names fits.
type rule struct {
	peers  *peers // nil: anybody
	port   *port  // nil: any
	reason string
}

// peers are the other side: addresses of pods, or a block with holes.
type peers struct {
	name   string // of the set
	ips    []netip.Addr
	block  netip.Prefix
	except []netip.Prefix
}

type port struct {
	protocol    corev1.Protocol
	first, last uint16 // both 0: any port of the protocol
	named       []netip.AddrPort
	isNamed     bool
	set         string // of the named ones
}

// makePlan decides what this node must let through.
func makePlan(w *world) *plan {
	p := &plan{isolated: map[direction]map[netip.Addr]isolation{ingress: {}, egress: {}}, chains: map[string][]rule{}}
	for _, policy := range w.policies {
		selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.PodSelector)
		if err != nil {
			continue // validation has refused it; a policy that cannot be read isolates nobody
		}
		for _, way := range ways(policy) {
			chain := short(fmt.Sprintf("%s-%s/%s", way, policy.Namespace, policy.Name))
			local := p.isolate(w, way, chain, policy.Namespace, selector)
			if len(local) == 0 {
				continue
			}
			p.chains[chain] = w.rules(policy, way, local)
		}
	}
	return p
}

// short keeps a name below what the kernel takes (256, NFT_NAME_MAXLEN): of a longer one a hash stands for the rest.
func short(name string) string {
	const most = 180
	if len(name) <= most {
		return name
	}
	return fmt.Sprintf("%s-%x", name[:most], sha256.Sum256([]byte(name)))[:most+16]
}

// ways are the directions that a policy isolates.
func ways(policy *networkingv1.NetworkPolicy) []direction {
	var all []direction
	for _, t := range policy.Spec.PolicyTypes {
		all = append(all, direction(strings.ToLower(string(t))))
	}
	if len(all) == 0 { // defaulting has filled it in, but for objects from before there was the field
		all = append(all, ingress)
		if len(policy.Spec.Egress) > 0 {
			all = append(all, egress)
		}
	}
	return all
}

// isolate notes the node's pods that a policy selects, and returns them.
func (p *plan) isolate(w *world, way direction, chain, namespace string, selector labels.Selector) []*pod {
	var local []*pod
	for _, pod := range w.pods {
		if pod.node != w.node || pod.namespace != namespace || !selector.Matches(pod.labels) {
			continue
		}
		local = append(local, pod)
		i := p.isolated[way][pod.ip]
		i.pod = pod.namespace + "/" + pod.name
		i.policies = append(i.policies, chain)
		p.isolated[way][pod.ip] = i
	}
	return local
}

// rules are those of a policy in one direction; local are the selected pods of this node.
func (w *world) rules(policy *networkingv1.NetworkPolicy, way direction, local []*pod) []rule {
	var all []rule
	each := func(i int, from []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) {
		name := fmt.Sprintf("%s-%s-%d", short(policy.Namespace+"/"+policy.Name), way[:2], i)
		others := w.peersOf(policy.Namespace, name, from)
		for _, peer := range others {
			targets := local
			if way == egress {
				targets = w.pods // a named port is the destination's
			}
			for n, port := range portsOf(ports, targets, name) {
				all = append(all, rule{peer, port, fmt.Sprintf("%s/%s, %s rule %d, port %d", policy.Namespace, policy.Name, way, i, n)})
			}
		}
	}
	if way == ingress {
		for i, r := range policy.Spec.Ingress {
			each(i, r.From, r.Ports)
		}
		return all
	}
	for i, r := range policy.Spec.Egress {
		each(i, r.To, r.Ports)
	}
	return all
}

// peersOf are one entry for all pods, and one for each block; a nil entry stands for anybody.
func (w *world) peersOf(namespace, name string, list []networkingv1.NetworkPolicyPeer) []*peers {
	if len(list) == 0 {
		return []*peers{nil}
	}
	var all []*peers
	ips := map[netip.Addr]bool{}
	byPods := false
	for _, peer := range list {
		if peer.IPBlock != nil {
			if block := blockOf(peer.IPBlock); block != nil {
				all = append(all, block)
			}
			continue
		}
		byPods = true
		for _, pod := range w.pods {
			if w.isPeer(pod, namespace, peer) {
				ips[pod.ip] = true
			}
		}
	}
	if byPods {
		all = append(all, &peers{name: name, ips: slices.SortedFunc(maps.Keys(ips), netip.Addr.Compare)})
	}
	return all
}

// isPeer: without a namespace selector, pods of the policy's own namespace are meant; without a pod selector, all.
func (w *world) isPeer(pod *pod, namespace string, peer networkingv1.NetworkPolicyPeer) bool {
	if peer.NamespaceSelector == nil {
		return pod.namespace == namespace && matches(peer.PodSelector, pod.labels)
	}
	if !matches(peer.NamespaceSelector, w.namespaces[pod.namespace]) {
		return false
	}
	return peer.PodSelector == nil || matches(peer.PodSelector, pod.labels)
}

func matches(selector *metav1.LabelSelector, set labels.Set) bool {
	s, err := metav1.LabelSelectorAsSelector(selector) // of nil: nothing; of an empty one: everything
	return err == nil && s.Matches(set)
}

func blockOf(b *networkingv1.IPBlock) *peers {
	block, err := netip.ParsePrefix(b.CIDR)
	if err != nil || !block.Addr().Is4() {
		return nil
	}
	p := &peers{block: block.Masked()}
	for _, text := range b.Except {
		if except, err := netip.ParsePrefix(text); err == nil {
			p.except = append(p.except, except.Masked())
		}
	}
	return p
}

// portsOf are one entry for each port; a nil entry stands for all.
func portsOf(list []networkingv1.NetworkPolicyPort, targets []*pod, name string) []*port {
	if len(list) == 0 {
		return []*port{nil}
	}
	var all []*port
	for i, from := range list {
		p := &port{protocol: corev1.ProtocolTCP}
		if from.Protocol != nil {
			p.protocol = *from.Protocol
		}
		switch {
		case from.Port == nil:
		case from.Port.StrVal != "":
			p.isNamed, p.set = true, fmt.Sprintf("%s-port-%d", name, i)
			p.named = namedPorts(targets, p.protocol, from.Port.StrVal)
		default:
			p.first = uint16(from.Port.IntVal)
			p.last = p.first
			if from.EndPort != nil {
				p.last = uint16(*from.EndPort)
			}
		}
		all = append(all, p)
	}
	return all
}

// namedPorts is where a name leads: that differs by pod.
func namedPorts(targets []*pod, protocol corev1.Protocol, name string) []netip.AddrPort {
	var all []netip.AddrPort
	for _, pod := range targets {
		for _, p := range pod.ports {
			if p.Name == name && (p.Protocol == protocol || p.Protocol == "" && protocol == corev1.ProtocolTCP) {
				all = append(all, netip.AddrPortFrom(pod.ip, uint16(p.ContainerPort)))
			}
		}
	}
	slices.SortFunc(all, netip.AddrPort.Compare)
	return slices.Compact(all)
}
