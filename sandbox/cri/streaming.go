package cri

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-streaming/pkg/streaming"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"

	"drydock/sandbox/network"
)

// listenStreams opens the port for exec, attach and port-forward. Each request to it carries a token that Exec, Attach or
// PortForward handed out, and works once.
func (s *Server) listenStreams() (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for streams: %w", err)
	}
	config := streaming.DefaultConfig
	config.Addr = l.Addr().String()
	config.BaseURL = &url.URL{Scheme: "http", Host: config.Addr}
	if s.stream, err = streaming.NewServer(config, streamRuntime{s}); err != nil {
		return nil, errors.Join(fmt.Errorf("make stream server: %w", err), l.Close())
	}
	return l, nil
}

// Exec implements RuntimeService: it answers with an address at which the client finds the command's streams.
func (s *Server) Exec(_ context.Context, req *runtimeapi.ExecRequest) (*runtimeapi.ExecResponse, error) {
	if err := s.mustRun(req.GetContainerId()); err != nil {
		return nil, err
	}
	return s.stream.GetExec(req)
}

// Attach implements RuntimeService.
func (s *Server) Attach(_ context.Context, req *runtimeapi.AttachRequest) (*runtimeapi.AttachResponse, error) {
	if err := s.mustRun(req.GetContainerId()); err != nil {
		return nil, err
	}
	return s.stream.GetAttach(req)
}

// PortForward implements RuntimeService.
func (s *Server) PortForward(_ context.Context, req *runtimeapi.PortForwardRequest) (*runtimeapi.PortForwardResponse, error) {
	p, err := s.pod(req.GetPodSandboxId())
	if err != nil {
		return nil, err
	}
	if s.podState(p) != runtimeapi.PodSandboxState_SANDBOX_READY {
		return nil, status.Errorf(codes.FailedPrecondition, "sandbox %s is not running", p.id)
	}
	return s.stream.GetPortForward(req)
}

func (s *Server) mustRun(id string) error {
	c, err := s.container(id)
	if err != nil {
		return err
	}
	if c.running() == nil {
		return status.Errorf(codes.FailedPrecondition, "container %s is in state %s", c.id, c.state())
	}
	return nil
}

// streamRuntime is what the stream server calls once a client has come.
type streamRuntime struct{ s *Server }

// Exec implements streaming.Runtime. A command that ends with another code than 0 is an error of a kind that the stream
// server turns into the client's exit code.
func (r streamRuntime) Exec(ctx context.Context, id string, cmd []string, in io.Reader, out, errOut io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize) error {
	e := session{cmd: cmd, tty: tty, in: in, resize: resize}
	// A nil io.WriteCloser in an io.Writer would not be nil any more.
	if out != nil {
		e.out = out
	}
	if errOut != nil {
		e.err = errOut
	}
	code, err := r.s.exec(ctx, id, e)
	if err != nil {
		return fmt.Errorf("failed to exec in container: %w", err)
	}
	if code != 0 {
		return &utilexec.CodeExitError{Err: fmt.Errorf("error executing command %v, exit code %d", cmd, code), Code: code}
	}
	return nil
}

// Attach implements streaming.Runtime. It returns when the container's output ends or the client is gone.
func (r streamRuntime) Attach(ctx context.Context, id string, in io.Reader, out, errOut io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize) error {
	c, err := r.s.container(id)
	if err != nil {
		return err
	}
	process := c.running()
	if process == nil {
		return status.Errorf(codes.FailedPrecondition, "container %s is in state %s", c.id, c.state())
	}
	if tty {
		go resizing(ctx, resize, process.Process)
	}
	var w *watcher
	switch { // as above: no nil inside of an interface
	case out != nil && errOut != nil:
		w = c.streams.attach(out, errOut)
	case out != nil:
		w = c.streams.attach(out, nil)
	case errOut != nil:
		w = c.streams.attach(nil, errOut)
	default:
		w = c.streams.attach(nil, nil)
	}
	defer c.streams.detach(w)
	var input chan error // never ready without an input
	if in != nil {
		input = make(chan error, 1)
		go func() { input <- c.streams.input(in) }()
	}
	for {
		select {
		case <-w.gone:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case err := <-input:
			if err != nil || out == nil && errOut == nil {
				return err
			}
			input = nil // the output may go on
		}
	}
}

// PortForward implements streaming.Runtime: it connects to the port on the pod's own localhost and copies both ways.
func (r streamRuntime) PortForward(ctx context.Context, id string, port int32, stream io.ReadWriteCloser) error {
	p, err := r.s.pod(id)
	if err != nil {
		return err
	}
	conn, err := p.dial(ctx, port)
	if err != nil {
		return fmt.Errorf("failed to connect to localhost:%d inside namespace %q: %w", port, p.id, err)
	}
	defer conn.Close()
	// A broken connection is how forwarding ends as often as not: only that it ended matters.
	ends := make(chan struct{}, 2)
	go func() {
		if _, err := io.Copy(conn, stream); err == nil {
			closeWrite(conn)
		}
		ends <- struct{}{}
	}()
	go func() {
		_, _ = io.Copy(stream, conn)
		_ = stream.Close()
		ends <- struct{}{}
	}()
	for range 2 {
		select {
		case <-ends:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// closeWrite tells the program in the pod that the client has said everything.
func closeWrite(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite() // it may be closed already
	}
}

// dial opens a socket in the pod's network. The socket stays there; only the thread that makes it has to go in.
func (p *pod) dial(ctx context.Context, port int32) (conn net.Conn, err error) {
	connect := func() error {
		var dialer net.Dialer
		// An address and one family, not a name: a dial that starts goroutines would leave the pod's network.
		conn, err = dialer.DialContext(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
		return err
	}
	if p.hostNetwork {
		return conn, connect()
	}
	err = network.Do(p.netns(), connect)
	return conn, err
}
