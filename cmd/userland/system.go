package main

import (
	"fmt"
	"net"
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

var _ = register("env", "[-i] [-u NAME] [NAME=VALUE...] [COMMAND [ARG...]]", env) &&
	register("printenv", "[NAME...]", printenv) &&
	register("hostname", "[-i|-s|-f]", hostname) &&
	register("pwd", "[-LP]", pwd) &&
	register("uname", "[-asnrvmo]", uname) &&
	register("arch", "", func(p *process) int { p.args = []string{"-m"}; return uname(p) }) &&
	register("nproc", "", nproc) &&
	register("nohup", "COMMAND [ARG...]", nohup) &&
	register("nice", "[-n N] COMMAND [ARG...]", nice) &&
	register("which", "[-a] NAME...", which) &&
	register("clear", "", func(p *process) int { fmt.Fprint(p.stdout, "\x1b[H\x1b[2J\x1b[3J"); return 0 }) &&
	register("reset", "", reset) &&
	register("uptime", "", uptime)

// sleep answers SIGTERM also as pid 1, where the kernel drops signals without a handler (pid_namespaces(7)).
func sleep(p *process) int {
	if len(p.args) == 0 {
		return p.misuse()
	}
	var total time.Duration
	for _, word := range p.args {
		d, err := duration(word)
		if err != nil {
			return p.failf("invalid number '%s'", word)
		}
		total += d
	}
	stop := make(chan os.Signal, 1)
	if os.Getpid() == 1 {
		signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	}
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
	if word == "" {
		return 0, fmt.Errorf("%q is no duration", word)
	}
	unit := time.Second
	number := word
	if i := strings.IndexByte("smhd", word[len(word)-1]); i >= 0 {
		unit = []time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour}[i]
		number = word[:len(word)-1]
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is no duration", word)
	}
	return time.Duration(n * float64(unit)), nil
}

func env(p *process) int {
	if len(p.args) > 0 && p.args[0] == "-" {
		p.args = slices.Concat([]string{"-i"}, p.args[1:])
	}
	o, ok := p.options("+iu:0", "ignore-environment=i", "unset=u")
	if !ok {
		return p.misuse()
	}
	environment, args := os.Environ(), o.rest
	if o.has('i') {
		environment = nil
	}
	for len(args) > 0 && strings.Contains(args[0], "=") {
		name, _, _ := strings.Cut(args[0], "=")
		environment = append(without(environment, name), args[0])
		args = args[1:]
	}
	for _, name := range o.given['u'] {
		environment = without(environment, name)
	}
	if len(args) > 0 {
		return p.replaceBy(args, environment)
	}
	for _, entry := range environment {
		fmt.Fprintln(p.stdout, entry)
	}
	return 0
}

func without(environment []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(environment), func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
}

// replaceBy gives this process to a command; it returns only when that is impossible.
func (p *process) replaceBy(words, environment []string) int {
	path, err := exec.LookPath(words[0])
	if err == nil {
		err = syscall.Exec(path, words, environment)
	}
	if os.IsPermission(err) {
		p.failf("can't execute '%s': Permission denied", words[0])
		return 126
	}
	p.failf("can't execute '%s': No such file or directory", words[0])
	return 127
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
	o, ok := p.options("isfI")
	if !ok {
		return p.misuse()
	}
	if len(o.rest) == 1 {
		if err := unix.Sethostname([]byte(o.rest[0])); err != nil {
			return p.failf("sethostname: %s", reason(err))
		}
		return 0
	}
	name, err := os.Hostname()
	if err != nil {
		return p.fail(err)
	}
	if o.has('i') || o.has('I') {
		addresses, err := net.InterfaceAddrs()
		if err != nil {
			return p.fail(err)
		}
		var words []string
		for _, a := range addresses {
			if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLoopback() && !ip.IP.IsLinkLocalUnicast() {
				words = append(words, ip.IP.String())
			}
		}
		name = strings.Join(words, " ")
	}
	if o.has('s') {
		name, _, _ = strings.Cut(name, ".")
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

func uname(p *process) int {
	o, ok := p.options("asnrvmop")
	if !ok {
		return p.misuse()
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return p.fail(err)
	}
	var words []string
	for _, field := range []struct {
		letter byte
		text   string
	}{
		{'s', unix.ByteSliceToString(u.Sysname[:])},
		{'n', unix.ByteSliceToString(u.Nodename[:])},
		{'r', unix.ByteSliceToString(u.Release[:])},
		{'v', unix.ByteSliceToString(u.Version[:])},
		{'m', unix.ByteSliceToString(u.Machine[:])},
		{'o', "Linux"},
	} {
		if o.has(field.letter) || o.has('a') || len(o.given) == 0 && field.letter == 's' {
			words = append(words, field.text)
		}
	}
	fmt.Fprintln(p.stdout, strings.Join(words, " "))
	return 0
}

func nproc(p *process) int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return p.fail(err)
	}
	fmt.Fprintln(p.stdout, set.Count())
	return 0
}

func nohup(p *process) int {
	if len(p.args) == 0 {
		return p.misuse()
	}
	signal.Ignore(syscall.SIGHUP) // which exec keeps
	if _, err := unix.IoctlGetTermios(1, unix.TCGETS); err == nil {
		f, err := os.OpenFile("nohup.out", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return p.fail(err)
		}
		fmt.Fprintln(p.stderr, "nohup: appending output to nohup.out")
		if err := unix.Dup3(int(f.Fd()), 1, 0); err != nil {
			return p.fail(err)
		}
		_ = unix.Dup3(1, 2, 0) // it worked for 1
	}
	return p.replaceBy(p.args, os.Environ())
}

func nice(p *process) int {
	o, ok := p.options("+n:")
	n, err := strconv.Atoi(o.value('n', "10"))
	if !ok || err != nil {
		return p.misuse()
	}
	before, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return p.fail(err)
	}
	before = 20 - before // the kernel's answer is 20 minus it (getpriority(2))
	if len(o.rest) == 0 {
		fmt.Fprintln(p.stdout, before)
		return 0
	}
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, before+n); err != nil {
		p.failf("setpriority(%d): %s", before+n, reason(err))
	}
	return p.replaceBy(o.rest, os.Environ())
}

func which(p *process) int {
	o, ok := p.options("a")
	if !ok || len(o.rest) == 0 {
		return p.misuse()
	}
	status := 0
	for _, name := range o.rest {
		path, err := exec.LookPath(name)
		if err != nil {
			status = 1
			continue
		}
		fmt.Fprintln(p.stdout, path)
	}
	return status
}

func uptime(p *process) int {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return p.fail(err)
	}
	up := time.Duration(info.Uptime) * time.Second
	text := fmt.Sprintf("%2d:%02d", int(up.Hours())%24, int(up.Minutes())%60)
	if days := int(up.Hours()) / 24; days > 0 {
		text = fmt.Sprintf("%d days, %s", days, text)
	}
	fmt.Fprintf(p.stdout, " %s up %s,  load average: %s\n", time.Now().Format("15:04:05"), text, loads(info))
	return 0
}

func loads(info unix.Sysinfo_t) string {
	var words []string
	for _, l := range info.Loads {
		words = append(words, fmt.Sprintf("%.2f", float64(l)/(1<<16)))
	}
	return strings.Join(words, ", ")
}
