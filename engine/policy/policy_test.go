package policy_test

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

	"github.com/google/nftables"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/yaml"

	"drydock/engine/decision"
	"drydock/engine/policy"
	"drydock/sandbox/network"
)

const nodeIP = "172.30.0.11"

// fakeAPI holds lists, and passes on events.
type fakeAPI struct {
	lists  map[string][]runtime.Object
	events map[string]chan watch.Event
}

type fakeWatch struct{ events chan watch.Event }

func (w fakeWatch) Stop()                          {}
func (w fakeWatch) ResultChan() <-chan watch.Event { return w.events }

func (f *fakeAPI) List(_ context.Context, resource string) ([]runtime.Object, string, error) {
	return f.lists[resource], "1", nil
}

func (f *fakeAPI) Watch(_ context.Context, resource string, _ metav1.ListOptions) (watch.Interface, error) {
	return fakeWatch{f.events[resource]}, nil
}

// town is one node with pods, each of which listens on ports 80 and 90, and the engine at work.
type town struct {
	t     testing.TB
	api   *fakeAPI
	ring  *decision.Ring
	seen  uint64
	netns map[string]string
	ip    map[string]netip.Addr
}

// newTown makes pods from lines "namespace/name label=value node"; a pod of another node is on the same one in truth.
func newTown(t testing.TB, lines ...string) *town {
	t.Helper()
	w := &town{
		t: t, ring: decision.NewRing(1000), netns: map[string]string{}, ip: map[string]netip.Addr{},
		api: &fakeAPI{lists: map[string][]runtime.Object{}, events: map[string]chan watch.Event{
			"networkpolicies": make(chan watch.Event, 10), "pods": make(chan watch.Event, 10), "namespaces": make(chan watch.Event, 10),
		}},
	}
	must(t, os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644))
	for i, line := range lines {
		fields := strings.Fields(line)
		w.add(i, fields[0], fields[1], fields[2])
	}
	for _, name := range []string{"shop", "other"} {
		w.api.lists["namespaces"] = append(w.api.lists["namespaces"], &corev1.Namespace{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"team": name}},
		})
	}
	e, err := policy.New(policy.Config{NodeName: "node-1", Client: w.api, Recorder: w.ring})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	w.enforced()
	return w
}

var houses int

func (w *town) add(i int, key, label, node string) {
	w.t.Helper()
	houses++
	ip := netip.AddrFrom4([4]byte{10, 244, 1, byte(houses)})
	netns := filepath.Join(w.t.TempDir(), "net")
	must(w.t, network.NewNetns(netns))
	w.t.Cleanup(func() { must(w.t, network.RemoveNetns(netns)) })
	must(w.t, network.AttachPod(network.Pod{
		HostInterface: fmt.Sprintf("veth%d", houses), Netns: netns, Address: ip, NodeAddress: netip.MustParseAddr(nodeIP),
	}))
	w.netns[key], w.ip[key] = netns, ip
	for _, port := range []string{":80", ":90"} {
		var l net.Listener
		must(w.t, network.Do(netns, func() (err error) { l, err = net.Listen("tcp4", port); return err }))
		w.t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				c.Close()
			}
		}()
	}
	namespace, name, _ := strings.Cut(key, "/")
	k, v, _ := strings.Cut(label, "=")
	w.api.lists["pods"] = append(w.api.lists["pods"], &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{k: v}},
		Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{
			Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 80}},
		}}},
		Status: corev1.PodStatus{PodIP: ip.String(), Phase: corev1.PodRunning},
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// enforced waits until the rules have changed.
func (w *town) enforced() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	found := errors.New("found")
	err := w.ring.Follow(ctx, w.seen, func(rec decision.Record) error {
		w.seen = rec.Seq
		if rec.Reason == "Failed" {
			return errors.New(rec.After)
		}
		return found
	})
	if !errors.Is(err, found) {
		w.t.Fatalf("the rules have not changed: %v", err)
	}
}

// obey adds or replaces a policy of namespace shop, whose spec is in YAML.
func (w *town) obey(name, spec string) {
	w.t.Helper()
	p := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}
	must(w.t, yaml.UnmarshalStrict([]byte(spec), &p.Spec))
	w.api.events["networkpolicies"] <- watch.Event{Type: watch.Added, Object: p}
	w.enforced()
}

// reaches tries "from to:port" for each word pair; a from that is "node" is the node itself.
func (w *town) reaches(want bool, pairs ...string) {
	w.t.Helper()
	for _, pair := range pairs {
		from, to, _ := strings.Cut(pair, " ")
		name, port, _ := strings.Cut(to, ":")
		address := net.JoinHostPort(w.ip[name].String(), port)
		patience := 250 * time.Millisecond
		if want {
			patience = 5 * time.Second // a new cable may lose the first packet; TCP sends it again after a second
		}
		dial := func() error {
			conn, err := net.DialTimeout("tcp4", address, patience)
			if err == nil {
				conn.Close()
			}
			return err
		}
		var err error
		if from == "node" {
			err = dial()
		} else {
			err = network.Do(w.netns[from], dial)
		}
		if (err == nil) != want {
			w.t.Errorf("%s to %s: %v, want it to pass: %t", from, to, err, want)
		}
	}
}

func TestIngress(t *testing.T) {
	w := newTown(t, "shop/db app=db node-1", "shop/web app=web node-1", "shop/job app=job node-1", "other/web app=web node-1")
	w.reaches(true, "shop/web shop/db:80", "other/web shop/db:90", "node shop/db:80")

	w.obey("deny", `{podSelector: {}, policyTypes: [Ingress]}`)
	w.reaches(false, "shop/web shop/db:80", "other/web shop/db:80", "shop/db shop/web:80")
	w.reaches(true, "node shop/db:80", "shop/web other/web:80")

	w.obey("db", `{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 80}]}]}`)
	w.reaches(true, "shop/web shop/db:80")
	w.reaches(false, "shop/web shop/db:90", "shop/job shop/db:80", "other/web shop/db:80")

	w.obey("db", `{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {team: other}}}], ports: [{port: http}]}]}`)
	w.reaches(true, "other/web shop/db:80")
	w.reaches(false, "shop/web shop/db:80", "other/web shop/db:90")

	w.obey("db", `{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {team: other}}, podSelector: {matchLabels: {app: job}}}]}]}`)
	w.reaches(false, "other/web shop/db:80", "shop/job shop/db:80")

	for name := range map[string]bool{"deny": true, "db": true} {
		w.api.events["networkpolicies"] <- watch.Event{Type: watch.Deleted, Object: &networkingv1.NetworkPolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
		}}
		w.enforced()
	}
	w.reaches(true, "shop/job shop/db:80", "other/web shop/db:90")
}

func TestBlocksAndRanges(t *testing.T) {
	w := newTown(t, "shop/db app=db node-1", "shop/in app=a node-1", "shop/out app=a node-1")
	w.obey("db", fmt.Sprintf(`{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [
		{from: [{ipBlock: {cidr: 10.244.0.0/16, except: [%s/32]}}], ports: [{port: 75, endPort: 85}]}]}`, w.ip["shop/out"]))
	w.reaches(true, "shop/in shop/db:80")
	w.reaches(false, "shop/in shop/db:90", "shop/out shop/db:80")
}

func TestEgress(t *testing.T) {
	w := newTown(t, "shop/db app=db node-1", "shop/web app=web node-1", "other/web app=web node-2")
	l, err := net.Listen("tcp4", "0.0.0.0:0") // on the node
	must(t, err)
	defer l.Close()
	w.obey("web", `{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: http}]}]}`)
	w.reaches(true, "shop/web shop/db:80", "shop/db shop/web:80", "other/web shop/db:90")
	w.reaches(false, "shop/web shop/db:90", "shop/web other/web:80")
}

// TestFollowsPods: a pod that appears is a peer at once; one whose label changes is none any more.
func TestFollowsPods(t *testing.T) {
	w := newTown(t, "shop/db app=db node-1", "shop/web app=web node-1")
	w.obey("db", `{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}`)
	w.reaches(true, "shop/web shop/db:80")
	changed := w.api.lists["pods"][1].DeepCopyObject().(*corev1.Pod)
	changed.Labels = map[string]string{"app": "nosy"}
	w.api.events["pods"] <- watch.Event{Type: watch.Modified, Object: changed}
	w.enforced()
	w.reaches(false, "shop/web shop/db:80")
}

// TestTamperingHeals: rules that somebody removes are there again, without anything having changed in the API.
func TestTamperingHeals(t *testing.T) {
	w := newTown(t, "shop/db app=db node-1", "shop/web app=web node-1")
	w.obey("deny", `{podSelector: {}, policyTypes: [Ingress]}`)
	w.reaches(false, "shop/web shop/db:80")
	conn, err := nftables.New()
	must(t, err)
	conn.DelTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "network-policy"})
	must(t, conn.Flush())
	w.enforced() // that it was tampered with
	w.enforced() // and that it is healed
	w.reaches(false, "shop/web shop/db:80")
}

// TestManyPolicies: as many as a class will hardly write, in one transaction.
func TestManyPolicies(t *testing.T) {
	w := newTown(t, "shop/db app=db node-1", "shop/web app=web node-1")
	for i := range 60 {
		w.obey(fmt.Sprintf("policy-%d", i), fmt.Sprintf(`{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [
			{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: %d}]}]}`, 21+i))
	}
	w.reaches(true, "shop/web shop/db:80")
	w.reaches(false, "shop/web shop/db:90")
}
