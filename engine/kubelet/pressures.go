package kubelet

import (
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// pressures remembers what the node is short of. A shortage counts for a while after it has passed, so that a node that was just
// relieved is not filled up again at once.
type pressures struct {
	mu sync.Mutex
	// guarded by mu
	known map[corev1.NodeConditionType]*pressure
}

type pressure struct {
	signal
	on       bool
	lastSeen time.Time
}

func newPressures() *pressures { return &pressures{known: map[corev1.NodeConditionType]*pressure{}} }

// note takes in what a gauge shows and reports whether the condition changed.
func (p *pressures) note(sig signal, met bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	one := p.known[sig.condition]
	if one == nil {
		one = &pressure{}
		p.known[sig.condition] = one
	}
	one.signal = sig
	if met {
		one.lastSeen = now
	}
	was := one.on
	one.on = met || was && now.Sub(one.lastSeen) < pressureTransition
	return was != one.on
}

// condition is what the Node shows; the zero value when nothing is known yet.
func (p *pressures) condition(kind corev1.NodeConditionType) corev1.NodeCondition {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.known[kind]
	if one == nil || !one.on {
		return corev1.NodeCondition{}
	}
	return corev1.NodeCondition{
		Type: kind, Status: corev1.ConditionTrue, Reason: "KubeletHas" + one.low, Message: "kubelet has " + one.lowWords,
	}
}

// refuse is why a new pod is not taken while the node is short of something. Memory is kept from pods that promise nothing about
// how much they need; a full disk, or no process numbers left, keeps out everybody but the critical.
func (p *pressures) refuse(pod *corev1.Pod) (reason, message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var on []corev1.NodeConditionType
	for kind, one := range p.known {
		if one.on {
			on = append(on, kind)
		}
	}
	if len(on) == 0 || isCritical(pod) {
		return "", ""
	}
	slices.Sort(on)
	tolerant := slices.ContainsFunc(pod.Spec.Tolerations, func(t corev1.Toleration) bool {
		return t.Operator == corev1.TolerationOpExists && (t.Key == "" || t.Key == corev1.TaintNodeMemoryPressure)
	})
	if len(on) == 1 && on[0] == corev1.NodeMemoryPressure && (pod.Status.QOSClass != corev1.PodQOSBestEffort || tolerant) {
		return "", ""
	}
	return "Evicted", fmt.Sprintf("The node had condition: %v. ", on)
}
