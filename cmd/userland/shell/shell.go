package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"

	"drydock/cmd/userland/terminal"
)

// Usage is sh's line in the list of programs.
const Usage = "[-ceilsux] [SCRIPT [ARG...]]   (POSIX, and much of bash; Ctrl+Z stops nothing)"

// Config is what the shell is started with.
type Config struct {
	Name     string   // what it was called: sh, ash, -sh
	Login    bool     // read /etc/profile first
	Args     []string // without the name
	Programs []string // names that Tab completes besides those on PATH
}

// shell is one running shell. Its interpreter runs on one goroutine, parts of a pipeline on others.
type shell struct {
	// set once in Run
	name        string
	interactive bool
	programs    []string
	runner      *interp.Runner

	jobs      jobTable
	traps     trapTable
	functions functionTable
	history   func() []string
	exitTrap  bool // there is a trap on EXIT
}

// Run is the whole life of a shell; it returns the exit status.
func Run(c Config) int {
	flags, err := parseFlags(c.Args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", c.Name, err)
		return 2
	}
	s := &shell{name: c.Name, programs: c.Programs}
	s.interactive = flags.interactive || !flags.isCommand && len(flags.rest) == 0 && terminal.IsTerminal(os.Stdin)
	if err := s.newRunner(flags); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", c.Name, err)
		return 2
	}
	if os.Getpid() == 1 {
		ignoreAsInit()
		go s.jobs.reapOrphans()
	}
	if c.Login || flags.login {
		if status, exited := s.profile("/etc/profile"); exited {
			return status
		}
	}
	return s.main(flags)
}

func (s *shell) main(f flags) int {
	switch {
	case f.isCommand:
		return s.command(f.command)
	case len(f.rest) > 0:
		file, err := os.Open(f.rest[0])
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: can't open '%s': %s\n", s.name, f.rest[0], reason(err))
			return 2
		}
		defer file.Close()
		s.name = f.rest[0]
		return s.script(file)
	case s.interactive:
		return s.interact()
	default:
		return s.script(bytewise{os.Stdin})
	}
}

// bytewise leaves to the script's own programs what stands behind the line that starts them.
type bytewise struct{ io.Reader }

func (b bytewise) Read(p []byte) (int, error) { return b.Reader.Read(p[:min(len(p), 1)]) }

func (s *shell) newRunner(f flags) (err error) {
	s.runner, err = interp.New(
		interp.StdIO(os.Stdin, os.Stdout, os.Stderr),
		interp.Interactive(s.interactive),
		interp.CallHandler(s.call),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return s.execute }),
		interp.OpenHandler(open),
	)
	if err != nil {
		return err
	}
	zero, params := s.name, append(f.options, "--")
	if len(f.rest) > 0 {
		zero, params = f.rest[0], append(params, f.rest[1:]...)
	}
	s.eval(context.Background(), fmt.Sprintf("%s=%s %s=%d", shellName, quote(zero), shellPID, os.Getpid())) // before -x is on
	return interp.Params(params...)(s.runner)
}

// ignoreAsInit: the kernel does not end a pid 1 by a signal that it has no handler for, but Go's runtime has one for all.
func ignoreAsInit() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM)
}

// command is sh -c. A single program takes the shell's place, as in bash and dash.
func (s *shell) command(text string) int {
	statements, err := s.parse(text)
	if err == nil && len(statements) == 1 {
		if call := s.plainProgram(statements[0]); call != nil {
			call.Args = append([]*syntax.Word{literal(execName)}, call.Args...)
			return s.finish(s.run(context.Background(), statements[0]))
		}
	}
	return s.script(strings.NewReader(text))
}

// newParser is one for each text: a trap is parsed while the script around it still is.
func newParser() *syntax.Parser { return syntax.NewParser(syntax.Variant(syntax.LangBash)) }

// parse reads all of text and rewrites it.
func (s *shell) parse(text string) (statements []*syntax.Stmt, err error) {
	file, err := newParser().Parse(strings.NewReader(text), "")
	if err != nil {
		return nil, err
	}
	for _, statement := range file.Stmts {
		s.rewrite(statement)
	}
	return file.Stmts, nil
}

// script runs statement by statement, so that what stands before a syntax error is done, as in any shell.
func (s *shell) script(text io.Reader) int {
	status := 0
	var held []*syntax.Stmt
	for statement, err := range newParser().StmtsSeq(text) {
		if err == nil {
			if held = append(held, statement); awaitsDocument(statement) {
				continue
			}
		}
		status = s.runAll(held, status)
		held = nil
		if s.runner.Exited() {
			return status
		}
		if err != nil {
			s.syntaxError(err)
			return s.finish(2)
		}
	}
	return s.finish(s.runAll(held, status))
}

func (s *shell) runAll(statements []*syntax.Stmt, status int) int {
	for _, statement := range statements {
		s.rewrite(statement)
		if status = s.run(context.Background(), statement); s.runner.Exited() {
			break
		}
	}
	return status
}

// awaitsDocument: in `cat <<E; next` the parser has the statement before it has read the document below the line.
func awaitsDocument(statement *syntax.Stmt) bool {
	awaits := false
	syntax.Walk(statement, func(node syntax.Node) bool {
		if r, ok := node.(*syntax.Redirect); ok && r.Hdoc == nil && (r.Op == syntax.Hdoc || r.Op == syntax.DashHdoc) {
			awaits = true
		}
		return true
	})
	return awaits
}

// finish runs the EXIT trap if `exit` has not done so.
func (s *shell) finish(status int) int {
	if s.runner.Exited() || !s.exitTrap {
		return status
	}
	exit, err := s.parse(fmt.Sprintf("exit %d", status))
	if err != nil {
		return status
	}
	return s.run(context.Background(), exit[0])
}

func (s *shell) run(ctx context.Context, statement *syntax.Stmt) int {
	status := exitStatus(s.runner.Run(ctx, statement))
	for !s.runner.Exited() && ctx.Err() == nil {
		code, ok := s.traps.next()
		if !ok {
			break
		}
		status = s.eval(ctx, around(code, status))
	}
	return status
}

// around is a trap's code between two settings of $?: it begins and ends with the status before the trap (POSIX, trap).
func around(code string, status int) string {
	return fmt.Sprintf("sh:status %d\n%s\nsh:status %d\n", status, code, status)
}

// eval runs text in the shell itself.
func (s *shell) eval(ctx context.Context, text string) int {
	statements, err := s.parse(text)
	if err != nil {
		s.syntaxError(err)
		return 2
	}
	status := 0
	for _, statement := range statements {
		if status = exitStatus(s.runner.Run(ctx, statement)); s.runner.Exited() {
			break
		}
	}
	return status
}

func (s *shell) profile(path string) (status int, exited bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false // most images have none
	}
	status = s.eval(context.Background(), string(text))
	return status, s.runner.Exited()
}

func (s *shell) syntaxError(err error) {
	var at syntax.ParseError
	if errors.As(err, &at) {
		fmt.Fprintf(os.Stderr, "%s: line %d: syntax error: %s\n", s.name, at.Pos.Line(), at.Text)
		return
	}
	fmt.Fprintf(os.Stderr, "%s: syntax error: %v\n", s.name, err)
}

func exitStatus(err error) int {
	var status interp.ExitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case errors.Is(err, context.Canceled):
		return 130
	default:
		fmt.Fprintf(os.Stderr, "sh: %v\n", err)
		return 1
	}
}
