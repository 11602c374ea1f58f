// Package apiserver is the only door to the store: an http.Handler that speaks the Kubernetes API.
//
// # Part played
//
// kube-apiserver. Every other part of the cluster, and every person with a kubectl, meets the others only here.
//
// # How it works
//
// `kubectl apply` of a Pod arrives as POST /api/v1/namespaces/default/pods. The request walks through a short chain, and
// each step has a file of its own:
//
//	server.go        the path becomes a RequestInfo: verb "create", resource "pods", namespace "default"
//	authenticate.go  the client certificate or the token becomes a user; no user, no entry (401)
//	authorize.go     may this user do this? (403)
//	negotiate.go     which bytes does the client read: JSON, YAML, protobuf, a Table
//	decode.go        bytes become an object; unknown fields are refused, warned of, or ignored
//	admit.go         the cluster's own wishes: the namespace must live, a pod gets a service account, limits, a priority
//	create.go        the kind's strategy (engine/api) clears what a client may not set and validates the rest
//	admit.go         and once more, on what will be stored: is it within limits, is there quota left?
//	registry.go      the object becomes bytes under /registry/pods/default/web, written only if nobody else was faster
//	respond.go       the stored object goes back in the form that was asked for
//
// A write is answered only after the store has it. The store numbers every write of the whole cluster with one revision;
// that number is the object's resourceVersion. Readers list at a revision and watch from the next one (list.go, watch.go),
// so they miss nothing. An update must name the version it read, or it is a conflict (update.go); patches and applies read,
// change and try again (patch.go, apply.go). A delete is a wish first: graceful deletion and finalizers let the kubelet and
// the controllers finish before the object goes (delete.go).
//
// Decoded objects and their encodings are kept per (key, revision) (cache.go), so that a list of a thousand objects is mostly
// copying, and a thousand watchers of one kind share one encoding.
//
// exec, attach, port-forward and logs are carried to the node's kubelet (streams.go, logs.go).
//
// Every accepted write leaves one decision record (record.go), but for heartbeats and Events. The server starts no goroutine of
// its own: each request is served by the goroutine that net/http gave it, and ends when the request's context ends.
//
// # Left out
//
// RBAC: any authenticated user may do everything, except service accounts, which may only look at discovery and at
// themselves, and nodes, which may read what a kubelet needs of any pod, and write about themselves and their own pods. Webhooks,
// admission policies, custom resources, aggregation, audit, encryption at rest, API priority and fairness, CBOR, watches over
// WebSocket, anonymous users, pod security standards, dual-stack and health check ports of Services.
//
// # In Kubernetes
//
// k8s.io/apiserver: pkg/endpoints/handlers (one file per verb), pkg/registry/generic/registry/store.go (what a write does),
// pkg/storage/cacher (the watch cache); k8s.io/kubernetes: pkg/registry (one package per kind), plugin/pkg/admission.
package apiserver
