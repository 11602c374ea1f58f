package scheduler

import (
	corev1 "k8s.io/api/core/v1"
	volumehelpers "k8s.io/component-helpers/storage/volume"
)

// volumeBinding sends a pod to where its volumes are, or can be: the volume of a bound claim may be within reach of some nodes only, and
// a claim that waits for its first pod must find, or get, a volume on the pod's node.
type volumeBinding struct{ *volumes }

var (
	outOfReach = &refusal{plugin: "VolumeBinding", reasons: []string{"node(s) had volume node affinity conflict"}}
	noVolume   = &refusal{plugin: "VolumeBinding", reasons: []string{"node(s) didn't find available persistent volumes to bind"}}
	lostVolume = &refusal{plugin: "VolumeBinding", reasons: []string{"node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"}}
)

func (volumeBinding) Name() string { return "VolumeBinding" }

// Helps when something about claims, volumes or classes has changed, or a node's labels.
func (volumeBinding) Helps(_ *podInfo, e event) bool {
	return e.what&(nodeAdded|nodeLabels|storageChanged) != 0
}

// PreFilter implements preFilter.
func (b volumeBinding) PreFilter(p *podInfo, _ *world) judge {
	if len(p.claims) == 0 {
		return nil
	}
	w, err := b.of(p)
	return &volumeJudge{volumes: b.volumes, wishes: w, err: err}
}

// volumeJudge is asked about the nodes for one pod.
type volumeJudge struct {
	*volumes
	wishes wishes
	err    error // no node will do
}

// Everywhere implements refuser.
func (j *volumeJudge) Everywhere() *refusal {
	if j.err == nil {
		return nil
	}
	return &refusal{plugin: "VolumeBinding", reasons: []string{j.err.Error()}}
}

// Filter implements judge.
func (j *volumeJudge) Filter(_ *podInfo, n *nodeInfo) *refusal {
	switch {
	case j.wishes.lost:
		return lostVolume
	case !reachable(j.wishes.bound, n.node):
		return outOfReach
	case len(j.wishes.unbound) == 0:
		return nil
	}
	if _, ok, err := j.matchOn(n.node, j.wishes.unbound); !ok || err != nil {
		return noVolume
	}
	return nil
}

func reachable(volumes []*corev1.PersistentVolume, node *corev1.Node) bool {
	for _, volume := range volumes {
		if volumehelpers.CheckNodeAffinity(volume, node.Labels) != nil {
			return false
		}
	}
	return true
}

// Reserve implements reserver.
func (j *volumeJudge) Reserve(p *podInfo, n *nodeInfo) *reservation {
	if len(j.wishes.unbound) == 0 {
		return nil
	}
	m, ok, err := j.matchOn(n.node, j.wishes.unbound)
	if !ok || err != nil {
		return nil // nothing has changed since Filter, which found a match
	}
	j.take(m)
	return &reservation{volumes: j.volumes, match: m, pod: p}
}
