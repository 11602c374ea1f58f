package control_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"drydock/engine/cluster/control"
)

// echo answers every datagram with its text and its sender's port.
func echo(t *testing.T) net.PacketConn {
	t.Helper()
	inside, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = inside.Close() })
	go func() {
		buffer := make([]byte, 100)
		for {
			n, from, err := inside.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = inside.WriteTo([]byte(string(buffer[:n])+" from "+from.String()), from)
		}
	}()
	return inside
}

// TestForwardPackets: each client has a conversation of its own, which goes on with the next datagram.
func TestForwardPackets(t *testing.T) {
	inside := echo(t)
	packets, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	way := func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", inside.LocalAddr().String())
	}
	go func() {
		done <- control.ForwardPackets(ctx, packets, way, func(err error) { t.Errorf("no way: %v", err) })
	}()
	var answers []string
	for range 2 {
		client, err := net.Dial("udp4", packets.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		first, second := ask(t, client), ask(t, client)
		if first != second {
			t.Errorf("one client was answered as two: %q, then %q", first, second)
		}
		answers = append(answers, first)
	}
	if answers[0] == answers[1] {
		t.Errorf("two clients were answered as one: %q", answers[0])
	}
	cancel()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("ForwardPackets: %v", err)
	}
}

func ask(t *testing.T, client net.Conn) string {
	t.Helper()
	if _, err := client.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 100)
	n, err := client.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	return string(buffer[:n])
}
