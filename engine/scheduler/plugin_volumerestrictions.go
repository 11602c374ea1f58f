package scheduler

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// volumeRestrictions gives a claim with the access mode ReadWriteOncePod to one pod at a time.
type volumeRestrictions struct{ *volumes }

var claimTaken = &refusal{
	plugin:  "VolumeRestrictions",
	reasons: []string{"node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"}, victims: true,
}

func (volumeRestrictions) Name() string { return "VolumeRestrictions" }

// Helps when a pod has gone that had one of the claims, or a claim has changed.
func (volumeRestrictions) Helps(p *podInfo, e event) bool {
	return e.what&storageChanged != 0 || e.what&podGone != 0 && e.oldPod.Namespace == p.Namespace &&
		slices.ContainsFunc(e.oldPod.claims, func(claim string) bool { return slices.Contains(p.claims, claim) })
}

// PreFilter implements preFilter.
func (r volumeRestrictions) PreFilter(p *podInfo, w *world) judge {
	j := &aloneJudge{namespace: p.Namespace}
	for _, name := range p.claims {
		claim, err := r.claims.PersistentVolumeClaims(p.Namespace).Get(name)
		if err == nil && slices.Contains(claim.Spec.AccessModes, corev1.ReadWriteOncePod) {
			j.claims = append(j.claims, name)
		}
	}
	if len(j.claims) == 0 {
		return nil
	}
	for _, n := range w.nodes {
		for _, other := range n.pods {
			j.Count(other, n, 1)
		}
	}
	return j
}

// aloneJudge counts the pods that have a claim that is for one pod alone. It does not matter on which node they are.
type aloneJudge struct {
	namespace string
	claims    []string
	users     int
}

// Count implements counter.
func (j *aloneJudge) Count(other *podInfo, _ *nodeInfo, sign int) {
	if other.Namespace != j.namespace {
		return
	}
	for _, claim := range other.claims {
		if slices.Contains(j.claims, claim) {
			j.users += sign
		}
	}
}

// Filter implements judge.
func (j *aloneJudge) Filter(*podInfo, *nodeInfo) *refusal {
	if j.users > 0 {
		return claimTaken
	}
	return nil
}
