package provisioner

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"drydock/engine/storage"
)

// errAway: the driver that should do it cannot be reached.
var errAway = errors.New("the node's driver does not answer")

// pickNode chooses where a volume is made when the scheduler has not: nodes that the class allows take turns by the claim's name.
func (c *Controller) pickNode(o order) (string, error) {
	all, err := c.nodes.List(labels.Everything())
	if err != nil {
		return "", err
	}
	var fit []string
	for _, node := range all {
		if !ready(node) || !allowed(o.class.AllowedTopologies, node) {
			continue
		}
		if _, err := c.drivers.opts.Socket(node.Name); err == nil {
			fit = append(fit, node.Name)
		}
	}
	if len(fit) == 0 {
		return "", fmt.Errorf("%w: no node that class %s allows is ready", errAway, o.class.Name)
	}
	slices.Sort(fit)
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(o.claim.Namespace + "/" + o.claim.Name)) // cannot fail
	return fit[int(hash.Sum32()%uint32(len(fit)))], nil
}

// anyNode is a node whose driver answers, for volumes that all see.
func (c *Controller) anyNode() (string, error) {
	all, err := c.nodes.List(labels.Everything())
	if err != nil {
		return "", err
	}
	slices.SortFunc(all, func(a, b *corev1.Node) int { return strings.Compare(a.Name, b.Name) })
	for _, node := range all {
		if _, err := c.drivers.opts.Socket(node.Name); err == nil && ready(node) {
			return node.Name, nil
		}
	}
	return "", fmt.Errorf("%w: no node is ready", errAway)
}

// allowed says whether a node has the labels that a class asks for; no terms ask for nothing.
func allowed(terms []corev1.TopologySelectorTerm, node *corev1.Node) bool {
	return len(terms) == 0 || slices.ContainsFunc(terms, func(term corev1.TopologySelectorTerm) bool {
		return !slices.ContainsFunc(term.MatchLabelExpressions, func(e corev1.TopologySelectorLabelRequirement) bool {
			return !slices.Contains(e.Values, node.Labels[e.Key])
		})
	})
}

// reachableFrom says in a volume's words from which nodes it can be used; nil is from all.
func reachableFrom(topology []*csi.Topology) *corev1.VolumeNodeAffinity {
	var terms []corev1.NodeSelectorTerm
	for _, t := range topology {
		var term corev1.NodeSelectorTerm
		for _, label := range slices.Sorted(maps.Keys(t.GetSegments())) {
			term.MatchExpressions = append(term.MatchExpressions, corev1.NodeSelectorRequirement{
				Key: label, Operator: corev1.NodeSelectorOpIn, Values: []string{t.GetSegments()[label]},
			})
		}
		terms = append(terms, term)
	}
	if len(terms) == 0 {
		return nil
	}
	return &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: terms}}
}

// homeOf is the node that a volume is on; "" when every node sees it.
func homeOf(volume *corev1.PersistentVolume) string {
	if volume.Spec.NodeAffinity == nil || volume.Spec.NodeAffinity.Required == nil {
		return ""
	}
	for _, term := range volume.Spec.NodeAffinity.Required.NodeSelectorTerms {
		for _, e := range term.MatchExpressions {
			if e.Key == storage.TopologyKey && len(e.Values) > 0 {
				return e.Values[0]
			}
		}
	}
	return ""
}

// source is the volume that a new one begins as a copy of, and the node it is on; nil when it begins empty.
func (c *Controller) source(o order) (*csi.VolumeContentSource, string, error) {
	from := o.claim.Spec.DataSourceRef
	if from == nil {
		return nil, "", nil
	}
	if from.Kind != "PersistentVolumeClaim" || from.APIGroup != nil && *from.APIGroup != "" || from.Namespace != nil && *from.Namespace != o.claim.Namespace {
		return nil, "", status.Errorf(codes.InvalidArgument, "a claim can be a copy of another claim of its namespace, and of nothing else: %s %s", from.Kind, from.Name)
	}
	claim, err := c.claims.PersistentVolumeClaims(o.claim.Namespace).Get(from.Name)
	if err != nil {
		return nil, "", fmt.Errorf("error getting PVC %s (namespace %q) from api server: %w", from.Name, o.claim.Namespace, err)
	}
	if claim.Status.Phase != corev1.ClaimBound || claim.DeletionTimestamp != nil {
		return nil, "", fmt.Errorf("the PVC %s is not bound, or is being deleted: it cannot be copied", from.Name)
	}
	volume, err := c.volumes.Get(claim.Spec.VolumeName)
	if err != nil {
		return nil, "", fmt.Errorf("error getting PV %s from api server: %w", claim.Spec.VolumeName, err)
	}
	if volume.Spec.CSI == nil || volume.Spec.CSI.Driver != storage.Driver {
		return nil, "", status.Errorf(codes.InvalidArgument, "the source volume %s is of another driver", volume.Name)
	}
	if asked, has := o.claim.Spec.Resources.Requests[corev1.ResourceStorage], volume.Spec.Capacity[corev1.ResourceStorage]; asked.Cmp(has) < 0 {
		return nil, "", status.Errorf(codes.InvalidArgument, "error, new PVC request must be greater than or equal in size to the specified PVC data source, "+
			"requested %v but source is %v", asked.Value(), has.Value())
	}
	home := homeOf(volume)
	if home != "" && o.node != "" && home != o.node {
		return nil, "", status.Errorf(codes.FailedPrecondition, "the source volume is on %s, and the pod shall run on %s", home, o.node)
	}
	return &csi.VolumeContentSource{Type: &csi.VolumeContentSource_Volume{Volume: &csi.VolumeContentSource_VolumeSource{VolumeId: volume.Spec.CSI.VolumeHandle}}}, home, nil
}
