package shell

import (
	"bytes"
	"cmp"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// Names under which the rewritten tree calls back into the shell. No program is called so.
const (
	backgroundName = "sh:background"
	execName       = "sh:exec"
	lastPID        = "_last_background_pid"
	shellName      = "_shell_name"
	shellPID       = "_shell_pid" // of the main shell, also in its subshells
)

// renamed are the parameters that the interpreter knows otherwise.
var renamed = map[string]string{"!": lastPID, "0": shellName, "$": shellPID}

// functionTable keeps the text of each function, for processes that are started in the background.
type functionTable struct {
	mu sync.Mutex
	// guarded by mu
	text map[string]string
}

func (t *functionTable) set(name, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text == nil {
		t.text = map[string]string{}
	}
	t.text[name] = text
}

func (t *functionTable) has(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.text[name]
	return ok
}

// rewrite turns what the interpreter cannot do into calls of this package, in place.
func (s *shell) rewrite(statement *syntax.Stmt) {
	inside := 0 // subshells, functions and parts of a pipeline around the node: exec must not end the shell there
	var open []bool
	syntax.Walk(statement, func(node syntax.Node) bool {
		if node == nil {
			if open[len(open)-1] {
				inside--
			}
			open = open[:len(open)-1]
			return true
		}
		apart := false
		switch n := node.(type) {
		case *syntax.Subshell, *syntax.CmdSubst, *syntax.ProcSubst, *syntax.FuncDecl:
			apart = true
		case *syntax.BinaryCmd:
			apart = n.Op == syntax.Pipe || n.Op == syntax.PipeAll
		case *syntax.ParamExp:
			if n.Param != nil && !n.Excl {
				n.Param.Value = cmp.Or(renamed[n.Param.Value], n.Param.Value)
			}
		case *syntax.Stmt:
			if n.Background {
				s.background(n)
			}
			if call, ok := n.Cmd.(*syntax.CallExpr); ok && inside == 0 && len(call.Args) > 1 && call.Args[0].Lit() == "exec" && !fedByShell(n) {
				call.Args[0] = literal(execName)
			}
		}
		if apart {
			inside++
		}
		open = append(open, apart)
		return true
	})
	syntax.Walk(statement, func(node syntax.Node) bool {
		if f, ok := node.(*syntax.FuncDecl); ok && f.Name != nil {
			s.functions.set(f.Name.Value, source(f))
		}
		return true
	})
}

// background makes `body &` into `sh:background 'body' "$0" "$@"`.
func (s *shell) background(statement *syntax.Stmt) {
	body := *statement
	body.Background = false
	body.Comments = nil
	text := source(&body)
	if s.plainProgram(&body) != nil {
		text = "exec " + text
	}
	statement.Background, statement.Negated, statement.Redirs = false, false, nil
	call, err := newParser().Parse(strings.NewReader(backgroundName+" "+quote(text)+` "$0" "$@"`), "")
	if err != nil {
		return // our own text parses
	}
	statement.Cmd = call.Stmts[0].Cmd
}

// plainProgram is the call in a statement that is nothing but one program; nil otherwise.
func (s *shell) plainProgram(statement *syntax.Stmt) *syntax.CallExpr {
	call, ok := statement.Cmd.(*syntax.CallExpr)
	if !ok || statement.Negated || statement.Background || len(call.Args) == 0 || len(call.Assigns) > 0 {
		return nil
	}
	name := call.Args[0].Lit()
	if name == "" || interp.IsBuiltin(name) || s.functions.has(name) || strings.HasPrefix(name, "sh:") || fedByShell(statement) {
		return nil
	}
	return call
}

// fedByShell tells whether the program reads what this process writes while it runs, a here-document or <(…): then the shell
// must stay.
func fedByShell(statement *syntax.Stmt) bool {
	fed := false
	syntax.Walk(statement, func(node syntax.Node) bool {
		switch n := node.(type) {
		case *syntax.Redirect:
			fed = fed || n.Op == syntax.Hdoc || n.Op == syntax.DashHdoc || n.Op == syntax.WordHdoc
		case *syntax.ProcSubst:
			fed = true
		}
		return true
	})
	return fed
}

func source(node syntax.Node) string {
	var out bytes.Buffer
	if err := syntax.NewPrinter().Print(&out, node); err != nil {
		return "" // a buffer takes everything
	}
	return out.String()
}

func literal(text string) *syntax.Word {
	return &syntax.Word{Parts: []syntax.WordPart{&syntax.Lit{Value: text}}}
}

// quote makes text one word of the language.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// inheritance is the text that gives a new shell this one's functions and unexported variables.
func (s *shell) inheritance(env expand.Environ) string {
	var out strings.Builder
	for name, v := range env.Each {
		if v.Exported || v.ReadOnly || v.Kind != expand.String || name == shellName || !syntax.ValidName(name) {
			continue
		}
		out.WriteString(name + "=" + quote(v.Str) + "\n")
	}
	s.functions.mu.Lock()
	defer s.functions.mu.Unlock()
	for _, text := range s.functions.text {
		out.WriteString(text + "\n")
	}
	return out.String()
}
