package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

var _ = register("kill", "[-SIGNAL|-s SIGNAL|-l] PID...", kill) &&
	register("killall", "[-SIGNAL] [-q] NAME...", killall) &&
	register("pkill", "[-SIGNAL] [-fx] PATTERN", pgrep) &&
	register("pgrep", "[-flx] PATTERN", pgrep) &&
	register("pidof", "[-s] NAME...", pidof)

// takeSignal takes -9, -KILL, -s KILL off the front of args.
func (p *process) takeSignal(args []string) (sig syscall.Signal, rest []string, ok bool) {
	var word string
	switch {
	case len(args) > 1 && args[0] == "-s":
		word, rest = args[1], args[2:]
	case len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && args[0] != "--":
		word, rest = args[0][1:], args[1:]
	case len(args) > 0 && args[0] == "--":
		return syscall.SIGTERM, args[1:], true
	default:
		return syscall.SIGTERM, args, true
	}
	if len(rest) > 0 && rest[0] == "--" {
		rest = rest[1:]
	}
	if sig, ok = signalOf(word); !ok {
		p.failf("bad signal name '%s'", word)
	}
	return sig, rest, ok
}

// signalOf reads 9, KILL and SIGKILL.
func signalOf(word string) (syscall.Signal, bool) {
	if n, err := strconv.Atoi(word); err == nil {
		return syscall.Signal(n), n >= 0 && n < 65
	}
	s := unix.SignalNum("SIG" + strings.TrimPrefix(strings.ToUpper(word), "SIG"))
	return s, s != 0
}

func kill(p *process) int {
	if len(p.args) > 0 && p.args[0] == "-l" {
		for n := 1; n < 32; n++ {
			fmt.Fprintf(p.stdout, "%2d) %s\n", n, strings.TrimPrefix(unix.SignalName(syscall.Signal(n)), "SIG"))
		}
		return 0
	}
	sig, args, ok := p.takeSignal(p.args)
	if !ok {
		return 1
	}
	if len(args) == 0 {
		return p.misuse()
	}
	status := 0
	for _, word := range args {
		pid, err := strconv.Atoi(word)
		if err != nil {
			status = p.failf("invalid number '%s'", word)
			continue
		}
		if err := syscall.Kill(pid, sig); err != nil {
			status = p.failf("can't kill pid %d: %s", pid, reason(err))
		}
	}
	return status
}

// called tells whether t was started under that name.
func called(t task, name string) bool {
	return t.name == name || filepath.Base(t.argv0) == name || t.argv0 == name
}

func killall(p *process) int {
	quiet := slices.Contains(p.args, "-q")
	p.args = slices.DeleteFunc(slices.Clone(p.args), func(w string) bool { return w == "-q" })
	sig, names, ok := p.takeSignal(p.args)
	if !ok {
		return 1
	}
	list, err := tasks()
	if err != nil {
		return p.fail(err)
	}
	p.args = names
	return p.each(1, func(name string) error {
		found := false
		for _, t := range list {
			if !called(t, name) || t.pid == os.Getpid() {
				continue
			}
			found = true
			if err := syscall.Kill(t.pid, sig); err != nil {
				return fmt.Errorf("can't kill pid %d: %s", t.pid, reason(err))
			}
		}
		if !found && !quiet {
			return fmt.Errorf("%s: no process killed", name)
		}
		return nil
	})
}

func pgrep(p *process) int {
	sig, args := syscall.SIGTERM, p.args
	if p.name == "pkill" && len(args) > 0 {
		if s, ok := signalOf(strings.TrimPrefix(args[0], "-")); ok && args[0][0] == '-' {
			sig, args = s, args[1:]
		}
	}
	p.args = args
	o, ok := p.options("flxa")
	if !ok || len(o.rest) != 1 {
		return p.misuse()
	}
	pattern := o.rest[0]
	if o.has('x') {
		pattern = "^(?:" + pattern + ")$"
	}
	expression, err := regexp.Compile(pattern)
	if err != nil {
		return p.failf("bad regex '%s'", o.rest[0])
	}
	list, err := tasks()
	if err != nil {
		return p.fail(err)
	}
	status := 1
	for _, t := range list {
		name := filepath.Base(t.argv0)
		if t.argv0 == "" {
			name = t.name
		}
		if o.has('f') {
			name = t.command
		}
		if t.pid == os.Getpid() || !expression.MatchString(name) {
			continue
		}
		status = 0
		switch {
		case p.name == "pkill":
			if err := syscall.Kill(t.pid, sig); err != nil {
				status = p.failf("can't kill pid %d: %s", t.pid, reason(err))
			}
		case o.has('l') || o.has('a'):
			fmt.Fprintln(p.stdout, t.pid, t.command)
		default:
			fmt.Fprintln(p.stdout, t.pid)
		}
	}
	return status
}

func pidof(p *process) int {
	o, ok := p.options("s")
	if !ok {
		return p.misuse()
	}
	list, err := tasks()
	if err != nil {
		return p.fail(err)
	}
	var words []string
	for _, t := range slices.Backward(list) {
		if slices.ContainsFunc(o.rest, func(name string) bool { return called(t, name) }) && t.pid != os.Getpid() {
			words = append(words, strconv.Itoa(t.pid))
		}
	}
	if len(words) == 0 {
		return 1
	}
	if o.has('s') {
		words = words[:1]
	}
	fmt.Fprintln(p.stdout, strings.Join(words, " "))
	return 0
}
