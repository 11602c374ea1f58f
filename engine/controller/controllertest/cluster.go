package controllertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// Cluster is an API server in memory and what its clients need.
type Cluster struct {
	Client    *fake.Clientset
	Informers informers.SharedInformerFactory
	Decisions *decision.Ring

	t       testing.TB
	tracker *tracker
}

// Runner is a controller, or anything that runs until its context ends.
type Runner interface{ Run(context.Context) error }

// New makes a cluster that holds objects.
func New(t testing.TB, objects ...runtime.Object) *Cluster {
	t.Helper()
	c := &Cluster{Client: fake.NewSimpleClientset(), Decisions: decision.NewRing(100_000), t: t, tracker: newTracker()}
	for _, obj := range objects {
		if err := c.tracker.Add(obj); err != nil {
			t.Fatal(err)
		}
	}
	c.Client.PrependReactor("*", "*", clienttesting.ObjectReaction(c.tracker))
	c.Client.PrependReactor("update", "*", c.updateSubresource)
	c.Client.PrependReactor("create", "pods/binding", c.bind)
	c.Client.PrependReactor("create", "namespaces/finalize", c.finalize)
	c.Client.PrependWatchReactor("*", func(action clienttesting.Action) (bool, watch.Interface, error) {
		w, err := c.tracker.Watch(action.GetResource(), action.GetNamespace(), action.(clienttesting.WatchActionImpl).ListOptions)
		return true, w, err
	})
	c.Informers = informers.NewSharedInformerFactory(c.Client, 0)
	c.Client.Resources = []*metav1.APIResourceList{
		{GroupVersion: "v1", APIResources: []metav1.APIResource{
			served("pods", "Pod", true), served("configmaps", "ConfigMap", true), served("events", "Event", true),
			served("services", "Service", true), served("nodes", "Node", false), served("namespaces", "Namespace", false),
		}},
		{GroupVersion: "apps/v1", APIResources: []metav1.APIResource{
			served("replicasets", "ReplicaSet", true), served("deployments", "Deployment", true),
			{Name: "deployments/status", Kind: "Deployment", Namespaced: true, Verbs: metav1.Verbs{"get", "update"}},
		}},
	}
	return c
}

// served is a line of discovery.
func served(name, kind string, namespaced bool) metav1.APIResource {
	return metav1.APIResource{
		Name: name, Kind: kind, Namespaced: namespaced,
		Verbs: metav1.Verbs{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"},
	}
}

// Config is for the New of a controller.
func (c *Cluster) Config() controller.Config {
	return controller.Config{Client: c.Client, Informers: c.Informers, Decisions: c.Decisions, Metadata: c.Metadata()}
}

// Lossy makes all watches unreliable from now on.
func (c *Cluster) Lossy(seed uint64) {
	c.t.Logf("seed %d", seed)
	c.setLoss(rand.New(rand.NewPCG(seed, 0)))
}

// Reliable ends what Lossy began.
func (c *Cluster) Reliable() { c.setLoss(nil) }

// Hold makes the watches of one resource fall behind all others, until Release.
func (c *Cluster) Hold(resource string) { c.setHeld(resource) }

// Release ends what Hold began.
func (c *Cluster) Release() { c.setHeld("") }

func (c *Cluster) setHeld(resource string) {
	c.tracker.mu.Lock()
	defer c.tracker.mu.Unlock()
	c.tracker.held = resource
	close(c.tracker.grown)
	c.tracker.grown = make(chan struct{})
}

func (c *Cluster) setLoss(loss *rand.Rand) {
	c.tracker.mu.Lock()
	defer c.tracker.mu.Unlock()
	c.tracker.loss = loss
}

// Start starts the informers and runs the runners until the test ends.
func (c *Cluster) Start(runners ...Runner) {
	ctx, cancel := context.WithCancel(context.Background())
	c.Informers.Start(ctx.Done())
	var wg sync.WaitGroup
	for _, r := range runners {
		wg.Go(func() {
			if err := r.Run(ctx); !errors.Is(err, context.Canceled) {
				c.t.Errorf("run: %v", err)
			}
		})
	}
	c.t.Cleanup(func() {
		cancel()
		wg.Wait()
		c.Informers.Shutdown()
	})
}

// Advance lets d pass and then everything settle: only within synctest, where it takes no time.
func (c *Cluster) Advance(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// Settle waits until every goroutine of the bubble waits for something: only within synctest.
func (c *Cluster) Settle() { synctest.Wait() }

// updateSubresource is an update of a status.
func (c *Cluster) updateSubresource(action clienttesting.Action) (bool, runtime.Object, error) {
	if action.GetSubresource() != "status" {
		return false, nil, nil
	}
	obj := action.(clienttesting.UpdateAction).GetObject()
	err := c.tracker.change(action.GetResource(), action.GetNamespace(), obj, func(old, obj runtime.Object) { takeStatus(obj, old) })
	if err != nil {
		return true, nil, err
	}
	obj, err = c.tracker.Get(action.GetResource(), action.GetNamespace(), accessor(obj).GetName())
	return true, obj, err
}

// finalize sets the finalizers in a namespace's spec; one that is being deleted goes with the last of them.
func (c *Cluster) finalize(action clienttesting.Action) (bool, runtime.Object, error) {
	ns := action.(clienttesting.CreateAction).GetObject().(*corev1.Namespace)
	err := c.tracker.change(action.GetResource(), "", ns, func(_, _ runtime.Object) {})
	if err == nil && ns.DeletionTimestamp != nil && len(ns.Spec.Finalizers) == 0 {
		err = c.tracker.Delete(action.GetResource(), "", ns.Name)
	}
	return true, ns, err
}

// bind is the binding subresource: it sets the node of a pod that has none.
func (c *Cluster) bind(action clienttesting.Action) (bool, runtime.Object, error) {
	binding := action.(clienttesting.CreateAction).GetObject().(*corev1.Binding)
	obj, err := c.tracker.Get(action.GetResource(), action.GetNamespace(), binding.Name)
	if err != nil {
		return true, nil, err
	}
	pod := obj.(*corev1.Pod)
	if pod.Spec.NodeName != "" {
		return true, nil, fmt.Errorf("pod %s is already assigned to node %q", pod.Name, pod.Spec.NodeName)
	}
	pod.Spec.NodeName = binding.Target.Name
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == corev1.PodScheduled {
			pod.Status.Conditions[i].Status = corev1.ConditionTrue
		}
	}
	return true, binding, c.tracker.Patch(action.GetResource(), pod, pod.Namespace)
}
