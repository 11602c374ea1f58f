package ingress

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Controller is the spec.controller of the classes that this program serves.
const Controller = "drydock.dev/ingress"

// oldClass is how an Ingress named its class before spec.ingressClassName.
const oldClass = "kubernetes.io/ingress.class"

// World is what a table is built from, each kind by Key. Build reads it only.
type World struct {
	Classes   map[string]*Class
	Ingresses map[string]*Ingress
	Services  map[string]*Service
	Slices    map[string]*Slice
	Secrets   map[string]*Secret
}

// Served are the Ingresses of our classes, the oldest first: where two want the same, it is whose it stays.
func (w World) Served() []*Ingress {
	all := slices.DeleteFunc(slices.Collect(maps.Values(w.Ingresses)), func(i *Ingress) bool { return !w.serves(i) })
	slices.SortFunc(all, func(a, b *Ingress) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp), strings.Compare(a.Key(), b.Key()))
	})
	return all
}

// serves: an Ingress without a class is nobody's. One that is created while there is a default class has that one
// (the API server writes it in), so here it needs no thought.
func (w World) serves(i *Ingress) bool {
	name := i.Annotations[oldClass]
	if i.Spec.IngressClassName != nil {
		name = *i.Spec.IngressClassName
	}
	class := w.Classes["/"+name]
	return class != nil && class.Spec.Controller == Controller
}

// endpoints are the addresses behind a Service's port: the ready ones, or, when there are none, those that still answer
// while they end. The error is for the author of the Ingress.
func (w World) endpoints(namespace string, backend *ServiceBackend) ([]string, error) {
	service := w.Services[namespace+"/"+backend.Name]
	if service == nil {
		return nil, fmt.Errorf("there is no Service %q in namespace %q", backend.Name, namespace)
	}
	at := slices.IndexFunc(service.Spec.Ports, func(p ServicePort) bool {
		return backend.Port.Name != "" && p.Name == backend.Port.Name || backend.Port.Name == "" && p.Port == backend.Port.Number
	})
	if service.Spec.Type == "ExternalName" {
		port := backend.Port.Number
		if at >= 0 {
			port = service.Spec.Ports[at].Port
		}
		return []string{net.JoinHostPort(service.Spec.ExternalName, strconv.Itoa(port))}, nil
	}
	if at < 0 {
		return nil, fmt.Errorf("the Service %q has no port %s", backend.Name, backend.port())
	}
	ready, serving := w.addresses(service, service.Spec.Ports[at].Name)
	if len(ready) > 0 {
		return ready, nil
	}
	return serving, nil
}

// addresses are sorted, so that the same endpoints make the same table.
func (w World) addresses(service *Service, port string) (ready, serving []string) {
	for _, slice := range w.Slices {
		if slice.Namespace != service.Namespace || slice.Labels["kubernetes.io/service-name"] != service.Name {
			continue
		}
		for _, p := range slice.Ports {
			if p.Name != port {
				continue
			}
			for _, e := range slice.Endpoints {
				if len(e.Addresses) == 0 {
					continue
				}
				address := net.JoinHostPort(e.Addresses[0], strconv.Itoa(p.Port))
				switch {
				case e.Conditions.Ready == nil || *e.Conditions.Ready:
					ready = append(ready, address)
				case e.Conditions.Serving != nil && *e.Conditions.Serving:
					serving = append(serving, address)
				}
			}
		}
	}
	slices.Sort(ready)
	slices.Sort(serving)
	return slices.Compact(ready), slices.Compact(serving)
}
