// Package controllertest is a small API server in memory for the tests of controllers and the scheduler.
//
// # Part played
//
// The API server, behind client-go's fake clientset: typed objects go in and come out, nothing is encoded.
//
// # How it works
//
// New makes a Cluster; its Client is a fake clientset whose objects live in a tracker that keeps the promises controllers
// rest on: generated names, UIDs, one rising resourceVersion with conflicts, generation, the status subresource,
// finalizers and graceful deletion of pods, watches that start at a resourceVersion. Kubelet plays the nodes: it runs
// pods and ends them. Within testing/synctest the time is not real, so Settle waits until nobody has anything to do.
// Lossy makes watches repeat events and break off, so that clients must list again.
//
// # Left out
//
// Defaulting, validation, admission, selectors other than label selectors of List.
//
// # In Kubernetes
//
// k8s.io/client-go/testing; the integration tests use the real kube-apiserver (test/integration/framework).
package controllertest
