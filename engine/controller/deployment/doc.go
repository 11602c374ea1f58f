// Package deployment rolls Deployments out: from one pod template to the next, through ReplicaSets.
//
// # Part played
//
// The Deployment controller of kube-controller-manager.
//
// # How it works
//
// The Deployment web wants three pods of the template with image web:1. Reconcile finds no ReplicaSet with that template
// among those it owns and creates one, web-5d4f…, named by a hash of the template; the ReplicaSet controller makes the pods.
// Then somebody sets the image to web:2. Now no ReplicaSet has the template, a second one is created, and the first one is
// old. From here every call of Reconcile takes one small step within two fences: never more than replicas + maxSurge pods,
// never fewer than replicas − maxUnavailable available ones. It grows the new set, or, if that is not allowed, shrinks the
// old ones; what it did comes back as a change of a ReplicaSet's status and wakes it for the next step. Nothing about "how
// far the rollout is" is stored anywhere: it is read from the sizes of the sets each time.
//
// Old sets stay at size zero: `kubectl rollout undo` copies the template of one of them back. The status conditions
// Progressing and Available tell `kubectl rollout status` how it goes.
//
// # Left out
//
// The rollback of extensions/v1beta1 (the annotation deprecated.deployment.rollback.to); the alpha podReplacementPolicy.
//
// # In Kubernetes
//
// pkg/controller/deployment: sync.go, rolling.go, recreate.go, progress.go and util/deployment_util.go.
package deployment
