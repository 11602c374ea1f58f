package scheduler

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	volumehelpers "k8s.io/component-helpers/storage/volume"
)

// volumes is what the plugins know of claims and volumes, with the scheduler's own decisions already in it.
type volumes struct {
	// set once in newVolumes
	claims  corelisters.PersistentVolumeClaimLister
	volumes corelisters.PersistentVolumeLister
	classes storagelisters.StorageClassLister

	mu sync.Mutex
	// guarded by mu
	given   map[string]types.UID // the claim that a volume was given to in a binding on its way, by the volume's name
	placed  map[types.UID]spot   // where claims of bindings on their way will be
	changed chan struct{}        // closed and replaced when a claim, or a volume, has changed
}

// spot is the node on which the volume of a claim will be, and how many pods rely on that.
type spot struct {
	node string
	pods int
}

func newVolumes(f informers.SharedInformerFactory) *volumes {
	core := f.Core().V1()
	return &volumes{
		claims: core.PersistentVolumeClaims().Lister(), volumes: core.PersistentVolumes().Lister(),
		classes: f.Storage().V1().StorageClasses().Lister(),
		given:   map[string]types.UID{}, placed: map[types.UID]spot{}, changed: make(chan struct{}),
	}
}

// wake lets everybody who waits for claims look again.
func (v *volumes) wake() {
	v.mu.Lock()
	defer v.mu.Unlock()
	close(v.changed)
	v.changed = make(chan struct{})
}

func (v *volumes) news() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.changed
}

// claimsOf are the names of the claims of a pod. That of a generic ephemeral volume bears the pod's name.
func claimsOf(pod *corev1.Pod) []string {
	var names []string
	for i := range pod.Spec.Volumes {
		switch v := &pod.Spec.Volumes[i]; {
		case v.PersistentVolumeClaim != nil:
			names = append(names, v.PersistentVolumeClaim.ClaimName)
		case v.Ephemeral != nil:
			names = append(names, pod.Name+"-"+v.Name)
		}
	}
	return names
}

// wishes are the claims of a pod: those that have their volume, and those that get one with the pod's node.
type wishes struct {
	bound   []*corev1.PersistentVolume
	lost    bool // a claim has a volume that is not there
	unbound []*corev1.PersistentVolumeClaim
}

var errImmediate = errors.New("pod has unbound immediate PersistentVolumeClaims")

// of sorts the claims of a pod. The error says why no node will do.
func (v *volumes) of(p *podInfo) (wishes, error) {
	var w wishes
	immediate := false
	for _, name := range p.claims {
		claim, err := v.claims.PersistentVolumeClaims(p.Namespace).Get(name)
		if apierrors.IsNotFound(err) {
			return w, v.missing(p, name)
		}
		if err != nil {
			return w, err
		}
		if err := usable(p, claim); err != nil {
			return w, err
		}
		waits, err := volumehelpers.IsDelayBindingMode(claim, v.classes)
		if err != nil {
			return w, err
		}
		_, complete := claim.Annotations[volumehelpers.AnnBindCompleted]
		switch {
		case complete && claim.Spec.VolumeName != "":
			volume, err := v.volumes.Get(claim.Spec.VolumeName)
			if err != nil {
				w.lost = true
				continue
			}
			w.bound = append(w.bound, volume)
		case waits && claim.Spec.VolumeName == "":
			w.unbound = append(w.unbound, claim)
		default:
			immediate = true
		}
	}
	if immediate {
		return w, errImmediate
	}
	// The smallest first, so that a large volume is not given away for a small wish.
	slices.SortStableFunc(w.unbound, func(a, b *corev1.PersistentVolumeClaim) int {
		x, y := a.Spec.Resources.Requests[corev1.ResourceStorage], b.Spec.Resources.Requests[corev1.ResourceStorage]
		return x.Cmp(y)
	})
	return w, nil
}

func (v *volumes) missing(p *podInfo, name string) error {
	for i := range p.Spec.Volumes {
		if volume := &p.Spec.Volumes[i]; volume.Ephemeral != nil && p.Name+"-"+volume.Name == name {
			return fmt.Errorf("waiting for ephemeral volume controller to create the persistentvolumeclaim %q", name)
		}
	}
	return fmt.Errorf("persistentvolumeclaim %q not found", name)
}

// usable says what keeps a pod from using a claim that is there.
func usable(p *podInfo, claim *corev1.PersistentVolumeClaim) error {
	switch {
	case claim.Status.Phase == corev1.ClaimLost:
		return fmt.Errorf("persistentvolumeclaim %q bound to non-existent persistentvolume %q", claim.Name, claim.Spec.VolumeName)
	case claim.DeletionTimestamp != nil:
		return fmt.Errorf("persistentvolumeclaim %q is being deleted", claim.Name)
	}
	for i := range p.Spec.Volumes {
		if volume := &p.Spec.Volumes[i]; volume.Ephemeral != nil && p.Name+"-"+volume.Name == claim.Name && !metav1.IsControlledBy(claim, p.Pod) {
			return fmt.Errorf("PVC %s/%s was not created for pod %s/%s (pod is not owner)", claim.Namespace, claim.Name, p.Namespace, p.Name)
		}
	}
	return nil
}

// match is how the claims of a pod get their volumes on one node.
type match struct {
	node   string
	static []pair                          // volumes that are there
	made   []*corev1.PersistentVolumeClaim // volumes to be made
	shared []*corev1.PersistentVolumeClaim // another pod's binding sees to them
}

type pair struct {
	claim  *corev1.PersistentVolumeClaim
	volume *corev1.PersistentVolume
}

// matchOn finds volumes for claims on a node, or that they can be made there; ok is false if neither.
func (v *volumes) matchOn(node *corev1.Node, claims []*corev1.PersistentVolumeClaim) (m match, ok bool, err error) {
	m.node = node.Name
	v.mu.Lock()
	defer v.mu.Unlock()
	free, taken, err := v.freeLocked()
	if err != nil {
		return m, false, err
	}
	for _, claim := range claims {
		if at, ours := v.placed[claim.UID]; ours {
			if at.node != node.Name {
				return m, false, nil
			}
			m.shared = append(m.shared, claim)
			continue
		}
		chosen := claim.Annotations[volumehelpers.AnnSelectedNode]
		if chosen != "" && chosen != node.Name {
			return m, false, nil
		}
		if chosen == "" {
			volume, err := volumehelpers.FindMatchingVolume(claim, free, node, taken, true, true)
			if err != nil {
				return m, false, err
			}
			if volume != nil {
				taken[volume.Name] = volume
				m.static = append(m.static, pair{claim, volume})
				continue
			}
		}
		if !v.canMake(claim, node) {
			return m, false, nil
		}
		m.made = append(m.made, claim)
	}
	return m, true, nil
}

// freeLocked are all volumes, and those among them that bindings on their way have taken.
func (v *volumes) freeLocked() (all []*corev1.PersistentVolume, taken map[string]*corev1.PersistentVolume, err error) {
	if all, err = v.volumes.List(labels.Everything()); err != nil {
		return nil, nil, err
	}
	slices.SortFunc(all, func(a, b *corev1.PersistentVolume) int { return strings.Compare(a.Name, b.Name) })
	taken = map[string]*corev1.PersistentVolume{}
	for _, volume := range all {
		if _, given := v.given[volume.Name]; given {
			taken[volume.Name] = volume
		}
	}
	return all, taken, nil
}

// canMake says whether the class of a claim has a provisioner that may make volumes for a node.
func (v *volumes) canMake(claim *corev1.PersistentVolumeClaim, node *corev1.Node) bool {
	class, err := v.classes.Get(volumehelpers.GetPersistentVolumeClaimClass(claim))
	if err != nil || class.Provisioner == "" || class.Provisioner == volumehelpers.NotSupportedProvisioner {
		return false
	}
	return topologyAllows(class, node)
}

func topologyAllows(class *storagev1.StorageClass, node *corev1.Node) bool {
	return len(class.AllowedTopologies) == 0 || slices.ContainsFunc(class.AllowedTopologies, func(term corev1.TopologySelectorTerm) bool {
		return !slices.ContainsFunc(term.MatchLabelExpressions, func(e corev1.TopologySelectorLabelRequirement) bool {
			value, has := node.Labels[e.Key]
			return !has || !slices.Contains(e.Values, value)
		})
	})
}

// take notes what a binding that begins now will do. Call release when it has ended, well or not.
func (v *volumes) take(m match) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, p := range m.static {
		v.given[p.volume.Name] = p.claim.UID
	}
	for _, claim := range m.all() {
		v.placed[claim.UID] = spot{m.node, v.placed[claim.UID].pods + 1}
	}
}

func (v *volumes) release(m match) {
	defer v.wake() // others may have relied on it
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, p := range m.static {
		delete(v.given, p.volume.Name)
	}
	for _, claim := range m.all() {
		if at := v.placed[claim.UID]; at.pods > 1 {
			v.placed[claim.UID] = spot{at.node, at.pods - 1}
		} else {
			delete(v.placed, claim.UID)
		}
	}
}

// abandoned says whether the pod that saw to a claim of ours has given up.
func (r *reservation) abandoned(claim *corev1.PersistentVolumeClaim) bool {
	if !slices.ContainsFunc(r.match.shared, func(c *corev1.PersistentVolumeClaim) bool { return c.UID == claim.UID }) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.placed[claim.UID].pods == 1
}

func (m match) all() []*corev1.PersistentVolumeClaim {
	all := slices.Concat(m.made, m.shared)
	for _, p := range m.static {
		all = append(all, p.claim)
	}
	return all
}
