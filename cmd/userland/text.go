package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

var _ = register("echo", "[-n] [WORD...]", echo) &&
	register("head", "[-n LINES] [FILE...]", head) &&
	register("wc", "[-lwc] [FILE...]", wc) &&
	register("grep", "[-ivnqcE] PATTERN [FILE...]", grep) &&
	register("tee", "[-a] [FILE...]", tee)

func echo(p *process) int {
	args, end := p.args, "\n"
	if len(args) > 0 && args[0] == "-n" {
		args, end = args[1:], ""
	}
	if _, err := io.WriteString(p.stdout, strings.Join(args, " ")+end); err != nil {
		return p.fail(err)
	}
	return 0
}

// numberFlag takes "-n 5", "-n5" or "-5" off the front of args.
func numberFlag(args []string, letter string, value int) (int, []string, error) {
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		text := strings.TrimPrefix(args[0][1:], letter)
		args = args[1:]
		if text == "" {
			if len(args) == 0 {
				return 0, nil, fmt.Errorf("option requires an argument -- '%s'", letter)
			}
			text, args = args[0], args[1:]
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0, nil, fmt.Errorf("invalid number '%s'", text)
		}
		value = n
	}
	return value, args, nil
}

func head(p *process) int {
	count, files, err := numberFlag(p.args, "n", 10)
	if err != nil {
		return p.fail(err)
	}
	return p.eachInput(files, func(name string, r io.Reader) error {
		if len(files) > 1 {
			fmt.Fprintf(p.stdout, "==> %s <==\n", name)
		}
		lines := bufio.NewReader(r)
		for range count {
			line, err := lines.ReadString('\n')
			if _, err := io.WriteString(p.stdout, line); err != nil {
				return err
			}
			if err != nil {
				return nil //nolint:nilerr // the end of the file ends head
			}
		}
		return nil
	})
}

// counts is what wc counts.
type counts struct{ lines, words, bytes int }

func wc(p *process) int {
	which, files := "", p.args
	for len(files) > 0 && len(files[0]) > 1 && files[0][0] == '-' {
		which, files = which+files[0][1:], files[1:]
	}
	if which == "" {
		which = "lwc"
	}
	var total counts
	status := p.eachInput(files, func(name string, r io.Reader) error {
		c, err := tally(r)
		if err != nil {
			return err
		}
		total = counts{total.lines + c.lines, total.words + c.words, total.bytes + c.bytes}
		if len(files) == 0 {
			name = ""
		}
		return printCounts(p.stdout, which, c, name)
	})
	if len(files) > 1 {
		if err := printCounts(p.stdout, which, total, "total"); err != nil {
			return p.fail(err)
		}
	}
	return status
}

func tally(r io.Reader) (counts, error) {
	var c counts
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		c.bytes += len(line)
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

func printCounts(w io.Writer, which string, c counts, name string) error {
	var columns []string
	for _, column := range []struct {
		letter string
		n      int
	}{{"l", c.lines}, {"w", c.words}, {"c", c.bytes}} {
		if !strings.Contains(which, column.letter) {
			continue
		}
		if len(which) == 1 {
			columns = append(columns, strconv.Itoa(column.n))
		} else {
			columns = append(columns, fmt.Sprintf("%9d", column.n))
		}
	}
	if name != "" {
		columns = append(columns, name)
	}
	_, err := fmt.Fprintln(w, strings.Join(columns, " "))
	return err
}

func tee(p *process) int {
	flags, files := os.O_CREATE|os.O_WRONLY|os.O_TRUNC, p.args
	if len(files) > 0 && files[0] == "-a" {
		flags, files = os.O_CREATE|os.O_WRONLY|os.O_APPEND, files[1:]
	}
	outputs := []io.Writer{p.stdout}
	for _, name := range files {
		f, err := os.OpenFile(name, flags, 0o666)
		if err != nil {
			return p.fail(plain(err))
		}
		defer f.Close()
		outputs = append(outputs, f)
	}
	if _, err := io.Copy(io.MultiWriter(outputs...), p.stdin); err != nil {
		return p.fail(err)
	}
	return 0
}
