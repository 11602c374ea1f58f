package nodelifecycle

import (
	"context"
	"errors"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/kubernetes"
	coordinationlisters "k8s.io/client-go/listers/coordination/v1"
	corelisters "k8s.io/client-go/listers/core/v1"

	"drydock/engine/controller"
)

// Options of the controller; the zero value is Kubernetes' defaults.
type Options struct {
	// GracePeriod is how long a node may be silent before it counts as gone; see --node-monitor-grace-period.
	GracePeriod time.Duration
}

// gracePeriod is Kubernetes' default since 1.32.
const gracePeriod = 50 * time.Second

// startupGracePeriod is how long a node may take until it reports for the first time.
const startupGracePeriod = time.Minute

// Controller notices nodes that have gone silent.
type Controller struct {
	// set once in New
	*controller.Loop[controller.Key]
	opts    Options
	client  kubernetes.Interface
	nodes   corelisters.NodeLister
	leases  coordinationlisters.LeaseLister
	pods    corelisters.PodLister
	evictor *evictor

	mu sync.Mutex
	// guarded by mu
	pulses map[string]pulse // by node
}

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config, opts Options) (*Controller, error) {
	if opts.GracePeriod == 0 {
		opts.GracePeriod = gracePeriod
	}
	core, leases := cfg.Informers.Core().V1(), cfg.Informers.Coordination().V1().Leases()
	c := &Controller{
		opts: opts, client: cfg.Client, pulses: map[string]pulse{},
		nodes: core.Nodes().Lister(), leases: leases.Lister(), pods: core.Pods().Lister(),
	}
	c.Loop = controller.NewLoop("node-controller", cfg, c.Reconcile)
	var err error
	c.evictor, err = newEvictor(cfg)
	c.Needs(core.Pods().Informer())
	return c, errors.Join(err, c.FollowAll(core.Nodes().Informer(), named), c.FollowAll(leases.Informer(), func(obj any) []controller.Key {
		if m, err := meta.Accessor(obj); err == nil && m.GetNamespace() == corev1.NamespaceNodeLease {
			return named(obj)
		}
		return nil
	}))
}

// named is the node with the object's name.
func named(obj any) []controller.Key {
	m, err := meta.Accessor(obj)
	if err != nil {
		return nil // every object of an informer has metadata
	}
	return []controller.Key{{Name: m.GetName()}}
}

// Run works until ctx ends.
func (c *Controller) Run(ctx context.Context) error {
	var evictor sync.WaitGroup
	evictor.Go(func() { _ = c.evictor.Run(ctx) }) // ends as we do, with ctx's error
	defer evictor.Wait()
	return c.Loop.Run(ctx)
}

// Reconcile brings conditions and taints of one node, and the readiness of its pods, in line with its signs of life.
func (c *Controller) Reconcile(ctx context.Context, key controller.Key) error {
	cached, err := c.nodes.Get(key.Name)
	if apierrors.IsNotFound(err) {
		c.forget(key.Name)
		return nil
	}
	if err != nil {
		return err
	}
	node, left := cached.DeepCopy(), c.feel(cached)
	if left > 0 {
		c.AddAfter(key, left)
	} else if err := c.declareSilent(ctx, node); err != nil {
		return err
	}
	if err := c.taint(ctx, node); err != nil {
		return err
	}
	return c.markPods(ctx, node)
}
