package checks

import (
	"errors"
	"maps"
	"slices"
)

// Compile turns a Spec into a Check. The error names the field that is wrong, as a *FieldError.
func Compile(s Spec) (Check, error) {
	if given(s.Object != nil, s.Probe != nil, s.Answer != nil, s.Event != nil, s.Actor != nil, s.History != nil,
		s.Command != nil, s.Node != nil, s.Container != nil, s.Script != nil, s.All != nil, s.Any != nil, s.Not != nil) != 1 {
		return nil, &FieldError{Err: errors.New(
			"a check is exactly one of object, probe, answer, event, actor, history, command, node, container, script, all, any, not")}
	}
	c, err := compileAny(s)
	if err != nil {
		return nil, err
	}
	return teaching(s, c), nil
}

func compileAny(s Spec) (Check, error) {
	switch {
	case s.All != nil:
		return compileParts("all", s.All)
	case s.Any != nil:
		return compileParts("any", s.Any)
	case s.Not != nil:
		return below("not", func() (Check, error) { return compileNot(*s.Not) })
	default:
		return compileOne(s)
	}
}

// given counts what is set.
func given(is ...bool) int {
	n := 0
	for _, set := range is {
		if set {
			n++
		}
	}
	return n
}

// compileOne compiles a check that is no composition.
func compileOne(s Spec) (Check, error) {
	switch {
	case s.Object != nil:
		return below("object", func() (Check, error) { return compileObject(*s.Object) })
	case s.Probe != nil:
		return below("probe", func() (Check, error) { return compileProbe(*s.Probe) })
	case s.Answer != nil:
		return below("answer", func() (Check, error) { return compileAnswer(*s.Answer) })
	case s.Event != nil:
		return below("event", func() (Check, error) { return compileEvent(*s.Event) })
	case s.Actor != nil:
		return below("actor", func() (Check, error) { return compileActor(*s.Actor) })
	case s.History != nil:
		return below("history", func() (Check, error) { return compileHistory(*s.History) })
	case s.Command != nil:
		return below("command", func() (Check, error) { return compileCommand(*s.Command) })
	case s.Node != nil:
		return below("node", func() (Check, error) { return compileNode(*s.Node) })
	case s.Container != nil:
		return below("container", func() (Check, error) { return compileContainer(*s.Container) })
	default:
		return below("script", func() (Check, error) { return compileScript(*s.Script) })
	}
}

// FieldError is a mistake in a Spec.
type FieldError struct {
	Path []string // from the Spec down: "all", "0", "object", "that", "1"
	Err  error
}

func (e *FieldError) Error() string { return e.Err.Error() }

// Unwrap returns the mistake itself.
func (e *FieldError) Unwrap() error { return e.Err }

// at says that a field is wrong.
func at(err error, path ...string) error { return &FieldError{Path: path, Err: err} }

// below runs a compiler of a part of a Spec and puts the part's name before the path of its error.
func below(name string, compile func() (Check, error)) (Check, error) {
	c, err := compile()
	if err == nil {
		return c, nil
	}
	var field *FieldError
	if errors.As(err, &field) {
		return nil, &FieldError{Path: append([]string{name}, field.Path...), Err: field.Err}
	}
	return nil, at(err, name)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
