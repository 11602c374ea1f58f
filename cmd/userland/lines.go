package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"drydock/cmd/userland/sed"
)

var _ = register("head", "[-n N] [-c N] [-q] [FILE...]", head) &&
	register("wc", "[-lwcm] [FILE...]", wc) &&
	register("tee", "[-a] [FILE...]", tee) &&
	register("rev", "[FILE...]", rev) &&
	register("tac", "[FILE...]", tac) &&
	register("nl", "[-b a] [FILE...]", nl) &&
	register("uniq", "[-cdui] [FILE]", uniq) &&
	register("sed", "[-nEi] [-e SCRIPT] [-f FILE] [SCRIPT] [FILE...]", sedApplet)

// dashNumber turns the old `-5` into `-n 5`.
func dashNumber(args []string) []string {
	if len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && args[0][1] >= '0' && args[0][1] <= '9' {
		return slices.Concat([]string{"-n", args[0][1:]}, args[1:])
	}
	return args
}

func head(p *process) int {
	p.args = dashNumber(p.args)
	o, ok := p.options("n:c:qv", "lines=n", "bytes=c")
	if !ok {
		return p.misuse()
	}
	n, err := count(o.value('n', "10"))
	if o.has('c') {
		n, err = count(o.value('c', ""))
	}
	if err != nil {
		return p.fail(err)
	}
	shown := 0
	return p.eachInput(o.rest, func(name string, r io.Reader) error {
		if len(o.rest) > 1 && !o.has('q') {
			if shown++; shown > 1 {
				fmt.Fprintln(p.stdout)
			}
			fmt.Fprintf(p.stdout, "==> %s <==\n", name)
		}
		if o.has('c') {
			_, err := io.CopyN(p.stdout, r, n)
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		return headLines(p.stdout, r, n)
	})
}

// headLines prints line by line: what feeds a pipe slowly is seen at once. A negative n leaves out that many at the end.
func headLines(w io.Writer, r io.Reader, n int64) error {
	lines := bufio.NewReader(r)
	var held []string
	for i := int64(0); n < 0 || i < n; i++ {
		line, err := lines.ReadString('\n')
		if n < 0 {
			if held = append(held, line); int64(len(held)) <= -n || line == "" {
				line = ""
			} else {
				line, held = held[0], held[1:]
			}
		}
		if _, err := io.WriteString(w, line); err != nil {
			return err
		}
		if err != nil {
			return nil //nolint:nilerr // the end of the file ends head
		}
	}
	return nil
}

// counts is what wc counts.
type counts struct{ lines, words, chars, bytes int }

func wc(p *process) int {
	o, ok := p.options("lwcm")
	if !ok {
		return p.misuse()
	}
	which := ""
	for _, letter := range []byte("lwmc") {
		if o.has(letter) {
			which += string(letter)
		}
	}
	if which == "" {
		which = "lwc"
	}
	var total counts
	status := p.eachInput(o.rest, func(name string, r io.Reader) error {
		c, err := tally(r)
		if err != nil {
			return err
		}
		total = counts{total.lines + c.lines, total.words + c.words, total.chars + c.chars, total.bytes + c.bytes}
		if len(o.rest) == 0 {
			name = ""
		}
		return c.print(p.stdout, which, name)
	})
	if len(o.rest) > 1 {
		if err := total.print(p.stdout, which, "total"); err != nil {
			return p.fail(err)
		}
	}
	return status
}

func tally(r io.Reader) (c counts, err error) {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		c.bytes += len(line)
		c.chars += utf8.RuneCountInString(line)
		c.words += len(strings.Fields(line))
		if strings.HasSuffix(line, "\n") {
			c.lines++
		}
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return c, err
		}
	}
}

func (c counts) print(w io.Writer, which, name string) error {
	var columns []string
	for _, letter := range which {
		n := map[rune]int{'l': c.lines, 'w': c.words, 'm': c.chars, 'c': c.bytes}[letter]
		if len(which) == 1 {
			columns = append(columns, strconv.Itoa(n))
		} else {
			columns = append(columns, fmt.Sprintf("%9d", n))
		}
	}
	if name != "" {
		columns = append(columns, name)
	}
	_, err := fmt.Fprintln(w, strings.Join(columns, " "))
	return err
}

func tee(p *process) int {
	o, ok := p.options("ai")
	if !ok {
		return p.misuse()
	}
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if o.has('a') {
		flags = os.O_CREATE | os.O_WRONLY | os.O_APPEND
	}
	outputs := []io.Writer{p.stdout}
	for _, name := range o.rest {
		f, err := os.OpenFile(name, flags, 0o666)
		if err != nil {
			return p.fail(err)
		}
		defer f.Close()
		outputs = append(outputs, f)
	}
	if _, err := io.Copy(io.MultiWriter(outputs...), p.stdin); err != nil {
		return p.fail(err)
	}
	return 0
}

func rev(p *process) int {
	out, flush := p.buffered()
	return flush(p.eachInput(p.args, func(_ string, r io.Reader) error {
		return eachLine(r, func(line string) error {
			runes := []rune(line)
			slices.Reverse(runes)
			_, err := fmt.Fprintln(out, string(runes))
			return err
		})
	}))
}

func tac(p *process) int {
	out, flush := p.buffered()
	return flush(p.eachInput(p.args, func(_ string, r io.Reader) error {
		lines, err := readLines(r)
		for _, line := range slices.Backward(lines) {
			fmt.Fprintln(out, line)
		}
		return err
	}))
}

func readLines(r io.Reader) (lines []string, err error) {
	err = eachLine(r, func(line string) error {
		lines = append(lines, line)
		return nil
	})
	return lines, err
}

func nl(p *process) int {
	o, ok := p.options("b:")
	if !ok {
		return p.misuse()
	}
	out, flush := p.buffered()
	n := 0
	return flush(p.eachInput(o.rest, func(_ string, r io.Reader) error {
		return eachLine(r, func(line string) error {
			if line == "" && o.value('b', "t") != "a" {
				_, err := fmt.Fprintln(out, "       ")
				return err
			}
			n++
			_, err := fmt.Fprintf(out, "%6d\t%s\n", n, line)
			return err
		})
	}))
}

func uniq(p *process) int {
	o, ok := p.options("cdui", "count=c")
	if !ok {
		return p.misuse()
	}
	out, flush := p.buffered()
	var last string
	n := 0
	show := func() {
		if n == 0 || o.has('d') && n == 1 || o.has('u') && n > 1 {
			return
		}
		if o.has('c') {
			fmt.Fprintf(out, "%7d ", n)
		}
		fmt.Fprintln(out, last)
	}
	status := p.eachInput(o.rest, func(_ string, r io.Reader) error {
		return eachLine(r, func(line string) error {
			if n > 0 && (line == last || o.has('i') && strings.EqualFold(line, last)) {
				n++
				return nil
			}
			show()
			last, n = line, 1
			return nil
		})
	})
	show()
	return flush(status)
}

func sedApplet(p *process) int {
	o, ok := p.options("nErie:f:s", "in-place=i", "quiet=n", "expression=e", "regexp-extended=E")
	if !ok {
		return p.misuse()
	}
	parts := o.given['e']
	for _, name := range o.given['f'] {
		text, err := os.ReadFile(name)
		if err != nil {
			return p.fail(err)
		}
		parts = append(parts, string(text))
	}
	if len(parts) == 0 {
		if len(o.rest) == 0 {
			return p.misuse()
		}
		parts, o.rest = o.rest[:1], o.rest[1:]
	}
	script, err := sed.Parse(strings.Join(parts, "\n"), o.has('E') || o.has('r'))
	if err != nil {
		return p.fail(err)
	}
	if o.has('i') {
		return p.sedInPlace(script, o)
	}
	var readers []io.Reader
	status := p.eachInput(o.rest, func(name string, r io.Reader) error {
		if name == "(standard input)" {
			readers = append(readers, r)
			return nil
		}
		text, err := io.ReadAll(r)
		readers = append(readers, strings.NewReader(string(text)))
		return err
	})
	code, err := script.Run(io.MultiReader(readers...), p.stdout, o.has('n'))
	if err != nil {
		return p.fail(err)
	}
	return max(status, code)
}

// sedInPlace writes each file anew once the whole result is there.
func (p *process) sedInPlace(script *sed.Script, o options) int {
	p.args = o.rest
	return p.each(1, func(name string) error {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var out strings.Builder
		if _, err := script.Run(strings.NewReader(string(text)), &out, o.has('n')); err != nil {
			return err
		}
		return os.WriteFile(name, []byte(out.String()), 0o666) // the file keeps its inode: it may be a mounted one
	})
}
