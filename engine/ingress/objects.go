package ingress

import (
	"encoding/json"
	"strconv"
	"time"
)

// Of each kind only what the controller reads: it is one program of an image that holds many, and the types of k8s.io/api with what they
// need would be twice its size.

// Meta is an object's metadata.
type Meta struct {
	Name              string            `json:"name"`
	Namespace         string            `json:"namespace"`
	UID               string            `json:"uid"`
	ResourceVersion   string            `json:"resourceVersion"`
	CreationTimestamp time.Time         `json:"creationTimestamp"`
	Labels            map[string]string `json:"labels"`
	Annotations       map[string]string `json:"annotations"`
}

func (m *Meta) meta() *Meta { return m }

// Key is how an object is found: "namespace/name", or "/name".
func (m *Meta) Key() string { return m.Namespace + "/" + m.Name }

// object is a pointer to one of the kinds below.
type object interface{ meta() *Meta }

// Class is an IngressClass.
type Class struct {
	Meta `json:"metadata"`
	Spec struct {
		Controller string `json:"controller"`
	} `json:"spec"`
}

// Ingress is rules by which requests find Services.
type Ingress struct {
	Meta   `json:"metadata"`
	Spec   IngressSpec `json:"spec"`
	Status struct {
		LoadBalancer LoadBalancer `json:"loadBalancer"`
	} `json:"status"`
}

// IngressSpec is what the user wrote.
type IngressSpec struct {
	IngressClassName *string  `json:"ingressClassName"`
	DefaultBackend   *Backend `json:"defaultBackend"`
	TLS              []TLS    `json:"tls"`
	Rules            []Rule   `json:"rules"`
}

// TLS names the certificate of some hosts.
type TLS struct {
	Hosts      []string `json:"hosts"`
	SecretName string   `json:"secretName"`
}

// Rule is the paths of one host; "" is every host.
type Rule struct {
	Host string `json:"host"`
	HTTP *struct {
		Paths []Path `json:"paths"`
	} `json:"http"`
}

// Path leads what is below it, or exactly it, to a Service.
type Path struct {
	Path     string  `json:"path"`
	PathType string  `json:"pathType"`
	Backend  Backend `json:"backend"`
}

// Backend is a port of a Service, or, for other controllers than this one, some other object.
type Backend struct {
	Service *ServiceBackend `json:"service"`
}

// ServiceBackend names a Service's port by name or by number.
type ServiceBackend struct {
	Name string `json:"name"`
	Port struct {
		Name   string `json:"name"`
		Number int    `json:"number"`
	} `json:"port"`
}

// port is for people.
func (b *ServiceBackend) port() string {
	if b.Port.Name != "" {
		return b.Port.Name
	}
	return strconv.Itoa(b.Port.Number)
}

// LoadBalancer is where something can be reached from outside.
type LoadBalancer struct {
	Ingress []Point `json:"ingress,omitempty"`
}

// Point is one address.
type Point struct {
	IP       string `json:"ip,omitempty"`
	Hostname string `json:"hostname,omitempty"`
}

// Service is what backends are found by.
type Service struct {
	Meta `json:"metadata"`
	Spec struct {
		Type         string        `json:"type"`
		ExternalName string        `json:"externalName"`
		Ports        []ServicePort `json:"ports"`
	} `json:"spec"`
	Status struct {
		LoadBalancer LoadBalancer `json:"loadBalancer"`
	} `json:"status"`
}

// ServicePort is one port of a Service.
type ServicePort struct {
	Name string `json:"name"`
	Port int    `json:"port"`
}

// Slice is an EndpointSlice.
type Slice struct {
	Meta  `json:"metadata"`
	Ports []struct {
		Name string `json:"name"`
		Port int    `json:"port"`
	} `json:"ports"`
	Endpoints []struct {
		Addresses  []string `json:"addresses"`
		Conditions struct {
			Ready   *bool `json:"ready"`
			Serving *bool `json:"serving"`
		} `json:"conditions"`
	} `json:"endpoints"`
}

// Secret holds a certificate and its key.
type Secret struct {
	Meta `json:"metadata"`
	Data map[string][]byte `json:"data"`
}

// list is a list of any kind.
type list struct {
	Metadata Meta              `json:"metadata"`
	Items    []json.RawMessage `json:"items"`
}
