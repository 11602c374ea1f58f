package netem

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// What a packet socket hears of a device.
type hearing int

const (
	incoming hearing = iota // what comes in from the cable
	outgoing                // what goes out to it, but what the socket itself sends
)

// headerSize is struct virtio_net_hdr (linux/virtio_net.h), which goes before every packet: without it the kernel's notes on
// checksums that are still to be computed, and on packets that are still to be cut up, would be lost on the way.
const headerSize = 10

// maxPacket is the longest packet: 64 KiB and an Ethernet header, with room.
const maxPacket = headerSize + 1<<16 + 64

// openPort opens a packet socket on a device of the caller's network namespace. Each Read is a packet, each Write sends one.
func openPort(index int, h hearing) (*os.File, error) {
	// Protocol 0 hears nothing yet: the filter comes first.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open a packet socket: %w", err)
	}
	err = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1)
	if err == nil && h == incoming {
		err = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	}
	if err == nil && h == outgoing {
		err = onlyOutgoing(fd)
	}
	if err == nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<22) // as much as we may have
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: everyProtocol, Ifindex: index})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare a packet socket: %w", err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "packets"), nil
}

// everyProtocol is ETH_P_ALL in the network's byte order, on the little-endian machines we run on.
const everyProtocol = unix.ETH_P_ALL << 8

// onlyOutgoing drops what the socket would hear of the other direction.
func onlyOutgoing(fd int) error {
	raw, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtType},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.PACKET_OUTGOING, SkipFalse: 1},
		bpf.RetConstant{Val: 1 << 18},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		return err
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		filter[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
}
