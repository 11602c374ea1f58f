package network_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/sandbox/network"
)

func newPool(t *testing.T, prefix string) *network.Pool {
	t.Helper()
	p, err := network.NewPool(netip.MustParsePrefix(prefix))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func allocate(t *testing.T, p *network.Pool) string {
	t.Helper()
	a, err := p.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	return a.String()
}

func TestPoolHandsOutEveryUsableAddressOnce(t *testing.T) {
	p := newPool(t, "10.244.1.8/29")
	var got []string
	for {
		a, err := p.Allocate()
		if err != nil {
			if !errors.Is(err, network.ErrExhausted) {
				t.Fatalf("error %v, want ErrExhausted", err)
			}
			break
		}
		got = append(got, a.String())
	}
	want := []string{"10.244.1.10", "10.244.1.11", "10.244.1.12", "10.244.1.13", "10.244.1.14"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestPoolGivesAReleasedAddressLast(t *testing.T) {
	p := newPool(t, "10.244.1.0/29")
	allocate(t, p)
	second := allocate(t, p)
	p.Release(netip.MustParseAddr(second))
	var got []string
	for range 4 {
		got = append(got, allocate(t, p))
	}
	want := []string{"10.244.1.4", "10.244.1.5", "10.244.1.6", second}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestPoolReserve(t *testing.T) {
	p := newPool(t, "10.244.1.0/24")
	for _, c := range []struct{ address, want string }{
		{"10.244.1.7", ""},
		{"10.244.1.7", "reserve address 10.244.1.7: already in use"},
		{"10.244.1.1", "reserve address 10.244.1.1: not one that 10.244.1.0/24 hands out"},
		{"10.244.1.255", "reserve address 10.244.1.255: not one that 10.244.1.0/24 hands out"},
		{"10.244.2.7", "reserve address 10.244.2.7: not one that 10.244.1.0/24 hands out"},
	} {
		var got string
		if err := p.Reserve(netip.MustParseAddr(c.address)); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("Reserve(%s) = %q, want %q", c.address, got, c.want)
		}
	}
	if a := allocate(t, p); a != "10.244.1.8" {
		t.Errorf("after reserving .7 the pool hands out %s, want 10.244.1.8", a)
	}
}

func TestPoolRefusesWhatItCannotDivide(t *testing.T) {
	for _, prefix := range []string{"10.0.0.0/31", "fd00::/64"} {
		if _, err := network.NewPool(netip.MustParsePrefix(prefix)); err == nil {
			t.Errorf("NewPool(%s) is no error", prefix)
		}
	}
}
