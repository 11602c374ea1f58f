// Package disruption counts how many pods of each PodDisruptionBudget may be evicted now.
//
// # Part played
//
// The disruption controller of kube-controller-manager.
//
// # How it works
//
// The budget web says maxUnavailable: 1 and selects the pods of a Deployment of three. Reconcile lists the pods, asks their
// controllers how many there should be (three, also when one is missing at the moment), counts two that are ready, and writes
// disruptionsAllowed: 0, since 3 − 1 must stay. `kubectl drain` asks the API server to evict a pod; that looks at this number,
// takes one off and writes the pod's name into status.disruptedPods in the same write, so that two drains cannot both have the
// last one. Such a pod no longer counts as healthy, though it may still look so for a moment. If it has not gone after two
// minutes, somebody has changed his mind, and it counts again.
//
// A pod that was marked for eviction (condition DisruptionTarget) and is not deleted within two minutes loses the mark.
//
// # Left out
//
// Custom resources with a scale; the warning about pods with several budgets, which the API server gives at eviction.
//
// # In Kubernetes
//
// pkg/controller/disruption; KEP-85, KEP-3017.
package disruption
