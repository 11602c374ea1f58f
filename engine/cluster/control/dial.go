package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"drydock/sandbox/lab"
)

// VerbDial connects from inside the lab's network; one end of a socket pair comes beside it.
const VerbDial = "dial"

// DialRequest is the body of VerbDial.
type DialRequest struct {
	Network string `json:"network"` // tcp or udp
	Address string `json:"address"`
}

// ErrRefused wraps what the lab's kernel said of a connection: an answer, not a failure of ours.
var ErrRefused = errors.New("no connection")

// Dial connects to an address of the lab's network from outside it. The bytes travel through pid 1 of the lab, which made
// the connection where the address means something. Errors of the connection itself wrap ErrRefused.
func Dial(ctx context.Context, socket, network, address string) (net.Conn, error) {
	kind := unix.SOCK_STREAM
	if network == "udp" {
		kind = unix.SOCK_SEQPACKET // keeps the edges of datagrams, and has an end
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make a socket pair: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "dial"), os.NewFile(uintptr(pair[1]), "dial")
	defer ours.Close() // net.FileConn copies it
	if err := awaitConnected(ctx, socket, DialRequest{network, address}, theirs); err != nil {
		return nil, err
	}
	return net.FileConn(ours)
}

// awaitConnected sends the request and returns when the lab says that it is connected. The call itself goes on in the
// background until the connection ends.
func awaitConnected(ctx context.Context, socket string, body DialRequest, theirs *os.File) error {
	answer := make(chan error, 1)
	go func() { // ends with the connection, because the lab's end of the pair closes then
		defer theirs.Close()
		err := lab.Ask(context.Background(), socket, VerbDial, body, lab.WithFiles(theirs), lab.Each(func(raw json.RawMessage) error {
			var problem string
			if err := json.Unmarshal(raw, &problem); err != nil {
				return err
			}
			theirs.Close()
			if problem != "" {
				answer <- fmt.Errorf("%w: %s", ErrRefused, problem)
			} else {
				answer <- nil
			}
			return nil
		}))
		if err != nil {
			select {
			case answer <- err:
			default: // connected before: the reader sees the end of the connection
			}
		}
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
