package scheduler

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// volumeZone keeps a pod in the zone of its volumes, where these say it by labels of their own, as cloud providers' once did.
type volumeZone struct{ *volumes }

var otherZone = &refusal{plugin: "VolumeZone", reasons: []string{"node(s) had no available volume zone"}}

// zoneLabels may hold several zones in one value, with two underscores in between.
var zoneLabels = []string{
	corev1.LabelTopologyZone, corev1.LabelTopologyRegion, corev1.LabelFailureDomainBetaZone, corev1.LabelFailureDomainBetaRegion,
}

func (volumeZone) Name() string { return "VolumeZone" }

// Helps when a node's labels have changed, or a volume.
func (volumeZone) Helps(_ *podInfo, e event) bool {
	return e.what&(nodeAdded|nodeLabels|storageChanged) != 0
}

// PreFilter implements preFilter.
func (z volumeZone) PreFilter(p *podInfo, _ *world) judge {
	if len(p.claims) == 0 {
		return nil
	}
	w, err := z.of(p)
	if err != nil {
		return nil // VolumeBinding says so
	}
	wanted := zoneJudge{}
	for _, volume := range w.bound {
		for _, label := range zoneLabels {
			if value, has := volume.Labels[label]; has {
				wanted = append(wanted, zoneWish{label, strings.Split(value, "__")})
			}
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	return wanted
}

// zoneJudge are the labels that a node must have, each with one of the values.
type zoneJudge []zoneWish

type zoneWish struct {
	label  string
	values []string
}

// Filter implements judge. A node without any zone is in all.
func (j zoneJudge) Filter(_ *podInfo, n *nodeInfo) *refusal {
	zoned := slices.ContainsFunc(zoneLabels, func(label string) bool { _, has := n.node.Labels[label]; return has })
	if !zoned {
		return nil
	}
	for _, wish := range j {
		if !slices.Contains(wish.values, n.node.Labels[wish.label]) {
			return otherZone
		}
	}
	return nil
}
