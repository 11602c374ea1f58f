// Package dns answers names of the cluster with addresses.
//
// # Part played
//
// CoreDNS with its kubernetes plugin, behind the Service kube-system/kube-dns.
//
// # How it works
//
// A pod of namespace shop asks for "web". Its resolver reads /etc/resolv.conf, which the kubelet wrote: the first domain of
// the search list makes it web.shop.svc.cluster.local, and the question goes to 10.96.0.10, from where the proxy's rules
// bring it here. The server reads the name from its end: cluster.local is its zone, svc the kind, shop the namespace, web the
// Service. That Service has a cluster address, so the answer is that one address. A headless Service is answered with its
// ready endpoints' addresses, one that is an ExternalName with an alias (CNAME).
//
// Nothing is kept but two informers' copies of Services and EndpointSlices and one of Namespaces, with indexes by address
// for the way back (PTR). Every question is answered from them afresh, so an answer is as new as the watch.
//
// A lab has no internet. The rest of the world's names are answered as if the world were empty, at once: "there is no such name".
//
// # Left out
//
// Plugins and the Corefile, forwarding, caching, zone transfers, wildcards, metrics, and names of pods that are looked up
// (pods verified): 10-244-1-7.shop.pod.cluster.local is answered for any address, as kubeadm's set-up does.
//
// # In Kubernetes
//
// github.com/coredns/coredns, plugin/kubernetes (xfr.go, kubernetes.go, parse.go); the rules of names are
// github.com/kubernetes/dns, docs/specification.md, version 1.1.0.
package dns
