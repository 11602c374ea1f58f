// Package nettrace follows one connection through the lab, rule by rule.
//
// # Part played
//
// None of Kubernetes': it is what one does with nslookup, ip route get, nft list ruleset and patience.
//
// # How it works
//
// `drydock net trace default/sh web:80` asks the name server as the pod's resolver would: web.default.svc.cluster.local is
// 10.96.1.1. Then it takes a packet of the mind, 10.244.2.2 to 10.96.1.1 port 80, and walks: the pod's cable ends at node-2.
// There it reads the kernel's own tables (nftables over netlink, nothing remembered, nothing of the proxy's), and runs the
// packet through the chains that hang on prerouting, in the order of their priorities. Each rule is a small program for a
// machine with registers; a rule that fits is noted as nft(8) would print it. One of them rewrites the destination to
// 10.244.1.5, port 8080. The node's routing table (RTM_GETROUTE) says which way that is: eth0, so on to node-1, after
// forward and postrouting; and so on until a pod's cable, a machine's own address, or a rule that drops.
//
// Where the kernel picks at random, so does the walk: a second one may end elsewhere.
//
// For teaching there is also what is not there: AsIptables and AsIPVS print what kube-proxy would have written in its other modes.
//
// # Left out
//
// IPv6, tables other than of family ip, the way back, and state: the packet is the first of its connection. An expression that
// this package does not know ends the rule as if it did not fit, and is named.
//
// # In Kubernetes
//
// Nothing; nft monitor trace (nf_tables_trace.c) is the kernel's own way, for packets that were really sent.
package nettrace
