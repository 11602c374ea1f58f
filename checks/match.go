package checks

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// mismatch is one reason why an object is not what was asked for.
type mismatch struct {
	expected Text
	seen     Text
	look     Text
	status   bool // about the status: may change by itself
}

// match compares a partial object with an object and names each field of want that differs. Maps may hold more than
// asked for. Of a list, each wanted element must be there at any place; elements with a name are compared with the one of
// that name, so that the difference can be told.
func match(path string, want, have any) []mismatch {
	switch w := want.(type) {
	case map[string]any:
		return matchMap(path, w, have)
	case []any:
		return matchList(path, w, have)
	default:
		if sameScalar(want, have) {
			return nil
		}
		return []mismatch{differs(path, want, have)}
	}
}

func matchMap(path string, want map[string]any, have any) []mismatch {
	h, ok := have.(map[string]any)
	if !ok {
		return []mismatch{differs(path, want, have)}
	}
	var out []mismatch
	for _, key := range sortedKeys(want) {
		out = append(out, match(join(path, key), want[key], h[key])...)
	}
	return out
}

func matchList(path string, want []any, have any) []mismatch {
	h, ok := have.([]any)
	if !ok {
		return []mismatch{differs(path, want, have)}
	}
	var out []mismatch
	for _, w := range want {
		out = append(out, matchElement(path, w, h)...)
	}
	return out
}

func matchElement(path string, want any, have []any) []mismatch {
	if name, ok := nameOf(want); ok {
		for _, h := range have {
			if n, ok := nameOf(h); ok && n == name {
				return match(fmt.Sprintf("%s[name=%s]", path, name), want, h)
			}
		}
	}
	for _, h := range have {
		if len(match(path, want, h)) == 0 {
			return nil
		}
	}
	return []mismatch{{
		expected: listHas.with(path, show(want)),
		seen:     listLacks.with(path),
		status:   strings.HasPrefix(path, "status"),
	}}
}

// demands says in words what a partial object asks for, field by field.
func demands(path string, want any) []Text {
	var out []Text
	switch w := want.(type) {
	case map[string]any:
		for _, key := range sortedKeys(w) {
			out = append(out, demands(join(path, key), w[key])...)
		}
	case []any:
		for _, element := range w {
			out = append(out, listHas.with(path, show(element)))
		}
	default:
		out = append(out, fieldIs.with(path, show(want)))
	}
	return out
}

func nameOf(v any) (string, bool) {
	m, ok := v.(map[string]any)
	if !ok {
		return "", false
	}
	name, ok := m["name"].(string)
	return name, ok
}

func differs(path string, want, have any) mismatch {
	m := mismatch{
		expected: fieldIs.with(path, show(want)),
		seen:     fieldIs.with(path, show(have)),
		status:   strings.HasPrefix(path, "status"),
	}
	if have == nil {
		m.seen = fieldUnset.with(path)
	}
	return m
}

// sameScalar compares what YAML gave with what JSON gave: whole numbers may be int, int64 or float64.
func sameScalar(want, have any) bool {
	if want == nil || have == nil {
		return want == have
	}
	w, wok := number(want)
	h, hok := number(have)
	if wok && hok {
		return w == h
	}
	return reflect.DeepEqual(want, have)
}

func number(v any) (float64, bool) {
	r := reflect.ValueOf(v)
	switch {
	case r.CanInt():
		return float64(r.Int()), true
	case r.CanUint():
		return float64(r.Uint()), true
	case r.CanFloat():
		return r.Float(), true
	default:
		return 0, false
	}
}

// show prints a value as a person would write it, and cuts it when it is long.
func show(v any) string {
	const longest = 120
	s, ok := v.(string)
	if !ok {
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		s = string(b)
	}
	if s == "" {
		return `""`
	}
	if r := []rune(s); len(r) > longest {
		return string(r[:longest-1]) + "…"
	}
	return s
}

func join(path, key string) string {
	if strings.ContainsAny(key, "./") {
		key = "[" + key + "]"
		return path + key
	}
	if path == "" {
		return key
	}
	return path + "." + key
}
