package cri

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"

	"drydock/sandbox/container"
)

// session is one command beside a container's program.
type session struct {
	cmd      []string
	tty      bool
	in       io.Reader // nil: no input
	out, err io.Writer // nil: thrown away
	resize   <-chan remotecommand.TerminalSize
}

// exec runs a command in a running container and returns its exit code. When ctx ends, the command is killed.
func (s *Server) exec(ctx context.Context, id string, e session) (int, error) {
	c, err := s.container(id)
	if err != nil {
		return 0, err
	}
	running := c.running()
	if running == nil {
		return 0, status.Errorf(codes.FailedPrecondition, "container %s is in state %s, it must run for exec", c.id, c.state())
	}
	pipes, err := e.pipes()
	if err != nil {
		return 0, err
	}
	config := container.ExecConfig{Args: e.cmd, TTY: e.tty, Stdio: pipes.child}
	if c.config.GetLinux().GetSecurityContext().GetPrivileged() {
		config.Privileged = true
	}
	if e.tty {
		config.Env = lastWins(append(append([]string{}, c.spec.Process.Env...), "TERM=xterm"))
	}
	process, err := running.Exec(ctx, config)
	pipes.closeChild()
	if err != nil {
		pipes.close()
		return 0, fmt.Errorf("exec %q in container %s: %w", e.cmd, c.id, err)
	}
	return e.follow(ctx, process, pipes)
}

// execPipes are both sides of a command's streams.
type execPipes struct {
	child container.Stdio
	ours  [3]*os.File // in, out, err
}

func (e session) pipes() (*execPipes, error) {
	p := &execPipes{}
	if e.tty {
		return p, nil
	}
	var errs [3]error
	if e.in != nil {
		p.child.In, p.ours[0], errs[0] = os.Pipe()
	}
	if e.out != nil {
		p.ours[1], p.child.Out, errs[1] = os.Pipe()
	}
	if e.err != nil {
		p.ours[2], p.child.Err, errs[2] = os.Pipe()
	}
	if err := errors.Join(errs[:]...); err != nil {
		p.closeChild()
		p.close()
		return nil, fmt.Errorf("make pipes: %w", err)
	}
	return p, nil
}

func (p *execPipes) closeChild() {
	for _, f := range []*os.File{p.child.In, p.child.Out, p.child.Err} {
		if f != nil {
			f.Close()
		}
	}
}

func (p *execPipes) close() {
	for _, f := range p.ours {
		if f != nil {
			f.Close()
		}
	}
}

// follow copies until the command has ended and its output was read.
func (e session) follow(ctx context.Context, process *container.Process, p *execPipes) (int, error) {
	defer p.close()
	if e.tty {
		terminal := process.Terminal()
		defer terminal.Close()
		p.ours = [3]*os.File{nil, terminal, nil}
		if e.in != nil {
			go func() { _, _ = io.Copy(terminal, e.in) }() // ends when the client's stream is closed by our caller
		}
		go e.resizing(ctx, process)
	} else if in := p.ours[0]; in != nil {
		p.ours[0] = nil
		go func() { _, _ = io.Copy(in, e.in); in.Close() }()
	}
	read := make(chan struct{})
	go func() { defer close(read); e.read(p) }()
	exit, err := process.Wait(ctx)
	if err != nil {
		_ = process.Signal(syscall.SIGKILL) // it may have ended just now
		exit, _ = process.Wait(context.WithoutCancel(ctx))
	}
	timer := time.NewTimer(drainTime)
	defer timer.Stop()
	select {
	case <-read:
	case <-timer.C: // a process it left behind holds the pipe
	}
	return exit.Code, err
}

// read copies both outputs to their ends.
func (e session) read(p *execPipes) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if p.ours[2] != nil {
			_, _ = io.Copy(e.err, p.ours[2])
		}
	}()
	if p.ours[1] != nil && e.out != nil {
		_, _ = io.Copy(e.out, p.ours[1]) // a terminal ends with EIO
	}
	<-done
}

func (e session) resizing(ctx context.Context, process *container.Process) {
	resizing(ctx, e.resize, process)
}

// resizing passes the client's window size on until the stream, the process or ctx ends.
func resizing(ctx context.Context, sizes <-chan remotecommand.TerminalSize, process *container.Process) {
	for {
		select {
		case size, ok := <-sizes:
			if !ok {
				return
			}
			_ = process.Resize(container.Size{Rows: size.Height, Cols: size.Width}) // the process may have ended
		case <-process.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

// ExecSync implements RuntimeService: probes and hooks run through it.
func (s *Server) ExecSync(ctx context.Context, req *runtimeapi.ExecSyncRequest) (*runtimeapi.ExecSyncResponse, error) {
	timeout := time.Duration(req.GetTimeout()) * time.Second
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	var out, errOut limited
	code, err := s.exec(ctx, req.GetContainerId(), session{cmd: req.GetCmd(), out: &out, err: &errOut})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, status.Errorf(codes.DeadlineExceeded, "failed to exec in container: timeout %v exceeded: %v", timeout, err)
	}
	if err != nil {
		return nil, err
	}
	return &runtimeapi.ExecSyncResponse{Stdout: out.Bytes(), Stderr: errOut.Bytes(), ExitCode: int32(code)}, nil
}

// limited keeps the first bytes of an output, as many as fit a gRPC message with room to spare, and counts the rest as read.
type limited struct{ bytes.Buffer }

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	if room := maxMessage/4 - l.Len(); room > 0 {
		l.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// ReadFrom hides bytes.Buffer's, which knows no limit.
func (l *limited) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{l}, r)
}

// ReopenContainerLog implements RuntimeService.
func (s *Server) ReopenContainerLog(_ context.Context, req *runtimeapi.ReopenContainerLogRequest) (*runtimeapi.ReopenContainerLogResponse, error) {
	c, err := s.container(req.GetContainerId())
	if err != nil {
		return nil, err
	}
	if c.running() == nil {
		return nil, status.Errorf(codes.FailedPrecondition, "container %s is not running", c.id)
	}
	if err := c.streams.log.reopen(); err != nil {
		return nil, err
	}
	return &runtimeapi.ReopenContainerLogResponse{}, nil
}
