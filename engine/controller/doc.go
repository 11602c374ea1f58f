// Package controller is the loop that every controller runs, and the few tools that several of them share.
//
// # Part played
//
// The frame of kube-controller-manager. The controllers themselves are the packages below this one.
//
// # How it works
//
// Somebody deletes the pod web-abc. The API server's watch tells the informer (client-go: a local copy of all pods that
// follows the watch), the informer calls the handler of the ReplicaSet controller, and the handler does one thing only: it
// puts the key of the pod's owner, default/web, into a queue. A worker of the Loop takes the key and calls Reconcile. That
// reads the world afresh from the local copies, counts two pods where three are wanted, and creates one. It does not know
// that it was a deletion that woke it, and need not: this is what level-triggered means. If the event had come twice, or
// had been lost and found again by a later listing, the same would have happened.
//
// Reconcile gives one of three answers. nil: done, or the object is gone. Terminal(err): nothing will help until a person
// edits the object, so the key is dropped. Any other error: the key comes back after a pause that doubles each time.
//
// The local copy lags behind the controller's own writes. A controller that creates pods and looks again at once would not
// see them and create them again; Expectations make it wait until its own writes have come back through the watch.
//
// # Left out
//
// Leader election (there is one control plane), metrics, and the periodic resync of informers: what a watch loses, its
// next listing finds.
//
// # In Kubernetes
//
// pkg/controller/controller_utils.go, controller_ref_manager.go; cmd/kube-controller-manager; k8s.io/sample-controller is
// the same loop in one file.
package controller
