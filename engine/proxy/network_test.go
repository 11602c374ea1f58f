package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// nodeIP is the address of the node that the tests run on.
const nodeIP = "172.30.0.11"

var makeNode = sync.OnceValue(func() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	// A cable that leads nowhere, so that there is a way out for addresses of services.
	cable := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "eth0"}, PeerName: "wall"}
	if err := netlink.LinkAdd(cable); err != nil {
		return err
	}
	address, err := netlink.ParseAddr(nodeIP + "/24")
	if err != nil {
		return err
	}
	wall, err := netlink.LinkByName("wall")
	if err != nil {
		return err
	}
	for _, err := range []error{
		netlink.AddrAdd(cable, address), netlink.LinkSetUp(cable), netlink.LinkSetUp(wall),
		netlink.RouteAdd(&netlink.Route{LinkIndex: cable.Index, Gw: net.ParseIP("172.30.0.1")}),
		os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644),
	} {
		if err != nil {
			return err
		}
	}
	return nil
})

// pod is a network namespace with one address, routed by the node.
type pod struct {
	t    testing.TB
	ip   netip.Addr
	netn *os.File
}

var nextPod = 2

func newPod(t testing.TB) *pod {
	t.Helper()
	return newPodAt(t, netip.AddrFrom4([4]byte{10, 244, byte(1 + nextPod/250), byte(nextPod % 250)}))
}

func newPodAt(t testing.TB, ip netip.Addr) *pod {
	t.Helper()
	if err := makeNode(); err != nil {
		t.Fatalf("make the node: %v", err)
	}
	number := nextPod
	nextPod++
	p := &pod{t: t, ip: ip}
	made := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its namespace
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			made <- err
			return
		}
		var err error
		p.netn, err = os.Open("/proc/thread-self/ns/net")
		made <- err
	}()
	if err := <-made; err != nil {
		t.Fatalf("make a pod: %v", err)
	}
	t.Cleanup(func() { p.netn.Close() })
	name := fmt.Sprintf("pod%d", number)
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: name + "p"}
	must(t, netlink.LinkAdd(veth))
	peer, err := netlink.LinkByName(name + "p")
	must(t, err)
	must(t, netlink.LinkSetNsFd(peer, int(p.netn.Fd())))
	must(t, netlink.LinkSetUp(veth))
	gateway, err := netlink.ParseAddr(nodeIP + "/32")
	must(t, err)
	must(t, netlink.AddrAdd(veth, gateway))
	must(t, netlink.RouteAdd(&netlink.Route{LinkIndex: veth.Index, Dst: host(p.ip), Scope: netlink.SCOPE_LINK}))
	must(t, p.do(func() error { return configure(name+"p", p.ip) }))
	return p
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func host(ip netip.Addr) *net.IPNet { return &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(32, 32)} }

func configure(link string, ip netip.Addr) error {
	eth0, err := netlink.LinkByName(link)
	if err != nil {
		return err
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	gateway := netip.MustParseAddr(nodeIP)
	return errors.Join(
		netlink.LinkSetUp(lo), netlink.AddrAdd(eth0, &netlink.Addr{IPNet: host(ip)}), netlink.LinkSetUp(eth0),
		netlink.RouteAdd(&netlink.Route{LinkIndex: eth0.Attrs().Index, Dst: host(gateway), Scope: netlink.SCOPE_LINK}),
		netlink.RouteAdd(&netlink.Route{LinkIndex: eth0.Attrs().Index, Gw: gateway.AsSlice()}),
	)
}

// do runs fn on a thread inside the pod. Sockets made there stay there.
func (p *pod) do(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(int(p.netn.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		done <- fn()
	}()
	return <-done
}

// serve answers each TCP connection with "name caller's-address", and each UDP packet likewise.
func (p *pod) serve(name string, port uint16) netip.AddrPort {
	p.t.Helper()
	at := netip.AddrPortFrom(p.ip, port)
	var listener net.Listener
	var packets net.PacketConn
	must(p.t, p.do(func() error {
		var err error
		if listener, err = net.Listen("tcp4", at.String()); err != nil {
			return err
		}
		packets, err = net.ListenPacket("udp4", at.String())
		return err
	}))
	p.t.Cleanup(func() { _, _ = listener.Close(), packets.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
			fmt.Fprintf(conn, "%s %s\n", name, host)
			conn.Close()
		}
	}()
	go func() {
		buffer := make([]byte, 100)
		for {
			_, from, err := packets.ReadFrom(buffer)
			if err != nil {
				return
			}
			host, _, _ := net.SplitHostPort(from.String())
			_, _ = packets.WriteTo([]byte(name+" "+host+"\n"), from)
		}
	}()
	return at
}

// ask connects and returns the name and the caller's address that the server saw.
func ask(network, address string) (name, caller string, err error) {
	conn, err := net.DialTimeout(network, address, 2*time.Second)
	if err != nil {
		return "", "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return "", "", err
	}
	if network == "udp4" {
		if _, err := conn.Write([]byte("?")); err != nil {
			return "", "", err
		}
	}
	line, err := bufio.NewReader(io.LimitReader(conn, 100)).ReadString('\n')
	if err != nil {
		return "", "", err
	}
	_, err = fmt.Sscan(line, &name, &caller)
	return name, caller, err
}

func (p *pod) ask(network, address string) (name, caller string, err error) {
	err = p.do(func() error {
		name, caller, err = ask(network, address)
		return err
	})
	return name, caller, err
}

func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
