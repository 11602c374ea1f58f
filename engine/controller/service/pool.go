package service

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"drydock/engine/controller"
)

// pool hands out the addresses from first to last, each to one Service.
type pool struct {
	first, last netip.Addr

	mu sync.Mutex
	// guarded by mu
	holder map[netip.Addr]controller.Key
	held   map[controller.Key]netip.Addr
}

func newPool(first, last netip.Addr) *pool {
	return &pool{first: first, last: last, holder: map[netip.Addr]controller.Key{}, held: map[controller.Key]netip.Addr{}}
}

// note remembers what a Service was given earlier. Whoever was first keeps it.
func (p *pool) note(key controller.Key, address netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, taken := p.holder[address]; !taken && p.contains(address) && !p.held[key].IsValid() {
		p.holder[address], p.held[key] = key, address
	}
}

func (p *pool) contains(a netip.Addr) bool {
	return a.IsValid() && a.Compare(p.first) >= 0 && a.Compare(p.last) <= 0
}

var errExhausted = errors.New("no address of the pool is free")

// take returns the Service's address: the one that is asked for, else the one it has, else the lowest free one.
func (p *pool) take(key controller.Key, has netip.Addr, wish string) (netip.Addr, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wish != "" {
		return p.grantLocked(key, wish)
	}
	if held := p.held[key]; held.IsValid() {
		return held, nil
	}
	if p.contains(has) {
		if _, taken := p.holder[has]; !taken {
			p.giveLocked(key, has)
			return has, nil
		}
	}
	for a := p.first; p.contains(a); a = a.Next() {
		if _, taken := p.holder[a]; !taken {
			p.giveLocked(key, a)
			return a, nil
		}
	}
	return netip.Addr{}, errExhausted
}

// grantLocked gives the address of spec.loadBalancerIP, if it can be had.
func (p *pool) grantLocked(key controller.Key, wish string) (netip.Addr, error) {
	address, err := netip.ParseAddr(wish)
	if err != nil || !p.contains(address) {
		return netip.Addr{}, fmt.Errorf("%s is not in the pool %s-%s", wish, p.first, p.last)
	}
	if by, taken := p.holder[address]; taken && by != key {
		return netip.Addr{}, fmt.Errorf("%s is in use by %s", wish, by)
	}
	p.giveLocked(key, address)
	return address, nil
}

func (p *pool) giveLocked(key controller.Key, address netip.Addr) {
	delete(p.holder, p.held[key])
	p.holder[address], p.held[key] = key, address
}

// release takes back what a Service has; false when it had nothing.
func (p *pool) release(key controller.Key) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	address, had := p.held[key]
	delete(p.holder, address)
	delete(p.held, key)
	return had
}
