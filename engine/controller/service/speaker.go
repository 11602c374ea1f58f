package service

import (
	"hash/fnv"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// speaker is the node that answers for a Service's address. The one it has stays as long as it can; else the name of the
// Service decides, so that many Services spread over the nodes. "" means that no node can.
func (c *Controller) speaker(svc *corev1.Service) string {
	candidates := c.readyNodes()
	if svc.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal {
		serving := c.servingNodes(svc)
		candidates = slices.DeleteFunc(candidates, func(n string) bool { return !serving[n] })
	}
	if now := svc.Annotations[announcedBy]; slices.Contains(candidates, now) {
		return now
	}
	if len(candidates) == 0 {
		return ""
	}
	hash := fnv.New32a()
	hash.Write([]byte(svc.Namespace + "/" + svc.Name))
	return candidates[hash.Sum32()%uint32(len(candidates))]
}

// readyNodes are sorted.
func (c *Controller) readyNodes() []string {
	list, err := c.nodes.List(labels.Everything())
	if err != nil {
		return nil // listing the local copy cannot fail
	}
	var names []string
	for _, n := range list {
		if _, excluded := n.Labels[corev1.LabelNodeExcludeBalancers]; excluded {
			continue
		}
		for _, condition := range n.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
				names = append(names, n.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// servingNodes have a ready endpoint of the Service.
func (c *Controller) servingNodes(svc *corev1.Service) map[string]bool {
	nodes := map[string]bool{}
	list, err := c.slices.EndpointSlices(svc.Namespace).List(labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: svc.Name}))
	if err != nil {
		return nodes
	}
	for _, slice := range list {
		for _, e := range slice.Endpoints {
			if e.NodeName != nil && (e.Conditions.Ready == nil || *e.Conditions.Ready) {
				nodes[*e.NodeName] = true
			}
		}
	}
	return nodes
}
