package kubelet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"drydock/engine/listwatch"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// Kubelet looks after one node. Make it with New, start it with Run.
//
// Its goroutines, all started by Run and all ended before it returns: one each for the node's status, its Lease, Events,
// services, pods, static pods, drivers, what is used and the runtime's events; one for each pod (worker), each running probe, and each status on its way to the
// API server; those of the HTTPS server.
type Kubelet struct {
	// set once in New
	cfg         Config
	events      *eventRecorder
	services    *serviceCache
	node        *nodeKeeper
	logs        *logWatcher
	usage       *usageMeter
	pressures   *pressures
	static      *staticPods
	drivers     *csiDrivers
	volumes     *csiVolumes
	images      *imageKeeper
	started     time.Time
	allocatable corev1.ResourceList

	// set once in Run, before anything else starts
	ctx context.Context //nolint:containedctx // the lifetime of what background starts, which is Run's
	all *sync.WaitGroup

	shutting atomic.Bool // the node is losing its power

	admission sync.Mutex // held while one pod is measured against what is left of the node

	mu sync.Mutex
	// guarded by mu
	workers map[types.UID]*worker
	listed  bool // the first list of pods has arrived: sandboxes of unknown pods are orphans
}

// New checks cfg and prepares a kubelet; nothing is contacted before Run.
func New(cfg Config) (*Kubelet, error) {
	cfg.setDefaults()
	switch {
	case cfg.NodeName == "":
		return nil, errors.New("kubelet: the node has no name")
	case cfg.NodeIP == "":
		return nil, fmt.Errorf("kubelet of %s: the node has no address", cfg.NodeName)
	case cfg.Client == nil, cfg.Runtime == nil, cfg.Images == nil:
		return nil, fmt.Errorf("kubelet of %s: needs an API client and both halves of CRI", cfg.NodeName)
	}
	k := &Kubelet{cfg: cfg, services: &serviceCache{}, workers: map[types.UID]*worker{}, logs: newLogWatcher(), usage: newUsageMeter(cfg.Runtime), pressures: newPressures(), started: time.Now()}
	k.events = newEventRecorder(cfg.Client, cfg.NodeName)
	k.node = newNodeKeeper(&k.cfg, k.events)
	k.allocatable = allocatable(k.node.capacity)
	k.node.trouble, k.node.pressures = k.trouble, k.pressures
	k.services.onSync = k.pokeAll
	k.static, k.drivers, k.volumes, k.images = newStaticPods(k), newCSIDrivers(k), newCSIVolumes(), newImageKeeper(k)
	return k, nil
}

// Run registers the node and looks after its pods until ctx ends; it returns nil then. Containers keep running: the next
// kubelet adopts them. It may be called once.
func (k *Kubelet) Run(ctx context.Context) error {
	for _, dir := range []string{k.cfg.RootDir, k.cfg.LogDir} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("kubelet of %s: %w", k.cfg.NodeName, err)
		}
	}
	if err := k.volumes.load(k.cfg.RootDir); err != nil {
		return fmt.Errorf("kubelet of %s: find mounted volumes: %w", k.cfg.NodeName, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	k.ctx, k.all = ctx, &all
	// Before the first list from the API server, which makes orphans of sandboxes that nobody owns.
	k.static.scan()
	k.static.runPods()
	lease := &heartbeat{client: k.cfg.Client, node: k.cfg.NodeName, duration: k.cfg.LeaseDuration}
	for _, part := range []func(context.Context) error{
		k.node.run, lease.run, k.events.run, k.followServices, k.followPods, k.followRuntime, k.serve, k.followUsage, k.static.run, k.drivers.run,
	} {
		all.Go(func() {
			if err := part(ctx); err != nil && ctx.Err() == nil {
				cancel(err)
			}
		})
	}
	<-ctx.Done()
	all.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("kubelet of %s: %w", k.cfg.NodeName, err)
	}
	return nil
}

// background runs fn until Run ends.
func (k *Kubelet) background(fn func(context.Context)) {
	k.all.Go(func() { fn(k.ctx) })
}

func (k *Kubelet) followServices(ctx context.Context) error {
	return k.services.follow(ctx, k.cfg.Client)
}

// followPods is the syncLoop's intake: every change of a pod bound to this node goes to that pod's worker.
func (k *Kubelet) followPods(ctx context.Context) error {
	source := &listwatch.Source{
		List: func(ctx context.Context) (string, error) {
			list, err := k.cfg.Client.Pods(ctx, k.cfg.NodeName)
			if err != nil {
				return "", err
			}
			k.replacePods(list.Items)
			return list.ResourceVersion, nil
		},
		Watch: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return k.cfg.Client.WatchPods(ctx, k.cfg.NodeName, options)
		},
		Changed: k.podChanged,
	}
	return source.Follow(ctx)
}

// replacePods takes a complete list: workers of pods that are not on it learn that theirs is gone.
func (k *Kubelet) replacePods(pods []corev1.Pod) {
	present := map[types.UID]bool{}
	for i := range pods {
		present[pods[i].UID] = true
		k.updatePod(&pods[i])
	}
	k.mu.Lock()
	first := !k.listed
	k.listed = true
	var gone []*worker
	for uid, w := range k.workers {
		if !present[uid] && !isStatic(w.status.pod) {
			gone = append(gone, w)
		}
	}
	k.mu.Unlock()
	k.static.mirrorsAre(present)
	for _, w := range gone {
		k.removePod(w)
	}
	if first {
		k.background(k.removeOrphans)
	}
}

func (k *Kubelet) podChanged(event watch.Event) {
	pod, ok := event.Object.(*corev1.Pod)
	if !ok {
		return
	}
	if event.Type != watch.Deleted {
		k.updatePod(pod)
		return
	}
	if isMirror(pod) {
		k.static.mirrorGone(pod)
		return
	}
	k.mu.Lock()
	w := k.workers[pod.UID]
	k.mu.Unlock()
	if w != nil {
		w.update(pod)
		k.removePod(w)
	}
}

func (k *Kubelet) updatePod(pod *corev1.Pod) {
	pod.ManagedFields = nil // half of the object's size, and nothing here asks for them
	if isMirror(pod) {
		k.static.mirrorChanged(pod)
		return
	}
	if w := k.worker(pod.UID); w != nil {
		w.update(pod)
		return
	}
	k.startWorker(pod)
}

// startWorker begins with a pod that is not known yet.
func (k *Kubelet) startWorker(pod *corev1.Pod) *worker {
	w := newWorker(k, pod)
	k.mu.Lock()
	k.workers[pod.UID] = w
	k.mu.Unlock()
	k.background(w.run)
	return w
}

// isMirror says whether the object shows a static pod.
func isMirror(pod *corev1.Pod) bool {
	_, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]
	return mirror
}

func (k *Kubelet) hasListed() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.listed
}

// removePod tells a worker that its pod's object is gone, and forgets the worker as soon as it has ended. Until then it stays known, so
// that nobody takes its sandbox for an orphan.
func (k *Kubelet) removePod(w *worker) {
	w.remove()
	k.background(func(ctx context.Context) {
		select {
		case <-ctx.Done():
		case <-w.done:
			k.mu.Lock()
			if k.workers[w.uid] == w {
				delete(k.workers, w.uid)
			}
			k.mu.Unlock()
			k.static.look() // its successor may be waiting
		}
	})
}

func (k *Kubelet) worker(uid types.UID) *worker {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.workers[uid]
}

func (k *Kubelet) pokeAll() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, w := range k.workers {
		w.poke()
	}
}

// otherPods are the workers of all pods of this node but one.
func (k *Kubelet) otherPods(uid types.UID) []*worker {
	k.mu.Lock()
	defer k.mu.Unlock()
	var others []*worker
	for _, w := range k.workers {
		if w.uid != uid {
			others = append(others, w)
		}
	}
	return others
}
