package checks

import (
	"errors"
	"maps"
	"slices"
)

// Compile turns a Spec into a Check. The error names the field that is wrong, as a *FieldError.
func Compile(s Spec) (Check, error) { return nil, errors.New("not yet") }

// FieldError is a mistake in a Spec.
type FieldError struct {
	Path []string // from the Spec down: "all", "0", "object", "that", "1"
	Err  error
}

func (e *FieldError) Error() string { return e.Err.Error() }

// Unwrap returns the mistake itself.
func (e *FieldError) Unwrap() error { return e.Err }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
