package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// process is what an applet sees of the world.
type process struct {
	name   string
	args   []string // without the name
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

// fail reports err as programs do, "name: what", and returns status 1.
func (p *process) fail(err error) int {
	fmt.Fprintf(p.stderr, "%s: %v\n", p.name, plain(err))
	return 1
}

// failf is fail with a message.
func (p *process) failf(format string, args ...any) int {
	fmt.Fprintf(p.stderr, p.name+": "+format+"\n", args...)
	return 1
}

// misuse reports wrong usage and returns status 2.
func (p *process) misuse() int {
	fmt.Fprintf(p.stderr, "Usage: %s %s\n", p.name, applets[p.name].usage)
	return 2
}

// buffered collects output until the applet is done; flush tells whether it arrived.
func (p *process) buffered() (out *bufio.Writer, flush func(status int) int) {
	out = bufio.NewWriterSize(p.stdout, 64<<10)
	return out, func(status int) int {
		if err := out.Flush(); err != nil && status == 0 {
			return p.fail(err)
		}
		return status
	}
}

// plain puts an error of the os package as Unix programs do: "/x: No such file or directory".
func plain(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return fmt.Errorf("%s: %s", pathErr.Path, reason(pathErr.Err))
	}
	var linkErr *os.LinkError
	if errors.As(err, &linkErr) {
		return fmt.Errorf("%s: %s", linkErr.New, reason(linkErr.Err))
	}
	var callErr *os.SyscallError
	if errors.As(err, &callErr) {
		return errors.New(reason(callErr.Err))
	}
	if _, ok := err.(syscall.Errno); ok { //nolint:errorlint // only a bare number has nothing else to say
		return errors.New(reason(err))
	}
	return err
}

// reason is the cause in the words of strerror(3), which Go spells without the capital.
func reason(err error) string {
	var number syscall.Errno
	if !errors.As(err, &number) {
		return err.Error()
	}
	text := number.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// eachInput calls fn with standard input, or with each file in turn ("-" is standard input). It reports files that cannot be
// read, goes on, and returns status 1 for them.
func (p *process) eachInput(files []string, fn func(name string, r io.Reader) error) int {
	if len(files) == 0 {
		files = []string{"-"}
	}
	status := 0
	for _, name := range files {
		if err := p.oneInput(name, fn); err != nil {
			status = p.fail(err)
		}
	}
	return status
}

func (p *process) oneInput(name string, fn func(string, io.Reader) error) error {
	if name == "-" {
		return fn("(standard input)", p.stdin)
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return fmt.Errorf("%s: Is a directory", name)
	}
	return fn(name, f)
}

// eachLine calls fn with every line, without its end.
func eachLine(r io.Reader, fn func(line string) error) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			if err := fn(strings.TrimSuffix(line, "\n")); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
