package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	toolswatch "k8s.io/client-go/tools/watch"
)

// waitReady watches Nodes until every node of this lab is Ready.
//
// A node that was Ready when the lab last went down still says so in the store; only a heartbeat of this life counts.
func (c *Cluster) waitReady(ctx context.Context) error {
	config, err := c.clientFor("drydock", "system:masters")
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	waiting := map[string]bool{}
	for i := 1; i <= c.opts.Nodes; i++ {
		waiting[nodeName(i)] = true
	}
	nodes := client.CoreV1().Nodes()
	list, err := nodes.List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list nodes: %w", err)
	}
	for i := range list.Items {
		c.noteReady(&list.Items[i], waiting)
	}
	if len(waiting) == 0 {
		return nil
	}
	events, err := toolswatch.NewRetryWatcherWithContext(ctx, list.ResourceVersion, watchNodes{nodes})
	if err != nil {
		return fmt.Errorf("watch nodes: %w", err)
	}
	defer events.Stop()
	for event := range events.ResultChan() { // closed when ctx ends
		if n, ok := event.Object.(*corev1.Node); ok {
			c.noteReady(n, waiting)
		}
		if len(waiting) == 0 {
			return nil
		}
	}
	return fmt.Errorf("%d of %d nodes did not become Ready: %w", len(waiting), c.opts.Nodes, context.Cause(ctx))
}

// noteReady takes a node off the list when it is Ready and has said so since this lab started.
func (c *Cluster) noteReady(n *corev1.Node, waiting map[string]bool) {
	for _, condition := range n.Status.Conditions {
		fresh := !condition.LastHeartbeatTime.Time.Before(c.started.Truncate(1e9))
		if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue && fresh {
			delete(waiting, n.Name)
		}
	}
}

// watchNodes is the Watch half of the typed client, in the form RetryWatcher takes.
type watchNodes struct{ typedcorev1.NodeInterface }

// WatchWithContext implements cache.WatcherWithContext.
func (w watchNodes) WatchWithContext(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
	return w.Watch(ctx, opts)
}
