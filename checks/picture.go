package checks

import (
	"cmp"
	"errors"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// errNotYet is the error of a kind whose first list has not arrived.
var errNotYet = errors.New("not known yet")

// picture is what the watches have brought so far. Objects in it are never changed, only replaced.
type picture struct {
	mu sync.RWMutex
	// guarded by mu
	tables map[Kind]*table
}

type table struct {
	known   bool
	err     error
	objects map[string]*unstructured.Unstructured // by namespace/name
	sorted  []*unstructured.Unstructured          // nil when objects changed since
	reach   *reach
}

func newPicture(kinds []Kind) *picture {
	p := &picture{tables: map[Kind]*table{}}
	for _, k := range kinds {
		p.tables[k] = &table{objects: map[string]*unstructured.Unstructured{}, reach: newReach()}
	}
	return p
}

// apply takes a change in.
func (p *picture) apply(c change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tables[c.kind]
	t.err = c.err
	switch {
	case c.err != nil:
		t.known = true
		return
	case c.listed:
		t.known = true
		clear(t.objects)
		for _, o := range c.list {
			t.objects[key(o)] = o
		}
	case c.deleted:
		delete(t.objects, key(c.object))
	default:
		t.objects[key(c.object)] = c.object
	}
	t.sorted = nil
	t.reach.take(c)
}

// covers reports whether the picture is as new as a list. A kind that cannot be watched has its error for an answer.
func (p *picture) covers(l listing) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	t := p.tables[l.kind]
	return t.known && (t.err != nil || t.reach.covers(l))
}

func key(o *unstructured.Unstructured) string { return o.GetNamespace() + "/" + o.GetName() }

// known reports whether every one of these kinds was listed, or has an error to tell.
func (p *picture) known(kinds []Kind) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return !slices.ContainsFunc(kinds, func(k Kind) bool { return !p.tables[k].known })
}

// List implements Objects.
func (p *picture) List(k Kind) ([]*unstructured.Unstructured, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.tables[k]
	switch {
	case !ok || !t.known:
		return nil, errNotYet
	case t.err != nil:
		return nil, t.err
	}
	if t.sorted == nil {
		t.sorted = make([]*unstructured.Unstructured, 0, len(t.objects))
		for _, o := range t.objects {
			t.sorted = append(t.sorted, o)
		}
		slices.SortFunc(t.sorted, func(a, b *unstructured.Unstructured) int { return cmp.Compare(key(a), key(b)) })
	}
	return t.sorted, nil
}
