package proxy

import (
	"context"
	"net/netip"
	"sync"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"drydock/engine/listwatch"
)

// state is what the API has told: Services, their EndpointSlices, and which Services have changed since they were last looked at.
type state struct {
	news chan struct{} // something has changed; capacity 1
	who  viewer        // whose rules they will be

	mu sync.Mutex
	// guarded by mu
	services       map[name]*corev1.Service
	slices         map[name]map[string]*discoveryv1.EndpointSlice // by Service, then by the slice's own name
	changed        map[name]bool
	servicesListed bool
	slicesListed   bool
}

func newState(who viewer) *state {
	return &state{
		who:  who,
		news: make(chan struct{}, 1), services: map[name]*corev1.Service{},
		slices: map[name]map[string]*discoveryv1.EndpointSlice{}, changed: map[name]bool{},
	}
}

func (s *state) touchLocked(service name) {
	s.changed[service] = true
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// everything is what the kernel should know; synced is false before both first lists have arrived.
func (s *state) everything() (want map[portID]*servicePort, synced bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.servicesListed || !s.slicesListed {
		return nil, false
	}
	clear(s.changed)
	want = map[portID]*servicePort{}
	for service := range s.services {
		for _, port := range s.portsLocked(service) {
			want[port.id] = port
		}
	}
	return want, true
}

// dirty takes the Services that have changed, with what the kernel should know of each: nothing for those that are gone.
func (s *state) dirty() map[name]map[portID]*servicePort {
	s.mu.Lock()
	defer s.mu.Unlock()
	dirty := map[name]map[portID]*servicePort{}
	for service := range s.changed {
		dirty[service] = map[portID]*servicePort{}
		for _, port := range s.portsLocked(service) {
			dirty[service][port.id] = port
		}
	}
	clear(s.changed)
	return dirty
}

// announced are the balancers' addresses that this node is to answer for.
func (s *state) announced() []netip.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []netip.Addr
	for _, service := range s.services {
		if s.who.onlyClusterIPs || service.Annotations[announcedBy] != s.who.node || service.Spec.Type != corev1.ServiceTypeLoadBalancer {
			continue
		}
		for _, ingress := range service.Status.LoadBalancer.Ingress {
			if ip, err := netip.ParseAddr(ingress.IP); err == nil && ip.Is4() {
				all = append(all, ip)
			}
		}
	}
	return all
}

func (s *state) portsLocked(service name) []*servicePort {
	object := s.services[service]
	if object == nil {
		return nil
	}
	var all []*discoveryv1.EndpointSlice
	for _, slice := range s.slices[service] {
		all = append(all, slice)
	}
	return servicePorts(s.who, object, all)
}

func (s *state) setService(object *corev1.Service, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	service := name{object.Namespace, object.Name}
	if gone {
		delete(s.services, service)
	} else {
		s.services[service] = object
	}
	s.touchLocked(service)
}

func serviceOf(slice *discoveryv1.EndpointSlice) name {
	return name{slice.Namespace, slice.Labels[discoveryv1.LabelServiceName]}
}

func (s *state) setSlice(slice *discoveryv1.EndpointSlice, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setSliceLocked(slice, gone)
}

func (s *state) setSliceLocked(slice *discoveryv1.EndpointSlice, gone bool) {
	service := serviceOf(slice)
	if service.name == "" {
		return
	}
	if s.slices[service] == nil {
		s.slices[service] = map[string]*discoveryv1.EndpointSlice{}
	}
	s.slices[service][slice.Name] = slice
	if gone {
		delete(s.slices[service], slice.Name)
	}
	if len(s.slices[service]) == 0 {
		delete(s.slices, service)
	}
	s.touchLocked(service)
}

func (s *state) replaceServices(list []corev1.Service) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for service := range s.services {
		s.touchLocked(service)
	}
	s.services, s.servicesListed = map[name]*corev1.Service{}, true
	for i := range list {
		service := name{list[i].Namespace, list[i].Name}
		s.services[service] = &list[i]
		s.touchLocked(service)
	}
	s.touchLocked(name{}) // an empty list is news, too
}

func (s *state) replaceSlices(list []discoveryv1.EndpointSlice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for service := range s.slices {
		s.touchLocked(service)
	}
	s.slices, s.slicesListed = map[name]map[string]*discoveryv1.EndpointSlice{}, true
	for i := range list {
		s.setSliceLocked(&list[i], false)
	}
	s.touchLocked(name{})
}

func (p *Proxy) services() *listwatch.Source {
	return &listwatch.Source{
		List: func(ctx context.Context) (string, error) {
			list, err := p.cfg.Client.Services(ctx)
			if err != nil {
				return "", err
			}
			p.state.replaceServices(list.Items)
			return list.ResourceVersion, nil
		},
		Watch: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return p.cfg.Client.WatchServices(ctx, options)
		},
		Changed: func(event watch.Event) {
			if object, ok := event.Object.(*corev1.Service); ok {
				p.state.setService(object, event.Type == watch.Deleted)
			}
		},
	}
}

func (p *Proxy) endpointSlices() *listwatch.Source {
	return &listwatch.Source{
		List: func(ctx context.Context) (string, error) {
			list, err := p.cfg.Client.EndpointSlices(ctx)
			if err != nil {
				return "", err
			}
			p.state.replaceSlices(list.Items)
			return list.ResourceVersion, nil
		},
		Watch: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return p.cfg.Client.WatchEndpointSlices(ctx, options)
		},
		Changed: func(event watch.Event) {
			if slice, ok := event.Object.(*discoveryv1.EndpointSlice); ok {
				p.state.setSlice(slice, event.Type == watch.Deleted)
			}
		},
	}
}
