package scheduler

import (
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// nodeInfo is a node and the sums over the pods on it. Guarded by world.mu.
type nodeInfo struct {
	node        *corev1.Node // nil: the node is gone, or not known yet, but pods name it
	allocatable amounts
	podLimit    int
	images      map[string]int64 // bytes, by name

	pods     map[types.UID]*podInfo
	requests amounts
	nonzero  amounts
}

// world is what the scheduler knows of nodes and of the pods on them, with its own decisions already in it.
type world struct {
	mu sync.Mutex
	// guarded by mu
	nodes  map[string]*nodeInfo
	sorted []*nodeInfo          // those with a node, by name
	where  map[types.UID]string // the node of each pod
	// guards and choosy are the pods on nodes that keep others away (required anti-affinity), or say what is good for
	// them in other ways: few, so that pods that say nothing need not look at all the others.
	guards, choosy map[types.UID]*podInfo
	images         map[string]int // how many nodes have an image
	nominated      map[types.UID]nomination
}

// nomination is a pod that waits for its victims to leave a node.
type nomination struct {
	pod  *podInfo
	node string
}

func newWorld() *world {
	return &world{
		nodes: map[string]*nodeInfo{}, where: map[types.UID]string{}, images: map[string]int{},
		guards: map[types.UID]*podInfo{}, choosy: map[types.UID]*podInfo{}, nominated: map[types.UID]nomination{},
	}
}

func (w *world) nodeLocked(name string) *nodeInfo {
	n := w.nodes[name]
	if n == nil {
		n = &nodeInfo{pods: map[types.UID]*podInfo{}}
		w.nodes[name] = n
	}
	return n
}

// setNode takes in a node as it is now.
func (w *world) setNode(node *corev1.Node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.nodeLocked(node.Name)
	if n.node == nil {
		at, _ := slices.BinarySearchFunc(w.sorted, node.Name, byName)
		w.sorted = slices.Insert(w.sorted, at, n)
	}
	n.node, n.allocatable = node, amountsOf(node.Status.Allocatable)
	n.podLimit = int(node.Status.Allocatable.Pods().Value())
	w.setImagesLocked(n, imagesOf(node))
}

func (w *world) setImagesLocked(n *nodeInfo, images map[string]int64) {
	for name := range n.images {
		if w.images[name]--; w.images[name] == 0 {
			delete(w.images, name)
		}
	}
	for name := range images {
		w.images[name]++
	}
	n.images = images
}

func byName(n *nodeInfo, name string) int { return strings.Compare(n.node.Name, name) }

// removeNode forgets a node; its pods stay until they are removed.
func (w *world) removeNode(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.nodes[name]
	if n == nil || n.node == nil {
		return
	}
	at, _ := slices.BinarySearchFunc(w.sorted, name, byName)
	w.sorted = slices.Delete(w.sorted, at, at+1)
	n.node = nil
	w.setImagesLocked(n, nil)
	w.dropEmptyLocked(name)
}

func (w *world) dropEmptyLocked(name string) {
	if n := w.nodes[name]; n.node == nil && len(n.pods) == 0 {
		delete(w.nodes, name)
	}
}

// place puts a pod on a node, in place of what was known of it.
// It returns what was known, nil when the pod was on no node.
func (w *world) place(p *podInfo, node string) *podInfo {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.podLocked(p.UID)
	w.placeLocked(p, node)
	delete(w.nominated, p.UID)
	return before
}

// podLocked is a pod on a node; nil when it is on none.
func (w *world) podLocked(uid types.UID) *podInfo {
	name, ok := w.where[uid]
	if !ok {
		return nil
	}
	return w.nodes[name].pods[uid]
}

func (w *world) placeLocked(p *podInfo, node string) {
	w.removeLocked(p.UID)
	n := w.nodeLocked(node)
	n.pods[p.UID] = p
	n.requests.add(p.requests, 1)
	n.nonzero.add(p.nonzero, 1)
	w.where[p.UID] = node
	if p.neighbors == nil {
		return
	}
	if len(p.neighbors.forbids) > 0 {
		w.guards[p.UID] = p
	}
	if len(p.neighbors.prefers)+len(p.neighbors.avoids)+len(p.neighbors.requires) > 0 {
		w.choosy[p.UID] = p
	}
}

// remove takes a pod from its node, or from the one it is nominated to, and returns it; nil when it was on none.
func (w *world) remove(uid types.UID) *podInfo {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.podLocked(uid)
	if p == nil {
		p = w.nominated[uid].pod
	}
	w.removeLocked(uid)
	delete(w.nominated, uid)
	return p
}

// nominate notes that a pod waits for room on a node; on "" that it does not.
func (w *world) nominate(p *podInfo, node string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if node == "" {
		delete(w.nominated, p.UID)
	} else {
		w.nominated[p.UID] = nomination{p, node}
	}
}

func (w *world) removeLocked(uid types.UID) {
	name, ok := w.where[uid]
	if !ok {
		return
	}
	n := w.nodes[name]
	n.requests.add(n.pods[uid].requests, -1)
	n.nonzero.add(n.pods[uid].nonzero, -1)
	delete(n.pods, uid)
	delete(w.where, uid)
	delete(w.guards, uid)
	delete(w.choosy, uid)
	w.dropEmptyLocked(name)
}

// placed says whether a pod is on a node, decided or done.
func (w *world) placed(uid types.UID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.where[uid]
	return ok
}
