// Package scheduler gives every pod that has no node a node.
//
// # Part played
//
// kube-scheduler: the profile "default-scheduler", or those that a KubeSchedulerConfiguration names (package configuration).
//
// # How it works
//
// The pod default/web appears without a node. The informer's handler puts it into the active queue, from which one
// goroutine takes pods: first those of higher priority, then the older ones. For each it runs a scheduling cycle:
//
//   - PreEnqueue: a pod with scheduling gates goes no further until they are taken away.
//   - PreFilter: plugins for which one node's answer depends on the others look at the cluster once.
//   - Filter: every plugin may refuse a node. node-1 is cordoned (NodeUnschedulable refuses), node-2 and node-3 fit.
//   - Score: the plugins give the nodes that are left 0 to 100 points, times their weight. node-2 is less used: 90 against 70.
//   - Assume: the pod counts as being on node-2 from now on, so that the next pod sees the room taken.
//
// Then a binding cycle, which the next pod does not wait for. Claims that wait for their first pod are bound to volumes, or have
// volumes made, where the pod will be (reserve.go); when they are there: POST …/pods/web/binding. Should that fail, the pod is taken
// back from node-2 and tried again.
//
// When no node is left after Filter, preemption (preemption.go) looks for the node where the least is lost if pods of lower
// priority go. If there is one, these pods are deleted, and the room they leave is kept for the pod: it is nominated.
//
// The pod becomes unschedulable: an Event and the condition PodScheduled=False say why, as a count of reasons. It stays
// aside until something happens that could change the mind of a plugin that refused: each plugin is asked in Helps.
// Freeing memory does not wake a pod that waits for a label.
//
// To add a plugin: write plugin_<name>.go with a type that is a filter, a score or both, name it in profile.go, and
// describe in a test where pods go because of it.
//
// # Left out
//
// The limits of volumes per node (NodeVolumeLimits) and what storage has left (CSIStorageCapacity), dynamic resources, pod groups, extenders. Nodes are looked at
// one after the other, and a preemption is carried out before the next pod's turn.
//
// # In Kubernetes
//
// pkg/scheduler: schedule_one.go (the cycles), backend/queue, backend/cache, framework/plugins (one directory each).
package scheduler
