package guard

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/mdlayher/netlink"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Guard listens for changes to one table. Run must be called once.
type Guard struct {
	// set once in New
	touched chan struct{} // capacity 1
	conn    *netlink.Conn
	table   string
}

// New listens in the caller's network namespace, for the table of family ip with that name. What the socket with the address own
// did is dropped by the kernel before it reaches us: the news of a thousand services of ours would overflow the socket.
func New(table string, own uint32) (*Guard, error) {
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return nil, fmt.Errorf("listen to the rule set: %w", err)
	}
	// nlmsg_pid, 12 bytes into a message, is in the host's byte order; a filter reads the network's.
	author := own
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		author = bits.ReverseBytes32(own)
	}
	filter, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: author, SkipFalse: 1},
		bpf.RetConstant{Val: 0},
		bpf.RetConstant{Val: 1<<32 - 1},
	})
	if err == nil {
		err = conn.SetBPF(filter)
	}
	if err == nil {
		err = conn.JoinGroup(unix.NFNLGRP_NFTABLES)
	}
	if err != nil {
		_ = conn.Close() // the first error tells more
		return nil, fmt.Errorf("listen to the rule set: %w", err)
	}
	return &Guard{make(chan struct{}, 1), conn, table}, nil
}

// Touched yields once after one or more changes by somebody else.
func (g *Guard) Touched() <-chan struct{} { return g.touched }

// Run listens until ctx ends, closes the socket and returns nil.
func (g *Guard) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = g.conn.Close() })
	defer stop()
	for {
		messages, err := g.conn.Receive()
		if ctx.Err() != nil {
			return nil
		}
		// An error is news that were lost (ENOBUFS): they may have been about our table.
		touched := err != nil
		for _, m := range messages {
			touched = touched || g.concerns(m)
		}
		if !touched {
			continue
		}
		select {
		case g.touched <- struct{}{}:
		default:
		}
	}
}

// concerns reads the name of the table: it is the first attribute of every message that has one.
func (g *Guard) concerns(m netlink.Message) bool {
	const generic = 4 // struct nfgenmsg
	if m.Header.Type>>8 != unix.NFNL_SUBSYS_NFTABLES || m.Header.Type&0xff == unix.NFT_MSG_NEWGEN || len(m.Data) < generic {
		return false
	}
	attributes, err := netlink.NewAttributeDecoder(m.Data[generic:])
	if err != nil || !attributes.Next() {
		return false
	}
	return m.Data[0] == unix.NFPROTO_IPV4 && attributes.Type() == unix.NFTA_TABLE_NAME && attributes.String() == g.table
}
