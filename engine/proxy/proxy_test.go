package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"drydock/engine/decision"
	"drydock/engine/proxy"
)

// fakeAPI is an API server in memory with Services and EndpointSlices.
type fakeAPI struct {
	services []corev1.Service
	slices   []discoveryv1.EndpointSlice
	events   map[string]chan watch.Event
}

func newFakeAPI() *fakeAPI {
	return &fakeAPI{events: map[string]chan watch.Event{"services": make(chan watch.Event, 5000), "slices": make(chan watch.Event, 5000)}}
}

type fakeWatch struct{ events chan watch.Event }

func (w fakeWatch) Stop()                          {}
func (w fakeWatch) ResultChan() <-chan watch.Event { return w.events }

func (f *fakeAPI) Services(context.Context) (*corev1.ServiceList, error) {
	return &corev1.ServiceList{Items: f.services}, nil
}

func (f *fakeAPI) WatchServices(context.Context, metav1.ListOptions) (watch.Interface, error) {
	return fakeWatch{f.events["services"]}, nil
}

func (f *fakeAPI) EndpointSlices(context.Context) (*discoveryv1.EndpointSliceList, error) {
	return &discoveryv1.EndpointSliceList{Items: f.slices}, nil
}

func (f *fakeAPI) WatchEndpointSlices(context.Context, metav1.ListOptions) (watch.Interface, error) {
	return fakeWatch{f.events["slices"]}, nil
}

func service(name, ip string, nodePort int32) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: corev1.ServiceSpec{ClusterIP: ip, Ports: []corev1.ServicePort{
			{Name: "http", Port: 80, Protocol: corev1.ProtocolTCP, NodePort: nodePort}, {Name: "dns", Port: 53, Protocol: corev1.ProtocolUDP},
		}},
	}
}

func slice(name string, endpoints ...netip.AddrPort) *discoveryv1.EndpointSlice {
	tcp, udp, http, dns, port := corev1.ProtocolTCP, corev1.ProtocolUDP, "http", "dns", int32(8080)
	s := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: "default", Name: name + "-1", Labels: map[string]string{discoveryv1.LabelServiceName: name}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports: []discoveryv1.EndpointPort{
			{Name: &http, Protocol: &tcp, Port: &port}, {Name: &dns, Protocol: &udp, Port: &port},
		},
	}
	for _, e := range endpoints {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{e.Addr().String()}})
	}
	return s
}

// running is a proxy at work on the test's own network namespace.
type running struct {
	api  *fakeAPI
	ring *decision.Ring
	seen uint64
	t    testing.TB
}

func start(t testing.TB, api *fakeAPI) *running {
	t.Helper()
	if err := makeNode(); err != nil {
		t.Fatalf("make the node: %v", err)
	}
	r := &running{api: api, ring: decision.NewRing(10000), t: t}
	p, err := proxy.New(proxy.Config{NodeName: "node-1", NodeIP: nodeIP, Client: api, PodCIDR: "10.244.0.0/16", Recorder: r.ring})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	r.until("SyncRules", "Rebuilt")
	return r
}

// until waits for the next decision with that action and reason.
func (r *running) until(action, reason string) {
	r.t.Helper()
	r.wait(func(rec decision.Record) bool { return rec.Action == action && rec.Reason == reason })
}

// leads waits until a decision says that the front leads to exactly these endpoints.
func (r *running) leads(front string, endpoints ...netip.AddrPort) {
	r.t.Helper()
	want := fmt.Sprintf("%s -> %v", front, endpoints)
	r.wait(func(rec decision.Record) bool { return strings.HasPrefix(rec.After, want) })
}

func (r *running) wait(wanted func(decision.Record) bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	found := errors.New("found")
	err := r.ring.Follow(ctx, r.seen, func(rec decision.Record) error {
		r.seen = rec.Seq
		if wanted(rec) {
			return found
		}
		return nil
	})
	if !errors.Is(err, found) {
		records, _ := r.ring.Since(0)
		r.t.Fatalf("the decision did not come: %v; there are %v", err, records)
	}
}

func (r *running) send(kind watch.EventType, s *corev1.Service) {
	r.api.events["services"] <- watch.Event{Type: kind, Object: s}
}

func (r *running) sendSlice(kind watch.EventType, s *discoveryv1.EndpointSlice) {
	r.api.events["slices"] <- watch.Event{Type: kind, Object: s}
}

func TestClusterIP(t *testing.T) {
	one, two, client := newPod(t), newPod(t), newPod(t)
	a, b := one.serve("one", 8080), two.serve("two", 8080)
	api := newFakeAPI()
	api.services = []corev1.Service{*service("web", "10.96.0.10", 30080)}
	api.slices = []discoveryv1.EndpointSlice{*slice("web", a, b)}
	r := start(t, api)
	t.Run("from a pod to every endpoint", func(t *testing.T) {
		seen := map[string]int{}
		for range 100 {
			name, caller, err := client.ask("tcp4", "10.96.0.10:80")
			must(t, err)
			if caller != client.ip.String() {
				t.Fatalf("the server saw %s, want the pod's own %s", caller, client.ip)
			}
			seen[name]++
		}
		if seen["one"] < 20 || seen["two"] < 20 {
			t.Errorf("uneven: %v", seen)
		}
	})
	t.Run("udp", func(t *testing.T) {
		name, _, err := client.ask("udp4", "10.96.0.10:53")
		if err != nil || (name != "one" && name != "two") {
			t.Errorf("%q %v", name, err)
		}
	})
	t.Run("from the node", func(t *testing.T) {
		if name, _, err := ask("tcp4", "10.96.0.10:80"); err != nil || (name != "one" && name != "two") {
			t.Errorf("%q %v", name, err)
		}
	})
	t.Run("node port from a pod and from the node", func(t *testing.T) {
		if _, caller, err := client.ask("tcp4", nodeIP+":30080"); err != nil || caller == client.ip.String() {
			t.Errorf("caller %q, want a masqueraded one; %v", caller, err)
		}
		if _, _, err := ask("tcp4", nodeIP+":30080"); err != nil {
			t.Error(err)
		}
	})
	t.Run("hairpin", func(t *testing.T) {
		r.sendSlice(watch.Modified, slice("web", a))
		r.leads("10.96.0.10:80", a)
		name, caller, err := one.ask("tcp4", "10.96.0.10:80")
		if err != nil || name != "one" || caller == one.ip.String() {
			t.Errorf("name %q caller %q: %v", name, caller, err)
		}
	})
	t.Run("a removed endpoint gets nothing", func(t *testing.T) {
		r.sendSlice(watch.Modified, slice("web", b))
		r.leads("10.96.0.10:80", b)
		for range 20 {
			if name, _, err := client.ask("tcp4", "10.96.0.10:80"); err != nil || name != "two" {
				t.Fatalf("%q %v", name, err)
			}
		}
	})
	t.Run("no endpoints refuse", func(t *testing.T) {
		r.sendSlice(watch.Modified, slice("web"))
		r.leads("10.96.0.10:80")
		for _, address := range []string{"10.96.0.10:80", nodeIP + ":30080"} {
			if _, _, err := client.ask("tcp4", address); !refused(err) {
				t.Errorf("pod to %s: %v, want refused", address, err)
			}
			if _, _, err := ask("tcp4", address); !refused(err) {
				t.Errorf("node to %s: %v, want refused", address, err)
			}
		}
		r.sendSlice(watch.Modified, slice("web", a))
		r.leads("10.96.0.10:80", a)
		if name, _, err := client.ask("tcp4", "10.96.0.10:80"); err != nil || name != "one" {
			t.Errorf("back: %q %v", name, err)
		}
	})
	t.Run("address moves to another service", func(t *testing.T) {
		r.send(watch.Deleted, service("web", "10.96.0.10", 30080))
		r.send(watch.Added, service("shop", "10.96.0.10", 30080))
		r.sendSlice(watch.Added, slice("shop", b))
		r.leads("10.96.0.10:80", b)
		if name, _, err := client.ask("tcp4", "10.96.0.10:80"); err != nil || name != "two" {
			t.Errorf("%q %v", name, err)
		}
	})
}

func TestTamperingHeals(t *testing.T) {
	server, client := newPod(t), newPod(t)
	at := server.serve("one", 8080)
	api := newFakeAPI()
	api.services = []corev1.Service{*service("web", "10.96.0.20", 0)}
	api.slices = []discoveryv1.EndpointSlice{*slice("web", at)}
	r := start(t, api)
	conn, err := nftables.New()
	must(t, err)
	conn.DelTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "kube-proxy"})
	must(t, conn.Flush())
	r.until("SyncRules", "TamperedWith")
	r.until("SyncRules", "Rebuilt")
	if _, _, err := client.ask("tcp4", "10.96.0.20:80"); err != nil {
		t.Errorf("not healed: %v", err)
	}
}

func TestManyServices(t *testing.T) {
	server, client := newPod(t), newPod(t)
	at := server.serve("one", 8080)
	api := newFakeAPI()
	for i := range 300 {
		name := fmt.Sprintf("svc-%d", i)
		api.services = append(api.services, *service(name, fmt.Sprintf("10.96.%d.%d", 1+i/200, 1+i%200), 0))
		api.slices = append(api.slices, *slice(name, at))
	}
	start(t, api)
	for _, ip := range []string{"10.96.1.1", "10.96.2.100"} {
		if _, _, err := client.ask("tcp4", ip+":80"); err != nil {
			t.Errorf("%s: %v", ip, err)
		}
	}
}

// BenchmarkEndpointChange is the time from an EndpointSlice's change to the rule in the kernel, among n services.
func BenchmarkEndpointChange(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			api := newFakeAPI()
			for i := range n {
				name := fmt.Sprintf("svc-%d", i)
				s := service(name, fmt.Sprintf("10.97.%d.%d", i/200, 1+i%200), 0)
				s.Spec.Ports = s.Spec.Ports[:1] // TCP: for UDP the kernel's flows are looked through as well
				api.services = append(api.services, *s)
				api.slices = append(api.slices, *slice(name, netip.MustParseAddrPort("10.244.9.1:8080")))
			}
			r := start(b, api)
			b.ResetTimer()
			for i := range b.N {
				ip := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 244, 9, byte(2 + i%100)}), 8080)
				r.sendSlice(watch.Modified, slice("svc-0", ip))
				r.leads("10.97.0.1:80", ip)
			}
		})
	}
}

// BenchmarkConnect is the time of a TCP connection from a pod, straight to a pod and through a cluster address among n services.
func BenchmarkConnect(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			server, client := newPod(b), newPod(b)
			at := server.serve("one", 8080)
			api := newFakeAPI()
			for i := range n {
				s := service(fmt.Sprintf("svc-%d", i), fmt.Sprintf("10.97.%d.%d", i/200, 1+i%200), 0)
				s.Spec.Ports = s.Spec.Ports[:1]
				api.services = append(api.services, *s)
				api.slices = append(api.slices, *slice(s.Name, at))
			}
			start(b, api)
			for name, address := range map[string]string{"direct": at.String(), "clusterIP": "10.97.0.5:80"} {
				b.Run(name, func(b *testing.B) { benchmarkConnect(b, client, address) })
			}
		})
	}
}

func benchmarkConnect(b *testing.B, client *pod, address string) {
	must(b, client.do(func() error {
		for range b.N {
			conn, err := net.Dial("tcp4", address)
			if err != nil {
				return err
			}
			conn.Close()
		}
		return nil
	}))
}
