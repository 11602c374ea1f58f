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
}

func newWorld() *world {
	return &world{nodes: map[string]*nodeInfo{}, where: map[types.UID]string{}}
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
	w.dropEmptyLocked(name)
}

func (w *world) dropEmptyLocked(name string) {
	if n := w.nodes[name]; n.node == nil && len(n.pods) == 0 {
		delete(w.nodes, name)
	}
}

// place puts a pod on a node, in place of what was known of it.
func (w *world) place(p *podInfo, node string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.placeLocked(p, node)
}

func (w *world) placeLocked(p *podInfo, node string) {
	w.removeLocked(p.UID)
	n := w.nodeLocked(node)
	n.pods[p.UID] = p
	n.requests.add(p.requests, 1)
	n.nonzero.add(p.nonzero, 1)
	w.where[p.UID] = node
}

// remove takes a pod from its node and says whether it was on one.
func (w *world) remove(uid types.UID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.removeLocked(uid)
}

func (w *world) removeLocked(uid types.UID) bool {
	name, ok := w.where[uid]
	if !ok {
		return false
	}
	n := w.nodes[name]
	n.requests.add(n.pods[uid].requests, -1)
	n.nonzero.add(n.pods[uid].nonzero, -1)
	delete(n.pods, uid)
	delete(w.where, uid)
	w.dropEmptyLocked(name)
	return true
}

// placed says whether a pod is on a node, decided or done.
func (w *world) placed(uid types.UID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.where[uid]
	return ok
}
