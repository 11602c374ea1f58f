// Package policy enforces NetworkPolicies in one node's kernel.
//
// # Part played
//
// The policy half of a network plugin, as Calico's Felix or kube-network-policies: in Kubernetes a NetworkPolicy is only a wish
// until somebody like this acts on it.
//
// # How it works
//
// A policy in namespace shop selects the pods app=db and lets app=web reach them on port 5432. On the node of pod db-0,
// 10.244.1.7, the table "network-policy" then holds
//
//	map ingress-pods { 10.244.1.7 : jump in-10.244.1.7 }
//	chain in-10.244.1.7 { ip saddr 10.244.1.7 accept; jump ingress-shop/db; drop }
//	chain ingress-shop/db { ip saddr @shop/db-in-0 tcp dport 5432 accept }
//
// and @shop/db-in-0 the addresses of all web pods, on whichever node. A packet that this node forwards is looked up by its
// source in egress-pods, then by its destination in ingress-pods. A pod that no policy selects is in neither map, and anything
// goes. Answers to what was let through pass (ct state established).
//
// The rules come after the proxy's translation, so a policy speaks of pods and never sees a Service's address. What the node
// itself sends to its pods is not forwarded and always passes, as the kubelet's probes must.
//
// Every change computes the whole table anew, from copies of all policies, and of pods and namespaces as long as there is a
// policy. When it is the same as before nothing is written; otherwise it is replaced in one transaction.
//
// # Left out
//
// IPv6, AdminNetworkPolicy, and ending connections that a new policy would forbid.
//
// # In Kubernetes
//
// Nothing in k/k; the API's meaning is in staging/src/k8s.io/api/networking/v1/types.go. Compare
// github.com/kubernetes-sigs/kube-network-policies and projectcalico/calico, felix.
package policy
