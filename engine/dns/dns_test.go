package dns_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	mdns "github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"

	"drydock/engine/dns"
)

func service(namespace, name, ip string, mends ...func(*corev1.ServiceSpec)) *corev1.Service {
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: corev1.ServiceSpec{ClusterIP: ip, ClusterIPs: []string{ip}, Ports: []corev1.ServicePort{
			{Name: "http", Port: 80, Protocol: corev1.ProtocolTCP}, {Name: "dns", Port: 53, Protocol: corev1.ProtocolUDP},
		}},
	}
	for _, mend := range mends {
		mend(&s.Spec)
	}
	return s
}

func external(to string) func(*corev1.ServiceSpec) {
	return func(s *corev1.ServiceSpec) {
		s.Type, s.ExternalName, s.ClusterIP, s.ClusterIPs = corev1.ServiceTypeExternalName, to, "", nil
	}
}

func ptr[T any](v T) *T { return &v }

// slice of "address", "address hostname" or "address hostname unready"; "-" is no hostname.
func slice(namespace, service string, endpoints ...string) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: namespace, Name: service + "-1", Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports: []discoveryv1.EndpointPort{
			{Name: ptr("http"), Port: ptr(int32(8080)), Protocol: ptr(corev1.ProtocolTCP)},
			{Name: ptr("dns"), Port: ptr(int32(5353)), Protocol: ptr(corev1.ProtocolUDP)},
		},
	}
	for _, text := range endpoints {
		fields := append(strings.Fields(text), "-", "ready")
		e := discoveryv1.Endpoint{Addresses: fields[:1], Conditions: discoveryv1.EndpointConditions{Ready: ptr(fields[2] != "unready")}}
		if fields[1] != "-" {
			e.Hostname = &fields[1]
		}
		s.Endpoints = append(s.Endpoints, e)
	}
	return s
}

func namespace(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

var world = []runtime.Object{
	namespace("default"), namespace("shop"), namespace("kube-system"),
	service("kube-system", "kube-dns", "10.96.0.10"),
	service("default", "web", "10.96.7.7"), slice("default", "web", "10.244.1.2", "10.244.1.3 - unready"),
	service("shop", "db", "None"), slice("shop", "db", "10.244.2.2 db-0", "10.244.2.3 db-1", "10.244.2.4 db-2 unready"),
	service("shop", "empty", "None"), slice("shop", "empty"),
	service("default", "out", "", external("example.com")),
	service("default", "in", "", external("web.default.svc.cluster.local")),
	service("default", "ring", "", external("ring.default.svc.cluster.local")),
}

// running is a server at work, and the API it reads.
type running struct {
	*dns.Server
	api     *fake.Clientset
	address string
}

func start(t testing.TB, objects ...runtime.Object) *running {
	t.Helper()
	packets, streams := listen(t)
	api := fake.NewClientset(objects...)
	factory := informers.NewSharedInformerFactory(api, 0)
	server, err := dns.New(dns.Config{Informers: factory, Packets: packets, Streams: streams})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	t.Cleanup(func() {
		stop()
		factory.Shutdown()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return &running{server, api, packets.LocalAddr().String()}
}

// listen opens one port for both. The kernel picks a port that is free for UDP; somebody may have it for TCP.
func listen(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	var packets net.PacketConn
	var streams net.Listener
	var err error
	for range 20 {
		if packets, err = net.ListenPacket("udp4", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if streams, err = net.Listen("tcp4", packets.LocalAddr().String()); err == nil {
			return packets, streams
		}
		_ = packets.Close() // only its port was wanted
	}
	t.Fatal(err)
	return nil, nil
}

// ask returns the code, the answers and the section beside them, in words.
func ask(s *running, name string, kind uint16) (code string, answers []string, reply *mdns.Msg) {
	reply = s.Answer(new(mdns.Msg).SetQuestion(name, kind))
	for _, record := range reply.Answer {
		header := record.Header()
		answers = append(answers, mdns.TypeToString[header.Rrtype]+" "+strings.TrimPrefix(record.String(), header.String()))
	}
	slices.Sort(answers)
	return mdns.RcodeToString[reply.Rcode], answers, reply
}

func TestNames(t *testing.T) {
	s := start(t, world...)
	for _, test := range []struct {
		name    string
		kind    uint16
		code    string
		answers []string
	}{
		{"web.default.svc.cluster.local.", mdns.TypeA, "NOERROR", []string{"A 10.96.7.7"}},
		{"WEB.Default.svc.cluster.LOCAL.", mdns.TypeA, "NOERROR", []string{"A 10.96.7.7"}},
		{"web.default.svc.cluster.local.", mdns.TypeAAAA, "NOERROR", nil},
		{"web.shop.svc.cluster.local.", mdns.TypeA, "NXDOMAIN", nil},
		{"web.nowhere.svc.cluster.local.", mdns.TypeA, "NXDOMAIN", nil},
		{"web.default.svc.cluster.local.default.svc.cluster.local.", mdns.TypeA, "NXDOMAIN", nil},
		{"10-244-1-2.web.default.svc.cluster.local.", mdns.TypeA, "NOERROR", []string{"A 10.244.1.2"}},
		{"10-244-1-3.web.default.svc.cluster.local.", mdns.TypeA, "NXDOMAIN", nil},
		{"_http._tcp.web.default.svc.cluster.local.", mdns.TypeSRV, "NOERROR", []string{"SRV 0 100 80 web.default.svc.cluster.local."}},
		{"_dns._udp.web.default.svc.cluster.local.", mdns.TypeSRV, "NOERROR", []string{"SRV 0 100 53 web.default.svc.cluster.local."}},
		{"_dns._tcp.web.default.svc.cluster.local.", mdns.TypeSRV, "NXDOMAIN", nil},
		{"http.tcp.web.default.svc.cluster.local.", mdns.TypeSRV, "NXDOMAIN", nil},
		{"db.shop.svc.cluster.local.", mdns.TypeA, "NOERROR", []string{"A 10.244.2.2", "A 10.244.2.3"}},
		{"db-1.db.shop.svc.cluster.local.", mdns.TypeA, "NOERROR", []string{"A 10.244.2.3"}},
		{"db-2.db.shop.svc.cluster.local.", mdns.TypeA, "NXDOMAIN", nil},
		{"_http._tcp.db.shop.svc.cluster.local.", mdns.TypeSRV, "NOERROR", []string{
			"SRV 0 50 8080 db-0.db.shop.svc.cluster.local.", "SRV 0 50 8080 db-1.db.shop.svc.cluster.local.",
		}},
		{"empty.shop.svc.cluster.local.", mdns.TypeA, "NXDOMAIN", nil},
		{"out.default.svc.cluster.local.", mdns.TypeA, "NOERROR", []string{"CNAME example.com."}},
		{"in.default.svc.cluster.local.", mdns.TypeA, "NOERROR", []string{"A 10.96.7.7", "CNAME web.default.svc.cluster.local."}},
		{"in.default.svc.cluster.local.", mdns.TypeCNAME, "NOERROR", []string{"CNAME web.default.svc.cluster.local."}},
		{"10-9-8-7.default.pod.cluster.local.", mdns.TypeA, "NOERROR", []string{"A 10.9.8.7"}},
		{"10-9-8.default.pod.cluster.local.", mdns.TypeA, "NXDOMAIN", nil},
		{"10-9-8-7.nowhere.pod.cluster.local.", mdns.TypeA, "NXDOMAIN", nil},
		{"7.7.96.10.in-addr.arpa.", mdns.TypePTR, "NOERROR", []string{"PTR web.default.svc.cluster.local."}},
		{"2.2.244.10.in-addr.arpa.", mdns.TypePTR, "NOERROR", []string{"PTR db-0.db.shop.svc.cluster.local."}},
		{"9.9.9.9.in-addr.arpa.", mdns.TypePTR, "NXDOMAIN", nil},
		{"svc.cluster.local.", mdns.TypeA, "NOERROR", nil},
		{"shop.svc.cluster.local.", mdns.TypeA, "NOERROR", nil},
		{"bogus.cluster.local.", mdns.TypeA, "NXDOMAIN", nil},
		{"ns.dns.cluster.local.", mdns.TypeA, "NOERROR", []string{"A 10.96.0.10"}},
		{"dns-version.cluster.local.", mdns.TypeTXT, "NOERROR", []string{`TXT "1.1.0"`}},
		{"example.com.", mdns.TypeA, "NXDOMAIN", nil},
		{".", mdns.TypeA, "NXDOMAIN", nil},
	} {
		t.Run(fmt.Sprintf("%s %s", test.name, mdns.TypeToString[test.kind]), func(t *testing.T) {
			code, answers, reply := ask(s, test.name, test.kind)
			if diff := cmp.Diff(test.answers, answers); diff != "" || code != test.code {
				t.Errorf("code %s, want %s; answers (-want +got):\n%s", code, test.code, diff)
			}
			if len(answers) > 0 {
				if got := reply.Answer[0].Header().Name; got != test.name {
					t.Errorf("the answer is about %s: a client compares it with its question", got)
				}
				return
			}
			if len(reply.Ns) != 1 || reply.Ns[0].Header().Rrtype != mdns.TypeSOA {
				t.Errorf("a no without an authority: %v", reply.Ns)
			}
		})
	}
}

func TestARingOfAliasesEnds(t *testing.T) {
	s := start(t, world...)
	if code, answers, _ := ask(s, "ring.default.svc.cluster.local.", mdns.TypeA); code != "NOERROR" || len(answers) > 10 {
		t.Errorf("%s %v", code, answers)
	}
}

func TestServiceRecordsBringAddresses(t *testing.T) {
	s := start(t, world...)
	_, _, reply := ask(s, "_http._tcp.db.shop.svc.cluster.local.", mdns.TypeSRV)
	var beside []string
	for _, record := range reply.Extra {
		beside = append(beside, record.Header().Name+" "+record.(*mdns.A).A.String())
	}
	slices.Sort(beside)
	want := []string{"db-0.db.shop.svc.cluster.local. 10.244.2.2", "db-1.db.shop.svc.cluster.local. 10.244.2.3"}
	if diff := cmp.Diff(want, beside); diff != "" {
		t.Errorf("addresses beside (-want +got):\n%s", diff)
	}
}

// TestOnTheWire: by UDP, by TCP, and what does not fit into a packet is asked again by TCP.
func TestOnTheWire(t *testing.T) {
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("10.244.3.%d", i))
	}
	s := start(t, append(world, service("shop", "many", "None"), slice("shop", "many", many...))...)
	for _, test := range []struct {
		network, name string
		answers       int
		truncated     bool
		size          uint16
	}{
		{"udp", "web.default.svc.cluster.local.", 1, false, 0},
		{"tcp", "web.default.svc.cluster.local.", 1, false, 0},
		{"udp", "many.shop.svc.cluster.local.", 0, true, 0},
		{"udp", "many.shop.svc.cluster.local.", 100, false, 8192},
		{"tcp", "many.shop.svc.cluster.local.", 100, false, 0},
	} {
		question := new(mdns.Msg).SetQuestion(test.name, mdns.TypeA)
		if test.size > 0 {
			question.SetEdns0(test.size, false)
		}
		client := mdns.Client{Net: test.network, UDPSize: test.size}
		reply, _, err := client.Exchange(question, s.address)
		if err != nil {
			t.Errorf("%s %s: %v", test.network, test.name, err)
			continue
		}
		if reply.Truncated != test.truncated || !test.truncated && len(reply.Answer) != test.answers {
			t.Errorf("%s %s: %d answers, truncated %t", test.network, test.name, len(reply.Answer), reply.Truncated)
		}
	}
}

// TestFollowsTheAPI: a change of an endpoint's readiness changes the answer.
func TestFollowsTheAPI(t *testing.T) {
	s := start(t, world...)
	changed := slice("shop", "db", "10.244.2.2 db-0 unready", "10.244.2.9 db-1")
	if _, err := s.api.DiscoveryV1().EndpointSlices("shop").Update(t.Context(), changed, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	for t.Context().Err() == nil { // the informer is another goroutine; the test's own deadline ends a wait in vain
		if _, answers, _ := ask(s, "db.shop.svc.cluster.local.", mdns.TypeA); slices.Equal(answers, []string{"A 10.244.2.9"}) {
			return
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, name := range []string{"web.default.svc.cluster.local.", "_a._b.c.d.svc.cluster.local.", "1.in-addr.arpa.", "a.ip6.arpa.", ".", "-.default.pod.cluster.local."} {
		packed, err := new(mdns.Msg).SetQuestion(name, mdns.TypeANY).Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed)
	}
	s := start(f, world...)
	f.Fuzz(func(t *testing.T, data []byte) {
		question := new(mdns.Msg)
		if question.Unpack(data) != nil {
			return
		}
		reply := s.Answer(question)
		if _, err := reply.Pack(); err != nil {
			t.Errorf("a reply that cannot be sent: %v\n%v", err, reply)
		}
	})
}
