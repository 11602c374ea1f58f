package garbagecollector

import (
	"maps"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// node is what the graph knows of one object. It is never changed: an update puts another one in its place.
type node struct {
	kind       controller.Kind
	namespace  string
	name       string
	uid        types.UID
	owners     []metav1.OwnerReference
	finalizers []string
	deleting   bool
}

func newNode(kind controller.Kind, obj metav1.Object) *node {
	return &node{
		kind: kind, namespace: obj.GetNamespace(), name: obj.GetName(), uid: obj.GetUID(),
		owners: obj.GetOwnerReferences(), finalizers: obj.GetFinalizers(), deleting: obj.GetDeletionTimestamp() != nil,
	}
}

// waits says whether the object is being deleted and waits for the collector to do what a finalizer says.
func (n *node) waits(finalizer string) bool {
	return n.deleting && slices.Contains(n.finalizers, finalizer)
}

// blocks says whether the object keeps an owner that is being deleted in the foreground.
func (n *node) blocks(owner types.UID) bool {
	return slices.ContainsFunc(n.owners, func(ref metav1.OwnerReference) bool {
		return ref.UID == owner && ref.BlockOwnerDeletion != nil && *ref.BlockOwnerDeletion
	})
}

func (n *node) object() decision.Object {
	return decision.Object{Resource: n.kind.Resource.Resource, Namespace: n.namespace, Name: n.name, UID: string(n.uid)}
}

// graph is who exists and who names whom. All methods may be called at the same time.
type graph struct {
	mu sync.Mutex
	// guarded by mu
	nodes      map[types.UID]*node
	dependents map[types.UID]sets.Set[types.UID] // by owner, also of owners that are not in the graph
}

func newGraph() *graph {
	return &graph{nodes: map[types.UID]*node{}, dependents: map[types.UID]sets.Set[types.UID]{}}
}

// put takes in an object as it is now and returns what it was, or nil.
func (g *graph) put(n *node) (before *node) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before = g.nodes[n.uid]
	g.unlinkLocked(before)
	g.nodes[n.uid] = n
	for _, ref := range n.owners {
		if g.dependents[ref.UID] == nil {
			g.dependents[ref.UID] = sets.New[types.UID]()
		}
		g.dependents[ref.UID].Insert(n.uid)
	}
	return before
}

func (g *graph) unlinkLocked(n *node) {
	if n == nil {
		return
	}
	for _, ref := range n.owners {
		if g.dependents[ref.UID].Delete(n.uid); len(g.dependents[ref.UID]) == 0 {
			delete(g.dependents, ref.UID)
		}
	}
}

// remove forgets an object.
func (g *graph) remove(uid types.UID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unlinkLocked(g.nodes[uid])
	delete(g.nodes, uid)
}

// get returns an object, or nil.
func (g *graph) get(uid types.UID) *node {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.nodes[uid]
}

// dependentsOf are the objects that name an owner.
func (g *graph) dependentsOf(uid types.UID) []*node {
	g.mu.Lock()
	defer g.mu.Unlock()
	var nodes []*node
	for _, uid := range slices.Sorted(maps.Keys(g.dependents[uid])) {
		nodes = append(nodes, g.nodes[uid])
	}
	return nodes
}
