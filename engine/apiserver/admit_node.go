package apiserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/authentication/user"
)

// nodeOf is the node a user is: "node-1" of system:node:node-1. "" for everybody else.
func nodeOf(who user.Info) string {
	if !slices.Contains(who.GetGroups(), user.NodesGroup) {
		return ""
	}
	name, _ := strings.CutPrefix(who.GetName(), "system:node:")
	return name
}

// admitFromNode is the NodeRestriction plugin: a node writes about itself and its own pods only, so that one that fell into bad
// hands cannot speak for the others.
//
// Kubernetes: mirror pods are not looked into for references, nor are labels of kubernetes.io but those of
// node-restriction.kubernetes.io.
func (s *Server) admitFromNode(_ context.Context, a admission) error {
	node := nodeOf(a.by.user)
	if node == "" {
		return nil
	}
	var reason error
	switch a.kind.Kind {
	case "Pod":
		reason = podFromNode(a, node)
	case "Node":
		reason = nodeFromNode(a, node)
	case "Lease":
		reason = leaseFromNode(a, node)
	case "CSINode":
		if a.name != node {
			reason = errors.New("can only access CSINode with the same name as the requesting node")
		}
	}
	if reason != nil {
		return a.forbid(reason)
	}
	return nil
}

func podFromNode(a admission, node string) error {
	old, _ := a.old.(*corev1.Pod)
	foreign := old != nil && old.Spec.NodeName != node
	switch {
	case a.by.subresource == "status" && a.operation == operationUpdate:
		if foreign {
			return fmt.Errorf("node %q can only update pod status for pods with spec.nodeName set to itself", node)
		}
		if !labels.Equals(old.Labels, a.obj.(*corev1.Pod).Labels) {
			return fmt.Errorf("node %q cannot update labels through pod status", node)
		}
	case a.by.subresource == "eviction":
		if foreign {
			return fmt.Errorf("node %s can only evict pods with spec.nodeName set to itself", node)
		}
	case a.by.subresource != "":
		return fmt.Errorf("unexpected pod subresource %q, only 'status' and 'eviction' are allowed", a.by.subresource)
	case a.operation == operationDelete:
		if foreign {
			return fmt.Errorf("node %q can only delete pods with spec.nodeName set to itself", node)
		}
	case a.operation == operationCreate:
		return mirrorFromNode(a.obj.(*corev1.Pod), node)
	default:
		return fmt.Errorf("unexpected operation %q, node %q can only create and delete mirror pods", a.operation, node)
	}
	return nil
}

func mirrorFromNode(pod *corev1.Pod, node string) error {
	if _, mirror := pod.Annotations[mirrorPod]; !mirror {
		return fmt.Errorf("pod does not have %q annotation, node %q can only create mirror pods", mirrorPod, node)
	}
	if pod.Spec.NodeName != node {
		return fmt.Errorf("node %q can only create pods with spec.nodeName set to itself", node)
	}
	for _, owner := range pod.OwnerReferences {
		if owner.Kind != "Node" || owner.Name != node {
			return fmt.Errorf("node %q can only create pods with an owner reference set to itself", node)
		}
	}
	return nil
}

func nodeFromNode(a admission, node string) error {
	if a.name != node {
		return fmt.Errorf("node %q is not allowed to modify node %q", node, a.name)
	}
	obj, ok := a.obj.(*corev1.Node)
	old, had := a.old.(*corev1.Node)
	if !ok || !had {
		return nil
	}
	if a.by.subresource == "" && !equality.Semantic.DeepEqual(obj.Spec.Taints, old.Spec.Taints) {
		return fmt.Errorf("node %q is not allowed to modify taints", node)
	}
	for key, value := range obj.Labels {
		restricted := strings.Contains(key, corev1.LabelNamespaceNodeRestriction+"/")
		if restricted && old.Labels[key] != value {
			return fmt.Errorf("is not allowed to modify labels: %s", key)
		}
	}
	return nil
}

func leaseFromNode(a admission, node string) error {
	if a.namespace != corev1.NamespaceNodeLease {
		return fmt.Errorf("can only access leases in the %q system namespace", corev1.NamespaceNodeLease)
	}
	if a.name != node {
		return errors.New("can only access node lease with the same name as the requesting node")
	}
	return nil
}

// tokenForNode lets a node have tokens for its own pods only.
func (s *Server) tokenForNode(q *call, ref *authenticationv1.BoundObjectReference) error {
	node := nodeOf(q.user)
	if node == "" {
		return nil
	}
	a := admission{kind: serviceAccountKind, name: q.info.Name}
	if ref == nil || ref.APIVersion != "v1" || ref.Kind != "Pod" || ref.Name == "" {
		return a.forbid(errors.New("node requested token not bound to a pod"))
	}
	if ref.UID == "" {
		return a.forbid(errors.New("node requested token with a pod binding without a uid"))
	}
	e, err := s.stored(q.ctx(), target{podKind, q.info.Namespace, ref.Name})
	if err != nil {
		return err
	}
	if e.obj.(*corev1.Pod).Spec.NodeName != node {
		return a.forbid(errors.New("node requested token bound to a pod scheduled on a different node"))
	}
	return nil
}

// taintNewNode is the TaintNodesByCondition plugin: a node starts as not ready, so that no pod comes before the node lifecycle
// controller has seen it work.
func taintNewNode(_ context.Context, a admission) error {
	node, ok := created[*corev1.Node](a)
	if !ok {
		return nil
	}
	taint := corev1.Taint{Key: corev1.TaintNodeNotReady, Effect: corev1.TaintEffectNoSchedule}
	if !slices.ContainsFunc(node.Spec.Taints, func(t corev1.Taint) bool { return t.MatchTaint(&taint) }) {
		node.Spec.Taints = append(node.Spec.Taints, taint)
	}
	return nil
}
