package netem

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"drydock/sandbox/network"
)

// handle is the netem queue's name, 8888:0, by which it is found again.
var handle = netlink.MakeHandle(0x8888, 0)

// queue gives both ends a netem queue, or changes the ones they have: each end is where one direction leaves.
func (c Cable) queue(f Fault) error {
	return c.each(func(link netlink.Link) error {
		attrs := netlink.QdiscAttrs{LinkIndex: link.Attrs().Index, Handle: handle, Parent: netlink.HANDLE_ROOT}
		if err := netlink.QdiscReplace(netlink.NewNetem(attrs, f.qdisc())); err != nil {
			return fmt.Errorf("queue on %s: %w", link.Attrs().Name, err)
		}
		return nil
	})
}

// unqueue takes the queues away; ends or queues that are gone are no error.
func (c Cable) unqueue() error {
	err := c.each(func(link netlink.Link) error {
		attrs := netlink.QdiscAttrs{LinkIndex: link.Attrs().Index, Handle: handle, Parent: netlink.HANDLE_ROOT}
		return netlink.QdiscDel(netlink.NewNetem(attrs, netlink.NetemQdiscAttrs{}))
	})
	if isGone(err) {
		return nil
	}
	return err
}

// each does something with both ends, in their network namespaces.
func (c Cable) each(do func(netlink.Link) error) error {
	var errs []error
	for _, end := range [][2]string{{c.Netns, c.Near}, {c.FarNetns, c.Far}} {
		errs = append(errs, network.Do(end[0], func() error {
			link, err := netlink.LinkByName(end[1])
			if err != nil {
				return fmt.Errorf("find %s: %w", end[1], err)
			}
			return do(link)
		}))
	}
	if errs[0] != nil && errs[1] != nil && isGone(errs[1]) {
		return errs[0]
	}
	return errors.Join(errs...)
}

// isGone: the device, the queue or the whole network namespace is no more.
func isGone(err error) bool {
	var missing netlink.LinkNotFoundError
	return errors.As(err, &missing) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) ||
		errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT)
}
