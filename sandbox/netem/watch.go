package netem

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// watch hears of the links of the caller's network namespace until stop is called.
func watch(existing bool) (updates chan netlink.LinkUpdate, stop func(), err error) {
	updates, done := make(chan netlink.LinkUpdate), make(chan struct{})
	if err := netlink.LinkSubscribeWithOptions(updates, done, netlink.LinkSubscribeOptions{ListExisting: existing}); err != nil {
		return nil, nil, fmt.Errorf("watch links: %w", err)
	}
	return updates, func() {
		close(done)
		go func() { // ends when the library has closed updates; it must not wait for us until then
			for range updates {
			}
		}()
	}, nil
}

// carrierPatience is how long the kernel may take to notice a carrier.
const carrierPatience = 5 * time.Second

// awaitUp waits until the kernel has noticed that a device has a carrier, which it does in its own time (linkwatch). A bridge
// carries nothing for a port before.
func awaitUp(index int) error {
	updates, stop, err := watch(true)
	if err != nil {
		return err
	}
	defer stop()
	late := time.NewTimer(carrierPatience)
	defer late.Stop()
	for {
		select {
		case u, ok := <-updates:
			if !ok || int(u.Index) == index && u.Attrs().OperState == netlink.OperUp {
				return nil
			}
		case <-late.C:
			return errors.New("wait for a carrier: there is none after 5 s")
		}
	}
}

// comesBack waits until a device that was down is up again; false when it is no more, or ctx ends. A device that is being removed
// goes down first, so that to look once is not enough.
func comesBack(ctx context.Context, name string) (bool, error) {
	updates, stop, err := watch(false)
	if err != nil {
		return false, err
	}
	defer stop()
	link, err := netlink.LinkByName(name) // after the watch began: nothing can happen between the two
	if err != nil {
		return false, err
	}
	if link.Attrs().RawFlags&unix.IFF_UP != 0 {
		return true, nil
	}
	for {
		select {
		case u, ok := <-updates:
			switch {
			case !ok:
				return false, nil
			case int(u.Index) != link.Attrs().Index:
			case u.Header.Type == unix.RTM_DELLINK:
				return false, nil
			case u.Flags&unix.IFF_UP != 0:
				return true, nil
			}
		case <-ctx.Done():
			return false, nil
		}
	}
}
