package proxy

import (
	"net/netip"
	"slices"
)

// Names of the table's sets and of the chains that all ports share; all are upstream's.
const (
	setServiceIPs      = "service-ips"
	setNodePorts       = "service-nodeports"
	setNoEndpointIPs   = "no-endpoint-services"
	setNoEndpointPorts = "no-endpoint-nodeports"
	setFirewallIPs     = "firewall-ips"
	chainReject        = "reject-chain"
)

// verdict is where a map leads: a chain's name, or verdictDrop.
const verdictDrop = ""

// element is one line of a map that leads packets to a chain.
type element struct {
	set     string
	address netip.Addr // zero in the maps of node ports
	port    uint16
	verdict string
}

// kinds of chains a port may have.
type kind int

const (
	clusterPolicy kind = iota // pick one of all endpoints
	localPolicy               // pick one of this node's
	external                  // what came in from outside: masquerade, then pick
	firewall                  // let only some sources through to a load balancer's address
)

var chainNames = map[kind]string{clusterPolicy: "service", localPolicy: "local", external: "external", firewall: "firewall"}

func (p *servicePort) chain(k kind) string { return p.named(chainNames[k]) }

// affinitySet remembers which endpoint a client's address was given, for one policy's chain.
func (p *servicePort) affinitySet(k kind) string {
	if k == localPolicy {
		return p.named("affinity-local")
	}
	return p.named("affinity")
}

// chains are those the port needs; p may be nil.
func (p *servicePort) chains() []kind {
	if p == nil {
		return nil
	}
	var all []kind
	if len(p.endpoints) > 0 {
		all = append(all, clusterPolicy)
	}
	if len(p.local) > 0 {
		all = append(all, localPolicy)
	}
	if p.served && p.reachedFromOutside() {
		all = append(all, external)
	}
	if p.guarded() {
		all = append(all, firewall)
	}
	return all
}

func (p *servicePort) guarded() bool { return len(p.balancers) > 0 && len(p.sources) > 0 }

// policy is the chain that traffic from inside or from outside ends in, and whether it has endpoints.
func (p *servicePort) policy(local bool) (k kind, usable bool) {
	if local {
		return localPolicy, len(p.local) > 0
	}
	return clusterPolicy, len(p.endpoints) > 0
}

// elements are the map lines by which packets find the port; p may be nil. Where nobody stands behind the port on any node
// packets are rejected; where a policy forbids all the endpoints there are, they are dropped: somebody else may answer.
func (p *servicePort) elements() []element {
	if p == nil {
		return nil
	}
	refusal := verdictDrop
	if !p.served {
		refusal = chainReject
	}
	var all []element
	inside, usable := p.policy(p.internalLocal)
	if usable {
		all = append(all, element{setServiceIPs, p.address.Addr(), p.address.Port(), p.chain(inside)})
	} else {
		all = append(all, element{setNoEndpointIPs, p.address.Addr(), p.address.Port(), refusal})
	}
	_, usable = p.policy(p.externalLocal)
	for _, ip := range p.external {
		if p.served {
			all = append(all, element{setServiceIPs, ip, p.address.Port(), p.chain(external)})
		}
		if !usable {
			all = append(all, element{setNoEndpointIPs, ip, p.address.Port(), refusal})
		}
		if p.guarded() && slices.Contains(p.balancers, ip) {
			all = append(all, element{setFirewallIPs, ip, p.address.Port(), p.chain(firewall)})
		}
	}
	if p.nodePort != 0 {
		if p.served {
			all = append(all, element{setNodePorts, netip.Addr{}, p.nodePort, p.chain(external)})
		}
		if !usable {
			all = append(all, element{setNoEndpointPorts, netip.Addr{}, p.nodePort, refusal})
		}
	}
	return all
}
