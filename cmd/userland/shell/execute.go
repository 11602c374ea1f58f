package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
)

// execute starts programs for the interpreter: as processes of their own, in the shell's process group, so that the
// terminal's signals reach them.
func (s *shell) execute(ctx context.Context, args []string) error {
	hc := interp.HandlerCtx(ctx)
	if own, ok := s.own()[args[0]]; ok {
		return own(ctx, hc, args[1:])
	}
	path, err := s.find(hc, args[0])
	if err != nil {
		return err
	}
	cmd := &exec.Cmd{
		Path: path, Args: args, Dir: hc.Dir, Env: environment(hc.Env),
		Stdin: hc.Stdin, Stdout: hc.Stdout, Stderr: hc.Stderr,
	}
	err = s.jobs.start(cmd)
	if errors.Is(err, syscall.ENOEXEC) { // a script without #!, execvp(3)
		cmd = &exec.Cmd{
			Path: self, Args: append([]string{"sh", path}, args[1:]...), Dir: hc.Dir, Env: cmd.Env,
			Stdin: hc.Stdin, Stdout: hc.Stdout, Stderr: hc.Stderr,
		}
		err = s.jobs.start(cmd)
	}
	if err != nil {
		fmt.Fprintf(hc.Stderr, "%s: %s: %s\n", s.name, args[0], reason(err))
		return interp.ExitStatus(126)
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(os.Interrupt) }) // it may have ended
	defer stop()
	err = cmd.Wait()
	s.jobs.forget(cmd.Process.Pid)
	return childStatus(hc, err)
}

// self is this program, whatever its name.
const self = "/proc/self/exe"

// find looks a program up on PATH and says what is wrong if it is not there.
func (s *shell) find(hc interp.HandlerContext, name string) (string, error) {
	path, err := interp.LookPathDir(hc.Dir, hc.Env, name)
	if err == nil {
		return path, nil
	}
	if strings.Contains(name, "/") {
		_, err := os.Stat(inDir(hc.Dir, name))
		if err == nil {
			fmt.Fprintf(hc.Stderr, "%s: %s: Permission denied\n", s.name, name)
			return "", interp.ExitStatus(126)
		}
	}
	fmt.Fprintf(hc.Stderr, "%s: %s: not found\n", s.name, name)
	return "", interp.ExitStatus(127)
}

func inDir(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func childStatus(hc interp.HandlerContext, err error) error {
	var exited *exec.ExitError
	if err == nil {
		return nil
	}
	if !errors.As(err, &exited) {
		return interp.ExitStatus(1) // copying its output failed
	}
	status, ok := exited.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return ended(exited.ExitCode())
	}
	if sig := status.Signal(); sig != syscall.SIGINT && sig != syscall.SIGPIPE {
		fmt.Fprintln(hc.Stderr, signalWord(sig))
	}
	return interp.ExitStatus(128 + int(status.Signal()))
}

// ended is an exit status as the interpreter wants it: nil for 0.
func ended(code int) error {
	if code == 0 {
		return nil
	}
	return interp.ExitStatus(code)
}

func signalWord(s syscall.Signal) string {
	text := s.String()
	return strings.ToUpper(text[:1]) + text[1:]
}

// reason is the cause of a system call's error, in the words that people know: "No such file or directory".
func reason(err error) string {
	var number syscall.Errno
	if !errors.As(err, &number) {
		return err.Error()
	}
	text := number.Error()
	return strings.ToUpper(text[:1]) + text[1:]
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

// open is a redirection's file.
func open(ctx context.Context, path string, flag int, mode os.FileMode) (io.ReadWriteCloser, error) {
	f, err := os.OpenFile(inDir(interp.HandlerCtx(ctx).Dir, path), flag, mode)
	if err == nil {
		return f, nil
	}
	verb, cause := "open", reason(err)
	if flag&os.O_CREATE != 0 {
		verb = "create"
		if errors.Is(err, fs.ErrNotExist) {
			cause = "nonexistent directory"
		}
	}
	// The interpreter goes on after this type only; any other ends the script.
	return nil, &fs.PathError{Op: "sh: can't " + verb, Path: path, Err: errors.New(cause)}
}

// replace is exec: the program takes this process.
func (s *shell) replace(_ context.Context, hc interp.HandlerContext, args []string) error {
	path, err := s.find(hc, args[0])
	if err != nil {
		return err
	}
	for fd, stream := range []any{hc.Stdin, hc.Stdout, hc.Stderr} {
		file, ok := stream.(*os.File)
		if !ok || file == nil {
			if file, err = os.OpenFile(os.DevNull, os.O_RDWR, 0); err != nil {
				return err
			}
		}
		if n := int(file.Fd()); n != fd {
			if err := unix.Dup3(n, fd, 0); err != nil {
				return fmt.Errorf("pass on descriptor %d: %w", fd, err)
			}
		}
	}
	if err := os.Chdir(hc.Dir); err != nil {
		return err
	}
	err = syscall.Exec(path, args, environment(hc.Env))
	if errors.Is(err, syscall.ENOEXEC) {
		err = syscall.Exec(self, append([]string{"sh", path}, args[1:]...), environment(hc.Env))
	}
	fmt.Fprintf(hc.Stderr, "%s: %s: %s\n", s.name, args[0], reason(err))
	return interp.ExitStatus(126)
}
