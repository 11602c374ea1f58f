package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/term"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

var _ = register("sh", "[-ceimsx] [SCRIPT [ARG...]]   (no job control)", shell) &&
	register("ash", applets["sh"].usage, shell) && register("bash", applets["sh"].usage, shell)

// shellFlags is what stands before the script on the shell's command line.
type shellFlags struct {
	command     string // of -c
	isCommand   bool
	interactive bool
	options     []string // of interp.Params: -e, -x …
	rest        []string // script and arguments
}

func parseShellFlags(args []string) (shellFlags, error) {
	var f shellFlags
	for len(args) > 0 && len(args[0]) > 1 && (args[0][0] == '-' || args[0][0] == '+') {
		word := args[0]
		args = args[1:]
		if word == "--" {
			break
		}
		if strings.HasPrefix(word, "--") {
			return f, fmt.Errorf("%s: unknown option", word)
		}
		for _, letter := range word[1:] {
			switch letter {
			case 'c':
				f.isCommand = true
			case 'i':
				f.interactive = true
			case 'l', 's', 'm':
			default:
				f.options = append(f.options, word[:1]+string(letter))
			}
		}
	}
	if f.isCommand {
		if len(args) == 0 {
			return f, errors.New("-c requires an argument")
		}
		f.command, args = args[0], args[1:]
	}
	f.rest = args
	return f, nil
}

func shell(p *process) int {
	flags, err := parseShellFlags(p.args)
	if err != nil {
		fmt.Fprintf(p.stderr, "%s: %v\n", p.name, err)
		return 2
	}
	runner, err := newRunner(p, flags)
	if err != nil {
		return p.fail(err)
	}
	if os.Getpid() == 1 {
		go reapOrphans()
	}
	switch {
	case flags.isCommand:
		return runScript(p, runner, strings.NewReader(flags.command), p.name)
	case len(flags.rest) > 0:
		file, err := os.Open(flags.rest[0])
		if err != nil {
			fmt.Fprintf(p.stderr, "%s: can't open '%s': %v\n", p.name, flags.rest[0], errors.Unwrap(err))
			return 2
		}
		defer file.Close()
		return runScript(p, runner, file, flags.rest[0])
	case flags.interactive || term.IsTerminal(0):
		return interact(p, runner)
	default:
		return runScript(p, runner, p.stdin, p.name)
	}
}

func newRunner(p *process, f shellFlags) (*interp.Runner, error) {
	params := append([]string{}, f.options...)
	params = append(params, "--")
	switch {
	case f.isCommand && len(f.rest) > 0:
		params = append(params, f.rest[1:]...) // $0 comes first
	case !f.isCommand && len(f.rest) > 0:
		params = append(params, f.rest[1:]...)
	}
	return interp.New(
		interp.StdIO(p.stdin, p.stdout, p.stderr),
		interp.Params(params...),
		interp.Interactive(f.interactive),
		interp.CallHandler(ownCommands),
		interp.ExecHandlers(execute),
	)
}

// ownCommands sends words that the interpreter claims, but cannot do, to the programs that can.
func ownCommands(_ context.Context, args []string) ([]string, error) {
	switch args[0] {
	case "kill", "ulimit":
		return append([]string{"/bin/" + args[0]}, args[1:]...), nil
	}
	return args, nil
}

// runScript runs statement by statement, so that what stands before a syntax error is done, as in any shell.
func runScript(p *process, runner *interp.Runner, script io.Reader, name string) int {
	parser := syntax.NewParser(syntax.Variant(syntax.LangBash))
	status := 0
	ctx := context.Background()
	err := parser.Stmts(script, func(statement *syntax.Stmt) bool {
		status = exitStatus(runner.Run(ctx, statement))
		return !runner.Exited()
	})
	if err != nil {
		fmt.Fprintf(p.stderr, "%s: %v\n", name, err)
		return 2
	}
	return status
}

func exitStatus(err error) int {
	var status interp.ExitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	default:
		return 1
	}
}

// interact reads lines with editing and history, when standard input is a terminal, and runs what is complete.
func interact(p *process, runner *interp.Runner) int {
	// Ctrl+C is for the program in the foreground; the shell itself only gives up the line.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGQUIT)
	defer signal.Stop(interrupts)
	editor := newEditor(p)
	parser := syntax.NewParser(syntax.Variant(syntax.LangBash))
	var pending bytes.Buffer
	status := 0
	for {
		line, err := editor.read(prompt(runner, pending.Len() > 0))
		if errors.Is(err, errInterrupted) {
			pending.Reset()
			continue
		}
		if err != nil { // end of file
			fmt.Fprintln(p.stdout)
			return status
		}
		pending.WriteString(line + "\n")
		statements, incomplete, err := parseAll(parser, pending.Bytes())
		if incomplete {
			continue
		}
		pending.Reset()
		if err != nil {
			fmt.Fprintf(p.stderr, "%s: %v\n", p.name, err)
			status = 2
			continue
		}
		for _, statement := range statements {
			status = runInterruptible(runner, statement, interrupts)
			if runner.Exited() {
				return status
			}
		}
	}
}

// parseAll reports whether text is a whole number of statements, and which.
func parseAll(parser *syntax.Parser, text []byte) (statements []*syntax.Stmt, incomplete bool, err error) {
	err = parser.Stmts(bytes.NewReader(text), func(s *syntax.Stmt) bool {
		statements = append(statements, s)
		return true
	})
	if err != nil && syntax.IsIncomplete(err) || bytes.HasSuffix(text, []byte("\\\n")) {
		return nil, true, nil
	}
	return statements, false, err
}

// runInterruptible runs one statement; an interrupt ends loops of the interpreter itself.
func runInterruptible(runner *interp.Runner, statement *syntax.Stmt, interrupts <-chan os.Signal) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-interrupts:
			cancel()
		case <-ctx.Done():
		}
	}()
	status := exitStatus(runner.Run(ctx, statement))
	if ctx.Err() != nil && !runner.Exited() {
		return 130
	}
	return status
}

func prompt(runner *interp.Runner, continued bool) string {
	if continued {
		return "> "
	}
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	dir := runner.Dir
	if home := os.Getenv("HOME"); home != "" && home != "/" && (dir == home || strings.HasPrefix(dir, home+"/")) {
		dir = "~" + dir[len(home):]
	}
	sign := "$"
	if os.Geteuid() == 0 {
		sign = "#"
	}
	return host + ":" + dir + " " + sign + " "
}
