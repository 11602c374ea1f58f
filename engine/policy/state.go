package policy

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"

	"drydock/engine/listwatch"
)

// state is what the API has told.
type state struct {
	news  chan struct{} // something has changed; capacity 1
	first chan struct{} // closed when there has been a policy
	node  string

	mu sync.Mutex
	// guarded by mu
	policies   map[string]*networkingv1.NetworkPolicy // by namespace/name, as all here
	pods       map[string]*pod
	namespaces map[string]labels.Set
	listed     map[string]bool // which of the three have been listed
	needed     bool            // first is closed
}

func newState(node string) *state {
	return &state{
		news: make(chan struct{}, 1), first: make(chan struct{}), node: node,
		policies: map[string]*networkingv1.NetworkPolicy{}, pods: map[string]*pod{}, namespaces: map[string]labels.Set{},
		listed: map[string]bool{},
	}
}

// world is a picture of everything; known is false while a list is missing that matters.
func (s *state) world() (w *world, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.listed["networkpolicies"] || s.needed && (!s.listed["pods"] || !s.listed["namespaces"]) {
		return nil, false
	}
	w = &world{node: s.node, namespaces: map[string]labels.Set{}}
	for _, p := range s.policies {
		w.policies = append(w.policies, p)
	}
	for _, p := range s.pods {
		w.pods = append(w.pods, p)
	}
	for name, set := range s.namespaces {
		w.namespaces[name] = set
	}
	slices.SortFunc(w.policies, func(a, b *networkingv1.NetworkPolicy) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	slices.SortFunc(w.pods, func(a, b *pod) int {
		return cmp.Or(a.ip.Compare(b.ip), strings.Compare(a.namespace+"/"+a.name, b.namespace+"/"+b.name))
	})
	return w, true
}

func (s *state) touchLocked() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// set takes one object; gone means that it was deleted.
func (s *state) set(obj runtime.Object, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setLocked(obj, gone)
	s.touchLocked()
}

func (s *state) setLocked(obj runtime.Object, gone bool) {
	switch obj := obj.(type) {
	case *networkingv1.NetworkPolicy:
		keep(s.policies, obj.Namespace+"/"+obj.Name, obj, !gone)
		if !gone && !s.needed {
			s.needed = true
			close(s.first)
		}
	case *corev1.Pod:
		p, ok := podOf(obj)
		keep(s.pods, obj.Namespace+"/"+obj.Name, p, ok && !gone)
	case *corev1.Namespace:
		keep(s.namespaces, obj.Name, labels.Set(obj.Labels), !gone)
	}
}

func keep[T any](all map[string]T, key string, value T, there bool) {
	delete(all, key)
	if there {
		all[key] = value
	}
}

// podOf is false for a pod without an address of its own.
func podOf(p *corev1.Pod) (*pod, bool) {
	ip, err := netip.ParseAddr(p.Status.PodIP)
	ended := p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
	if err != nil || !ip.Is4() || p.Spec.HostNetwork || ended {
		return nil, false
	}
	out := &pod{namespace: p.Namespace, name: p.Name, node: p.Spec.NodeName, ip: ip, labels: p.Labels}
	for _, c := range p.Spec.Containers {
		for _, port := range c.Ports {
			if port.Name != "" {
				out.ports = append(out.ports, port)
			}
		}
	}
	return out, true
}

// replace takes a complete list of one resource.
func (s *state) replace(resource string, list []runtime.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch resource {
	case "networkpolicies":
		clear(s.policies)
	case "pods":
		clear(s.pods)
	case "namespaces":
		clear(s.namespaces)
	}
	for _, obj := range list {
		s.setLocked(obj, false)
	}
	s.listed[resource] = true
	s.touchLocked()
}

// source follows one resource.
func (e *Engine) source(resource string) *listwatch.Source {
	return &listwatch.Source{
		List: func(ctx context.Context) (string, error) {
			list, version, err := e.cfg.Client.List(ctx, resource)
			if err != nil {
				return "", err
			}
			e.state.replace(resource, list)
			return version, nil
		},
		Watch: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return e.cfg.Client.Watch(ctx, resource, options)
		},
		Changed: func(event watch.Event) { e.state.set(event.Object, event.Type == watch.Deleted) },
	}
}
