package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

var _ = register("true", "", func(*process) int { return 0 }) &&
	register("false", "", func(*process) int { return 1 }) &&
	register("sleep", "NUMBER[smhd]...", sleep) &&
	register("env", "[-i] [NAME=VALUE...] [COMMAND [ARG...]]", env) &&
	register("printenv", "[NAME...]", printenv) &&
	register("hostname", "", hostname) &&
	register("pwd", "", pwd) &&
	register("id", "[-u|-g]", id) &&
	register("whoami", "", func(p *process) int { fmt.Fprintln(p.stdout, userName(os.Geteuid())); return 0 }) &&
	register("kill", "[-SIGNAL] PID...", kill) &&
	register("uname", "[-asnrm]", uname)

// sleep answers SIGTERM also as pid 1, where the kernel drops signals without a handler (pid_namespaces(7)).
func sleep(p *process) int {
	if len(p.args) == 0 {
		return p.misuse()
	}
	var total time.Duration
	for _, word := range p.args {
		d, err := duration(word)
		if err != nil {
			return p.fail(fmt.Errorf("invalid number '%s'", word))
		}
		total += d
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	select {
	case <-time.After(total):
		return 0
	case s := <-stop:
		return 128 + int(s.(syscall.Signal))
	}
}

func duration(word string) (time.Duration, error) {
	if word == "infinity" || word == "inf" {
		return 1<<63 - 1, nil
	}
	unit := time.Second
	if i := strings.IndexByte("smhd", word[len(word)-1]); len(word) > 1 && i >= 0 {
		unit = []time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour}[i]
		word = word[:len(word)-1]
	}
	n, err := strconv.ParseFloat(word, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is no duration", word)
	}
	return time.Duration(n * float64(unit)), nil
}

func env(p *process) int {
	environment, args := os.Environ(), p.args
	if len(args) > 0 && (args[0] == "-i" || args[0] == "-") {
		environment, args = nil, args[1:]
	}
	for len(args) > 0 && strings.Contains(args[0], "=") {
		environment, args = append(environment, args[0]), args[1:]
	}
	if len(args) == 0 {
		for _, entry := range environment {
			fmt.Fprintln(p.stdout, entry)
		}
		return 0
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		fmt.Fprintf(p.stderr, "env: can't execute '%s': No such file or directory\n", args[0])
		return 127
	}
	return p.fail(syscall.Exec(path, args, environment))
}

func printenv(p *process) int {
	if len(p.args) == 0 {
		return env(p)
	}
	status := 0
	for _, name := range p.args {
		value, ok := os.LookupEnv(name)
		if !ok {
			status = 1
			continue
		}
		fmt.Fprintln(p.stdout, value)
	}
	return status
}

func hostname(p *process) int {
	name, err := os.Hostname()
	if err != nil {
		return p.fail(err)
	}
	fmt.Fprintln(p.stdout, name)
	return 0
}

func pwd(p *process) int {
	dir, err := os.Getwd()
	if err != nil {
		return p.fail(err)
	}
	fmt.Fprintln(p.stdout, dir)
	return 0
}

func id(p *process) int {
	uid, gid := os.Geteuid(), os.Getegid()
	switch strings.Join(p.args, " ") {
	case "-u":
		fmt.Fprintln(p.stdout, uid)
	case "-g":
		fmt.Fprintln(p.stdout, gid)
	case "-un", "-u -n":
		fmt.Fprintln(p.stdout, userName(uid))
	case "":
		fmt.Fprintf(p.stdout, "uid=%d(%s) gid=%d(%s)\n", uid, userName(uid), gid, nameIn("/etc/group", gid))
	default:
		return p.misuse()
	}
	return 0
}

func userName(uid int) string { return nameIn("/etc/passwd", uid) }

// nameIn looks an id up in passwd(5) or group(5), where it is the third field; without an entry the number is the name.
func nameIn(file string, id int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return strconv.Itoa(id)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Split(line, ":"); len(fields) > 2 && fields[2] == strconv.Itoa(id) {
			return fields[0]
		}
	}
	return strconv.Itoa(id)
}

func kill(p *process) int {
	s, args := syscall.SIGTERM, p.args
	if len(args) > 0 && args[0] == "-l" {
		for n := 1; n < 32; n++ {
			fmt.Fprintf(p.stdout, "%2d) %s\n", n, unix.SignalName(syscall.Signal(n)))
		}
		return 0
	}
	if len(args) > 0 && args[0] == "-s" && len(args) > 1 {
		args = slices.Concat([]string{"-" + args[1]}, args[2:])
	}
	if len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		var ok bool
		if s, ok = signalOf(args[0][1:]); !ok {
			return p.fail(fmt.Errorf("bad signal name '%s'", args[0][1:]))
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return p.misuse()
	}
	status := 0
	for _, word := range args {
		pid, err := strconv.Atoi(word)
		if err != nil {
			status = p.fail(fmt.Errorf("invalid number '%s'", word))
			continue
		}
		if err := syscall.Kill(pid, s); err != nil {
			status = p.fail(fmt.Errorf("can't kill pid %d: %w", pid, err))
		}
	}
	return status
}

// signalOf reads 9, KILL and SIGKILL.
func signalOf(word string) (syscall.Signal, bool) {
	if n, err := strconv.Atoi(word); err == nil {
		return syscall.Signal(n), n >= 0 && n < 65
	}
	s := unix.SignalNum("SIG" + strings.TrimPrefix(strings.ToUpper(word), "SIG"))
	return s, s != 0
}

func uname(p *process) int {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return p.fail(err)
	}
	fields := map[byte][]byte{'s': u.Sysname[:], 'n': u.Nodename[:], 'r': u.Release[:], 'v': u.Version[:], 'm': u.Machine[:]}
	which := strings.TrimPrefix(strings.Join(p.args, ""), "-")
	switch which {
	case "":
		which = "s"
	case "a":
		which = "snrvm"
	}
	var words []string
	for _, letter := range []byte("snrvm") {
		if strings.IndexByte(which, letter) >= 0 {
			words = append(words, unix.ByteSliceToString(fields[letter]))
		}
	}
	fmt.Fprintln(p.stdout, strings.Join(words, " "))
	return 0
}
