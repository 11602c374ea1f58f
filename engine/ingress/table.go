package ingress

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
)

// Table says for each host and path where a request goes. It is built whole and then only read.
type Table struct {
	sites    map[string]*site // by host: "shop.example", "*.example", "" for any
	fallback *Target          // for what nothing else wants; nil: 404
	certs    map[string]*tls.Certificate
}

// site is the paths of one host.
type site struct {
	routes   []route // the longest first
	fallback *Target
}

type route struct {
	path   string
	exact  bool
	target *Target
}

// Target is where a request goes.
type Target struct {
	Ingress   string // "namespace/name", whose rule it is
	Service   string // "name:port"
	Endpoints []string
	Problem   string // why there can be no endpoints; "" when there may be

	turn atomic.Uint32
}

// Endpoint is the next in turn, and after it the others; none when nobody is ready.
func (t *Target) inTurn() []string {
	n := len(t.Endpoints)
	if n < 2 {
		return t.Endpoints
	}
	first := int(t.turn.Add(1)-1) % n
	return append(slices.Clone(t.Endpoints[first:]), t.Endpoints[:first]...)
}

// Problem is something that the author of an Ingress should know.
type Problem struct {
	Ingress *Ingress
	Reason  string // as Events have it
	Message string
}

// builder collects a table.
type builder struct {
	world    World
	table    *Table
	problems []Problem
}

// Build makes the table of a world, and says what in it cannot work.
func Build(world World) (*Table, []Problem) {
	b := &builder{world: world, table: &Table{sites: map[string]*site{}, certs: map[string]*tls.Certificate{}}}
	for _, ingress := range world.Served() {
		b.add(ingress)
	}
	for _, s := range b.table.sites {
		slices.SortStableFunc(s.routes, func(a, c route) int {
			return cmp.Or(cmp.Compare(len(c.path), len(a.path)), cmp.Compare(rank(c), rank(a)))
		})
	}
	return b.table, b.problems
}

// rank puts an exact path before a prefix of the same length.
func rank(r route) int {
	if r.exact {
		return 1
	}
	return 0
}

func (b *builder) add(ingress *Ingress) {
	var fallback *Target
	if ingress.Spec.DefaultBackend != nil {
		fallback = b.target(ingress, *ingress.Spec.DefaultBackend)
		if b.table.fallback == nil {
			b.table.fallback = fallback
		}
	}
	for _, rule := range ingress.Spec.Rules {
		host := strings.ToLower(rule.Host)
		s := b.table.sites[host]
		if s == nil {
			s = &site{}
			b.table.sites[host] = s
		}
		if s.fallback == nil {
			s.fallback = fallback
		}
		if rule.HTTP == nil {
			continue // every path of the host goes to the default backend
		}
		for _, path := range rule.HTTP.Paths {
			b.addPath(ingress, s, path)
		}
	}
	b.addCertificates(ingress)
}

func (b *builder) addPath(ingress *Ingress, s *site, path Path) {
	r := route{path: cmp.Or(path.Path, "/"), exact: path.PathType == "Exact"}
	if !r.exact && r.path != "/" {
		r.path = strings.TrimRight(r.path, "/") // /cart/ and /cart are the same prefix
	}
	for _, other := range s.routes {
		if other.path == r.path && other.exact == r.exact {
			b.warn(ingress, "Rejected", "path %q is served by Ingress %s already, which is older", r.path, other.target.Ingress)
			return
		}
	}
	r.target = b.target(ingress, path.Backend)
	s.routes = append(s.routes, r)
}

func (b *builder) target(ingress *Ingress, backend Backend) *Target {
	t := &Target{Ingress: ingress.Key()}
	if backend.Service == nil {
		t.Problem = "a backend must be a Service"
		b.warn(ingress, "Unsupported", "%s; this controller serves no other", t.Problem)
		return t
	}
	t.Service = backend.Service.Name + ":" + backend.Service.port()
	endpoints, err := b.world.endpoints(ingress.Namespace, backend.Service)
	if err != nil {
		t.Problem = err.Error()
		b.warn(ingress, "BackendNotFound", "%s", t.Problem)
	}
	t.Endpoints = endpoints
	return t
}

func (b *builder) addCertificates(ingress *Ingress) {
	for _, entry := range ingress.Spec.TLS {
		if entry.SecretName == "" {
			continue // HTTPS with the certificate that nobody knows
		}
		certificate, err := b.certificate(ingress.Namespace, entry.SecretName)
		if err != nil {
			b.warn(ingress, "BadCertificate", "%v", err)
			continue
		}
		hosts := entry.Hosts
		if len(hosts) == 0 { // it is for whatever the Ingress serves
			for _, rule := range ingress.Spec.Rules {
				hosts = append(hosts, rule.Host)
			}
		}
		for _, host := range hosts {
			if host = strings.ToLower(host); b.table.certs[host] == nil {
				b.table.certs[host] = certificate
			}
		}
	}
}

func (b *builder) certificate(namespace, name string) (*tls.Certificate, error) {
	secret := b.world.Secrets[namespace+"/"+name]
	if secret == nil {
		return nil, fmt.Errorf("there is no Secret %q of type kubernetes.io/tls in namespace %q", name, namespace)
	}
	pair, err := tls.X509KeyPair(secret.Data["tls.crt"], secret.Data["tls.key"])
	if err != nil {
		return nil, fmt.Errorf("the Secret %q holds no certificate with its key: %w", name, err)
	}
	return &pair, nil
}

func (b *builder) warn(ingress *Ingress, reason, format string, args ...any) {
	b.problems = append(b.problems, Problem{ingress, reason, fmt.Sprintf(format, args...)})
}

// Find says where a request goes; nil when nobody wants it. Who has the host has it whole: a path that its rules do not know does not
// fall to those of a wider host.
func (t *Table) Find(host, path string) *Target {
	s := lookup(t.sites, host)
	if s == nil {
		return t.fallback
	}
	for _, r := range s.routes {
		if r.matches(path) {
			return r.target
		}
	}
	if s.fallback != nil {
		return s.fallback
	}
	return t.fallback
}

// Certificate is what a client that asks for a host by SNI is shown; nil when no Ingress names one.
func (t *Table) Certificate(host string) *tls.Certificate { return lookup(t.certs, host) }

// lookup finds what belongs to a host: by its name, by a wildcard that stands for its first label, or by "", which is any.
func lookup[T any](hosts map[string]*T, host string) *T {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if found := hosts[host]; found != nil {
		return found
	}
	if first, rest, ok := strings.Cut(host, "."); ok && first != "" {
		if found := hosts["*."+rest]; found != nil {
			return found
		}
	}
	return hosts[""]
}

// matches: a prefix ends where an element of the path ends.
func (r route) matches(path string) bool {
	if r.exact {
		return path == r.path
	}
	rest, ok := strings.CutPrefix(path, r.path)
	return ok && (rest == "" || rest[0] == '/' || r.path == "/")
}
