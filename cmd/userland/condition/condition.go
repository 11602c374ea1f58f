// Package condition evaluates the expressions of test(1) and [.
//
// With up to four words POSIX says by their number alone what they mean, so that `[ "$a" = "$b" ]` holds whatever the
// variables contain; longer ones are read with -o below -a below !.
package condition

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Eval is the truth of the words; relative paths are looked up in dir. An error means that they are no expression.
func Eval(words []string, dir string) (bool, error) {
	e := &expression{words: words, dir: dir}
	switch len(words) {
	case 0:
		return false, nil
	case 1:
		return words[0] != "", nil
	case 2:
		return e.two(words)
	case 3:
		return e.three(words)
	case 4:
		if words[0] == "!" {
			ok, err := e.three(words[1:])
			return !ok, err
		}
		if words[0] == "(" && words[3] == ")" {
			return e.two(words[1:3])
		}
	}
	ok, err := e.or()
	if err == nil && len(e.words) > 0 {
		err = fmt.Errorf("%s: unexpected operator", e.words[0])
	}
	return ok, err
}

// expression is what is left to read.
type expression struct {
	words []string
	dir   string
}

func (e *expression) two(w []string) (bool, error) {
	if w[0] == "!" {
		return w[1] == "", nil
	}
	if !isUnary(w[0]) {
		return false, fmt.Errorf("%s: unknown operand", w[0])
	}
	return e.unary(w[0], w[1])
}

func (e *expression) three(w []string) (bool, error) {
	switch {
	case isBinary(w[1]):
		return e.binary(w[0], w[1], w[2])
	case w[1] == "-a":
		return w[0] != "" && w[2] != "", nil
	case w[1] == "-o":
		return w[0] != "" || w[2] != "", nil
	case w[0] == "!":
		ok, err := e.two(w[1:])
		return !ok, err
	case w[0] == "(" && w[2] == ")":
		return w[1] != "", nil
	}
	return false, fmt.Errorf("%s: unknown operand", w[1])
}

func (e *expression) next() string {
	if len(e.words) == 0 {
		return ""
	}
	w := e.words[0]
	e.words = e.words[1:]
	return w
}

func (e *expression) accept(word string) bool {
	if len(e.words) > 0 && e.words[0] == word {
		e.words = e.words[1:]
		return true
	}
	return false
}

func (e *expression) or() (bool, error) {
	left, err := e.and()
	for err == nil && e.accept("-o") {
		var right bool
		right, err = e.and()
		left = left || right
	}
	return left, err
}

func (e *expression) and() (bool, error) {
	left, err := e.not()
	for err == nil && e.accept("-a") {
		var right bool
		right, err = e.not()
		left = left && right
	}
	return left, err
}

func (e *expression) not() (bool, error) {
	if len(e.words) > 1 && e.accept("!") {
		ok, err := e.not()
		return !ok, err
	}
	return e.primary()
}

func (e *expression) primary() (bool, error) {
	if len(e.words) == 0 {
		return false, errors.New("argument expected")
	}
	if len(e.words) > 2 && isBinary(e.words[1]) {
		return e.binary(e.next(), e.next(), e.next())
	}
	if e.accept("(") {
		ok, err := e.or()
		if err == nil && !e.accept(")") {
			err = errors.New("closing paren expected")
		}
		return ok, err
	}
	if len(e.words) > 1 && isUnary(e.words[0]) {
		return e.unary(e.next(), e.next())
	}
	return e.next() != "", nil
}

func isUnary(w string) bool {
	return len(w) == 2 && w[0] == '-' && strings.IndexByte("bcdefghkLnprsStuwxzOG", w[1]) >= 0
}

func isBinary(w string) bool {
	switch w {
	case "=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef":
		return true
	}
	return false
}

func (e *expression) path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(e.dir, name)
}

func (e *expression) unary(op, word string) (bool, error) {
	switch op {
	case "-n":
		return word != "", nil
	case "-z":
		return word == "", nil
	case "-t":
		fd, err := strconv.Atoi(word)
		return err == nil && term.IsTerminal(fd), nil
	case "-r", "-w", "-x":
		mode := map[string]uint32{"-r": unix.R_OK, "-w": unix.W_OK, "-x": unix.X_OK}[op]
		return unix.Access(e.path(word), mode) == nil, nil
	case "-h", "-L":
		info, err := os.Lstat(e.path(word))
		return err == nil && info.Mode()&os.ModeSymlink != 0, nil
	}
	info, err := os.Stat(e.path(word))
	return err == nil && fileIs(op[1], info), nil
}

func fileIs(letter byte, info os.FileInfo) bool {
	mode := info.Mode()
	switch letter {
	case 'e':
		return true
	case 'f':
		return mode.IsRegular()
	case 'd':
		return mode.IsDir()
	case 's':
		return info.Size() > 0
	case 'p':
		return mode&os.ModeNamedPipe != 0
	case 'S':
		return mode&os.ModeSocket != 0
	case 'c':
		return mode&os.ModeCharDevice != 0
	case 'b':
		return mode&os.ModeDevice != 0 && mode&os.ModeCharDevice == 0
	case 'u':
		return mode&os.ModeSetuid != 0
	case 'g':
		return mode&os.ModeSetgid != 0
	case 'k':
		return mode&os.ModeSticky != 0
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && (letter == 'O' && int(stat.Uid) == os.Geteuid() || letter == 'G' && int(stat.Gid) == os.Getegid())
}

func (e *expression) binary(a, op, b string) (bool, error) {
	switch op {
	case "=", "==":
		return a == b, nil
	case "!=":
		return a != b, nil
	case "<":
		return a < b, nil
	case ">":
		return a > b, nil
	case "-nt", "-ot", "-ef":
		return e.files(a, op, b), nil
	}
	x, err := number(a)
	if err != nil {
		return false, err
	}
	y, err := number(b)
	if err != nil {
		return false, err
	}
	return map[string]bool{"-eq": x == y, "-ne": x != y, "-lt": x < y, "-le": x <= y, "-gt": x > y, "-ge": x >= y}[op], nil
}

func number(word string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(word), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: bad number", word)
	}
	return n, nil
}

func (e *expression) files(a, op, b string) bool {
	x, errX := os.Stat(e.path(a))
	y, errY := os.Stat(e.path(b))
	switch op {
	case "-ef":
		return errX == nil && errY == nil && os.SameFile(x, y)
	case "-nt":
		return errX == nil && (errY != nil || x.ModTime().After(y.ModTime()))
	default:
		return errY == nil && (errX != nil || x.ModTime().Before(y.ModTime()))
	}
}
