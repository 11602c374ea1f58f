// Package quota says what an object counts for in a ResourceQuota.
//
// # Part played
//
// The evaluators that two parts of a cluster share: admission in kube-apiserver, which refuses what is too much, and the
// resourcequota controller, which counts afresh what is there.
//
// # How it works
//
// A quota's spec.hard names what is limited: "pods: 4", "requests.cpu: 1", "count/deployments.apps: 2". Usage lists what one
// object uses of all there is to limit; Matches says whether a quota is about the object at all, by the names it limits and by its
// scopes ("only pods of priority class high"); Limited picks out of a quota's names those that a kind can use up. The controller
// adds up Usage over the objects that match, and admission adds the Usage of one more.
//
// # Left out
//
// Resource claims (DRA) and the scope VolumeAttributesClass.
//
// # In Kubernetes
//
// k8s.io/kubernetes/pkg/quota/v1/evaluator/core (pods.go, services.go, persistent_volume_claims.go) and
// k8s.io/apiserver/pkg/quota/v1/generic (evaluator.go).
package quota
