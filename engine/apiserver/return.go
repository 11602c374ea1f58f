package apiserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"drydock/engine/store"
)

// Going back to a Moment is one write of the store. Objects made since go away, changed ones get their old content and status
// back under the same uid, deleted ones come back with the uid they had: whoever refers to them by uid is right again. To
// everybody who watches these are ordinary changes. What belongs to the present stays: heartbeats, Events, what a Node says
// of itself.
//
// Pods are different, because a pod is also processes. One whose processes still run, with the files they had, goes on. The
// others are begun again: as in every cluster a pod that has ended does not come back, so another takes its name and its node,
// with a uid of its own.

// Present is what only the machines know when a return is planned.
type Present struct {
	// Nodes are the machines that exist; an object of another one cannot come back, nor can its pods.
	Nodes sets.Set[string]
	// Unchanged are the pods with the same containers, and the same files in them, as at the moment.
	Unchanged sets.Set[types.UID]
}

// Return is a planned way back.
type Return struct {
	// Again are the pods that are to be begun again. Their nodes should prepare for them before GoBack.
	Again []Again

	moment  map[string][]byte // by key, with pods and their uids as they shall be
	order   []string          // the keys of moment
	present Present
}

// Again is one pod that gets another uid.
type Again struct {
	Node, Namespace, Name string
	From, To              types.UID
	// Restarts is how often each container had been started again.
	Restarts map[string]int32
}

// PlanReturn decides what becomes of each pod of the moment.
func (s *Server) PlanReturn(ctx context.Context, m *Moment, present Present) (*Return, error) {
	r := &Return{moment: make(map[string][]byte, len(m.Objects)), present: present}
	for _, o := range m.Objects {
		value := o.Value
		if strings.HasPrefix(o.Key, podPrefix) {
			var err error
			if value, err = s.planPod(ctx, r, o); err != nil {
				return nil, err
			}
		}
		if value == nil {
			continue
		}
		r.moment[o.Key] = value
		r.order = append(r.order, o.Key)
	}
	return r, nil
}

// planPod is what the store is to hold of a pod of the moment, nil for nothing.
func (s *Server) planPod(ctx context.Context, r *Return, o Stored) ([]byte, error) {
	then, err := thaw[*corev1.Pod](o.Key, o.Value)
	if err != nil {
		return nil, err
	}
	now, err := s.podNow(ctx, o.Key)
	if err != nil {
		return nil, err
	}
	switch {
	case r.goesOn(then, now):
		return o.Value, nil
	case then.DeletionTimestamp != nil:
		return nil, nil // it was on its way out
	case then.Spec.NodeName != "" && !r.present.Nodes.Has(then.Spec.NodeName):
		return nil, nil // where it was is no machine any more
	}
	another := begunAgain(then)
	if then.Spec.NodeName != "" {
		r.Again = append(r.Again, Again{
			Node: then.Spec.NodeName, Namespace: then.Namespace, Name: then.Name, From: then.UID, To: another.UID, Restarts: restartsOf(then),
		})
	}
	return storedForm(podKind, another)
}

func (s *Server) podNow(ctx context.Context, key string) (*corev1.Pod, error) {
	kv, err := s.store.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return thaw[*corev1.Pod](key, kv.Value)
}

// goesOn tells whether a pod needs nothing but its old metadata. What it is made of has not changed: a spec changes only
// together with the containers, but for who it waits for.
func (r *Return) goesOn(then, now *corev1.Pod) bool {
	if now == nil || now.UID != then.UID || now.Spec.NodeName != then.Spec.NodeName ||
		(now.DeletionTimestamp == nil) != (then.DeletionTimestamp == nil) || !equality.Semantic.DeepEqual(now.Spec, then.Spec) {
		return false
	}
	return then.Spec.NodeName == "" || r.present.Unchanged.Has(then.UID)
}

// Returned is what GoBack did.
type Returned struct {
	Revision int64
	// Made, Changed and Gone count objects.
	Made, Changed, Gone int
	// Ended are the pods on nodes that were taken away, by node. Nobody needs to be polite to their processes.
	Ended map[string][]types.UID
}

// GoBack does as planned. It is one write: readers see the cluster before or after it.
func (s *Server) GoBack(ctx context.Context, r *Return) (*Returned, error) {
	w := &wayBack{Return: r, done: &Returned{Ended: map[string][]types.UID{}}}
	if err := w.note(); err != nil {
		return nil, err
	}
	taken := s.reserveAll(w.services)
	var err error
	w.done.Revision, err = s.store.Rewrite(ctx, registry, w.decide)
	if err = errors.Join(err, w.err); err != nil {
		taken()
		return nil, fmt.Errorf("go back to the moment: %w", err)
	}
	s.releaseAllBut(w.services, w.servicesGone)
	// A moment of an older version may lack what every cluster has by now.
	return w.done, s.writeFirstObjects()
}

// IsThere reports whether GoBack would write nothing, and the revision at which that is so.
func (s *Server) IsThere(ctx context.Context, r *Return) (bool, int64, error) {
	page, err := s.store.List(ctx, store.ListOptions{Prefix: registry})
	if err != nil {
		return false, 0, fmt.Errorf("compare with the moment: %w", err)
	}
	w := &wayBack{Return: r, done: &Returned{Ended: map[string][]types.UID{}}}
	changes := w.decide(page.KVs)
	return w.err == nil && len(changes) == 0, page.Revision, w.err
}

// wayBack is one GoBack.
type wayBack struct {
	*Return
	done         *Returned
	services     []*corev1.Service // of the moment
	servicesGone []*corev1.Service // of the present, and replaced or deleted
	err          error             // found while the store waits: nothing is written then
	first, then  []store.Change    // deletions, so that there is room, before all else
}

// note decodes the services of the moment.
func (w *wayBack) note() error {
	for _, key := range w.order {
		if strings.HasPrefix(key, servicePrefix) {
			svc, err := thaw[*corev1.Service](key, w.moment[key])
			if err != nil {
				return err
			}
			w.services = append(w.services, svc)
		}
	}
	return nil
}

// decide compares the present with the moment. It runs while the store waits for it.
func (w *wayBack) decide(now []*store.KV) []store.Change {
	there := make(map[string][]byte, len(now))
	for _, kv := range now {
		if passing(kv.Key) {
			continue
		}
		there[kv.Key] = kv.Value
		if _, ok := w.moment[kv.Key]; !ok {
			w.failing(w.remove(kv.Key, kv.Value))
		}
	}
	for _, key := range w.order {
		w.failing(w.restore(key, w.moment[key], there[key]))
	}
	if w.err != nil {
		return nil
	}
	return append(w.first, w.then...)
}

func (w *wayBack) failing(err error) {
	if w.err == nil {
		w.err = err
	}
}

// remove takes away an object that the moment does not know, unless it is a machine that came since.
func (w *wayBack) remove(key string, value []byte) error {
	switch {
	case strings.HasPrefix(key, nodePrefix):
		return nil
	case strings.HasPrefix(key, podPrefix):
		pod, err := thaw[*corev1.Pod](key, value)
		if err != nil {
			return err
		}
		w.end(pod)
	}
	w.done.Gone++
	w.first = append(w.first, store.Change{Key: key})
	return w.noteGone(key, value)
}

func (w *wayBack) noteGone(key string, value []byte) error {
	if !strings.HasPrefix(key, servicePrefix) {
		return nil
	}
	svc, err := thaw[*corev1.Service](key, value)
	if err == nil {
		w.servicesGone = append(w.servicesGone, svc)
	}
	return err
}

func (w *wayBack) end(pod *corev1.Pod) {
	if node := pod.Spec.NodeName; node != "" {
		w.done.Ended[node] = append(w.done.Ended[node], pod.UID)
	}
}

// restore makes a key what it was at the moment. now is nil when it is not there.
func (w *wayBack) restore(key string, then, now []byte) error {
	switch {
	case now == nil && strings.HasPrefix(key, nodePrefix) && !w.present.Nodes.Has(strings.TrimPrefix(key, nodePrefix)):
		return nil
	case now == nil:
		w.done.Made++
		w.then = append(w.then, store.Change{Key: key, Value: then})
		return nil
	case bytes.Equal(then, now):
		return nil
	case strings.HasPrefix(key, nodePrefix):
		return w.restoreNode(key, then, now)
	case strings.HasPrefix(key, podPrefix):
		return w.restorePod(key, then, now)
	}
	if err := w.noteGone(key, now); err != nil {
		return err
	}
	return w.replace(key, then, now)
}

// replace writes then over now. An object of the same name that is another one goes first: who watches must see an end and a
// beginning, not one object that becomes another.
func (w *wayBack) replace(key string, then, now []byte) error {
	same, err := sameObject(key, then, now)
	if err != nil {
		return err
	}
	if !same {
		w.first = append(w.first, store.Change{Key: key})
	}
	w.done.Changed++
	w.then = append(w.then, store.Change{Key: key, Value: then})
	return nil
}

func sameObject(key string, then, now []byte) (bool, error) {
	var uids [2]types.UID
	for i, value := range [][]byte{then, now} {
		obj, _, err := protoDecoder.Decode(value, nil, nil)
		if err != nil {
			return false, fmt.Errorf("decode %s: %w", key, err)
		}
		accessor, err := meta.Accessor(obj)
		if err != nil {
			return false, fmt.Errorf("read metadata of %s: %w", key, err)
		}
		uids[i] = accessor.GetUID()
	}
	return uids[0] == uids[1], nil
}

// restoreNode gives a Node back what people decide of it.
func (w *wayBack) restoreNode(key string, then, now []byte) error {
	was, err := thaw[*corev1.Node](key, then)
	if err != nil {
		return err
	}
	is, err := thaw[*corev1.Node](key, now)
	if err != nil {
		return err
	}
	value, err := storedForm(nodeKind, nodeAsDecided(was, is))
	if err != nil || bytes.Equal(value, now) {
		return err
	}
	w.done.Changed++
	w.then = append(w.then, store.Change{Key: key, Value: value})
	return nil
}

// restorePod: a pod that goes on keeps the status of the present, which its processes have earned; another one takes the place.
func (w *wayBack) restorePod(key string, then, now []byte) error {
	was, err := thaw[*corev1.Pod](key, then)
	if err != nil {
		return err
	}
	is, err := thaw[*corev1.Pod](key, now)
	if err != nil {
		return err
	}
	if was.UID != is.UID {
		w.end(is)
		return w.replace(key, then, now)
	}
	value, err := storedForm(podKind, podAsDecided(was, is))
	if err != nil || bytes.Equal(value, now) {
		return err
	}
	w.done.Changed++
	w.then = append(w.then, store.Change{Key: key, Value: value})
	return nil
}

// reserveAll keeps the addresses and ports of services from being handed out to others; the result undoes it.
func (s *Server) reserveAll(services []*corev1.Service) (undo func()) {
	var undos []func()
	for _, svc := range services {
		for _, text := range svc.Spec.ClusterIPs {
			if address, err := netip.ParseAddr(text); err == nil && s.addresses.take(address) {
				undos = append(undos, func() { s.addresses.release(address) })
			}
		}
		for _, port := range portsHeld(svc) {
			if s.nodePorts.take(port) {
				undos = append(undos, func() { s.nodePorts.release(port) })
			}
		}
	}
	return func() {
		for _, undo := range undos {
			undo()
		}
	}
}

// releaseAllBut gives back what the services that are gone held, unless one of those that are there now holds it.
func (s *Server) releaseAllBut(there, gone []*corev1.Service) {
	for _, svc := range gone {
		s.releaseOf(svc)
	}
	s.reserveAll(there)
}
