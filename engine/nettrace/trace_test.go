package nettrace_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"drydock/engine/cluster/control"
	"drydock/engine/decision"
	"drydock/engine/nettrace"
	"drydock/engine/proxy"
	"drydock/sandbox/network"
)

// services is an API of two Services: web with one endpoint, and empty with none.
type services struct{ endpoint string }

func (s services) Services(context.Context) (*corev1.ServiceList, error) {
	make := func(name, ip string, policy corev1.ServiceExternalTrafficPolicy, affinity corev1.ServiceAffinity) corev1.Service {
		return corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
			Spec: corev1.ServiceSpec{
				ClusterIP: ip, ExternalTrafficPolicy: policy, SessionAffinity: affinity,
				Ports: []corev1.ServicePort{{Port: 80, Protocol: corev1.ProtocolTCP, NodePort: 30080 + int32(len(name))}},
			},
		}
	}
	return &corev1.ServiceList{Items: []corev1.Service{
		make("web", "10.96.0.10", "Cluster", "None"), make("empty", "10.96.0.11", "Cluster", "None"),
		make("sticky", "10.96.0.12", "Cluster", "ClientIP"), make("localized", "10.96.0.13", "Local", "None"),
	}}, nil
}

func (s services) EndpointSlices(context.Context) (*discoveryv1.EndpointSliceList, error) {
	port, protocol, name := int32(8080), corev1.ProtocolTCP, ""
	var list []discoveryv1.EndpointSlice
	for _, service := range []string{"web", "sticky", "localized"} {
		list = append(list, discoveryv1.EndpointSlice{
			ObjectMeta:  metav1.ObjectMeta{Namespace: "default", Name: service, Labels: map[string]string{discoveryv1.LabelServiceName: service}},
			AddressType: discoveryv1.AddressTypeIPv4,
			Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{s.endpoint}}},
			Ports:       []discoveryv1.EndpointPort{{Name: &name, Protocol: &protocol, Port: &port}},
		})
	}
	return &discoveryv1.EndpointSliceList{Items: list}, nil
}

type silence chan watch.Event

func (silence) Stop()                            {}
func (s silence) ResultChan() <-chan watch.Event { return s }

func (services) WatchServices(context.Context, metav1.ListOptions) (watch.Interface, error) {
	return make(silence), nil
}

func (services) WatchEndpointSlices(context.Context, metav1.ListOptions) (watch.Interface, error) {
	return make(silence), nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const nodeIP = "172.30.0.11"

// node makes the test's own namespace a node with two pods and a proxy at work.
func node(t *testing.T) (client, server netip.Addr) {
	t.Helper()
	must(t, network.NewFabric("fabric", netip.MustParsePrefix(nodeIP+"/24")))
	link, err := netlink.LinkByName("fabric")
	must(t, err)
	must(t, netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Gw: net.IPv4(172, 30, 0, 1)}))
	client, server = netip.MustParseAddr("10.244.1.2"), netip.MustParseAddr("10.244.1.3")
	for i, ip := range []netip.Addr{client, server} {
		netns := filepath.Join(t.TempDir(), "net")
		must(t, network.NewNetns(netns))
		t.Cleanup(func() { must(t, network.RemoveNetns(netns)) })
		must(t, network.AttachPod(network.Pod{
			HostInterface: fmt.Sprintf("veth%d", i), Netns: netns, Address: ip, NodeAddress: netip.MustParseAddr(nodeIP),
		}))
	}
	must(t, os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644))
	ring := decision.NewRing(100)
	p, err := proxy.New(proxy.Config{NodeName: "node-1", NodeIP: nodeIP, Client: services{server.String()}, PodCIDR: "10.244.0.0/16", Recorder: ring})
	must(t, err)
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() { stop(); must(t, <-ended) })
	found := errors.New("found")
	if err := ring.Follow(ctx, 0, func(decision.Record) error { return found }); !errors.Is(err, found) {
		t.Fatal(err)
	}
	return client, server
}

func TestTrace(t *testing.T) {
	client, server := node(t)
	trace := func(from netip.Addr, to string) []control.TraceStep {
		t.Helper()
		steps, err := nettrace.Trace(nettrace.Walk{
			Machines: []nettrace.Machine{{Name: "node-1", Netns: "/proc/self/ns/net"}}, Start: "node-1", FromPod: from.IsValid(), From: from,
			To: netip.MustParseAddrPort(to), Protocol: unix.IPPROTO_TCP,
			PodAt: func(a netip.Addr) string { return map[netip.Addr]string{client: "client", server: "server"}[a] },
		})
		must(t, err)
		return steps
	}
	for _, test := range []struct {
		name, to  string
		fromNode  bool
		end, last string
		rules     []string // in this order, each within one rule
	}{
		{"pod", server.String() + ":8080", false, "arrived", "veth1, whose other end is eth0 of pod server: port 8080", []string{"dev veth1"}},
		{"cluster address", "10.96.0.10:80", false, "arrived", "pod server", []string{
			"jump services",
			"ip daddr . meta l4proto . th dport vmap @service-ips # so: goto service-",
			"dnat ip to numgen random mod 1 map { 0 : 10.244.1.3 . 8080 }",
			"ip route get 10.244.1.3: dev veth1",
		}},
		{"cluster address from the node", "10.96.0.10:80", true, "arrived", "pod server", []string{
			"ip daddr @cluster-ips ip saddr != 10.244.0.0/16 meta mark set mark or 0x00004000", "masquerade",
		}},
		{"sticky", "10.96.0.12:80", false, "arrived", "pod server", []string{"update @affinity-", "dnat ip to numgen"}},
		{"node port", nodeIP + ":30083", false, "arrived", "pod server", []string{
			"ip daddr 172.30.0.11 meta l4proto . th dport vmap @service-nodeports # so: goto external-", "meta mark set mark or 0x00004000 goto service-", "masquerade",
		}},
		{"local node port from a pod", nodeIP + ":30089", false, "arrived", "pod server", []string{"ip saddr 10.244.0.0/16 goto service-"}},
		{"nobody behind", "10.96.0.11:80", false, "rejected", "connection refused", []string{"vmap @no-endpoint-services # so: goto reject-chain", "reject"}},
		{"unknown port", "10.96.0.10:81", false, "rejected", "connection refused", []string{"ip daddr @cluster-ips reject"}},
		{"the node itself", nodeIP + ":10250", false, "arrived", "an address of node-1 itself", nil},
		{"nowhere", "172.30.0.77:80", false, "lost", "nobody there has the address 172.30.0.77", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			from := client
			if test.fromNode {
				from = netip.Addr{}
			}
			steps := trace(from, test.to)
			last := steps[len(steps)-1]
			if last.End != test.end || !strings.Contains(last.What, test.last) {
				t.Errorf("it ends %q: %s; want %q: …%s…", last.End, last.What, test.end, test.last)
			}
			rest := steps
			for _, want := range test.rules {
				for len(rest) > 0 && !strings.Contains(rest[0].Rule, want) && !strings.Contains(rest[0].What, want) {
					rest = rest[1:]
				}
				if len(rest) == 0 {
					t.Errorf("no rule %q in its place", want)
				}
			}
			if t.Failed() {
				for _, s := range steps {
					t.Logf("%+v", s)
				}
			}
		})
	}
}

// Two routers that each think the other knows the way: what happens to a packet for a pod that is gone.
func TestTraceToNobody(t *testing.T) {
	beyond := filepath.Join(t.TempDir(), "net")
	must(t, network.NewNetns(beyond))
	t.Cleanup(func() { must(t, network.RemoveNetns(beyond)) })
	other, err := os.Open(beyond)
	must(t, err)
	defer other.Close()
	cable := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "here"}, PeerName: "there", PeerNamespace: netlink.NsFd(int(other.Fd()))}
	must(t, netlink.LinkAdd(cable))
	t.Cleanup(func() { must(t, netlink.LinkDel(cable)) })
	connect := func(name, address, via string) error {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		_, gone, _ := net.ParseCIDR("10.250.0.0/16")
		return errors.Join(
			netlink.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: net.ParseIP(address), Mask: net.CIDRMask(24, 32)}}),
			netlink.LinkSetUp(link),
			netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: gone, Gw: net.ParseIP(via)}),
		)
	}
	must(t, connect("here", "172.31.0.1", "172.31.0.2"))
	must(t, network.Do(beyond, func() error { return connect("there", "172.31.0.2", "172.31.0.1") }))

	steps, err := nettrace.Trace(nettrace.Walk{
		Machines: []nettrace.Machine{{Name: "node-1", Netns: "/proc/self/ns/net"}, {Name: "lab", Netns: beyond}}, Start: "node-1",
		To: netip.MustParseAddrPort("10.250.0.9:80"), Protocol: unix.IPPROTO_TCP, PodAt: func(netip.Addr) string { return "" },
	})
	must(t, err)
	last := steps[len(steps)-1]
	if last.End != "lost" || last.Where != "node-1" || !strings.Contains(last.What, "nobody has the address 10.250.0.9") {
		t.Errorf("it ends %+v", last)
	}
}
