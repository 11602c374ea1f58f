package apiserver

import (
	"net/netip"
	"sync"
)

// pool hands out values of one kind, each to one holder.
type pool[T comparable] struct {
	first, last T
	next        func(T) T

	mu sync.Mutex
	// guarded by mu
	taken  map[T]bool
	cursor T // where the search for a free value begins
}

// take reserves one value; false when somebody has it.
func (p *pool[T]) take(v T) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken[v] {
		return false
	}
	p.taken[v] = true
	return true
}

// any reserves a free value; false when all are taken. It goes round rather than reuse what was just released, so that an
// old client does not talk to a new service.
func (p *pool[T]) any() (T, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for v := p.cursor; ; {
		after := p.first
		if v != p.last {
			after = p.next(v)
		}
		if !p.taken[v] {
			p.taken[v] = true
			p.cursor = after
			return v, true
		}
		if v = after; v == p.cursor {
			return v, false
		}
	}
}

func (p *pool[T]) release(v T) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.taken, v)
}

type (
	addressPool = pool[netip.Addr]
	portPool    = pool[int32]
)

// newAddressPool hands out the addresses of a prefix but its first two and its last: the network, the Service
// default/kubernetes, and broadcast. The search begins after the low end, which is left to those who choose an address
// themselves (KEP-3070): at most 256 of them.
func newAddressPool(prefix netip.Prefix) *addressPool {
	first := prefix.Masked().Addr().Next()
	last := first
	low := min(1<<(first.BitLen()-prefix.Bits())/16, 256)
	p := &addressPool{first: first, next: netip.Addr.Next, taken: map[netip.Addr]bool{}}
	for after := first.Next(); prefix.Contains(after.Next()); after = after.Next() {
		last = after
	}
	p.last = last
	p.cursor = first
	for range low {
		p.cursor = p.cursor.Next()
	}
	return p
}

func newPortPool() *portPool {
	p := &portPool{first: 30000, last: 32767, next: func(n int32) int32 { return n + 1 }, taken: map[int32]bool{}}
	p.cursor = p.first + 86 // the low end is left to those who choose a port themselves (KEP-3668)
	return p
}
