package container

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"drydock/sandbox/container/handshake"
)

// errSilence: the conversation ended where a frame was due.
var errSilence = errors.New("dockinit said nothing more")

// conversation is the caller's end of the handshake. It is used by one goroutine at a time.
type conversation struct {
	socket   *os.File
	received []int // descriptors that came along
}

// newConversation returns our end, which never blocks a thread, and theirs, which does.
func newConversation() (ours *conversation, theirs *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	theirs = os.NewFile(uintptr(pair[1]), "dockinit's end")
	if err := unix.SetNonblock(pair[0], true); err != nil {
		return nil, nil, errors.Join(err, unix.Close(pair[0]), theirs.Close())
	}
	return &conversation{socket: os.NewFile(uintptr(pair[0]), "dockinit")}, theirs, nil
}

func (c *conversation) send(k handshake.Kind, body handshake.Body) error {
	err := handshake.Write(c.socket, k, body)
	if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
		return errSilence
	}
	return err
}

// receive waits for a frame of the given kind. The terminal that may come before it is kept: see takeTerminal.
func (c *conversation) receive(want handshake.Kind) error {
	for {
		kind, body, err := handshake.Read(c)
		switch {
		case isEnd(err):
			return errSilence
		case err != nil:
			return err
		case kind == want:
			return nil
		case kind != handshake.Terminal:
			return handshake.Unexpected(kind, body, want)
		}
	}
}

// receiveEnd waits for execve(2) to close dockinit's end.
func (c *conversation) receiveEnd() error {
	kind, body, err := handshake.Read(c)
	if isEnd(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return handshake.Unexpected(kind, body, 0)
}

// isEnd: a process that is killed before it has read everything gives ECONNRESET instead of the end.
func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, unix.ECONNRESET)
}

// Read receives bytes and keeps the descriptors that come with them (unix(7), SCM_RIGHTS).
func (c *conversation) Read(b []byte) (int, error) {
	raw, err := c.socket.SyscallConn()
	if err != nil {
		return 0, err
	}
	var n, oobn int
	var recvErr error
	oob := make([]byte, unix.CmsgSpace(4))
	err = raw.Read(func(fd uintptr) bool {
		n, oobn, _, _, recvErr = unix.Recvmsg(int(fd), b, oob, unix.MSG_CMSG_CLOEXEC)
		return !errors.Is(recvErr, unix.EAGAIN) && !errors.Is(recvErr, unix.EINTR)
	})
	if err = errors.Join(err, recvErr); err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, c.keep(oob[:oobn])
}

func (c *conversation) keep(oob []byte) error {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return fmt.Errorf("parse control message: %w", err)
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return fmt.Errorf("parse descriptors: %w", err)
		}
		c.received = append(c.received, fds...)
	}
	return nil
}

// takeTerminal returns the terminal that came along, nil if none did. Reads from it wait in the poller, not in a thread.
func (c *conversation) takeTerminal() *os.File {
	if len(c.received) == 0 {
		return nil
	}
	fd := c.received[0]
	c.received = c.received[1:]
	_ = unix.SetNonblock(fd, true) // otherwise reading takes a thread, which works as well
	return os.NewFile(uintptr(fd), "terminal")
}

func (c *conversation) close() error { return c.socket.Close() }

// shut closes a descriptor that was only looked through: nothing is lost when that goes wrong.
func shut(fd int) { _ = unix.Close(fd) }
