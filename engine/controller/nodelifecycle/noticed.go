package nodelifecycle

import (
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// noticed remembers when taints were first seen that do not say themselves when they came: those of `kubectl taint`.
type noticed struct {
	mu    sync.Mutex
	since map[string]map[corev1.Taint]time.Time // guarded by mu; by node
}

// note takes in the taints a node has now, and forgets those that have gone.
func (n *noticed) note(node *corev1.Node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := map[corev1.Taint]time.Time{}
	for _, taint := range node.Spec.Taints {
		if taint.Effect != corev1.TaintEffectNoExecute || taint.TimeAdded != nil {
			continue
		}
		first, known := n.since[node.Name][taint]
		if !known {
			first = time.Now()
		}
		now[taint] = first
	}
	if n.since == nil {
		n.since = map[string]map[corev1.Taint]time.Time{}
	}
	n.since[node.Name] = now
}

func (n *noticed) forget(node string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.since, node)
}

// began is when a taint of a node came, as far as we know.
func (n *noticed) began(node string, taint *corev1.Taint) time.Time {
	if taint.TimeAdded != nil {
		return taint.TimeAdded.Time
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if first, known := n.since[node][*taint]; known {
		return first
	}
	return time.Now() // its node's handler will note it in a moment, and wake the pods
}
