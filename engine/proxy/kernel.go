package proxy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// batchSize is how many service ports go into one transaction. The library asks for an acknowledgement of every message and
// reads them only after sending all: beyond some 40 ports the answers overflow the socket's buffer (ENOBUFS), and a
// user namespace may not have a larger one.
const batchSize = 24

// kernel is the nftables table "ip kube-proxy" of one network namespace. Its methods belong to one goroutine.
type kernel struct {
	conn    *nftables.Conn                   // bound to the network namespace it was made in
	numbers *netlink.Conn                    // asks for the generation; kept open because closing a netlink socket waits for RCU, some 10 ms
	podCIDR netip.Prefix                     // zero: nothing is masqueraded for coming from outside
	objects *objects                         // the base objects of the table as it is now
	known   map[name]map[portID]*servicePort // what is in the table
	ips     addresses
	// generation is the kernel's number of the rule set after our last commit. Each commit of anybody in this network
	// namespace raises it by one.
	generation uint32
}

// newKernel opens the rule set of the caller's network namespace. Nothing is changed before rebuild.
func newKernel(podCIDR netip.Prefix) (*kernel, error) {
	conn, err := nftables.New(nftables.AsLasting())
	if err != nil {
		return nil, fmt.Errorf("open nftables: %w", err)
	}
	numbers, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open netfilter: %w", err), conn.CloseLasting())
	}
	return &kernel{conn: conn, numbers: numbers, podCIDR: podCIDR}, nil
}

func (k *kernel) close() error { return errors.Join(k.conn.CloseLasting(), k.numbers.Close()) }

// rebuild replaces the whole table. The first transaction removes the old one and brings the base and the first services, so
// that there is never a moment without a table.
//
// Kubernetes: the existing table is read and only the differences are written; here services beyond the first batch are
// missing for some milliseconds. Established connections are not touched: the kernel has noted their translation.
func (k *kernel) rebuild(want map[portID]*servicePort) error {
	k.known, k.ips = map[name]map[portID]*servicePort{}, addresses{}
	k.conn.AddTable(table) // removing a table that is not there is an error, so it is made first
	k.conn.DelTable(table)
	k.objects = addBase(k.conn, k.podCIDR)
	if k.objects.err != nil {
		return fmt.Errorf("describe the base of table %s: %w", table.Name, k.objects.err)
	}
	// The base alone is some thirty messages: it goes with few services.
	changes := diff(nil, want)
	first := min(len(changes), batchSize/3)
	if err := k.commit(changes[:first]); err != nil {
		return err
	}
	return k.apply(changes[first:])
}

// apply brings changes into the kernel, in transactions of batchSize ports.
func (k *kernel) apply(changes []change) error {
	for batch := range slices.Chunk(changes, batchSize) {
		if err := k.commit(batch); err != nil {
			return err
		}
	}
	return nil
}

// commit sends one transaction and takes note of what is in the kernel now. After an error only rebuild makes the two agree again.
func (k *kernel) commit(batch []change) error {
	for _, c := range batch {
		if err := k.objects.add(k.conn, c); err != nil {
			return fmt.Errorf("describe rules of %s: %w", c.id().service, err)
		}
		added, removed := k.ips.shift(c)
		if err := k.objects.shiftHairpin(k.conn, added, removed); err != nil {
			return fmt.Errorf("describe hairpins of %s: %w", c.id().service, err)
		}
	}
	if err := k.conn.Flush(); err != nil {
		return fmt.Errorf("commit rules of %d service ports: %w", len(batch), err)
	}
	for _, c := range batch {
		k.note(c)
	}
	var err error
	k.generation, err = k.currentGeneration()
	return err
}

// note remembers that c is in the kernel.
func (k *kernel) note(c change) {
	id := c.id()
	if k.known[id.service] == nil {
		k.known[id.service] = map[portID]*servicePort{}
	}
	k.known[id.service][id] = c.after
	if c.after == nil {
		delete(k.known[id.service], id)
	}
	if len(k.known[id.service]) == 0 {
		delete(k.known, id.service)
	}
}

// tampered says whether anybody has changed the network namespace's rules since our last commit.
func (k *kernel) tampered() (bool, error) {
	now, err := k.currentGeneration()
	return now != k.generation, err
}

// currentGeneration asks the kernel for the number of its rule set (NFT_MSG_GETGEN).
func (k *kernel) currentGeneration() (uint32, error) {
	answers, err := k.numbers.Execute(netlink.Message{
		Header: netlink.Header{
			Type:  netlink.HeaderType(unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETGEN),
			Flags: netlink.Request,
		},
		Data: []byte{unix.AF_UNSPEC, unix.NFNETLINK_V0, 0, 0},
	})
	if err != nil {
		return 0, fmt.Errorf("read the rule set's generation: %w", err)
	}
	for _, answer := range answers {
		if len(answer.Data) < 4 {
			continue
		}
		attributes, err := netlink.NewAttributeDecoder(answer.Data[4:])
		if err != nil {
			return 0, fmt.Errorf("read the rule set's generation: %w", err)
		}
		attributes.ByteOrder = binary.BigEndian
		for attributes.Next() {
			if attributes.Type() == unix.NFTA_GEN_ID {
				return attributes.Uint32(), nil
			}
		}
	}
	return 0, errors.New("read the rule set's generation: no number in the answer")
}
