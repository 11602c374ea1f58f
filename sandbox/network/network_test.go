package network_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"drydock/sandbox/network"
)

// machine is a node or a lab: a process in a network namespace of its own.
type machine struct {
	netns string
	pid   int
}

// newMachine pins a netns and keeps a process in it, as AttachNode goes by pid.
func newMachine(t *testing.T) machine {
	t.Helper()
	m := machine{netns: newNetns(t)}
	sleeper := exec.Command("sleep", "600")
	if err := network.Do(m.netns, sleeper.Start); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() })
	m.pid = sleeper.Process.Pid
	return m
}

func newNetns(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "net")
	if err := network.NewNetns(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, network.RemoveNetns(path)) })
	return path
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serve answers every connection to port 80 of the netns with the address it came from.
func serve(t *testing.T, netns string) {
	t.Helper()
	var l net.Listener
	check(t, network.Do(netns, func() (err error) { l, err = net.Listen("tcp4", "0.0.0.0:80"); return err }))
	done := make(chan struct{})
	t.Cleanup(func() { check(t, l.Close()); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
			fmt.Fprint(c, host)
			c.Close()
		}
	}()
}

// patience is how long ask waits for an answer that should come; one that should not come takes impatience.
const (
	patience   = 5 * time.Second
	impatience = 200 * time.Millisecond
)

// ask connects from the netns to address and returns what the server saw as the client's address.
func ask(netns, address string) (string, error) { return askFor(patience, netns, address) }

func askFor(patience time.Duration, netns, address string) (string, error) {
	var seen []byte
	err := network.Do(netns, func() error {
		// One socket by hand: net.Dial starts goroutines, which would connect from another namespace.
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		f := os.NewFile(uintptr(fd), "socket")
		defer f.Close()
		tv := unix.NsecToTimeval(int64(patience))
		_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv)
		_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv)
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: 80, Addr: netip.MustParseAddr(address).As4()}); err != nil {
			return fmt.Errorf("connect to %s: %w", address, err)
		}
		seen, err = io.ReadAll(f)
		return err
	})
	return string(seen), err
}

func attachPod(t *testing.T, node machine, p network.Pod) string {
	t.Helper()
	p.Netns = newNetns(t)
	check(t, network.Do(node.netns, func() error { return network.AttachPod(p) }))
	serve(t, p.Netns)
	return p.Netns
}

func TestNamespacesLiveWithoutAProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pod")
	check(t, network.NewNamespaces(dir, "web-0"))
	var first, now unix.Stat_t
	for _, ns := range []string{"net", "ipc", "uts"} {
		check(t, unix.Stat(filepath.Join(dir, ns), &first))
		check(t, unix.Stat("/proc/self/ns/"+ns, &now))
		if first.Ino == now.Ino {
			t.Errorf("%s is the caller's own namespace", ns)
		}
	}
	if name, err := hostnameIn(filepath.Join(dir, "uts")); err != nil || name != "web-0" {
		t.Errorf("hostname in the new uts namespace: %q, %v", name, err)
	}
	if host, _ := os.Hostname(); host == "web-0" {
		t.Error("the caller's own hostname changed")
	}
	if err := network.NewNamespaces(dir, "again"); err == nil {
		t.Error("making namespaces over existing ones is no error")
	}
	check(t, network.RemoveNamespaces(dir))
	check(t, network.RemoveNamespaces(dir))
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// hostnameIn joins a uts namespace with a thread that ends with the goroutine, as it is never unlocked.
func hostnameIn(uts string) (name string, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		f, failed := os.Open(uts)
		if failed != nil {
			err = failed
			return
		}
		defer f.Close()
		if err = unix.Setns(int(f.Fd()), unix.CLONE_NEWUTS); err == nil {
			name, err = os.Hostname()
		}
	}()
	<-done
	return name, err
}

func TestDoReturnsTheErrorAndLeavesTheCallerWhereItWas(t *testing.T) {
	netns := newNetns(t)
	want := errors.New("stop")
	if err := network.Do(netns, func() error { return want }); !errors.Is(err, want) {
		t.Errorf("Do returned %v, want %v", err, want)
	}
	links, err := net.Interfaces()
	check(t, err)
	var inside []net.Interface
	check(t, network.Do(netns, func() (err error) { inside, err = net.Interfaces(); return err }))
	if len(inside) != 1 || inside[0].Name != "lo" {
		t.Errorf("a new netns has the links %v, want only lo", inside)
	}
	if again, _ := net.Interfaces(); len(again) != len(links) {
		t.Errorf("the caller now sees the links %v", again)
	}
}

func TestPodsOfOneNode(t *testing.T) {
	node := newMachine(t)
	nodeAddress := netip.MustParseAddr("172.30.0.11")
	web := attachPod(t, node, network.Pod{HostInterface: "vethweb", Address: netip.MustParseAddr("10.244.1.2"), NodeAddress: nodeAddress, MTU: 1400})
	cli := attachPod(t, node, network.Pod{HostInterface: "vethcli", Address: netip.MustParseAddr("10.244.1.3"), NodeAddress: nodeAddress})
	check(t, network.Do(node.netns, func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) }))
	for _, c := range []struct{ name, from, to, want string }{
		{"pod to pod", cli, "10.244.1.2", "10.244.1.3"},
		{"pod to itself", web, "10.244.1.2", "10.244.1.2"},
		{"node to pod", node.netns, "10.244.1.2", "172.30.0.11"},
		{"localhost in a pod", web, "127.0.0.1", "127.0.0.1"},
	} {
		if got, err := ask(c.from, c.to); got != c.want || err != nil {
			t.Errorf("%s: the server sees %q (%v), want %q", c.name, got, err, c.want)
		}
	}
	for _, c := range []struct {
		netns, link string
		want        int
	}{{web, "eth0", 1400}, {node.netns, "vethweb", 1400}, {cli, "eth0", 1500}} {
		check(t, network.Do(c.netns, func() error {
			l, err := net.InterfaceByName(c.link)
			if err == nil && l.MTU != c.want {
				t.Errorf("%s has MTU %d, want %d", c.link, l.MTU, c.want)
			}
			return err
		}))
	}
}

func TestAPodThatFailsToAttachLeavesNoLink(t *testing.T) {
	node := newMachine(t)
	p := network.Pod{HostInterface: "vethweb", Netns: newNetns(t), Address: netip.MustParseAddr("10.244.1.2")}
	p.NodeAddress = netip.MustParseAddr("224.0.0.1") // the kernel refuses it as a source, after the cable was made
	if err := network.Do(node.netns, func() error { return network.AttachPod(p) }); err == nil {
		t.Fatal("attaching a pod to a node with a multicast address is no error")
	}
	var links []net.Interface
	check(t, network.Do(node.netns, func() (err error) { links, err = net.Interfaces(); return err }))
	if len(links) != 1 {
		t.Errorf("the node has the links %v, want only lo", links)
	}
}

func TestFabric(t *testing.T) {
	lab := newMachine(t)
	in := func(fn func() error) { t.Helper(); check(t, network.Do(lab.netns, fn)) }
	in(func() error { return network.NewFabric("fabric", netip.MustParsePrefix("172.30.0.1/24")) })
	gateway := netip.MustParseAddr("172.30.0.1")
	var nodes, pods [3]machine
	for i := 1; i <= 2; i++ {
		nodes[i] = newMachine(t)
		address := netip.AddrFrom4([4]byte{172, 30, 0, byte(10 + i)})
		in(func() error {
			return network.AttachNode(network.Node{
				Bridge: "fabric", Name: fmt.Sprintf("node-%d", i), PID: nodes[i].pid,
				Address: netip.PrefixFrom(address, 24), Gateway: gateway,
			})
		})
		pods[i].netns = attachPod(t, nodes[i], network.Pod{
			HostInterface: "vethpod", Address: netip.AddrFrom4([4]byte{10, 244, byte(i), 2}), NodeAddress: address,
		})
		serve(t, nodes[i].netns)
	}
	to1 := network.Route{Destination: netip.MustParsePrefix("10.244.1.0/24"), Via: netip.MustParseAddr("172.30.0.11")}
	to2 := network.Route{Destination: netip.MustParsePrefix("10.244.2.0/24"), Via: netip.MustParseAddr("172.30.0.12")}
	in(func() error { return errors.Join(network.AddRoute(to1), network.AddRoute(to2), network.AddRoute(to2)) })
	to1.PID, to2.PID = nodes[2].pid, nodes[1].pid
	in(func() error { return errors.Join(network.AddRoute(to1), network.AddRoute(to2)) })

	for _, c := range []struct{ name, from, to, want string }{
		{"lab to node", lab.netns, "172.30.0.12", "172.30.0.1"},
		{"node to node", nodes[1].netns, "172.30.0.12", "172.30.0.11"},
		{"lab to pod", lab.netns, "10.244.2.2", "172.30.0.1"},
		{"pod to pod on another node", pods[1].netns, "10.244.2.2", "10.244.1.2"},
		{"node to pod on another node", nodes[1].netns, "10.244.2.2", "172.30.0.11"},
	} {
		if got, err := ask(c.from, c.to); got != c.want || err != nil {
			t.Errorf("%s: the server sees %q (%v), want %q", c.name, got, err, c.want)
		}
	}

	refusedEachTime(t, pods[1].netns, "172.30.0.12:9")

	in(func() error { return network.SetNodeLink("node-2", false) })
	if got, err := askFor(impatience, nodes[1].netns, "172.30.0.12"); err == nil {
		t.Errorf("with the cable cut the server on node-2 still sees %q", got)
	}
	in(func() error { return network.SetNodeLink("node-2", true) })
	if _, err := ask(nodes[1].netns, "172.30.0.12"); err != nil {
		t.Errorf("with the cable healed: %v", err)
	}
	to2.PID = 0
	in(func() error { return network.RemoveRoute(to2) })
	if _, err := askFor(impatience, lab.netns, "10.244.2.2"); err == nil {
		t.Error("without a route from the lab the pod is still reached")
	}
}

// refusedEachTime asks often where nobody listens, and wants to be told so every time: what tells is an ICMP message, of which Linux
// by itself sends six at once and then one a second.
func refusedEachTime(t *testing.T, netns, address string) {
	t.Helper()
	check(t, network.Do(netns, func() error {
		for range 30 {
			c, err := net.Dial("udp4", address)
			if err != nil {
				return err
			}
			err = errors.Join(c.SetDeadline(time.Now().Add(patience)), writeByte(c))
			if err == nil {
				_, err = c.Read(make([]byte, 1))
			}
			c.Close()
			if !errors.Is(err, unix.ECONNREFUSED) {
				return fmt.Errorf("ask %s from a pod: %w, want a refusal", address, err)
			}
		}
		return nil
	}))
}

func writeByte(c net.Conn) error {
	_, err := c.Write([]byte{0})
	return err
}

// The last reference to a pod's netns takes the cable along, and the node keeps its address, which the cable had too.
func TestAGonePodTakesItsCableAlong(t *testing.T) {
	lab, node := newMachine(t), newMachine(t)
	check(t, network.Do(lab.netns, func() error {
		return errors.Join(network.NewFabric("fabric", netip.MustParsePrefix("172.30.0.1/24")),
			network.AttachNode(network.Node{Bridge: "fabric", Name: "node-1", PID: node.pid, Address: netip.MustParsePrefix("172.30.0.11/24")}))
	}))
	serve(t, node.netns)
	events := linkEvents(t, node.netns)
	pod := filepath.Join(t.TempDir(), "net")
	check(t, network.NewNetns(pod))
	check(t, network.Do(node.netns, func() error {
		return network.AttachPod(network.Pod{
			Netns: pod, HostInterface: "vethgone", Address: netip.MustParseAddr("10.244.1.2"), NodeAddress: netip.MustParseAddr("172.30.0.11"),
		})
	}))
	check(t, network.RemoveNetns(pod))
	events.waitGone(t, "vethgone")
	if got, err := ask(lab.netns, "172.30.0.11"); got != "172.30.0.1" || err != nil {
		t.Errorf("after the pod is gone the node's server sees %q (%v), want 172.30.0.1", got, err)
	}
}
