// Package reach asks for things over the network, once, as a lesson's checks want to know it.
//
// # Part played
//
// Whether a page answers, a port is open, somebody replies to a datagram or a name is known depends on where one asks. This
// package asks from where its caller is, or from where the caller's Dialer leads.
//
// # How it works
//
// One request, one answer, no keeping of connections. What the network says (refused, no route, silence) is an answer and
// stands in the result; an error means that there was no time to ask. `docknode ask` is this package as a program, so that
// a node can be the place.
//
// # Left out
//
// TLS is not verified against a private authority, a redirect is not followed: it is an answer.
//
// # In Kubernetes
//
// The kubelet's pkg/probe (http, tcp, grpc, exec) does the same for liveness and readiness; it has no UDP and no DNS.
package reach

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// Dialer connects from some place, as net.Dialer.DialContext does.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// Page is an answer to a GET. Status is 0 when there was none, and Problem says why.
type Page struct {
	Status  int    `json:"status"`
	Body    string `json:"body"`
	Problem string `json:"problem"`
}

// Connection says whether a connection could be made, and if not why.
type Connection struct {
	Connected bool   `json:"connected"`
	Problem   string `json:"problem"`
}

// Reply is what came back for a datagram. It is empty when nothing did, and Problem says what the network said.
type Reply struct {
	Answer  string `json:"answer"`
	Problem string `json:"problem"`
}

// largest bounds what is read of an answer, in bytes.
const largest = 1 << 20

// HTTP sends a GET.
func (d Dialer) HTTP(ctx context.Context, url string) (Page, error) {
	transport := &http.Transport{DialContext: d, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return Page{}, fmt.Errorf("ask %s: %w", url, err)
	}
	response, err := transport.RoundTrip(request) // not a client: a redirect is an answer
	if err != nil {
		return Page{Problem: innermost(err)}, ctx.Err()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, largest))
	if err != nil {
		return Page{Problem: innermost(err)}, ctx.Err()
	}
	return Page{Status: response.StatusCode, Body: string(body)}, nil
}

// TCP makes a connection and closes it again.
func (d Dialer) TCP(ctx context.Context, address string) (Connection, error) {
	conn, err := d(ctx, "tcp", address)
	if err != nil {
		return Connection{Problem: innermost(err)}, ctx.Err()
	}
	conn.Close()
	return Connection{Connected: true}, nil
}

// UDP sends a datagram and waits so long for one that comes back. An empty one does not count: it is nothing to read.
func (d Dialer) UDP(ctx context.Context, address, payload string, wait time.Duration) (Reply, error) {
	conn, err := d(ctx, "udp", address)
	if err != nil {
		return Reply{Problem: innermost(err)}, ctx.Err()
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return Reply{}, fmt.Errorf("wait for an answer of %s: %w", address, err)
	}
	if _, err := conn.Write([]byte(payload)); err != nil {
		return Reply{Problem: innermost(err)}, ctx.Err()
	}
	buffer := make([]byte, 64<<10) // the largest datagram, udp(7)
	n, err := conn.Read(buffer)
	switch {
	case n > 0:
		return Reply{Answer: string(buffer[:n])}, nil
	case errors.Is(err, os.ErrDeadlineExceeded), err == nil:
		return Reply{Problem: fmt.Sprintf("nothing came back within %s", wait)}, ctx.Err()
	case errors.Is(err, io.EOF): // over a lab's socket pair, a port where nobody listens ends it
		return Reply{Problem: "connection refused"}, ctx.Err()
	default:
		return Reply{Problem: innermost(err)}, ctx.Err()
	}
}

// Names are the addresses of a name here; none when it is not known.
func Names(ctx context.Context, name string) ([]string, error) {
	addresses, err := net.DefaultResolver.LookupHost(ctx, name)
	if err != nil {
		return nil, ctx.Err() // what the resolver says amounts to that
	}
	return addresses, nil
}

// innermost is what the kernel said, without the addresses that the caller knows.
func innermost(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
