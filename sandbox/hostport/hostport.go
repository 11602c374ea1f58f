// Package hostport lets a lab have ports of the machine's 127.0.0.1, which it cannot open itself.
//
// # Part played
//
// The port forwarding of a virtual machine's host.
//
// # How it works
//
// A lab has a network of its own; the machine's is out of its reach. The keeper, which stays outside, makes a Pair of connected sockets
// and gives the lab one end. The lab asks "tcp 8080". The keeper opens 127.0.0.1:8080 in the machine's network, sends the listening
// socket over (SCM_RIGHTS, unix(7)) and forgets it: a socket belongs to the network it was made in, whoever holds it. The lab
// accepts there and connects inside; when it closes the socket, or ends however it ends, the port is free.
//
// The keeper opens nothing but 127.0.0.1, and no port below 1024: a lab must not be able to pass for one of the machine's own services.
//
// # Left out
//
// Other addresses than 127.0.0.1, IPv6.
//
// # In Kubernetes
//
// minikube tunnel; kind's extraPortMappings.
package hostport

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// FirstFree is the lowest port that is given out.
const FirstFree = 1024

// request is what the lab asks for; port 0 is any.
type request struct {
	Network string `json:"network"` // tcp or udp
	Port    int    `json:"port"`
}

// answer comes with one descriptor, or with the reason why there is none.
type answer struct {
	Error string `json:"error,omitempty"`
}

// maxMessage bounds a message, in bytes.
const maxMessage = 4096

// Pair makes the two ends: one for Serve, one for New in the lab. Both are the caller's to close.
func Pair() (keepers, labs *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair for ports: %w", err)
	}
	return os.NewFile(uintptr(pair[0]), "ports"), os.NewFile(uintptr(pair[1]), "ports"), nil
}

// Serve opens what is asked for until the other end is closed. It takes end over.
func Serve(end *os.File) error {
	conn, err := connOf(end)
	if err != nil {
		return err
	}
	defer conn.Close()
	buffer := make([]byte, maxMessage)
	for {
		n, err := conn.Read(buffer)
		if errors.Is(err, io.EOF) || n == 0 && err == nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read what the lab asks for: %w", err)
		}
		if err := reply(conn, buffer[:n]); err != nil {
			return fmt.Errorf("answer the lab: %w", err)
		}
	}
}

func connOf(f *os.File) (*net.UnixConn, error) {
	defer f.Close() // FileConn copies it
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("take the socket for ports: %w", err)
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("take the socket for ports: it is a %s", conn.LocalAddr().Network())
	}
	return unixConn, nil
}

func reply(conn *net.UnixConn, text []byte) error {
	var r request
	err := json.Unmarshal(text, &r)
	var socket *os.File
	if err == nil {
		socket, err = open(r)
	}
	var a answer
	var rights []byte
	if err != nil {
		a.Error = err.Error()
	} else {
		defer socket.Close()
		rights = unix.UnixRights(int(socket.Fd()))
	}
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, _, err = conn.WriteMsgUnix(body, rights, nil)
	return err
}

// open makes the socket in the network of this process.
func open(r request) (*os.File, error) {
	if r.Port != 0 && (r.Port < FirstFree || r.Port > 65535) {
		return nil, fmt.Errorf("port %d is not given out", r.Port)
	}
	address := net.IPv4(127, 0, 0, 1)
	switch r.Network {
	case "tcp":
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: address, Port: r.Port})
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // File is a copy
		return l.File()
	case "udp":
		p, err := net.ListenUDP("udp4", &net.UDPAddr{IP: address, Port: r.Port})
		if err != nil {
			return nil, err
		}
		defer p.Close()
		return p.File()
	}
	return nil, fmt.Errorf("network %q is not known", r.Network)
}

// Ports asks a keeper for ports. Its methods may be called at the same time.
type Ports struct {
	mu sync.Mutex
	// guarded by mu: one question and its answer at a time
	conn *net.UnixConn
}

// New takes over the lab's end of a Pair.
func New(end *os.File) (*Ports, error) {
	conn, err := connOf(end)
	if err != nil {
		return nil, err
	}
	return &Ports{conn: conn}, nil
}

// Close ends Serve at the other end. What was opened stays open.
func (p *Ports) Close() error { return p.conn.Close() }

// Listen opens a TCP port: the wanted one, or any when that cannot be had.
func (p *Ports) Listen(wish int) (net.Listener, error) {
	f, err := p.ask("tcp", wish)
	if err != nil {
		return nil, err
	}
	defer f.Close() // FileListener copies it
	return net.FileListener(f)
}

// ListenPacket is Listen for UDP.
func (p *Ports) ListenPacket(wish int) (net.PacketConn, error) {
	f, err := p.ask("udp", wish)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return net.FilePacketConn(f)
}

func (p *Ports) ask(network string, wish int) (*os.File, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, err := p.askLocked(request{network, wish})
	if err != nil && wish != 0 {
		f, err = p.askLocked(request{network, 0})
	}
	return f, err
}

func (p *Ports) askLocked(r request) (*os.File, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	if _, err := p.conn.Write(body); err != nil {
		return nil, fmt.Errorf("ask for a port of the machine: %w", err)
	}
	text, control := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := p.conn.ReadMsgUnix(text, control)
	if err != nil {
		return nil, fmt.Errorf("ask for a port of the machine: %w", err)
	}
	var a answer
	if err := json.Unmarshal(text[:n], &a); err != nil {
		return nil, fmt.Errorf("ask for a port of the machine: %w", err)
	}
	if a.Error != "" {
		return nil, fmt.Errorf("open a port of the machine: %s", a.Error)
	}
	return received(control[:oobn])
}

// received is the one descriptor that came along. Go asks for it with MSG_CMSG_CLOEXEC: no child can get it by accident.
func received(control []byte) (*os.File, error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(messages) != 1 {
		return nil, fmt.Errorf("open a port of the machine: want one control message, got %d: %w", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, fmt.Errorf("open a port of the machine: want one descriptor, got %d: %w", len(fds), err)
	}
	return os.NewFile(uintptr(fds[0]), "port"), nil
}
