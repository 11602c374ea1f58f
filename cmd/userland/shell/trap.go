package shell

import (
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/interp"
)

// trapTable keeps what to run on which signal. Signals wait in the channel until a command has ended.
type trapTable struct {
	mu sync.Mutex
	// guarded by mu
	code    map[syscall.Signal]string
	came    chan os.Signal
	pending []syscall.Signal
}

// set arms one signal; "-" is its default action, "" nothing at all.
func (t *trapTable) set(sig syscall.Signal, code string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.code == nil {
		t.code, t.came = map[syscall.Signal]string{}, make(chan os.Signal, 16)
	}
	switch code {
	case "-":
		delete(t.code, sig)
		signal.Reset(sig)
	case "":
		t.code[sig] = ""
		signal.Ignore(sig) // which children inherit, as POSIX wants it
	default:
		t.code[sig] = code
		signal.Notify(t.came, sig)
	}
}

// next is the code of a trap whose signal has come.
func (t *trapTable) next() (code string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.pending) == 0 {
		select {
		case sig := <-t.came:
			t.pending = append(t.pending, sig.(syscall.Signal))
		default:
			return "", false
		}
	}
	code = t.code[t.pending[0]]
	t.pending = t.pending[1:]
	return code, code != ""
}

// arrivals is where `wait` listens; what it takes it gives to late.
func (t *trapTable) arrivals() <-chan os.Signal {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.came
}

// expect gives a signal that the shell has sent to itself the moment that Go's runtime needs to hand it over.
func (t *trapTable) expect() {
	select {
	case sig := <-t.arrivals():
		t.late(sig.(syscall.Signal))
	case <-time.After(20 * time.Millisecond): // it has no trap, or kill -0 was only a question
	}
}

func (t *trapTable) late(sig syscall.Signal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending = append(t.pending, sig)
}

func (t *trapTable) list() (lines []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, sig := range slices.Sorted(maps.Keys(t.code)) {
		lines = append(lines, fmt.Sprintf("trap -- %s %s", quote(t.code[sig]), strings.TrimPrefix(unix.SignalName(sig), "SIG")))
	}
	return lines
}

// trap keeps the signals to itself and leaves EXIT and ERR to the interpreter.
func (s *shell) trap(hc interp.HandlerContext, args []string) []string {
	words := args[1:]
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 || words[0] == "-p" {
		for _, line := range s.traps.list() {
			fmt.Fprintln(hc.Stdout, line)
		}
		return []string{"trap"}
	}
	code := "-"
	if _, isSignal := signalOf(words[0]); len(words) > 1 || !isSignal {
		code, words = words[0], words[1:]
	}
	native := []string{"trap", "--", s.rewritten(code)}
	for _, word := range words {
		switch sig, ok := signalOf(word); {
		case word == "EXIT" || word == "0" || word == "ERR":
			s.exitTrap = code != "-"
			native = append(native, strings.ReplaceAll(word, "0", "EXIT"))
		case !ok:
			fmt.Fprintf(hc.Stderr, "%s: trap: %s: invalid signal specification\n", s.name, word)
			return []string{"sh:status", "1"}
		default:
			s.traps.set(sig, code)
		}
	}
	if len(native) == 3 {
		return []string{"true"}
	}
	if code == "-" {
		return append([]string{"trap", "-"}, native[3:]...)
	}
	return native
}

// signalOf reads 15, TERM and SIGTERM; 0 and EXIT are no signal but may be trapped.
func signalOf(word string) (syscall.Signal, bool) {
	if word == "EXIT" || word == "ERR" {
		return 0, true
	}
	if n, err := strconv.Atoi(word); err == nil {
		return syscall.Signal(n), n >= 0 && n < 65
	}
	sig := unix.SignalNum("SIG" + strings.TrimPrefix(strings.ToUpper(word), "SIG"))
	return sig, sig != 0
}
