// Package ttl tells each node for how long its kubelet may keep what it has read.
//
// # Part played
//
// The TTL controller of kube-controller-manager.
//
// # How it works
//
// In a large cluster every kubelet asking for every Secret again and again would be too much for the API server. The annotation
// node.alpha.kubernetes.io/ttl on a node says how many seconds old a Secret or ConfigMap may be: 0 up to 100 nodes, 15 up to 500
// and so on. The steps overlap, so that a node that comes and goes does not change every other one's annotation each time.
//
// # Left out
//
// Our kubelet watches what its pods use and does not read the annotation; it is here for people and programs that do.
//
// # In Kubernetes
//
// pkg/controller/ttl.
package ttl

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"

	"drydock/engine/controller"
)

// steps are the sizes of a cluster at which the annotation changes.
var steps = []struct{ least, most, seconds int }{
	{0, 100, 0}, {90, 500, 15}, {450, 1000, 30}, {900, 2000, 60}, {1800, math.MaxInt, 300},
}

// Controller keeps the annotation of nodes.
type Controller struct {
	// set once in New
	*controller.Loop[controller.Key]
	client kubernetes.Interface
	nodes  corelisters.NodeLister

	mu sync.Mutex
	// guarded by mu
	step int
}

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config) (*Controller, error) {
	nodes := cfg.Informers.Core().V1().Nodes()
	c := &Controller{client: cfg.Client, nodes: nodes.Lister()}
	c.Loop = controller.NewLoop("ttl-controller", cfg, c.Reconcile)
	c.Resource = "nodes"
	// A change of the size reaches the other nodes with their next heartbeat.
	return c, c.FollowAll(nodes.Informer(), func(obj any) []controller.Key {
		return []controller.Key{{Name: obj.(*corev1.Node).Name}}
	})
}

// Reconcile sets one node's annotation.
func (c *Controller) Reconcile(ctx context.Context, key controller.Key) error {
	node, err := c.nodes.Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	all, err := c.nodes.List(labels.Everything())
	if err != nil {
		return fmt.Errorf("list nodes: %w", err)
	}
	seconds := strconv.Itoa(c.seconds(len(all)))
	if node.Annotations[corev1.ObjectTTLAnnotationKey] == seconds {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"annotations": map[string]string{corev1.ObjectTTLAnnotationKey: seconds},
	}})
	if err != nil {
		return err
	}
	_, err = c.client.CoreV1().Nodes().Patch(ctx, node.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// seconds is the step for a number of nodes, reached from the step before.
func (c *Controller) seconds(nodes int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for nodes > steps[c.step].most {
		c.step++
	}
	for nodes < steps[c.step].least {
		c.step--
	}
	return steps[c.step].seconds
}
