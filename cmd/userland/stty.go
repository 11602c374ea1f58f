package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"drydock/cmd/userland/terminal"
)

var _ = register("stty", "[-a|size|sane|[-]raw|[-]echo|[-]icanon|[-]isig|rows N|cols N]...", stty) &&
	register("tty", "[-s]", tty)

func tty(p *process) int {
	name, err := os.Readlink("/proc/self/fd/0")
	if err != nil || !terminal.IsTerminal(os.Stdin) {
		if len(p.args) == 0 {
			fmt.Fprintln(p.stdout, "not a tty")
		}
		return 1
	}
	if len(p.args) == 0 {
		fmt.Fprintln(p.stdout, name)
	}
	return 0
}

func stty(p *process) int {
	state, err := unix.IoctlGetTermios(0, unix.TCGETS)
	if err != nil {
		return p.failf("standard input: %s", reason(err))
	}
	if len(p.args) == 0 || p.args[0] == "-a" {
		sttyShow(p, state)
		return 0
	}
	for i := 0; i < len(p.args); i++ {
		word := p.args[i]
		switch word {
		case "size":
			columns, rows := terminal.Size(os.Stdin)
			fmt.Fprintln(p.stdout, rows, columns)
		case "rows", "cols", "columns":
			if i++; i == len(p.args) {
				return p.misuse()
			}
			if err := setSize(word, p.args[i]); err != nil {
				return p.fail(err)
			}
		case "-F":
			i++
		default:
			if !sttySet(state, word) {
				return p.failf("invalid argument '%s'", word)
			}
		}
	}
	if err := unix.IoctlSetTermios(0, unix.TCSETS, state); err != nil {
		return p.failf("standard input: %s", reason(err))
	}
	return 0
}

func setSize(which, text string) error {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return fmt.Errorf("invalid number '%s'", text)
	}
	size, err := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ)
	if err != nil {
		return err
	}
	if which == "rows" {
		size.Row = uint16(n)
	} else {
		size.Col = uint16(n)
	}
	return unix.IoctlSetWinsize(0, unix.TIOCSWINSZ, size)
}

var (
	localFlags = map[string]uint32{"echo": unix.ECHO, "icanon": unix.ICANON, "isig": unix.ISIG, "iexten": unix.IEXTEN, "echoe": unix.ECHOE, "echok": unix.ECHOK, "tostop": unix.TOSTOP}
	inputFlags = map[string]uint32{"icrnl": unix.ICRNL, "ixon": unix.IXON, "inlcr": unix.INLCR, "igncr": unix.IGNCR}
	outFlags   = map[string]uint32{"opost": unix.OPOST, "onlcr": unix.ONLCR}
)

func sttySet(state *unix.Termios, word string) bool {
	name, off := strings.CutPrefix(word, "-")
	if name == "sane" || name == "raw" || name == "cooked" {
		cooked := name != "raw" && !off || name == "raw" && off
		flags(&state.Lflag, unix.ICANON|unix.ISIG|unix.ECHO|unix.ECHOE|unix.ECHOK|unix.IEXTEN, cooked)
		flags(&state.Iflag, unix.ICRNL|unix.IXON, cooked)
		flags(&state.Oflag, unix.OPOST|unix.ONLCR, cooked)
		state.Cc[unix.VMIN], state.Cc[unix.VTIME] = 1, 0
		return true
	}
	for _, group := range []struct {
		names map[string]uint32
		field *uint32
	}{{localFlags, &state.Lflag}, {inputFlags, &state.Iflag}, {outFlags, &state.Oflag}} {
		if bit, ok := group.names[name]; ok {
			flags(group.field, bit, !off)
			return true
		}
	}
	return false
}

func flags(field *uint32, bits uint32, on bool) {
	if on {
		*field |= bits
	} else {
		*field &^= bits
	}
}

func sttyShow(p *process, state *unix.Termios) {
	columns, rows := terminal.Size(os.Stdin)
	fmt.Fprintf(p.stdout, "speed 38400 baud; rows %d; columns %d;\n", rows, columns)
	var words []string
	for _, name := range []string{"isig", "icanon", "echo", "echoe", "echok", "iexten", "tostop"} {
		words = append(words, sttyWord(name, state.Lflag&localFlags[name] != 0))
	}
	for _, name := range []string{"icrnl", "ixon", "inlcr", "igncr"} {
		words = append(words, sttyWord(name, state.Iflag&inputFlags[name] != 0))
	}
	for _, name := range []string{"opost", "onlcr"} {
		words = append(words, sttyWord(name, state.Oflag&outFlags[name] != 0))
	}
	fmt.Fprintln(p.stdout, strings.Join(words, " "))
}

func sttyWord(name string, on bool) string {
	if on {
		return name
	}
	return "-" + name
}

// reset mends a terminal that a program left in disorder.
func reset(p *process) int {
	if state, err := unix.IoctlGetTermios(0, unix.TCGETS); err == nil {
		sttySet(state, "sane")
		_ = unix.IoctlSetTermios(0, unix.TCSETS, state) // the escape sequences below still help
	}
	fmt.Fprint(p.stdout, "\x1bc\x1b[?1049l\x1b[?25h\x1b[m\x1b[2J\x1b[H")
	return 0
}
