package hostport_test

import (
	"io"
	"net"
	"testing"

	"drydock/sandbox/hostport"
)

// serving is a keeper's end that is served, and the lab's end of it.
func serving(t *testing.T) *hostport.Ports {
	t.Helper()
	keepers, labs, err := hostport.Pair()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- hostport.Serve(keepers) }()
	ports, err := hostport.New(labs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ports.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return ports
}

func TestListen(t *testing.T) {
	ports := serving(t)
	first, err := ports.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	address := first.Addr().(*net.TCPAddr)
	if !address.IP.IsLoopback() {
		t.Errorf("opened %s, want 127.0.0.1", address)
	}
	second, err := ports.Listen(address.Port)
	if err != nil {
		t.Fatalf("a port that is taken: %v", err)
	}
	defer second.Close()
	if second.Addr().(*net.TCPAddr).Port == address.Port {
		t.Error("one port was given out twice")
	}
	go func() {
		if conn, err := net.Dial("tcp", first.Addr().String()); err == nil {
			_, _ = io.WriteString(conn, "hello")
			_ = conn.Close()
		}
	}()
	conn, err := first.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if text, err := io.ReadAll(conn); string(text) != "hello" {
		t.Errorf("read %q, %v", text, err)
	}
}

func TestListenPacket(t *testing.T) {
	packets, err := serving(t).ListenPacket(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = packets.Close() })
	conn, err := net.Dial("udp", packets.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 10)
	if n, _, err := packets.ReadFrom(buffer); err != nil || string(buffer[:n]) != "hello" {
		t.Errorf("read %q, %v", buffer[:n], err)
	}
}

// TestPrivilegedPorts: a lab that wants one gets another.
func TestPrivilegedPorts(t *testing.T) {
	l, err := serving(t).Listen(443)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if port := l.Addr().(*net.TCPAddr).Port; port < hostport.FirstFree {
		t.Errorf("got port %d", port)
	}
}
