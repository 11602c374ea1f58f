// Package guard hears when somebody changes a table of the kernel's rules.
//
// # Part played
//
// The alarm of kube-proxy and of the network policies: their rules are theirs alone, and what anybody else does to them is undone.
//
// # How it works
//
// The kernel tells everybody who listens of each transaction of nftables and of who made it (NFNLGRP_NFTABLES). New opens a
// socket that hears all of it but what its owner does himself. When somebody types `nft delete table ip kube-proxy`, a message
// comes that names the table, and Touched says so; the owner then writes its table anew.
//
// # Left out
//
// What exactly was changed: the whole table is written anew.
//
// # In Kubernetes
//
// kube-proxy does not listen: in nftables mode it looks after its table at every full sync, at least once an hour
// (pkg/proxy/nftables/proxier.go, syncPeriod).
package guard
