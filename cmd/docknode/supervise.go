package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A service that ends is started again after a pause that doubles up to a limit; one that has run for a while begins anew.
const (
	firstPause = 100 * time.Millisecond
	longPause  = 5 * time.Second
	settled    = 10 * time.Second
)

// Between the signal that asks a service to end and SIGKILL.
const (
	stopPatience = 2 * time.Second
	downPatience = 35 * time.Second // a kubelet that ends its pods needs up to 30 s
)

// errMachineEnds is why a kubelet ends when the node is shut down. It is told by SIGPWR instead of SIGTERM, as pid 1 itself is told
// of a failing power supply, and ends its pods then, which it otherwise leaves running for the next kubelet.
var errMachineEnds = errors.New("the node is shut down")

// service is one verb of docknode that is kept running until it is stopped, as systemd does for a unit with Restart=always.
type service struct {
	// set once
	args []string
	logs string // the directory for NAME.log: what it prints, and how it ended

	mu sync.Mutex
	// guarded by mu
	cancel context.CancelCauseFunc // nil while it is stopped
	ended  chan struct{}
}

func newService(line, logs string) *service { return &service{args: strings.Fields(line), logs: logs} }

func (s *service) name() string { return s.args[0] }

// start begins to keep the service running until ctx ends or stop is called.
func (s *service) start(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		return
	}
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	s.cancel, s.ended = cancel, ended
	go func() {
		defer close(ended)
		s.keep(ctx)
	}()
}

// stop ends the service and returns when it has ended.
func (s *service) stop(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel == nil {
		return
	}
	s.cancel(why)
	<-s.ended
	s.cancel = nil
}

func (s *service) state() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel == nil {
		return "stopped"
	}
	return "running"
}

func (s *service) keep(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		begun := time.Now()
		s.run(ctx)
		if time.Since(begun) > settled {
			pause = firstPause
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		pause = min(2*pause, longPause)
	}
}

// run starts the service and waits for its end; when ctx ends, it asks for that end. The kernel kills the service with us, because
// we are pid 1.
func (s *service) run(ctx context.Context) {
	out := openServiceLog(filepath.Join(s.logs, s.name()+".log"))
	defer out.Close()
	cmd := exec.Command("/proc/self/exe", s.args...)
	cmd.Args[0] = "docknode" // what "ps" shows
	cmd.Stdout, cmd.Stderr = out, out
	// Seconds after which a connection on which nothing comes is tried, and given up: a node whose cable was pulled and put back
	// must not wait for TCP's own, long, patience.
	cmd.Env = append(os.Environ(), "HTTP2_READ_IDLE_TIMEOUT_SECONDS=5", "HTTP2_PING_TIMEOUT_SECONDS=3")
	err := cmd.Start()
	if err == nil {
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		err = attend(ctx, cmd.Process, ended)
	}
	if ctx.Err() == nil {
		fmt.Fprintf(out, "%s docknode %s ended: %v\n", time.Now().UTC().Format(time.RFC3339Nano), s.name(), err)
	}
}

// attend waits for a process, and sees to it that it ends soon after ctx has.
func attend(ctx context.Context, process *os.Process, ended <-chan error) error {
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	farewell, patience := syscall.SIGTERM, stopPatience
	if errors.Is(context.Cause(ctx), errMachineEnds) {
		farewell, patience = syscall.SIGPWR, downPatience
	}
	_ = process.Signal(farewell) // it may have ended by itself
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		_ = process.Kill()
		return <-ended
	}
}

// openServiceLog appends to the file; without it the service still runs, and prints to our own output.
func openServiceLog(path string) io.WriteCloser {
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		var f *os.File
		if f, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640); err == nil {
			return f
		}
	}
	fmt.Fprintln(os.Stderr, "open service log:", err)
	return keepOpen{os.Stderr}
}

type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }
