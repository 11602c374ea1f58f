package proxy

import (
	"cmp"
	"net/netip"
	"slices"
)

// change is what must happen to one service port: before nil adds it, after nil removes it.
type change struct {
	before, after *servicePort
}

// id names the port that changes.
func (c change) id() portID {
	if c.after != nil {
		return c.after.id
	}
	return c.before.id
}

// diff compares what is in the kernel with what is wanted of the same services. Removals come first: a cluster address or
// node port may have moved to another Service.
func diff(have, want map[portID]*servicePort) []change {
	var changes []change
	for id, before := range have {
		if after := want[id]; after == nil || !before.equal(after) {
			changes = append(changes, change{before, after})
		}
	}
	for id, after := range want {
		if have[id] == nil {
			changes = append(changes, change{nil, after})
		}
	}
	slices.SortFunc(changes, func(a, b change) int {
		x, y := a.id(), b.id()
		return cmp.Or(rank(a)-rank(b), cmp.Compare(x.service.String(), y.service.String()), cmp.Compare(x.port, y.port), cmp.Compare(x.protocol, y.protocol))
	})
	return changes
}

func rank(c change) int {
	switch {
	case c.after == nil:
		return 0
	case c.before != nil:
		return 1
	}
	return 2
}

// counts says how many service ports speak of an address: a set of the kernel holds each one once.
type counts map[netip.Addr]int

// shift takes away the addresses of before, adds those of after, and returns the ones that are new and those that have gone.
func (a counts) shift(before, after []netip.Addr) (added, removed []netip.Addr) {
	touched := map[netip.Addr]int{} // count before the change
	touch := func(list []netip.Addr, by int) {
		for _, ip := range list {
			if _, seen := touched[ip]; !seen {
				touched[ip] = a[ip]
			}
			a[ip] += by
		}
	}
	touch(before, -1)
	touch(after, 1)
	for ip, was := range touched {
		now := a[ip]
		if was == 0 && now > 0 {
			added = append(added, ip)
		}
		if was > 0 && now == 0 {
			removed = append(removed, ip)
		}
		if now == 0 {
			delete(a, ip)
		}
	}
	slices.SortFunc(added, netip.Addr.Compare)
	slices.SortFunc(removed, netip.Addr.Compare)
	return added, removed
}

// endpointAddresses and clusterAddress are what the port adds to the counts; p may be nil.
func (p *servicePort) endpointAddresses() []netip.Addr {
	if p == nil {
		return nil
	}
	var all []netip.Addr
	for _, e := range slices.Concat(p.endpoints, p.local) {
		all = append(all, e.Addr())
	}
	return all
}

func (p *servicePort) clusterAddress() []netip.Addr {
	if p == nil {
		return nil
	}
	return []netip.Addr{p.address.Addr()}
}
