// Package scheduler gives every pod that has no node a node.
//
// # Part played
//
// kube-scheduler, the profile "default-scheduler".
//
// # How it works
//
// The pod default/web appears without a node. The informer's handler puts it into the active queue, from which one
// goroutine takes pods: first those of higher priority, then the older ones. For each it runs a scheduling cycle:
//
//   - Filter: every plugin may refuse a node. node-1 is cordoned (NodeUnschedulable refuses), node-2 and node-3 fit.
//   - Score: the plugins give the nodes that are left 0 to 100 points, times their weight. node-2 is less used: 90 against 70.
//   - Assume: the pod counts as being on node-2 from now on, so that the next pod sees the room taken.
//
// Then a binding cycle, which the next pod does not wait for: POST …/pods/web/binding. Should that fail, the pod is taken
// back from node-2 and tried again.
//
// When no node is left after Filter the pod becomes unschedulable: an Event and the condition PodScheduled=False say why,
// as a count of reasons. It stays aside until something happens that could change the mind of a plugin that refused: each
// plugin says in Events which changes these are. Freeing memory does not wake a pod that waits for a label.
//
// # Left out
//
// Preemption (what it would say is said: see diagnosis.go), inter-pod affinity, topology spread, volumes, image
// locality, dynamic resources, nominated nodes, extenders and further profiles. Nodes are looked at one after the other.
//
// # In Kubernetes
//
// pkg/scheduler: schedule_one.go (the cycles), backend/queue, backend/cache, framework/plugins (one directory each).
package scheduler
