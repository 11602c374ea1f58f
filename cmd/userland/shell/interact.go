package shell

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"mvdan.cc/sh/v3/syntax"

	"drydock/cmd/userland/lineedit"
	"drydock/cmd/userland/terminal"
)

// interact reads lines with editing and history, when standard input is a terminal, and runs what is complete.
func (s *shell) interact() int {
	// Ctrl+C is for the program in the foreground; the shell itself only gives up the line. It also outlives SIGTERM.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGTSTP)
	read := s.reader()
	var pending bytes.Buffer
	status := 0
	for {
		s.tellEnded()
		line, err := read(s.prompt(pending.Len() > 0))
		if errors.Is(err, lineedit.ErrInterrupted) {
			pending.Reset()
			status = s.eval(context.Background(), "(exit 130)")
			continue
		}
		if err != nil { // end of file
			return s.finish(status)
		}
		pending.WriteString(line + "\n")
		statements, incomplete, err := parseAll(pending.Bytes())
		if incomplete {
			continue
		}
		pending.Reset()
		if err != nil {
			s.syntaxError(err)
			status = s.eval(context.Background(), "(exit 2)")
			continue
		}
		for _, statement := range statements {
			s.rewrite(statement)
			var interrupted bool
			status, interrupted = s.runInterruptible(statement, interrupts)
			if interrupted {
				break
			}
			if s.runner.Exited() {
				return status
			}
		}
	}
}

// reader is where lines come from: the line editor, or plain standard input.
func (s *shell) reader() func(prompt string) (string, error) {
	if terminal.IsTerminal(os.Stdin) {
		e := &lineedit.Editor{In: os.Stdin, Out: os.Stdout, Complete: s.complete}
		s.history = e.History
		return e.ReadLine
	}
	lines := bufio.NewReaderSize(bytewise{os.Stdin}, 16)
	return func(prompt string) (string, error) {
		fmt.Fprint(os.Stderr, prompt)
		line, err := lines.ReadString('\n')
		if line != "" {
			err = nil
		}
		return strings.TrimSuffix(line, "\n"), err
	}
}

func (s *shell) tellEnded() {
	for _, line := range s.jobs.report(false) {
		fmt.Fprintln(os.Stderr, line)
	}
}

// parseAll reports whether text is a whole number of statements, and which.
func parseAll(text []byte) (statements []*syntax.Stmt, incomplete bool, err error) {
	for st, failed := range newParser().StmtsSeq(bytes.NewReader(text)) {
		if err = failed; err != nil {
			break
		}
		statements = append(statements, st)
	}
	if err != nil && syntax.IsIncomplete(err) || bytes.HasSuffix(text, []byte("\\\n")) {
		return nil, true, nil
	}
	return statements, false, err
}

// runInterruptible runs one statement; an interrupt ends loops of the interpreter itself.
func (s *shell) runInterruptible(statement *syntax.Stmt, interrupts <-chan os.Signal) (status int, interrupted bool) {
	select {
	case <-interrupts: // an old one, from between two lines
	default:
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-interrupts:
			cancel()
		case <-ctx.Done():
		}
	}()
	status = s.run(ctx, statement)
	if ctx.Err() != nil { // the interpreter calls this an exit, too
		fmt.Fprintln(os.Stderr)
		return s.eval(context.Background(), "(exit 130)"), true
	}
	return status, false
}

func (s *shell) variable(name string) string {
	if v, ok := s.runner.Vars[name]; ok {
		return v.String()
	}
	return os.Getenv(name)
}

// prompt is PS1 or PS2, with bash's common escapes; without them the pod's name and the directory.
func (s *shell) prompt(continued bool) string {
	if continued {
		if ps2 := s.variable("PS2"); ps2 != "" {
			return ps2
		}
		return "> "
	}
	format := s.variable("PS1")
	if format == "" {
		format = `\h:\w \$ `
	}
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	sign := "$"
	if os.Geteuid() == 0 {
		sign = "#"
	}
	dir := s.runner.Dir
	if home := s.variable("HOME"); home != "" && home != "/" && (dir == home || strings.HasPrefix(dir, home+"/")) {
		dir = "~" + dir[len(home):]
	}
	return strings.NewReplacer(`\h`, host, `\H`, host, `\w`, dir, `\W`, dir[strings.LastIndexByte(dir, '/')+1:],
		`\$`, sign, `\u`, s.variable("USER"), `\[`, "", `\]`, "", `\n`, "\r\n", `\e`, "\x1b").Replace(format)
}
