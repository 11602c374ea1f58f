package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Forward gives every connection that listener accepts a way to an address of the lab's network, until ctx ends; it closes
// the listener and waits for the connections. failed hears why one could not be made, from many goroutines.
func Forward(ctx context.Context, socket string, listener net.Listener, address string, failed func(error)) error {
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	var open sync.WaitGroup
	defer open.Wait()
	for {
		outside, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept connections: %w", err)
		}
		open.Go(func() {
			defer outside.Close()
			if err := forward(ctx, socket, outside, address); err != nil && ctx.Err() == nil {
				failed(err)
			}
		})
	}
}

// forward carries one connection until both sides have nothing more to say. It returns an error only when there was no way.
func forward(ctx context.Context, socket string, outside net.Conn, address string) error {
	inside, err := Dial(ctx, socket, "tcp", address)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", address, err)
	}
	defer inside.Close()
	stop := context.AfterFunc(ctx, func() { _, _ = inside.Close(), outside.Close() })
	defer stop()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{inside, outside}, {outside, inside}} {
		both.Go(func() {
			to, from := way[0], way[1]
			if _, err := io.Copy(to, from); err != nil && !errors.Is(err, net.ErrClosed) {
				_, _ = to.Close(), from.Close() // one side broke: the other must not wait for it
				return
			}
			if half, ok := to.(interface{ CloseWrite() error }); ok {
				_ = half.CloseWrite() // it may have gone already
			}
		})
	}
	both.Wait()
	return nil
}
