package proxy_test

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/watch"

	"drydock/engine/decision"
)

// begin starts a proxy with one Service, web at 10.96.0.30, and its endpoints.
func begin(t *testing.T, mend func(*corev1.Service), endpoints *discoveryv1.EndpointSlice) (*running, *corev1.Service) {
	t.Helper()
	s := service("web", "10.96.0.30", 30090)
	mend(s)
	api := newFakeAPI()
	api.services = []corev1.Service{*s}
	api.slices = []discoveryv1.EndpointSlice{*endpoints}
	r := start(t, api)
	t.Cleanup(func() {
		records, _ := r.ring.Since(0)
		for _, rec := range records {
			if rec.Reason == "TamperedWith" || rec.Reason == "Failed" {
				t.Errorf("the proxy fought with itself: %+v", rec)
			}
		}
	})
	return r, s
}

// on says which node each endpoint of a slice is on.
func on(s *discoveryv1.EndpointSlice, nodes ...string) *discoveryv1.EndpointSlice {
	for i := range nodes {
		s.Endpoints[i].NodeName = &nodes[i]
	}
	return s
}

func expect(t *testing.T, p *pod, address, want string) (caller string) {
	t.Helper()
	name, caller, err := p.ask("tcp4", address)
	if err != nil || name != want {
		t.Errorf("%s to %s: %q %v, want %s", p.ip, address, name, err, want)
	}
	return caller
}

func dropped(t *testing.T, p *pod, address string) {
	t.Helper()
	err := p.do(func() error {
		conn, err := net.DialTimeout("tcp4", address, 300*time.Millisecond)
		if err == nil {
			conn.Close()
		}
		return err
	})
	if err == nil || refused(err) {
		t.Errorf("%s to %s: %v, want silence", p.ip, address, err)
	}
}

func TestSessionAffinity(t *testing.T) {
	client, other := newPod(t), newPod(t)
	servers := map[string]netip.AddrPort{}
	var all []netip.AddrPort
	for _, name := range []string{"one", "two", "three", "four"} {
		servers[name] = newPod(t).serve(name, 8080)
		all = append(all, servers[name])
	}
	r, _ := begin(t, func(s *corev1.Service) {
		s.Spec.SessionAffinity = corev1.ServiceAffinityClientIP
	}, slice("web", all...))
	mine, _, err := client.ask("tcp4", "10.96.0.30:80")
	must(t, err)
	for range 30 {
		expect(t, client, "10.96.0.30:80", mine)
		expect(t, client, nodeIP+":30090", mine)
	}
	theirs, _, err := other.ask("tcp4", "10.96.0.30:80")
	must(t, err)
	// Somebody else's endpoint goes: both stay. Their own goes: they get another and stay there.
	var rest, fewer []netip.AddrPort
	for name, at := range servers {
		if name == mine || name == theirs {
			rest = append(rest, at)
		}
		if name != mine {
			fewer = append(fewer, at)
		}
	}
	r.sendSlice(watch.Modified, slice("web", rest...))
	r.wait(func(rec decision.Record) bool {
		return rec.Reason == "EndpointsChanged" && strings.Contains(rec.After, ":80 ")
	})
	expect(t, client, "10.96.0.30:80", mine)
	expect(t, other, "10.96.0.30:80", theirs)
	r.sendSlice(watch.Modified, slice("web", fewer...))
	r.wait(func(rec decision.Record) bool {
		return rec.Reason == "EndpointsChanged" && strings.Contains(rec.After, ":80 ")
	})
	next, _, err := client.ask("tcp4", "10.96.0.30:80")
	if err != nil || next == mine {
		t.Fatalf("after its endpoint went the client got %q: %v", next, err)
	}
	for range 10 {
		expect(t, client, "10.96.0.30:80", next)
	}
}

func TestAffinityCanBeChanged(t *testing.T) {
	one, two, client := newPod(t), newPod(t), newPod(t)
	a, b := one.serve("one", 8080), two.serve("two", 8080)
	r, s := begin(t, func(*corev1.Service) {}, slice("web", a, b))
	seconds := int32(100)
	for _, affinity := range []string{"affinity 3h0m0s", "affinity 1m40s", ""} {
		changed := s.DeepCopy()
		if affinity != "" {
			changed.Spec.SessionAffinity = corev1.ServiceAffinityClientIP
		}
		if affinity == "affinity 1m40s" {
			changed.Spec.SessionAffinityConfig = &corev1.SessionAffinityConfig{ClientIP: &corev1.ClientIPConfig{TimeoutSeconds: &seconds}}
		}
		r.send(watch.Modified, changed)
		r.wait(func(rec decision.Record) bool {
			return strings.HasSuffix(rec.After, affinity) && rec.Reason == "EndpointsChanged"
		})
		seen := map[string]bool{}
		for range 30 {
			name, _, err := client.ask("tcp4", "10.96.0.30:80")
			must(t, err)
			seen[name] = true
		}
		if sticky := affinity != ""; sticky != (len(seen) == 1) {
			t.Errorf("with %q the client saw %v", affinity, seen)
		}
	}
}

func TestExternalAddresses(t *testing.T) {
	server, client := newPod(t), newPod(t)
	at := server.serve("one", 8080)
	ingress := []corev1.LoadBalancerIngress{{IP: "172.30.0.200"}}
	r, s := begin(t, func(s *corev1.Service) {
		s.Spec.ExternalIPs = []string{"198.51.100.7"}
		s.Spec.Type, s.Status.LoadBalancer.Ingress = corev1.ServiceTypeLoadBalancer, ingress
	}, slice("web", at))
	for _, address := range []string{"198.51.100.7:80", "172.30.0.200:80"} {
		if caller := expect(t, client, address, "one"); caller == client.ip.String() {
			t.Errorf("%s: the source was kept, so the answer may come another way", address)
		}
	}
	t.Run("source ranges", func(t *testing.T) {
		s.Spec.LoadBalancerSourceRanges = []string{"192.0.2.0/24", client.ip.String() + "/32"}
		r.send(watch.Modified, s.DeepCopy())
		r.until("SyncService", "EndpointsChanged")
		expect(t, client, "172.30.0.200:80", "one")
		dropped(t, server, "172.30.0.200:80")
		expect(t, server, "198.51.100.7:80", "one") // not a balancer's
	})
	t.Run("nobody behind", func(t *testing.T) {
		r.sendSlice(watch.Modified, slice("web"))
		r.leads("10.96.0.30:80")
		for _, address := range []string{"198.51.100.7:80", "172.30.0.200:80", "10.96.0.30:80"} {
			if _, _, err := client.ask("tcp4", address); !refused(err) {
				t.Errorf("%s: %v, want refused", address, err)
			}
		}
	})
}

func TestAnUnknownPortOfAClusterAddressRefuses(t *testing.T) {
	server, client := newPod(t), newPod(t)
	begin(t, func(*corev1.Service) {}, slice("web", server.serve("one", 8080)))
	if _, _, err := client.ask("tcp4", "10.96.0.30:81"); !refused(err) {
		t.Errorf("%v, want refused", err)
	}
}

func TestInternalPolicyLocal(t *testing.T) {
	here, away, client := newPod(t), newPod(t), newPod(t)
	a, b := here.serve("here", 8080), away.serve("away", 8080)
	local := corev1.ServiceInternalTrafficPolicyLocal
	r, _ := begin(t, func(s *corev1.Service) { s.Spec.InternalTrafficPolicy = &local }, on(slice("web", a, b), "node-1", "node-2"))
	for range 20 {
		expect(t, client, "10.96.0.30:80", "here")
	}
	r.sendSlice(watch.Modified, on(slice("web", b), "node-2"))
	r.leads("10.96.0.30:80")
	dropped(t, client, "10.96.0.30:80")
	expect(t, client, nodeIP+":30090", "away") // the other way in has another policy
}

func TestExternalPolicyLocal(t *testing.T) {
	here, away, client := newPod(t), newPod(t), newPod(t)
	a, b := here.serve("here", 8080), away.serve("away", 8080)
	r, _ := begin(t, func(s *corev1.Service) {
		s.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal
	}, on(slice("web", a, b), "node-1", "node-2"))
	outside := newOutsider(t)
	for range 20 {
		if caller := expect(t, outside, nodeIP+":30090", "here"); caller != outside.ip.String() {
			t.Errorf("the server saw %s, want %s", caller, outside.ip)
		}
	}
	// From a pod and from the node itself every endpoint is good.
	seen := map[string]bool{}
	for range 40 {
		name, _, err := client.ask("tcp4", nodeIP+":30090")
		must(t, err)
		seen[name] = true
	}
	if len(seen) != 2 {
		t.Errorf("a pod reached %v through the node port, want both", seen)
	}
	r.sendSlice(watch.Modified, on(slice("web", b), "node-2"))
	r.leads("10.96.0.30:80", b)
	dropped(t, outside, nodeIP+":30090")
	expect(t, client, nodeIP+":30090", "away")
}

// newOutsider is a pod whose address is no pod's.
func newOutsider(t *testing.T) *pod {
	t.Helper()
	return newPodAt(t, netip.MustParseAddr(fmt.Sprintf("198.18.0.%d", nextPod)))
}

func TestLeavingEndpointsServeWhenNobodyElseDoes(t *testing.T) {
	going, staying, client := newPod(t), newPod(t), newPod(t)
	a, b := going.serve("going", 8080), staying.serve("staying", 8080)
	yes, no := true, false
	leaving := func(endpoints ...netip.AddrPort) *discoveryv1.EndpointSlice {
		s := slice("web", endpoints...)
		s.Endpoints[0].Conditions = discoveryv1.EndpointConditions{Ready: &no, Serving: &yes, Terminating: &yes}
		return s
	}
	r, _ := begin(t, func(*corev1.Service) {}, leaving(a, b))
	for range 20 {
		expect(t, client, "10.96.0.30:80", "staying")
	}
	r.sendSlice(watch.Modified, leaving(a))
	r.leads("10.96.0.30:80", a)
	expect(t, client, "10.96.0.30:80", "going")
}

// TestUDPFollows: a client that asks from one port all the time is led to the endpoints that are there now.
func TestUDPFollows(t *testing.T) {
	one, two, client := newPod(t), newPod(t), newPod(t)
	a, b := one.serve("one", 8080), two.serve("two", 8080)
	r, _ := begin(t, func(*corev1.Service) {}, slice("web", a))
	var conn net.Conn
	must(t, client.do(func() (err error) { conn, err = net.Dial("udp4", "10.96.0.30:53"); return err }))
	defer conn.Close()
	question := func() string {
		t.Helper()
		must(t, conn.SetDeadline(time.Now().Add(2*time.Second)))
		_, err := conn.Write([]byte("?"))
		must(t, err)
		buffer := make([]byte, 100)
		n, err := conn.Read(buffer)
		if err != nil {
			return err.Error()
		}
		name, _, _ := strings.Cut(string(buffer[:n]), " ")
		return name
	}
	if got := question(); got != "one" {
		t.Fatalf("got %q", got)
	}
	r.sendSlice(watch.Modified, slice("web", b))
	r.leads("10.96.0.30:53", b)
	if got := question(); got != "two" {
		t.Errorf("after the endpoint changed: %q, want two", got)
	}
}
