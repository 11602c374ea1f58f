package checks

import (
	"errors"
	"maps"
	"slices"
)

// Compile turns a Spec into a Check. The error names the field that is wrong, as a *FieldError.
func Compile(s Spec) (Check, error) {
	set := 0
	for _, is := range []bool{s.Object != nil, s.Probe != nil, s.Answer != nil, s.All != nil, s.Any != nil, s.Not != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		return nil, &FieldError{Err: errors.New("a check is exactly one of object, probe, answer, all, any, not")}
	}
	switch {
	case s.Object != nil:
		return below("object", func() (Check, error) { return compileObject(*s.Object) })
	case s.Probe != nil:
		return below("probe", func() (Check, error) { return compileProbe(*s.Probe) })
	case s.Answer != nil:
		return below("answer", func() (Check, error) { return compileAnswer(*s.Answer) })
	case s.All != nil:
		return compileParts("all", s.All)
	case s.Any != nil:
		return compileParts("any", s.Any)
	default:
		return below("not", func() (Check, error) { return compileNot(*s.Not) })
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
