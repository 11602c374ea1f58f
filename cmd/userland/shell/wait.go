package shell

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/interp"
)

// wait waits for all jobs, or for those named. A signal with a trap ends it at once, as POSIX wants it.
func (s *shell) wait(ctx context.Context, hc interp.HandlerContext, args []string) error {
	if len(args) == 0 {
		for {
			j := s.jobs.running()
			if j == nil {
				return nil
			}
			if err := s.await(ctx, j); err != nil {
				return err
			}
			s.jobs.drop(j)
		}
	}
	code := 0
	for _, word := range args {
		j := s.jobs.lookup(word)
		if j == nil {
			fmt.Fprintf(hc.Stderr, "%s: wait: pid %s is not a child of this shell\n", s.name, word)
			return interp.ExitStatus(127)
		}
		if err := s.await(ctx, j); err != nil {
			return err
		}
		code = j.exit()
		s.jobs.drop(j)
	}
	return ended(code)
}

func (t *jobTable) running() *job {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, j := range t.list {
		if !j.done() {
			return j
		}
	}
	return nil
}

func (s *shell) await(ctx context.Context, j *job) error {
	select {
	case <-j.ended:
		return nil
	case sig := <-s.traps.arrivals():
		s.traps.late(sig.(syscall.Signal))
		return interp.ExitStatus(128 + int(sig.(syscall.Signal)))
	case <-ctx.Done():
		return interp.ExitStatus(130)
	}
}

// foreground is fg: the terminal is the job's until it ends or stops (tcsetpgrp(3)).
func (s *shell) foreground(ctx context.Context, hc interp.HandlerContext, args []string) error {
	j := s.jobs.lookup(strings.Join(args, ""))
	if j == nil {
		fmt.Fprintf(hc.Stderr, "%s: fg: no such job\n", s.name)
		return interp.ExitStatus(1)
	}
	fmt.Fprintln(hc.Stdout, j.text)
	// Taking the terminal back from the background would stop the shell itself.
	signal.Ignore(syscall.SIGTTOU)
	defer signal.Reset(syscall.SIGTTOU)
	tty := int(os.Stdin.Fd())
	if err := unix.IoctlSetPointerInt(tty, unix.TIOCSPGRP, j.pid); err == nil {
		defer func() { _ = unix.IoctlSetPointerInt(tty, unix.TIOCSPGRP, unix.Getpgrp()) }() // it was ours
	}
	s.jobs.mu.Lock()
	stopped := j.stopped
	if j.status.Stopped() {
		stopped = make(chan struct{})
		j.stopped = stopped
	}
	s.jobs.mu.Unlock()
	if err := unix.Kill(-j.pid, unix.SIGCONT); err != nil {
		return interp.ExitStatus(1)
	}
	select {
	case <-j.ended:
		s.jobs.drop(j)
		return ended(j.exit())
	case <-stopped:
		fmt.Fprintf(hc.Stderr, "\n[%d]+ Stopped                %s\n", j.number, j.text)
		return interp.ExitStatus(128 + int(syscall.SIGTSTP))
	case <-ctx.Done():
		return interp.ExitStatus(130)
	}
}

func (t *jobTable) drop(gone *job) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, j := range t.list {
		if j == gone {
			t.list = append(t.list[:i:i], t.list[i+1:]...)
			return
		}
	}
}
