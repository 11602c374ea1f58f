// Package serviceaccount gives every namespace the two objects that pods in it rely on.
//
// # Part played
//
// Two controllers of kube-controller-manager: the one for service accounts, and the publisher of the root certificate.
//
// # How it works
//
// A namespace appears. Reconcile creates the ServiceAccount "default" in it, as which pods act unless they say otherwise,
// and the ConfigMap kube-root-ca.crt, with which they know the API server. Somebody deletes one or changes the
// certificate: the change wakes Reconcile, which puts it back. In a namespace that is being deleted it does nothing.
//
// # Left out
//
// Tokens in Secrets: tokens come from the TokenRequest API.
//
// # In Kubernetes
//
// pkg/controller/serviceaccount/serviceaccounts_controller.go, pkg/controller/certificates/rootcacertpublisher.
package serviceaccount
