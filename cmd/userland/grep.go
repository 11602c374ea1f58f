package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"drydock/cmd/userland/regex"
)

const grepUsage = "[-EFivnqclLowxrHhs] [-m N] [-A N] [-B N] [-C N] [-e] PATTERN [FILE...]   (no back-references)"

var _ = register("grep", grepUsage, grep) && register("egrep", grepUsage, grep) && register("fgrep", grepUsage, grep)

// searcher is one run of grep.
type searcher struct {
	p             *process
	o             options
	expressions   []*regexp.Regexp
	named         bool
	most          int64
	before, after int64
	matched       bool
	status        int
}

func grep(p *process) int {
	o, ok := p.options("EFGivnqclLowxrRHhsam:A:B:C:e:", "color=@", "ignore-case=i", "extended-regexp=E", "invert-match=v", "count=c", "recursive=r", "quiet=q", "only-matching=o", "line-number=n")
	if !ok {
		return p.misuse()
	}
	patterns := o.given['e']
	if len(patterns) == 0 {
		if len(o.rest) == 0 {
			return p.misuse()
		}
		patterns, o.rest = o.rest[:1], o.rest[1:]
	}
	s := &searcher{p: p, o: o, status: 0}
	for _, pattern := range strings.Split(strings.Join(patterns, "\n"), "\n") {
		expression, err := s.compile(pattern)
		if err != nil {
			p.fail(err)
			return 2
		}
		s.expressions = append(s.expressions, expression)
	}
	for letter, n := range map[byte]*int64{'m': &s.most, 'A': &s.after, 'B': &s.before} {
		value, err := count(o.value(letter, o.value('C', "0")))
		if letter == 'm' {
			value, err = count(o.value('m', "-1"))
		}
		if err != nil {
			p.fail(err)
			return 2
		}
		*n = value
	}
	return s.run()
}

func (s *searcher) compile(pattern string) (*regexp.Regexp, error) {
	extended := s.o.has('E') || s.p.name == "egrep"
	if s.o.has('F') || s.p.name == "fgrep" {
		pattern, extended = regexp.QuoteMeta(pattern), true
	}
	compiled, err := regex.Compile(pattern, extended, s.o.has('i'))
	if err != nil || !s.o.has('w') && !s.o.has('x') {
		return compiled, err
	}
	edge := map[bool][2]string{true: {"^(?:", ")$"}, false: {`\b(?:`, `)\b`}}[s.o.has('x')]
	return regexp.Compile(edge[0] + compiled.String() + edge[1])
}

// run searches all files: 0 found, 1 not found, 2 trouble.
func (s *searcher) run() int {
	files := s.o.rest
	recursive := s.o.has('r') || s.o.has('R')
	if recursive && len(files) == 0 {
		files = []string{"."}
	}
	s.named = (len(files) > 1 || recursive || s.o.has('H')) && !s.o.has('h')
	if recursive {
		for _, root := range files {
			_ = filepath.WalkDir(root, s.walk) // walk reports
		}
	} else {
		s.status = s.p.eachInput(files, s.search)
		if s.status != 0 {
			s.status = 2
		}
	}
	switch {
	case s.matched && (s.status == 0 || s.o.has('q')):
		return 0
	case s.status != 0:
		return s.status
	default:
		return 1
	}
}

func (s *searcher) walk(path string, d fs.DirEntry, err error) error {
	if err == nil && d.Type().IsRegular() {
		err = s.p.oneInput(path, s.search)
	}
	if err != nil && !s.o.has('s') {
		s.p.fail(err)
		s.status = 2
	}
	return nil
}

var errEnough = errors.New("enough")

func (s *searcher) search(name string, r io.Reader) error {
	label := ""
	if s.named {
		label = name
	}
	out, flush := s.p.buffered()
	pages := &printer{searcher: s, out: out, label: label}
	err := eachLine(r, pages.line)
	if errors.Is(err, errEnough) {
		err = nil
	}
	if pages.found > 0 {
		s.matched = true
	}
	switch {
	case s.o.has('q'):
	case s.o.has('l') && pages.found > 0, s.o.has('L') && pages.found == 0:
		fmt.Fprintln(out, name)
	case s.o.has('c'):
		if label != "" {
			label += ":"
		}
		fmt.Fprintf(out, "%s%d\n", label, pages.found)
	}
	flush(0)
	if s.o.has('q') && s.matched {
		os.Exit(0) // POSIX: at the first match, whatever else is wrong
	}
	return err
}

// printer prints the matching lines of one file and their surroundings.
type printer struct {
	*searcher
	out    io.Writer
	label  string
	number int64
	found  int64
	held   []string // lines before, for -B
	trail  int64    // lines still to print, for -A
	last   int64    // the last line printed
}

func (p *printer) line(text string) error {
	p.number++
	if p.matches(text) == p.o.has('v') {
		p.surrounding(text)
		return nil
	}
	p.found++
	silent := p.o.has('q') || p.o.has('l') || p.o.has('L')
	if !silent && !p.o.has('c') {
		p.show(text)
	}
	if silent || p.found == p.most {
		return errEnough
	}
	return nil
}

func (p *printer) matches(text string) bool {
	for _, e := range p.expressions {
		if e.MatchString(text) {
			return true
		}
	}
	return false
}

func (p *printer) show(text string) {
	first := p.number - int64(len(p.held))
	if (p.before > 0 || p.after > 0) && p.last > 0 && first > p.last+1 {
		fmt.Fprintln(p.out, "--")
	}
	for i, line := range p.held {
		p.print(line, first+int64(i), '-')
	}
	p.held = nil
	if p.o.has('o') && !p.o.has('v') {
		for _, e := range p.expressions {
			for _, part := range e.FindAllString(text, -1) {
				if part != "" {
					p.print(part, p.number, ':')
				}
			}
		}
	} else {
		p.print(text, p.number, ':')
	}
	p.trail, p.last = p.after, p.number
}

func (p *printer) surrounding(text string) {
	if p.o.has('c') || p.o.has('q') || p.o.has('l') {
		return
	}
	if p.trail > 0 {
		p.trail--
		p.last = p.number
		p.print(text, p.number, '-')
		return
	}
	if p.before > 0 {
		p.held = append(p.held, text)
		if int64(len(p.held)) > p.before {
			p.held = p.held[1:]
		}
	}
}

func (p *printer) print(text string, number int64, sign byte) {
	if p.label != "" {
		fmt.Fprintf(p.out, "%s%c", p.label, sign)
	}
	if p.o.has('n') {
		fmt.Fprintf(p.out, "%d%c", number, sign)
	}
	fmt.Fprintln(p.out, text)
}
