package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// grepFlags are grep's letters.
type grepFlags struct {
	invert, number, quiet, count, list, only bool
}

// grep searches with Go's regular expressions (RE2), which are POSIX extended ones without back-references.
func grep(p *process) int {
	var flags grepFlags
	prefix, fixed, args := "", false, p.args
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		for _, letter := range args[0][1:] {
			switch letter {
			case 'i':
				prefix = "(?i)"
			case 'v':
				flags.invert = true
			case 'n':
				flags.number = true
			case 'q', 's':
				flags.quiet = flags.quiet || letter == 'q'
			case 'c':
				flags.count = true
			case 'l':
				flags.list = true
			case 'o':
				flags.only = true
			case 'F':
				fixed = true
			case 'E':
			default:
				return p.misuse()
			}
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return p.misuse()
	}
	pattern := args[0]
	if fixed {
		pattern = regexp.QuoteMeta(pattern)
	}
	expression, err := regexp.Compile(prefix + pattern)
	if err != nil {
		fmt.Fprintf(p.stderr, "grep: bad pattern %q\n", args[0])
		return 2
	}
	return flags.search(p, expression, args[1:])
}

func (f grepFlags) search(p *process, expression *regexp.Regexp, files []string) int {
	found := false
	status := p.eachInput(files, func(name string, r io.Reader) error {
		label := ""
		if len(files) > 1 {
			label = name + ":"
		}
		n, err := f.searchOne(p.stdout, r, expression, label)
		found = found || n > 0
		switch {
		case f.quiet:
		case f.list && n > 0:
			fmt.Fprintln(p.stdout, name)
		case f.count:
			fmt.Fprintf(p.stdout, "%s%d\n", label, n)
		}
		return err
	})
	switch {
	case status != 0:
		return 2
	case found:
		return 0
	default:
		return 1
	}
}

func (f grepFlags) searchOne(w io.Writer, r io.Reader, expression *regexp.Regexp, label string) (matches int, err error) {
	lines := bufio.NewReader(r)
	for number := 1; ; number++ {
		line, err := lines.ReadString('\n')
		if line == "" && err != nil {
			if err == io.EOF { //nolint:errorlint // bufio returns it bare
				err = nil
			}
			return matches, err
		}
		line = strings.TrimSuffix(line, "\n")
		if expression.MatchString(line) == f.invert {
			continue
		}
		matches++
		if f.quiet || f.count || f.list {
			continue
		}
		start := label
		if f.number {
			start += fmt.Sprintf("%d:", number)
		}
		if f.only {
			line = strings.Join(expression.FindAllString(line, -1), "\n")
		}
		if _, err := fmt.Fprintln(w, start+line); err != nil {
			return matches, err
		}
	}
}
