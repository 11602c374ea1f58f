package proxy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
)

// batchSize is how many service ports go into one transaction. The library asks for an acknowledgement of every message and
// reads them only after sending all: beyond some 40 ports the answers overflow the socket's buffer (ENOBUFS), and a
// user namespace may not have a larger one.
const batchSize = 24

// kernel is the nftables table "ip kube-proxy" of one network namespace. Its methods belong to one goroutine.
type kernel struct {
	conn    *nftables.Conn // bound to the network namespace it was made in; kept open because closing a netlink socket waits for RCU, some 10 ms
	port    uint32         // the address of conn's socket: what the kernel notes as the author of our changes
	where   where
	objects *objects                         // the base objects of the table as it is now
	known   map[name]map[portID]*servicePort // what is in the table
	// how many ports speak of an address, as endpoint and as cluster address
	endpoints, clusterIPs counts
	flows                 *flows
	changed               []change // since the last cutFlows
}

// newKernel opens the rule set of the caller's network namespace. Nothing is changed before rebuild.
func newKernel(w where) (*kernel, error) {
	k := &kernel{where: w}
	var err error
	k.conn, err = nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(c *netlink.Conn) error {
		k.port = c.PID()
		return nil
	}))
	if err != nil {
		return nil, fmt.Errorf("open nftables: %w", err)
	}
	if k.flows, err = openFlows(); err != nil {
		return nil, errors.Join(err, k.conn.CloseLasting())
	}
	return k, nil
}

func (k *kernel) close() error {
	k.flows.close()
	return k.conn.CloseLasting()
}

// rebuild replaces the whole table. The first transaction removes the old one and brings the base and the first services, so
// that there is never a moment without a table.
//
// Kubernetes: the existing table is read and only the differences are written; here services beyond the first batch are
// missing for some milliseconds. Established connections are not touched: the kernel has noted their translation.
func (k *kernel) rebuild(want map[portID]*servicePort) error {
	k.known, k.endpoints, k.clusterIPs = map[name]map[portID]*servicePort{}, counts{}, counts{}
	k.conn.AddTable(table) // removing a table that is not there is an error, so it is made first
	k.conn.DelTable(table)
	k.objects = addBase(k.conn, k.where)
	if k.objects.err != nil {
		return fmt.Errorf("describe the base of table %s: %w", table.Name, k.objects.err)
	}
	// The base alone is some fifty messages: it goes with few services.
	changes := diff(nil, want)
	first := min(len(changes), batchSize/4)
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
		if err := k.describe(c); err != nil {
			return fmt.Errorf("describe rules of %s: %w", c.id().service, err)
		}
	}
	if err := k.conn.Flush(); err != nil {
		return fmt.Errorf("commit rules of %d service ports: %w", len(batch), err)
	}
	for _, c := range batch {
		k.note(c)
		if err := k.forget(c); err != nil {
			return fmt.Errorf("forget clients of %s: %w", c.id().service, err)
		}
	}
	k.changed = append(k.changed, batch...)
	return nil
}

// cutFlows ends the connections that led to what has changed since it was last called. Looking for them costs the kernel a
// walk through its whole table, some milliseconds, so it comes when all rules are in place.
func (k *kernel) cutFlows() error {
	changed := k.changed
	k.changed = nil
	return k.flows.cut(changed)
}

// describe adds one change to the transaction.
func (k *kernel) describe(c change) error {
	if err := k.objects.add(k.conn, c); err != nil {
		return err
	}
	added, removed := k.endpoints.shift(c.before.endpointAddresses(), c.after.endpointAddresses())
	pair := func(ip netip.Addr) []byte {
		address := ip.As4()
		return append(address[:], address[:]...)
	}
	if err := shiftAddresses(k.conn, k.objects.hairpin, pair, added, removed); err != nil {
		return err
	}
	added, removed = k.clusterIPs.shift(c.before.clusterAddress(), c.after.clusterAddress())
	return shiftAddresses(k.conn, k.objects.clusterIPs, netip.Addr.AsSlice, added, removed)
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
