package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
)

// children are the processes somebody waits for by pid. A shell that is pid 1 also gets orphans, which it must reap
// without stealing the exit status of its own.
var children struct {
	mu sync.Mutex
	// guarded by mu
	pids map[int]bool
}

// execute starts programs for the interpreter: as processes of their own, in the shell's process group, so that the
// terminal's signals reach them.
func execute(interp.ExecHandlerFunc) interp.ExecHandlerFunc {
	return func(ctx context.Context, args []string) error {
		hc := interp.HandlerCtx(ctx)
		path, err := interp.LookPathDir(hc.Dir, hc.Env, args[0])
		if err != nil {
			return notFound(hc, args[0])
		}
		cmd := &exec.Cmd{
			Path: path, Args: args, Dir: hc.Dir, Env: environment(hc.Env),
			Stdin: hc.Stdin, Stdout: hc.Stdout, Stderr: hc.Stderr,
		}
		if err := startChild(cmd); err != nil {
			fmt.Fprintf(hc.Stderr, "%s: %v\n", args[0], err)
			return interp.ExitStatus(126)
		}
		stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(os.Interrupt) }) // it may have ended
		defer stop()
		err = cmd.Wait()
		children.mu.Lock()
		delete(children.pids, cmd.Process.Pid)
		children.mu.Unlock()
		return childStatus(hc, err)
	}
}

func notFound(hc interp.HandlerContext, name string) error {
	for _, r := range name {
		if r != '/' {
			continue
		}
		if _, err := os.Stat(name); err == nil {
			fmt.Fprintf(hc.Stderr, "sh: %s: Permission denied\n", name)
			return interp.ExitStatus(126)
		}
		break
	}
	fmt.Fprintf(hc.Stderr, "sh: %s: not found\n", name)
	return interp.ExitStatus(127)
}

// startChild starts cmd and notes its pid in one step, so that the reaper never sees it as an orphan.
func startChild(cmd *exec.Cmd) error {
	children.mu.Lock()
	defer children.mu.Unlock()
	if err := cmd.Start(); err != nil {
		if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
			return pathErr.Err
		}
		return err
	}
	if children.pids == nil {
		children.pids = map[int]bool{}
	}
	children.pids[cmd.Process.Pid] = true
	return nil
}

func childStatus(hc interp.HandlerContext, err error) error {
	var exited *exec.ExitError
	if !errors.As(err, &exited) {
		return err
	}
	status, ok := exited.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return interp.ExitStatus(exited.ExitCode())
	}
	if s := status.Signal(); s != syscall.SIGINT && s != syscall.SIGPIPE {
		fmt.Fprintln(hc.Stderr, signalWord(s))
	}
	return interp.ExitStatus(128 + int(status.Signal()))
}

func signalWord(s syscall.Signal) string {
	switch s {
	case syscall.SIGKILL:
		return "Killed"
	case syscall.SIGTERM:
		return "Terminated"
	case syscall.SIGSEGV:
		return "Segmentation fault"
	}
	return s.String()
}

// environment is what a child inherits: exported variables.
func environment(env expand.Environ) []string {
	var list []string
	for name, v := range env.Each {
		if v.Exported && v.Kind == expand.String {
			list = append(list, name+"="+v.String())
		}
	}
	return list
}

// reapOrphans is init's duty (pid 1): processes whose parent ended become its children, and stay zombies until waited for.
func reapOrphans() {
	for {
		var info unix.Siginfo
		// WNOWAIT only looks: if it is one of ours, its own Wait takes it.
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOWAIT, nil)
		if errors.Is(err, unix.ECHILD) {
			waitForChild()
			continue
		}
		if err != nil {
			continue // EINTR
		}
		pid := siginfoPID(&info)
		children.mu.Lock()
		ours := children.pids[pid]
		children.mu.Unlock()
		if ours {
			waitForChild() // the same child is reported until its Wait has taken it
			continue
		}
		_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // gone already is as good
	}
}
