package cluster

import (
	"context"
	"fmt"
	"slices"
	"time"

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
	return c.awaitReady(ctx, c.allNodes(), c.started)
}

// awaitReady watches Nodes until each of these has said since that moment that it is Ready.
func (c *Cluster) awaitReady(ctx context.Context, fresh []*node, since time.Time) error {
	client, err := c.admin()
	if err != nil {
		return err
	}
	waiting := map[string]bool{}
	for _, n := range fresh {
		waiting[n.name] = true
	}
	note := func(n *corev1.Node) {
		if readySince(n, since) {
			delete(waiting, n.Name)
		}
	}
	nodes := client.CoreV1().Nodes()
	list, err := nodes.List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list nodes: %w", err)
	}
	for i := range list.Items {
		note(&list.Items[i])
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
			note(n)
		}
		if len(waiting) == 0 {
			return nil
		}
	}
	return fmt.Errorf("%d of %d nodes did not become Ready: %w", len(waiting), len(fresh), context.Cause(ctx))
}

// readySince says whether the node is Ready and has said so at that moment or later; the API keeps whole seconds.
func readySince(n *corev1.Node, since time.Time) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		fresh := !c.LastHeartbeatTime.Time.Before(since.Truncate(time.Second))
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue && fresh
	})
}

// admin is a client for what the caretaker itself does with the API.
func (c *Cluster) admin() (*kubernetes.Clientset, error) {
	config, err := c.clientFor("drydock", "system:masters")
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return client, nil
}

// watchNodes is the Watch half of the typed client, in the form RetryWatcher takes.
type watchNodes struct{ typedcorev1.NodeInterface }

// WatchWithContext implements cache.WatcherWithContext.
func (w watchNodes) WatchWithContext(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
	return w.Watch(ctx, opts)
}
