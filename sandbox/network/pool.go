package network

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
)

// ErrExhausted is returned by Allocate when every address of the pool is in use.
var ErrExhausted = errors.New("no address left")

// Pool gives out the addresses of a node's pod CIDR. Its methods may be called at the same time.
type Pool struct {
	// set once in NewPool
	prefix      netip.Prefix
	first, last netip.Addr

	mu sync.Mutex
	// guarded by mu
	used map[netip.Addr]bool
	next netip.Addr // where the search begins
}

// NewPool returns a pool over an IPv4 prefix of /30 or shorter. The network's own address, the first address (which other
// network plugins give to the node) and the broadcast address are never handed out.
func NewPool(prefix netip.Prefix) (*Pool, error) {
	prefix = prefix.Masked()
	if !prefix.Addr().Is4() || prefix.Bits() > 30 {
		return nil, fmt.Errorf("make an address pool of %s: an IPv4 prefix of /30 or shorter is needed", prefix)
	}
	first := prefix.Addr().Next().Next()
	return &Pool{prefix: prefix, first: first, last: broadcast(prefix).Prev(), used: map[netip.Addr]bool{}, next: first}, nil
}

func broadcast(p netip.Prefix) netip.Addr {
	a := p.Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		a[bit/8] |= 1 << (7 - bit%8)
	}
	return netip.AddrFrom4(a)
}

// Allocate hands out the free address that follows the one handed out last, and begins anew at the end of the range. An
// address that was just released therefore comes back only after all others: peers may still have it in mind.
func (p *Pool) Allocate() (netip.Addr, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for a, begun := p.next, false; !begun || a != p.next; begun = true {
		following := p.followingLocked(a)
		if !p.used[a] {
			p.used[a] = true
			p.next = following
			return a, nil
		}
		a = following
	}
	return netip.Addr{}, fmt.Errorf("allocate an address of %s: %w", p.prefix, ErrExhausted)
}

func (p *Pool) followingLocked(a netip.Addr) netip.Addr {
	if a == p.last {
		return p.first
	}
	return a.Next()
}

// Reserve takes a certain address, as when pods are found again after a restart. It is an error when the address is
// outside the pool or in use.
func (p *Pool) Reserve(a netip.Addr) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.Less(p.first) || p.last.Less(a) {
		return fmt.Errorf("reserve address %s: not one that %s hands out", a, p.prefix)
	}
	if p.used[a] {
		return fmt.Errorf("reserve address %s: already in use", a)
	}
	p.used[a] = true
	// Later addresses first: as far as the pool knows, this one was handed out last.
	p.next = p.followingLocked(a)
	return nil
}

// Release gives an address back. One that is not in use is no error.
func (p *Pool) Release(a netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.used, a)
}
