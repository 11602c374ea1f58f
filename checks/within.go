package checks

import "regexp"

// Within is the same check asked in another namespace than the default one, for a learner who has a namespace on a cluster that is
// not theirs. Other namespaces that the check names stay.
func (s Spec) Within(namespace string) Spec {
	w := within(namespace)
	s.Object = changed(s.Object, w.object)
	s.Probe = changed(s.Probe, w.probe)
	s.Event = changed(s.Event, func(e *EventSpec) { w.about(&e.About) })
	s.Actor = changed(s.Actor, func(a *ActorSpec) { w.about(&a.About) })
	s.History = changed(s.History, w.history)
	s.Node = changed(s.Node, w.node)
	s.All, s.Any = w.each(s.All), w.each(s.Any)
	s.Not = changed(s.Not, func(not *Spec) { *not = not.Within(namespace) })
	return s
}

// changed is a changed copy of what v leads to: a pack is read-only.
func changed[T any](v *T, change func(*T)) *T {
	if v == nil {
		return nil
	}
	out := *v
	change(&out)
	return &out
}

// within is a namespace that stands for the default one.
type within string

func (w within) name(namespace string) string {
	if namespace == "" || namespace == "default" {
		return string(w)
	}
	return namespace
}

func (w within) each(specs []Spec) []Spec {
	var out []Spec
	for _, s := range specs {
		out = append(out, s.Within(string(w)))
	}
	return out
}

func (w within) object(o *ObjectSpec) { o.Namespace = w.name(o.Namespace) }

func (w within) about(a *About) { a.Namespace = w.name(a.Namespace) }

func (w within) history(h *HistorySpec) {
	h.Always, h.Never, h.Eventually = changed(h.Always, w.object), changed(h.Never, w.object), changed(h.Eventually, w.object)
	h.From, h.Until = changed(h.From, w.object), changed(h.Until, w.object)
	h.Before = changed(h.Before, func(o *Order) { o.First, o.Then = changed(o.First, w.object), changed(o.Then, w.object) })
}

// place puts a pod into the namespace. What cannot be read is refused when the check is compiled.
func (w within) place(text string) string {
	p, err := ParsePlace(text)
	if err != nil || p.Kind != PlacePod {
		return text
	}
	p.Namespace = w.name(p.Namespace)
	return p.String()
}

func (w within) node(n *NodeSpec) {
	n.Of = w.place(n.Of)
	n.Namespace = changed(n.Namespace, func(s *NamespaceSpec) { s.Same, s.Differ = w.place(s.Same), w.place(s.Differ) })
}

func (w within) probe(p *ProbeSpec) {
	p.From = w.place(p.From)
	p.HTTP = changed(p.HTTP, func(h *HTTPProbe) {
		h.URL = w.host(h.URL)
		if p.From == string(PlaceAPI) {
			h.URL = bare.ReplaceAllString(h.URL, "${1}."+string(w)+"${2}")
		}
	})
	p.TCP = changed(p.TCP, func(t *TCPProbe) { t.Address = w.host(t.Address) })
	p.UDP = changed(p.UDP, func(u *UDPProbe) { u.Address = w.host(u.Address) })
	p.DNS = changed(p.DNS, func(d *DNSProbe) { d.Name = w.host(d.Name) })
}

// ofDefault finds the default namespace in the name of a Service or a pod: web.default, web.default.svc.cluster.local.
var ofDefault = regexp.MustCompile(`(//|^)([a-z0-9.-]+\.)default(\.svc|:|/|$)`)

// bare finds a pod's name without its namespace, which only a probe through the API server takes for a pod's.
var bare = regexp.MustCompile(`^(https?://[a-z0-9-]+)([:/]|$)`)

func (w within) host(address string) string {
	return ofDefault.ReplaceAllString(address, "${1}${2}"+string(w)+"${3}")
}
