package nettrace_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/engine/nettrace"
)

func servicePort() nettrace.ServicePort {
	return nettrace.ServicePort{
		Name: "ns1/svc1:p80", Protocol: "tcp", Address: netip.MustParseAddrPort("10.96.0.41:80"), NodePort: 30099, Affinity: 600,
		Endpoints: []netip.AddrPort{netip.MustParseAddrPort("10.244.1.2:8080"), netip.MustParseAddrPort("10.244.2.3:8080")},
		Pods:      netip.MustParsePrefix("10.244.0.0/16"),
	}
}

// TestAsIptables: the chain of ns1/svc1:p80 is called KUBE-SVC-XPGD46QRK7WJZT7O in upstream's own tests.
func TestAsIptables(t *testing.T) {
	want := []string{
		`-A KUBE-SERVICES -m comment --comment "ns1/svc1:p80 cluster IP" -m tcp -p tcp -d 10.96.0.41 --dport 80 -j KUBE-SVC-XPGD46QRK7WJZT7O`,
		`-A KUBE-NODEPORTS -m comment --comment "ns1/svc1:p80" -m tcp -p tcp --dport 30099 -j KUBE-EXT-XPGD46QRK7WJZT7O`,
		`-A KUBE-EXT-XPGD46QRK7WJZT7O -m comment --comment "masquerade traffic for ns1/svc1:p80 external destinations" -j KUBE-MARK-MASQ`,
		`-A KUBE-EXT-XPGD46QRK7WJZT7O -j KUBE-SVC-XPGD46QRK7WJZT7O`,
		`-A KUBE-SVC-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 cluster IP" -m tcp -p tcp -d 10.96.0.41 --dport 80 ! -s 10.244.0.0/16 -j KUBE-MARK-MASQ`,
		`-A KUBE-SVC-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 -> 10.244.1.2:8080" -m recent --name KUBE-SEP-HJ4XRC6RYIVW74AV --rcheck --seconds 600 --reap -j KUBE-SEP-HJ4XRC6RYIVW74AV`,
		`-A KUBE-SVC-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 -> 10.244.2.3:8080" -m recent --name KUBE-SEP-KB3HA5SXN43L6BKD --rcheck --seconds 600 --reap -j KUBE-SEP-KB3HA5SXN43L6BKD`,
		`-A KUBE-SVC-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 -> 10.244.1.2:8080" -m statistic --mode random --probability 0.5000000000 -j KUBE-SEP-HJ4XRC6RYIVW74AV`,
		`-A KUBE-SVC-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 -> 10.244.2.3:8080" -j KUBE-SEP-KB3HA5SXN43L6BKD`,
		`-A KUBE-SEP-HJ4XRC6RYIVW74AV -m comment --comment "ns1/svc1:p80" -s 10.244.1.2 -j KUBE-MARK-MASQ`,
		`-A KUBE-SEP-HJ4XRC6RYIVW74AV -m comment --comment "ns1/svc1:p80" -m recent --name KUBE-SEP-HJ4XRC6RYIVW74AV --set -m tcp -p tcp -j DNAT --to-destination 10.244.1.2:8080`,
		`-A KUBE-SEP-KB3HA5SXN43L6BKD -m comment --comment "ns1/svc1:p80" -s 10.244.2.3 -j KUBE-MARK-MASQ`,
		`-A KUBE-SEP-KB3HA5SXN43L6BKD -m comment --comment "ns1/svc1:p80" -m recent --name KUBE-SEP-KB3HA5SXN43L6BKD --set -m tcp -p tcp -j DNAT --to-destination 10.244.2.3:8080`,
	}
	if diff := cmp.Diff(want, servicePort().AsIptables()); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	none := servicePort()
	none.Endpoints = nil
	want = []string{`-A KUBE-SERVICES -m comment --comment "ns1/svc1:p80 has no endpoints" -m tcp -p tcp -d 10.96.0.41 --dport 80 -j REJECT`}
	if diff := cmp.Diff(want, none.AsIptables()); diff != "" {
		t.Errorf("rules without endpoints (-want +got):\n%s", diff)
	}
}

func TestAsIPVS(t *testing.T) {
	want := []string{
		"ip addr: 10.96.0.41/32 dev kube-ipvs0",
		"TCP  10.96.0.41:80 rr persistent 600",
		"  -> 10.244.1.2:8080  Masq  1  0  0",
		"  -> 10.244.2.3:8080  Masq  1  0  0",
		"TCP  172.30.0.11:30099 rr persistent 600",
		"  -> 10.244.1.2:8080  Masq  1  0  0",
		"  -> 10.244.2.3:8080  Masq  1  0  0",
	}
	if diff := cmp.Diff(want, servicePort().AsIPVS(netip.MustParseAddr("172.30.0.11"))); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
}
