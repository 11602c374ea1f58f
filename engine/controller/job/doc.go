// Package job runs pods to their end, as many times as each Job asks for.
//
// # Part played
//
// The Job controller of kube-controller-manager.
//
// # How it works
//
// sums wants three completions, two at a time. Reconcile finds no pod of sums and creates two; when one has succeeded it
// creates the third. The difficulty is counting. A pod that has ended may be deleted by anybody at any moment, and a pod
// that is gone cannot be counted; and a controller that is killed between counting a pod and saying so must not count it
// twice. So every pod carries the finalizer batch.kubernetes.io/job-tracking, which keeps a deleted pod readable, and
// counting takes three steps (track.go):
//
//  1. the UIDs of pods that have ended go into status.uncountedTerminatedPods,
//  2. the finalizers are taken off those pods,
//  3. UIDs whose pods have no finalizer any more move from that list into the numbers succeeded and failed.
//
// Whatever is interrupted, the next round reads from status and pods how far it had come. An Indexed Job needs no UIDs for
// its successes: the completion index is enough to count each once.
//
// The end takes two steps as well: first the condition FailureTarget or SuccessCriteriaMet says how the Job will end and the
// pods still active are deleted, and when the last one has ended, Failed or Complete says that it has.
//
// Reading order: controller.go, round.go, verdict.go, manage.go, track.go; the other files are what those look up.
//
// # Left out
//
// Groups of pods that are scheduled together (the alpha WorkloadWithJob). Kubernetes waits a second to join what happens to
// pods into one round; we do not wait.
//
// # In Kubernetes
//
// pkg/controller/job; KEP-2307 (tracking), KEP-2214 (Indexed), KEP-3329 (failure policy), KEP-3850 (back-off per index),
// KEP-3998 (success policy).
package job
