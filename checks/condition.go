package checks

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"
)

// costLimit bounds what one condition may cost on one object, in CEL's own units: a field access is about one.
// A check over a thousand objects then takes milliseconds at most.
const costLimit = 100_000

// environment is made once: it takes milliseconds, and most lessons use it.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.Variable("object", cel.DynType),
		cel.Variable("objects", cel.ListType(cel.DynType)),
		cel.EnableMacroCallTracking(), // so that a term with a macro can be printed
		cel.OptionalTypes(), ext.Strings(), ext.Lists(), ext.Sets(),
	)
})

// condition is a compiled Condition: its parts joined by && are kept apart, so that the one that fails can be told.
type condition struct {
	source Condition
	terms  []term
}

// term is one part of a condition. left is set when the term compares something with something: then what was seen is
// the value of left.
type term struct {
	text   string
	whole  cel.Program
	left   cel.Program
	path   string // left, as a person would write it
	op     string
	right  string
	status bool // speaks about the status
}

func compileCondition(c Condition) (*condition, error) {
	if strings.TrimSpace(c.CEL) == "" {
		return nil, errors.New("a condition needs an expression")
	}
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("prepare CEL: %w", err)
	}
	checked, iss := env.Compile(c.CEL)
	if iss.Err() != nil {
		return nil, celError(c.CEL, iss)
	}
	if t := checked.OutputType(); !t.IsExactType(cel.BoolType) && !t.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("the condition %q gives %s; it must give true or false", c.CEL, t)
	}
	out := &condition{source: c}
	for _, e := range conjuncts(checked.NativeRep().Expr()) {
		t, err := compileTerm(env, e, checked.NativeRep().SourceInfo())
		if err != nil {
			return nil, fmt.Errorf("compile condition %q: %w", c.CEL, err)
		}
		out.terms = append(out.terms, t)
	}
	return out, nil
}

// celError keeps the first complaint, on one line.
func celError(text string, iss *cel.Issues) error {
	e := iss.Errors()[0]
	hint := ""
	if single.MatchString(text) {
		hint = "; two things are compared with =="
	}
	return fmt.Errorf("condition, column %d: %s%s", e.Location.Column()+1, strings.TrimSpace(e.Message), hint)
}

// single is an equals sign that stands alone, which CEL has no use for.
var single = regexp.MustCompile(`[^=!<>]=[^=]`)

func conjuncts(e ast.Expr) []ast.Expr {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.LogicalAnd {
		var out []ast.Expr
		for _, arg := range e.AsCall().Args() {
			out = append(out, conjuncts(arg)...)
		}
		return out
	}
	return []ast.Expr{e}
}

func compileTerm(env *cel.Env, e ast.Expr, info *ast.SourceInfo) (term, error) {
	text, err := cel.ExprToString(e, info)
	if err != nil {
		return term{}, err
	}
	t := term{text: text, status: strings.Contains(text, "object.status") || strings.Contains(text, "object.?status")}
	if t.whole, err = program(env, text); err != nil {
		return term{}, err
	}
	if op, ok := comparison(e); ok {
		t.op = op
		args := e.AsCall().Args()
		left, err := cel.ExprToString(args[0], info)
		if err != nil {
			return term{}, err
		}
		if t.right, err = cel.ExprToString(args[1], info); err != nil {
			return term{}, err
		}
		t.path = readable(left)
		t.right = strings.Trim(readable(t.right), `"`)
		if t.left, err = program(env, left); err != nil {
			return term{}, err
		}
	}
	return t, nil
}

func comparison(e ast.Expr) (string, bool) {
	if e.Kind() != ast.CallKind {
		return "", false
	}
	op, ok := map[string]string{
		operators.Equals: "==", operators.NotEquals: "!=", operators.Less: "<", operators.LessEquals: "<=",
		operators.Greater: ">", operators.GreaterEquals: ">=",
	}[e.AsCall().FunctionName()]
	return op, ok && e.AsCall().Args()[0].Kind() != ast.LiteralKind
}

// readable is an expression without what only CEL needs: the leading "object.", optional field marks and defaults.
func readable(expr string) string {
	expr = strings.ReplaceAll(expr, ".?", ".")
	if i := strings.Index(expr, ".orValue("); i >= 0 && strings.HasSuffix(expr, ")") {
		expr = expr[:i]
	}
	expr = strings.ReplaceAll(expr, "object.", "")
	return expr
}

func program(env *cel.Env, text string) (cel.Program, error) {
	checked, iss := env.Compile(text)
	if iss.Err() != nil {
		return nil, celError(text, iss)
	}
	return env.Program(checked, cel.CostLimit(costLimit), cel.InterruptCheckFrequency(1000))
}

// errCostly says that a condition was given up because it costs too much.
var errCostly = errors.New("too costly")

// ask evaluates the condition; nil when it holds. A field that is not there makes a term false, not an error: objects
// leave out what is empty.
func (c *condition) ask(ctx context.Context, vars map[string]any) (*mismatch, error) {
	for _, t := range c.terms {
		ok, err := t.holds(ctx, vars)
		if err != nil {
			return nil, err
		}
		if !ok {
			m := t.explain(ctx, vars)
			if !c.source.Say.Empty() {
				m.expected = c.source.Say
			}
			m.look = c.source.Look
			return &m, nil
		}
	}
	return nil, nil
}

func (t term) holds(ctx context.Context, vars map[string]any) (bool, error) {
	v, _, err := t.whole.ContextEval(ctx, vars)
	if err != nil {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if strings.Contains(err.Error(), "cost limit exceeded") {
			return false, fmt.Errorf("condition %s: %w", t.text, errCostly)
		}
		return false, nil
	}
	return truth(v), nil
}

func truth(v ref.Val) bool {
	b, ok := v.Value().(bool)
	return ok && b
}

// explain says what the term expects and what there is instead.
func (t term) explain(ctx context.Context, vars map[string]any) mismatch {
	m := mismatch{expected: condHolds.with(t.text), status: t.status}
	if t.left == nil {
		return m
	}
	switch t.op {
	case "==":
		m.expected = fieldIs.with(t.path, t.right)
	case "!=":
		m.expected = fieldIsNot.with(t.path, t.right)
	default:
		m.expected = fieldOp.with(t.path, t.right, t.op)
	}
	v, _, err := t.left.ContextEval(ctx, vars)
	if err != nil {
		m.seen = fieldUnset.with(t.path)
		return m
	}
	m.seen = fieldIs.with(t.path, show(v.Value()))
	return m
}
