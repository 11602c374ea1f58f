package network_test

import (
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"drydock/sandbox/network"
)

// linkWatch follows the links of a netns: the kernel destroys a netns in its own time, and this is how to wait for it.
type linkWatch chan netlink.LinkUpdate

func linkEvents(t *testing.T, netns string) linkWatch {
	t.Helper()
	w, stop := make(linkWatch, 64), make(chan struct{})
	check(t, network.Do(netns, func() error { return netlink.LinkSubscribe(w, stop) }))
	t.Cleanup(func() { close(stop) })
	return w
}

func (w linkWatch) waitGone(t *testing.T, name string) {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		select {
		case u := <-w:
			if u.Header.Type == unix.RTM_DELLINK && u.Link.Attrs().Name == name {
				return
			}
		case <-late:
			t.Fatalf("%s is still there after ten seconds", name)
		}
	}
}
