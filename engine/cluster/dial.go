package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"drydock/engine/cluster/control"
	"drydock/sandbox/lab"
)

// dial makes a connection in the lab's network and joins it to the socket that came with the call.
func (c *Cluster) dial(ctx context.Context, call *lab.Call) error {
	var r control.DialRequest
	if err := call.Decode(&r); err != nil {
		return err
	}
	if len(call.Files) != 1 {
		return fmt.Errorf("a connection needs one socket to carry it; got %d files", len(call.Files))
	}
	outside, err := net.FileConn(call.Files[0])
	if err != nil {
		return fmt.Errorf("take the caller's socket: %w", err)
	}
	defer outside.Close()
	call.Files[0].Close() // outside is a copy
	var dialer net.Dialer
	inside, err := dialer.DialContext(ctx, r.Network, r.Address)
	if err != nil {
		return call.Send(reason(err))
	}
	defer inside.Close()
	if err := call.Send(""); err != nil {
		return err
	}
	return join(ctx, inside, outside)
}

// reason is what the kernel said, without the addresses that the caller knows.
func reason(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return err.Error()
}

// halfCloser is a connection that can say "no more from me" and still read.
type halfCloser interface{ CloseWrite() error }

// join copies both ways until both sides have ended, or ctx has.
func join(ctx context.Context, a, b net.Conn) error {
	stop := context.AfterFunc(ctx, func() { a.Close(); b.Close() })
	defer stop()
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{a, b}, {b, a}} {
		go func() {
			_, _ = io.Copy(pair[0], pair[1]) // either end may break; both then end
			if h, ok := pair[0].(halfCloser); ok {
				_ = h.CloseWrite()
			} else {
				_ = pair[0].Close() // a conversation in datagrams has no end of its own: nobody is left to answer to
			}
			done <- struct{}{}
		}()
	}
	<-done
	<-done
	return nil
}
