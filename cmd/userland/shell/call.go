package shell

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/interp"

	"drydock/cmd/userland/condition"
	format "drydock/cmd/userland/printf"
)

// ownFunc is a builtin of this package.
type ownFunc func(ctx context.Context, hc interp.HandlerContext, args []string) error

// own lists the builtins of this package under the names that call gives them.
func (s *shell) own() map[string]ownFunc {
	return map[string]ownFunc{
		backgroundName: s.startBackground, execName: s.replace, "sh:wait": s.wait, "sh:jobs": s.listJobs, "sh:fg": s.foreground,
		"sh:bg": s.resume, "sh:kill": s.kill, "sh:umask": umask, "sh:history": s.listHistory, "sh:test": test, "sh:printf": printf, "sh:status": status,
	}
}

// call sees every command before the interpreter does, its words expanded, and may put others in their place.
func (s *shell) call(ctx context.Context, args []string) ([]string, error) {
	hc := interp.HandlerCtx(ctx)
	args = s.redirect(hc, args)
	if code, ok := s.traps.next(); ok {
		words := make([]string, len(args))
		for i, w := range args {
			words[i] = quote(w)
		}
		return []string{"eval", s.rewritten(around(code, hc.LastExitStatus) + strings.Join(words, " "))}, nil
	}
	return args, nil
}

// redirect sends words that the interpreter claims, but does differently, to those who know.
func (s *shell) redirect(hc interp.HandlerContext, args []string) []string {
	switch args[0] {
	case "wait", "jobs", "fg", "bg", "kill", "umask", "history", "test":
		args[0] = "sh:" + args[0]
	case "[":
		if args[len(args)-1] != "]" {
			fmt.Fprintf(hc.Stderr, "%s: [: missing ]\n", s.name)
			return []string{"sh:status", "2"}
		}
		return append([]string{"sh:test"}, args[1:len(args)-1]...)
	case "logout":
		args[0] = "exit"
	case "exit":
		return s.exit(hc, args)
	case "eval":
		return []string{"eval", s.rewritten(strings.Join(args[1:], " "))}
	case ".", "source":
		return s.sourced(hc, args)
	case "trap":
		return s.trap(hc, args)
	case "cd":
		return s.cd(hc, args)
	case "echo", "printf":
		if noReader(hc.Stdout) {
			return []string{"exit", strconv.Itoa(128 + int(syscall.SIGPIPE))}
		}
		if args[0] == "printf" && len(args) > 1 && args[1] != "-v" {
			args[0] = "sh:printf"
		}
	}
	return args
}

// rewritten is text as the interpreter may have it. What does not parse is left to it, to complain about.
func (s *shell) rewritten(text string) string {
	statements, err := s.parse(text)
	if err != nil {
		return text
	}
	var out strings.Builder
	for _, statement := range statements {
		out.WriteString(source(statement) + "\n")
	}
	return out.String()
}

// sourced reads the file of `.`: with arguments, or where it is missing, the interpreter does it all.
func (s *shell) sourced(hc interp.HandlerContext, args []string) []string {
	if len(args) != 2 || !strings.Contains(args[1], "/") {
		return args
	}
	text, err := os.ReadFile(inDir(hc.Dir, args[1]))
	if err != nil {
		fmt.Fprintf(hc.Stderr, "%s: %s: can't open '%s': %s\n", s.name, args[0], args[1], reason(err))
		return []string{"sh:status", "2"}
	}
	return []string{"eval", s.rewritten(string(text))}
}

func (s *shell) exit(hc interp.HandlerContext, args []string) []string {
	if len(args) == 1 {
		return args
	}
	if n, err := strconv.Atoi(args[1]); err != nil || n < 0 {
		fmt.Fprintf(hc.Stderr, "%s: exit: Illegal number: %s\n", s.name, args[1])
		return []string{"exit", "2"}
	}
	return args[:2]
}

// cd reports what is wrong in the usual words; the interpreter does the rest.
func (s *shell) cd(hc interp.HandlerContext, args []string) []string {
	words := args[1:]
	for len(words) > 0 && (words[0] == "-L" || words[0] == "-P" || words[0] == "--") {
		words = words[1:]
	}
	if len(words) == 0 || words[0] == "-" || words[0] == "" {
		return append([]string{"cd"}, words...)
	}
	dir := inDir(hc.Dir, words[0])
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err == nil {
		err = unix.Access(dir, unix.X_OK)
	}
	if err != nil {
		fmt.Fprintf(hc.Stderr, "%s: cd: can't cd to %s: %s\n", s.name, words[0], reason(err))
		return []string{"sh:status", "2"}
	}
	return []string{"cd", words[0]}
}

// noReader tells whether w is a pipe whose other end is closed: a program would get SIGPIPE now, the interpreter goes on.
func noReader(w any) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	conn, err := file.SyscallConn()
	if err != nil {
		return false
	}
	closed := false
	err = conn.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd)}}
		_, err := unix.Poll(fds, 0)
		closed = err == nil && fds[0].Revents&unix.POLLERR != 0
	})
	return err == nil && closed
}

func test(_ context.Context, hc interp.HandlerContext, args []string) error {
	ok, err := condition.Eval(args, hc.Dir)
	if err != nil {
		fmt.Fprintf(hc.Stderr, "sh: %v\n", err)
		return interp.ExitStatus(2)
	}
	if !ok {
		return interp.ExitStatus(1)
	}
	return nil
}

func printf(_ context.Context, hc interp.HandlerContext, args []string) error {
	if len(args) > 1 && args[0] == "--" {
		args = args[1:]
	}
	text, err := format.Format(args[0], args[1:])
	fmt.Fprint(hc.Stdout, text)
	if err != nil {
		fmt.Fprintf(hc.Stderr, "sh: printf: %v\n", err)
		return interp.ExitStatus(1)
	}
	return nil
}

func status(_ context.Context, _ interp.HandlerContext, args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	return ended(n)
}

func umask(_ context.Context, hc interp.HandlerContext, args []string) error {
	if len(args) == 0 {
		mask := syscall.Umask(0)
		syscall.Umask(mask)
		fmt.Fprintf(hc.Stdout, "%04o\n", mask)
		return nil
	}
	mask, err := strconv.ParseUint(args[0], 8, 12)
	if err != nil {
		fmt.Fprintf(hc.Stderr, "sh: umask: illegal mode: %s\n", args[0])
		return interp.ExitStatus(2)
	}
	syscall.Umask(int(mask))
	return nil
}

func (s *shell) listHistory(_ context.Context, hc interp.HandlerContext, _ []string) error {
	if s.history != nil {
		for i, line := range s.history() {
			fmt.Fprintf(hc.Stdout, "%5d  %s\n", i+1, line)
		}
	}
	return nil
}
