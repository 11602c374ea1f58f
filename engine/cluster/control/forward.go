package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Way makes one connection to where a forwarded port leads.
type Way func(ctx context.Context) (net.Conn, error)

// WayInto is the Way from outside to an address of the lab's network; network is tcp or udp.
func WayInto(socket, network, address string) Way {
	return func(ctx context.Context) (net.Conn, error) {
		conn, err := Dial(ctx, socket, network, address)
		if err != nil {
			return nil, fmt.Errorf("connect to %s: %w", address, err)
		}
		return conn, nil
	}
}

// Forward gives every connection that listener accepts a way, until ctx ends; it closes the listener and waits for the
// connections. failed hears why one could not be made, from many goroutines.
func Forward(ctx context.Context, listener net.Listener, way Way, failed func(error)) error {
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
			if err := forward(ctx, outside, way); err != nil && ctx.Err() == nil {
				failed(err)
			}
		})
	}
}

// forward carries one connection until both sides have nothing more to say. It returns an error only when there was no way.
func forward(ctx context.Context, outside net.Conn, way Way) error {
	inside, err := way(ctx)
	if err != nil {
		return err
	}
	defer inside.Close()
	stop := context.AfterFunc(ctx, func() { _, _ = inside.Close(), outside.Close() })
	defer stop()
	var both sync.WaitGroup
	for _, direction := range [][2]net.Conn{{inside, outside}, {outside, inside}} {
		both.Go(func() {
			to, from := direction[0], direction[1]
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

// silence is how long nothing may come back before a client's datagrams count as a new conversation: what conntrack allows UDP.
const silence = 2 * time.Minute

// maxDatagram is the largest payload of UDP over IPv4.
const maxDatagram = 65507

// ForwardPackets is Forward for datagrams. Those of one client are one conversation, which ends when nothing has come back for two minutes.
func ForwardPackets(ctx context.Context, packets net.PacketConn, way Way, failed func(error)) error {
	stop := context.AfterFunc(ctx, func() { _ = packets.Close() })
	defer stop()
	f := &packetForwarder{packets: packets, way: way, failed: failed, clients: map[string]net.Conn{}}
	defer f.open.Wait()
	buffer := make([]byte, maxDatagram)
	for {
		n, client, err := packets.ReadFrom(buffer)
		if ctx.Err() != nil {
			f.closeAll()
			return nil
		}
		if err != nil {
			f.closeAll()
			return fmt.Errorf("read datagrams: %w", err)
		}
		f.carry(ctx, client, buffer[:n])
	}
}

// packetForwarder is the conversations of one port.
type packetForwarder struct {
	// set once
	packets net.PacketConn
	way     Way
	failed  func(error)

	open sync.WaitGroup // the answers of each conversation

	mu sync.Mutex
	// guarded by mu
	clients map[string]net.Conn // by the client's address
}

// carry takes one datagram of a client inside. Called from one goroutine.
func (f *packetForwarder) carry(ctx context.Context, client net.Addr, datagram []byte) {
	f.mu.Lock()
	inside := f.clients[client.String()]
	f.mu.Unlock()
	if inside == nil {
		var err error
		if inside, err = f.way(ctx); err != nil {
			f.failed(err)
			return
		}
		f.mu.Lock()
		f.clients[client.String()] = inside
		f.mu.Unlock()
		f.open.Go(func() { f.answer(client, inside) })
	}
	_, _ = inside.Write(datagram) // a datagram may be lost anywhere
	_ = inside.SetReadDeadline(time.Now().Add(silence))
}

// answer takes datagrams of one conversation back, until there are none any more.
func (f *packetForwarder) answer(client net.Addr, inside net.Conn) {
	defer func() {
		f.mu.Lock()
		delete(f.clients, client.String())
		f.mu.Unlock()
		_ = inside.Close()
	}()
	buffer := make([]byte, maxDatagram)
	for {
		n, err := inside.Read(buffer)
		if err != nil {
			return
		}
		_, _ = f.packets.WriteTo(buffer[:n], client)
		_ = inside.SetReadDeadline(time.Now().Add(silence))
	}
}

func (f *packetForwarder) closeAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, inside := range f.clients {
		_ = inside.Close()
	}
}
