// Package decision records what every part of the cluster decided, and why.
//
// # Part played
//
// None of Kubernetes' components: this is the flight recorder beside them. Events (corev1.Event) tell a user what
// happened to an object; a decision record tells which part did it, from what it saw, and what caused it to look.
//
// # How it works
//
// The scheduler binds default/web to node-2. It writes one Record: actor "scheduler", object pods/default/web, action
// "Bind", before "", after "node-2", reason "HighestScore", and the verdict of each node in Details. Records land in a
// Ring, which numbers them. Whoever asks for default/web reads the ring from its start and then follows it.
//
// # Left out
//
// Nothing is kept on disk: the ring holds the newest records and forgets the rest. A record is not an audit log; the API
// server writes one for each change it accepts, but the ring is bounded and the learner's shell can outrun it.
//
// # In Kubernetes
//
// The nearest relations are audit events (k8s.io/apiserver/pkg/audit), Events (KEP-383) and tracing (KEP-647).
package decision
