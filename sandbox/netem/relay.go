package netem

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"drydock/sandbox/network"
)

// relay carries a cable's packets through this process.
type relay struct {
	cable Cable
	undo  []func() error // in the order in which things were done
	ports []*os.File
	lanes []*lane
}

// newRelay wires the cable through itself. On an error it is as it was.
func newRelay(c Cable, f *atomic.Pointer[Fault]) (*relay, error) {
	r := &relay{cable: c}
	err := network.Do(c.Netns, func() error { return r.wire(f) })
	if err != nil {
		return nil, errors.Join(err, r.remove())
	}
	return r, nil
}

// wire runs in the near end's network namespace. The rules that drop the originals come last, so that packets are doubled for a
// moment rather than lost.
func (r *relay) wire(f *atomic.Pointer[Fault]) error {
	near, err := netlink.LinkByName(r.cable.Near)
	if err != nil {
		return fmt.Errorf("find %s: %w", r.cable.Near, err)
	}
	bad, far, err := r.pair(near)
	if err != nil {
		return err
	}
	in, err := r.open(near, incoming)
	if err != nil {
		return err
	}
	aside, err := r.open(far, incoming)
	if err != nil {
		return err
	}
	if r.cable.Bridge != "" {
		r.lane(f, in, aside, false)
		r.lane(f, aside, in, false)
		if err := r.takePlace(near, bad); err != nil {
			return err
		}
		return r.drop(r.cable.Netns, r.cable.Near, false)
	}
	out, err := r.open(near, outgoing)
	if err != nil {
		return err
	}
	r.lane(f, in, aside, false)
	r.lane(f, out, out, true)
	if err := r.drop(r.cable.FarNetns, r.cable.Far, true); err != nil {
		return err
	}
	return r.drop(r.cable.Netns, r.cable.Near, false)
}

func (r *relay) lane(f *atomic.Pointer[Fault], from, to *os.File, stamped bool) {
	l := &lane{from: from, to: to, stamped: stamped, fault: f, wake: make(chan struct{}, 1)}
	l.comesBack = func(ctx context.Context) (back bool) {
		err := network.Do(r.cable.Netns, func() (err error) { back, err = comesBack(ctx, r.cable.Near); return err })
		return err == nil && back
	}
	r.lanes = append(r.lanes, l)
}

// pair makes the two devices through which packets come back in. The outer one has the near end's address: what was sent to that
// is then for it.
func (r *relay) pair(near netlink.Link) (bad, far netlink.Link, err error) {
	tail := r.cable.Near[max(0, len(r.cable.Near)-11):]
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = "bad-"+tail, near.Attrs().MTU
	if r.cable.Bridge == "" {
		attrs.HardwareAddr = near.Attrs().HardwareAddr
	}
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: "far-" + tail, PeerMTU: uint32(attrs.MTU)}
	if err := netlink.LinkAdd(veth); err != nil {
		return nil, nil, fmt.Errorf("make link %s: %w", attrs.Name, err)
	}
	r.undo = append(r.undo, func() error { return netlink.LinkDel(veth) })
	if far, err = netlink.LinkByName(veth.PeerName); err != nil {
		return nil, nil, fmt.Errorf("find link %s: %w", veth.PeerName, err)
	}
	for name, value := range map[string]string{"ipv4/conf/" + attrs.Name + "/rp_filter": "0", "ipv6/conf/" + attrs.Name + "/disable_ipv6": "1", "ipv6/conf/" + veth.PeerName + "/disable_ipv6": "1"} {
		// What comes in here has come in elsewhere before; and a device of ours has nothing to say itself.
		if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, nil, fmt.Errorf("prepare link %s: %w", attrs.Name, err)
		}
	}
	for _, link := range []netlink.Link{veth, far} {
		if err := netlink.LinkSetUp(link); err != nil {
			return nil, nil, fmt.Errorf("bring %s up: %w", link.Attrs().Name, err)
		}
	}
	return veth, far, nil
}

func (r *relay) open(link netlink.Link, h hearing) (*os.File, error) {
	port, err := openPort(link.Attrs().Index, h)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", link.Attrs().Name, err)
	}
	r.ports = append(r.ports, port)
	return port, nil
}

// takePlace makes bad the bridge's port instead of near.
func (r *relay) takePlace(near, bad netlink.Link) error {
	bridge, err := netlink.LinkByName(r.cable.Bridge)
	if err != nil {
		return fmt.Errorf("find bridge %s: %w", r.cable.Bridge, err)
	}
	r.undo = append(r.undo, func() error { return netlink.LinkSetMaster(near, bridge) })
	if err := awaitUp(bad.Attrs().Index); err != nil {
		return err
	}
	// In this order: a bridge without a port loses its carrier, and finds it again up to a second late.
	if err := netlink.LinkSetMaster(bad, bridge); err != nil {
		return fmt.Errorf("give %s to bridge %s: %w", bad.Attrs().Name, r.cable.Bridge, err)
	}
	if err := netlink.LinkSetNoMaster(near); err != nil {
		return fmt.Errorf("take %s from bridge %s: %w", near.Attrs().Name, r.cable.Bridge, err)
	}
	return nil
}

// drop makes an end deaf but for packets with the stamp:
//
//	table netdev drydock-fault-… { chain ingress { type filter hook ingress device …; ether saddr & … == stamp accept; drop } }
func (r *relay) drop(netns, device string, butStamped bool) error {
	table := &nftables.Table{Family: nftables.TableFamilyNetdev, Name: "drydock-fault-" + r.cable.Near}
	r.undo = append(r.undo, func() error {
		return network.Do(netns, func() error {
			conn, err := nftables.New()
			if err != nil {
				return err
			}
			conn.AddTable(table) // removing one that is not there is an error
			conn.DelTable(table)
			return conn.Flush()
		})
	})
	return network.Do(netns, func() error {
		conn, err := nftables.New()
		if err != nil {
			return fmt.Errorf("open nftables: %w", err)
		}
		conn.AddTable(table)
		chain := conn.AddChain(&nftables.Chain{
			Table: table, Name: "ingress", Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookIngress,
			Priority: nftables.ChainPriorityFilter, Device: device,
		})
		if butStamped {
			conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{
				&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseLLHeader, Offset: 6, Len: uint32(len(stamp))},
				&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: stamp[:]},
				&expr.Verdict{Kind: expr.VerdictAccept},
			}})
		}
		conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}}})
		if err := conn.Flush(); err != nil {
			return fmt.Errorf("make %s deaf: %w", device, err)
		}
		return nil
	})
}

// run carries packets until ctx ends or the cable is gone: two goroutines for each direction.
func (r *relay) run(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	wake := context.AfterFunc(ctx, func() {
		for _, p := range r.ports {
			_ = p.SetReadDeadline(time.Unix(1, 0)) // Read returns at once
		}
	})
	defer wake()
	var all sync.WaitGroup
	for _, l := range r.lanes {
		all.Go(func() { l.hear(ctx); stop() })
		all.Go(l.speak)
	}
	all.Wait()
}

// remove undoes everything, the last first. What went with the cable is no error.
func (r *relay) remove() error {
	var errs []error
	for i := range r.undo {
		undo := r.undo[len(r.undo)-1-i]
		err := network.Do(r.cable.Netns, undo)
		if err != nil && !isGone(err) && !errors.Is(err, unix.ENXIO) {
			errs = append(errs, err)
		}
	}
	for _, p := range r.ports {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}
