package dns

import (
	"errors"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// Names of the indexes.
const (
	byService = "service" // slices, by the Service they belong to
	byAddress = "address" // Services by cluster address, slices by endpoint address
)

// source is the cluster as the API tells it. Its methods may be called at the same time; the objects they return are shared
// and must not be changed.
type source struct {
	services, slices, namespaces cache.SharedIndexInformer
}

func newSource(factory informers.SharedInformerFactory) (*source, error) {
	s := &source{
		services:   factory.Core().V1().Services().Informer(),
		slices:     factory.Discovery().V1().EndpointSlices().Informer(),
		namespaces: factory.Core().V1().Namespaces().Informer(),
	}
	return s, errors.Join(
		s.services.AddIndexers(cache.Indexers{byAddress: func(obj any) ([]string, error) {
			return obj.(*corev1.Service).Spec.ClusterIPs, nil
		}}),
		s.slices.AddIndexers(cache.Indexers{
			byService: func(obj any) ([]string, error) {
				slice := obj.(*discoveryv1.EndpointSlice)
				return []string{slice.Namespace + "/" + slice.Labels[discoveryv1.LabelServiceName]}, nil
			},
			byAddress: func(obj any) ([]string, error) {
				var addresses []string
				for _, e := range obj.(*discoveryv1.EndpointSlice).Endpoints {
					addresses = append(addresses, e.Addresses...)
				}
				return addresses, nil
			},
		}),
	)
}

func (s *source) synced() bool {
	return s.services.HasSynced() && s.slices.HasSynced() && s.namespaces.HasSynced()
}

func (s *source) hasNamespace(name string) bool {
	_, found, err := s.namespaces.GetStore().GetByKey(name)
	return found && err == nil
}

// service returns nil when there is none of that name.
func (s *source) service(namespace, name string) *corev1.Service {
	obj, found, err := s.services.GetStore().GetByKey(namespace + "/" + name)
	if !found || err != nil {
		return nil
	}
	return obj.(*corev1.Service)
}

// endpoint is one ready address of a Service.
type endpoint struct {
	hostname string // its label below the Service's name
	address  netip.Addr
	ports    []discoveryv1.EndpointPort
}

// endpoints are the ready ones of a Service. What publishNotReadyAddresses asks for is in the slices already: there everything is ready.
func (s *source) endpoints(namespace, name string) []endpoint {
	objects, err := s.slices.GetIndexer().ByIndex(byService, namespace+"/"+name)
	if err != nil {
		return nil // the index was made in newSource
	}
	var all []endpoint
	for _, obj := range objects {
		slice := obj.(*discoveryv1.EndpointSlice)
		for i := range slice.Endpoints {
			e := &slice.Endpoints[i]
			if e.Conditions.Ready != nil && !*e.Conditions.Ready {
				continue
			}
			for _, text := range e.Addresses {
				if address, err := netip.ParseAddr(text); err == nil {
					all = append(all, endpoint{hostnameOf(e, text), address, slice.Ports})
				}
			}
		}
	}
	return all
}

// hostnameOf is the pod's own hostname when it has a subdomain, as StatefulSets give it; otherwise its address with dashes.
func hostnameOf(e *discoveryv1.Endpoint, address string) string {
	if e.Hostname != nil && *e.Hostname != "" {
		return strings.ToLower(*e.Hostname)
	}
	return strings.NewReplacer(".", "-", ":", "-").Replace(address)
}

// namesOf are the names, below svc.DOMAIN, that lead to an address.
func (s *source) namesOf(address netip.Addr) []string {
	var names []string
	if objects, err := s.services.GetIndexer().ByIndex(byAddress, address.String()); err == nil {
		for _, obj := range objects {
			service := obj.(*corev1.Service)
			return []string{service.Name + "." + service.Namespace}
		}
	}
	objects, err := s.slices.GetIndexer().ByIndex(byAddress, address.String())
	if err != nil {
		return nil
	}
	for _, obj := range objects {
		slice := obj.(*discoveryv1.EndpointSlice)
		for i := range slice.Endpoints {
			for _, text := range slice.Endpoints[i].Addresses {
				if text == address.String() {
					service := slice.Labels[discoveryv1.LabelServiceName] + "." + slice.Namespace
					names = append(names, hostnameOf(&slice.Endpoints[i], text)+"."+service)
				}
			}
		}
	}
	return names
}
