package persistentvolume

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	volumehelpers "k8s.io/component-helpers/storage/volume"
)

// bestVolume finds the volume for a claim: one that names the claim, else the smallest that will do. Volumes that offer just the access
// modes that are asked for come before those that offer more. With waits, only one that names the claim: the scheduler picks the others.
func (c *Controller) bestVolume(claim *corev1.PersistentVolumeClaim, waits bool) (*corev1.PersistentVolume, error) {
	volumes, err := c.allVolumes()
	if err != nil {
		return nil, err
	}
	for _, alike := range byModes(volumes, claim.Spec.AccessModes) {
		best, err := volumehelpers.FindMatchingVolume(claim, alike, nil, nil, waits, true)
		if best != nil || err != nil {
			return best, err
		}
	}
	return nil, nil
}

// byModes groups the volumes that offer at least the wanted modes by what they offer, least first.
func byModes(volumes []*corev1.PersistentVolume, wanted []corev1.PersistentVolumeAccessMode) [][]*corev1.PersistentVolume {
	groups := map[string][]*corev1.PersistentVolume{}
	for _, volume := range volumes {
		modes := volume.Spec.AccessModes
		if slices.ContainsFunc(wanted, func(m corev1.PersistentVolumeAccessMode) bool { return !slices.Contains(modes, m) }) {
			continue
		}
		var words []string
		for _, mode := range modes {
			words = append(words, string(mode))
		}
		slices.Sort(words)
		text := strings.Join(slices.Compact(words), ",")
		groups[text] = append(groups[text], volume)
	}
	var sorted [][]*corev1.PersistentVolume
	for _, group := range groups {
		slices.SortFunc(group, func(a, b *corev1.PersistentVolume) int { return strings.Compare(a.Name, b.Name) })
		sorted = append(sorted, group)
	}
	slices.SortFunc(sorted, func(a, b []*corev1.PersistentVolume) int {
		if few := len(a[0].Spec.AccessModes) - len(b[0].Spec.AccessModes); few != 0 {
			return few
		}
		return strings.Compare(a[0].Name, b[0].Name)
	})
	return sorted
}
