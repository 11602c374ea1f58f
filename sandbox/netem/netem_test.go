package netem_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"drydock/sandbox/netem"
	"drydock/sandbox/network"
)

const (
	patience   = 10 * time.Second
	impatience = 300 * time.Millisecond
)

var podAddress = netip.MustParseAddr("10.244.1.2")

// ground is a fabric with a node on it and a pod on the node; the test's own network namespace is the lab's.
type ground struct {
	lab, node, pod string // network namespaces
	cable          string // the near end of the pod's
}

func newGround(t *testing.T) ground {
	t.Helper()
	g := ground{lab: newNetns(t), node: newNetns(t), pod: newNetns(t), cable: "vethabc1def2345"}
	sleeper := exec.Command("sleep", "600")
	check(t, network.Do(g.node, sleeper.Start))
	t.Cleanup(func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() })
	check(t, network.Do(g.lab, func() error {
		return errors.Join(
			network.NewFabric("fabric", netip.MustParsePrefix("172.30.0.1/24")),
			network.AttachNode(network.Node{Bridge: "fabric", Name: "node-1", PID: sleeper.Process.Pid, Address: netip.MustParsePrefix("172.30.0.11/24"), Gateway: netip.MustParseAddr("172.30.0.1")}),
			network.AddRoute(network.Route{Destination: netip.MustParsePrefix("10.244.1.0/24"), Via: netip.MustParseAddr("172.30.0.11")}))
	}))
	check(t, network.Do(g.node, func() error {
		return network.AttachPod(network.Pod{Netns: g.pod, HostInterface: g.cable, Address: podAddress, NodeAddress: netip.MustParseAddr("172.30.0.11")})
	}))
	return g
}

func (g ground) nodeCable() netem.Cable {
	return netem.Cable{Netns: g.lab, Near: "node-1", Bridge: "fabric", FarNetns: g.node, Far: "eth0"}
}

func (g ground) podCable() netem.Cable {
	return netem.Cable{Netns: g.node, Near: g.cable, FarNetns: g.pod, Far: "eth0"}
}

func newNetns(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "net")
	check(t, network.NewNetns(path))
	t.Cleanup(func() { check(t, network.RemoveNetns(path)) })
	return path
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// impair makes a cable bad until mend is called, or the test ends.
func impair(t *testing.T, c netem.Cable, f netem.Fault) (i *netem.Impairment, mend func()) {
	t.Helper()
	i, err := netem.NewRelay(c, f)
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- i.Run(ctx) }()
	mended := false
	mend = func() {
		if !mended {
			mended = true
			cancel()
			check(t, <-ended)
		}
	}
	t.Cleanup(mend)
	return i, mend
}

// echo answers every connection in the netns with what it says, and every datagram.
func echo(t *testing.T, netns string) {
	t.Helper()
	var stream net.Listener
	var packets net.PacketConn
	check(t, network.Do(netns, func() (err error) {
		if stream, err = net.Listen("tcp4", "0.0.0.0:80"); err == nil {
			packets, err = net.ListenPacket("udp4", "0.0.0.0:80")
		}
		return err
	}))
	t.Cleanup(func() { check(t, errors.Join(stream.Close(), packets.Close())) })
	go func() {
		for {
			c, err := stream.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); _, _ = io.Copy(c, c) }()
		}
	}()
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := packets.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = packets.WriteTo(buffer[:n], from)
		}
	}()
}

// dial connects from the netns.
func dial(t *testing.T, netns, kind string, to netip.Addr, wait time.Duration) (net.Conn, error) {
	t.Helper()
	var c net.Conn
	err := network.Do(netns, func() (err error) {
		c, err = net.DialTimeout(kind, netip.AddrPortFrom(to, 80).String(), wait)
		return err
	})
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

// answers says whether a datagram comes back within wait, and after how long. It asks again now and then: a new cable may lose
// what is sent before its ports know of each other.
func answers(t *testing.T, netns string, to netip.Addr, wait time.Duration) (time.Duration, bool) {
	t.Helper()
	c, err := dial(t, netns, "udp4", to, wait)
	check(t, err)
	began := time.Now()
	for time.Since(began) < wait {
		_, err = c.Write([]byte("ping"))
		check(t, err)
		check(t, c.SetReadDeadline(time.Now().Add(min(wait, 200*time.Millisecond))))
		if _, err = c.Read(make([]byte, 8)); err == nil {
			return time.Since(began), true
		}
	}
	return 0, false
}

// carries sends n bytes through an echo and expects them back.
func carries(t *testing.T, netns string, to netip.Addr, n int) time.Duration {
	t.Helper()
	c, err := dial(t, netns, "tcp4", to, patience)
	check(t, err)
	sent := make([]byte, n)
	_, _ = rand.Read(sent)
	check(t, c.SetDeadline(time.Now().Add(3*patience)))
	began := time.Now()
	go func() { _, _ = c.Write(sent) }()
	got := make([]byte, n)
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatalf("read what was sent to %s: %v", to, err)
	}
	if sha256.Sum256(sent) != sha256.Sum256(got) {
		t.Fatal("what came back is not what was sent")
	}
	return time.Since(began)
}

// cables runs a test on the cable of a node and on that of a pod.
func cables(t *testing.T, test func(t *testing.T, g ground, c netem.Cable, to netip.Addr)) {
	t.Run("node", func(t *testing.T) {
		g := newGround(t)
		echo(t, g.node)
		test(t, g, g.nodeCable(), netip.MustParseAddr("172.30.0.11"))
	})
	t.Run("pod", func(t *testing.T) {
		g := newGround(t)
		echo(t, g.pod)
		test(t, g, g.podCable(), podAddress)
	})
}

func TestDelayIsOnBothWays(t *testing.T) {
	cables(t, func(t *testing.T, g ground, c netem.Cable, to netip.Addr) {
		const delay = 100 * time.Millisecond
		_, mend := impair(t, c, netem.Fault{Delay: delay})
		took, ok := answers(t, g.lab, to, patience)
		if !ok || took < 2*delay {
			t.Errorf("answered %v after %v: want an answer, after %v at least", ok, took, 2*delay)
		}
		mend()
		if _, ok := answers(t, g.lab, to, patience); !ok {
			t.Error("no answer over the mended cable")
		}
		carries(t, g.lab, to, 1<<20)
		pristine(t, g)
	})
}

func TestMuchComesThroughWhole(t *testing.T) {
	cables(t, func(t *testing.T, g ground, c netem.Cable, to netip.Addr) {
		impair(t, c, netem.Fault{Delay: time.Millisecond})
		carries(t, g.lab, to, 4<<20)
	})
}

func TestCutAndChanged(t *testing.T) {
	cables(t, func(t *testing.T, g ground, c netem.Cable, to netip.Addr) {
		if _, ok := answers(t, g.lab, to, patience); !ok {
			t.Fatal("no answer over the good cable")
		}
		i, mend := impair(t, c, netem.Fault{Cut: true})
		if _, ok := answers(t, g.lab, to, impatience); ok {
			t.Error("an answer over the cut cable")
		}
		check(t, i.Change(netem.Fault{}))
		if _, ok := answers(t, g.lab, to, patience); !ok {
			t.Error("no answer after the change")
		}
		check(t, i.Change(netem.Fault{Loss: 100}))
		if _, ok := answers(t, g.lab, to, impatience); ok {
			t.Error("an answer though all is lost")
		}
		mend()
		if _, ok := answers(t, g.lab, to, patience); !ok {
			t.Error("no answer over the mended cable")
		}
	})
}

func TestSomeAreLost(t *testing.T) {
	cables(t, func(t *testing.T, g ground, c netem.Cable, to netip.Addr) {
		// The neighbours' addresses are known then: the questions about them would be lost as well.
		if _, ok := answers(t, g.lab, to, patience); !ok {
			t.Fatal("no answer over the good cable")
		}
		impair(t, c, netem.Fault{Loss: 50, Delay: time.Millisecond})
		const sent = 200
		got := volley(t, g, to, sent)
		if len(got) == 0 || len(got) == sent {
			t.Errorf("%d of %d answers came: want some", len(got), sent)
		}
	})
}

func TestSomeOvertake(t *testing.T) {
	cables(t, func(t *testing.T, g ground, c netem.Cable, to netip.Addr) {
		// The neighbours' addresses are known then: the questions about them would be lost as well.
		if _, ok := answers(t, g.lab, to, patience); !ok {
			t.Fatal("no answer over the good cable")
		}
		impair(t, c, netem.Fault{Reorder: 50, Delay: 200 * time.Millisecond})
		got := volley(t, g, to, 60)
		for i := 1; i < len(got); i++ {
			if got[i] < got[i-1] {
				return
			}
		}
		t.Errorf("all answers came in order: %v", got)
	})
}

// volley sends numbered datagrams and returns the numbers of the answers, until one does not come for a while.
func volley(t *testing.T, g ground, to netip.Addr, count int) []int {
	t.Helper()
	c, err := dial(t, g.lab, "udp4", to, patience)
	check(t, err)
	for i := range count {
		_, err := c.Write([]byte(strconv.Itoa(i)))
		check(t, err)
	}
	var got []int
	buffer := make([]byte, 16)
	for len(got) < count {
		check(t, c.SetReadDeadline(time.Now().Add(time.Second)))
		n, err := c.Read(buffer)
		if err != nil {
			break
		}
		number, err := strconv.Atoi(string(buffer[:n]))
		check(t, err)
		got = append(got, number)
	}
	return got
}

func TestNarrowCable(t *testing.T) {
	cables(t, func(t *testing.T, g ground, c netem.Cable, to netip.Addr) {
		impair(t, c, netem.Fault{Bandwidth: 4_000_000})
		const bytes = 256 << 10 // half a second, each way; the first packets of a connection may wait for nobody
		if took := carries(t, g.lab, to, bytes); took < 500*time.Millisecond {
			t.Errorf("%d bytes in %v, faster than the cable is", bytes, took)
		}
	})
}

// TestPodGoes: the relay of a pod's cable ends with the pod, whose address must be free again.
func TestPodGoes(t *testing.T) {
	g := newGround(t)
	i, err := netem.NewRelay(g.podCable(), netem.Fault{Delay: time.Millisecond})
	check(t, err)
	ended := make(chan error, 1)
	go func() { ended <- i.Run(t.Context()) }()
	check(t, network.RemoveNetns(g.pod))
	select {
	case err := <-ended:
		check(t, err)
	case <-time.After(3 * patience):
		t.Fatal("the relay outlives its pod")
	}
	pristine(t, g)
}

// pristine looks for what a relay has left.
func pristine(t *testing.T, g ground) {
	t.Helper()
	for _, netns := range []string{g.lab, g.node} {
		check(t, network.Do(netns, func() error {
			links, err := netlink.LinkList()
			for _, l := range links {
				if bytes.HasPrefix([]byte(l.Attrs().Name), []byte("bad-")) {
					t.Errorf("device %s is left", l.Attrs().Name)
				}
			}
			return err
		}))
	}
}

// TestNothingToImpair: a cable that is not there is an error, and leaves nothing.
func TestNothingToImpair(t *testing.T) {
	g := newGround(t)
	c := g.podCable()
	c.Near = "veth-nowhere"
	if _, err := netem.New(c, netem.Fault{Cut: true}); err == nil {
		t.Error("a cable that does not exist was made bad")
	}
	c = g.podCable()
	c.FarNetns = filepath.Join(os.TempDir(), "no such netns")
	if _, err := netem.NewRelay(c, netem.Fault{Cut: true}); err == nil {
		t.Error("a cable without a far end was made bad")
	}
	pristine(t, g)
}
