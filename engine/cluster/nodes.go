package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"

	"drydock/engine/cluster/control"
	"drydock/sandbox/lab"
	"drydock/sandbox/network"
)

// changeNode answers control.VerbNode.
func (c *Cluster) changeNode(ctx context.Context, call *lab.Call) error {
	var r control.NodeRequest
	if err := call.Decode(&r); err != nil {
		return err
	}
	n, err := c.find(r.Name)
	if err != nil {
		return err
	}
	switch r.Action {
	case control.NodeStop:
		return c.powerDown(ctx, n)
	case control.NodeStart:
		return c.powerOn(ctx, n)
	case control.NodeKill:
		return c.powerOff(n)
	case control.NodeCut, control.NodeHeal:
		return c.setLink(n, r.Action == control.NodeHeal)
	case control.NodeRemove:
		return c.removeNode(ctx, n, r.Force)
	}
	return fmt.Errorf("a node cannot be told to %q", r.Action)
}

// breakNode is changeNode for the learner's shell: what it does can be undone.
func (c *Cluster) breakNode(ctx context.Context, call *lab.Call) error {
	var r control.NodeRequest
	if err := call.Decode(&r); err != nil {
		return err
	}
	if r.Action == control.NodeRemove {
		return fmt.Errorf("%s cannot be removed from the lab's own shell; type this in a terminal of your machine", r.Name)
	}
	return c.changeNode(ctx, call)
}

// addNodes answers control.VerbNodeAdd. Nodes that do not come up stay on the list, off.
func (c *Cluster) addNodes(ctx context.Context, call *lab.Call) error {
	var plan control.NodePlan
	if err := call.Decode(&plan); err != nil {
		return err
	}
	added, err := c.enlist(plan)
	if err != nil {
		return err
	}
	since := time.Now()
	if err := errors.Join(c.prepareResolver(), c.routeTo(added)); err != nil {
		return err
	}
	if err := together(added, func(n *node) error { return c.boot(ctx, n) }); err != nil {
		return err
	}
	if err := c.awaitReady(ctx, added, since); err != nil {
		return err
	}
	for _, n := range added {
		if err := call.Send(n.status()); err != nil {
			return err
		}
	}
	return nil
}

// routeTo shows the nodes that are running the way to new ones' pods. The new ones learn of all others when they are plugged in.
func (c *Cluster) routeTo(added []*node) error {
	var errs []error
	for _, n := range c.allNodes() {
		m, _ := n.running()
		if m == nil {
			continue
		}
		for _, to := range added {
			errs = append(errs, c.podNetwork.lead(m.PID(), to))
		}
	}
	return errors.Join(errs...)
}

// removeNode takes a node out of the cluster for good. Without force it must be empty, as `kubectl drain` leaves it.
func (c *Cluster) removeNode(ctx context.Context, n *node, force bool) error {
	client, err := c.admin()
	if err != nil {
		return err
	}
	if len(c.allNodes()) == 1 {
		return fmt.Errorf("%s is the lab's only node", n.name)
	}
	if !force {
		if err := mustBeEmpty(ctx, client, n.name); err != nil {
			return err
		}
	}
	if m, _ := n.running(); m != nil {
		off := func() error { return c.powerDown(ctx, n) }
		if force {
			off = func() error { return c.powerOff(n) }
		}
		if err := off(); err != nil {
			return err
		}
	}
	if err := forgetObjects(ctx, client, n.name); err != nil {
		return err
	}
	c.record(n, "RemoveMachine", "stopped", "")
	return errors.Join(c.unroute(n), c.strike(n), c.prepareResolver(), c.opts.Lab.ForgetNode(n.name))
}

// unroute undoes routeTo and plugIn.
func (c *Cluster) unroute(gone *node) error {
	errs := []error{network.DetachNode(gone.name), c.podNetwork.leadAway(0, gone)}
	for _, n := range c.allNodes() {
		if m, _ := n.running(); m != nil {
			errs = append(errs, c.podNetwork.leadAway(m.PID(), gone))
		}
	}
	return errors.Join(errs...)
}

// mustBeEmpty looks for pods that would be lost with the node. Those of a DaemonSet belong to the node and go with it; finished
// ones have nothing to lose.
func mustBeEmpty(ctx context.Context, client kubernetes.Interface, name string) error {
	pods, err := podsOf(ctx, client, name)
	if err != nil {
		return err
	}
	first, count := "", 0
	for i := range pods {
		pod := &pods[i]
		owner := metav1.GetControllerOf(pod)
		_, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]
		done := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
		if mirror || done || owner != nil && owner.Kind == "DaemonSet" {
			continue
		}
		if count++; count == 1 {
			first = pod.Namespace + "/" + pod.Name
		}
	}
	switch count {
	case 0:
		return nil
	case 1:
		first = "pod " + first
	default:
		first = fmt.Sprintf("pod %s and %d more", first, count-1)
	}
	return fmt.Errorf("%s still runs %s: `kubectl drain %s --ignore-daemonsets` moves pods away, --force removes the node with them", name, first, name)
}

func podsOf(ctx context.Context, client kubernetes.Interface, node string) ([]corev1.Pod, error) {
	list, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("spec.nodeName", node).String()})
	if err != nil {
		return nil, fmt.Errorf("list the pods of %s: %w", node, err)
	}
	return list.Items, nil
}

// forgetObjects deletes the Node and the pods that were on it: nobody is left who could end them.
func forgetObjects(ctx context.Context, client kubernetes.Interface, name string) error {
	if err := client.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete the Node %s: %w", name, err)
	}
	pods, err := podsOf(ctx, client, name)
	if err != nil {
		return err
	}
	for i := range pods {
		at := metav1.NewPreconditionDeleteOptions(string(pods[i].UID))
		at.GracePeriodSeconds = new(int64)
		err := client.CoreV1().Pods(pods[i].Namespace).Delete(ctx, pods[i].Name, *at)
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return fmt.Errorf("delete pod %s/%s of %s: %w", pods[i].Namespace, pods[i].Name, name, err)
		}
	}
	return nil
}
