package pack

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"

	yaml "sigs.k8s.io/yaml/goyaml.v3"

	"drydock/checks"
)

// The decoders of the format's own types: those that may be written in more than one way.

// failTexts is a goal's `fail`: one message, or messages by cause. "*" is every other cause.
type failTexts map[string]checks.Text

// text is a string, which is English, or a map of languages.
func (d *decoder) text(n *yaml.Node, v reflect.Value) {
	switch n.Kind {
	case yaml.ScalarNode:
		var s string
		d.scalar(n, reflect.ValueOf(&s).Elem())
		v.Set(reflect.ValueOf(checks.English(s)))
	case yaml.MappingNode:
		out := checks.Text{}
		d.pairs(n, func(key, value *yaml.Node) {
			if !isLanguage(key.Value) {
				d.report(key, "%q is not a language; use two letters such as en or ko", key.Value)
				return
			}
			var s string
			d.into(value, reflect.ValueOf(&s).Elem())
			out[key.Value] = s
		})
		v.Set(reflect.ValueOf(out))
	default:
		d.report(n, "expected text, or a text per language, found %s", describe(n))
	}
}

func isLanguage(s string) bool {
	return len(s) == 2 && s[0] >= 'a' && s[0] <= 'z' && s[1] >= 'a' && s[1] <= 'z'
}

func (d *decoder) duration(n *yaml.Node, v reflect.Value) {
	t, err := time.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || t < 0 {
		d.report(n, "expected a duration such as 5s or 1m30s, found %s", describe(n))
		return
	}
	v.SetInt(int64(t))
}

// condition is an expression, or a map with one.
func (d *decoder) condition(n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.ScalarNode {
		d.into(n, v.FieldByName("CEL"))
		return
	}
	d.structure(n, v)
}

// count is a number, or a map of min and max.
func (d *decoder) count(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		d.structure(n, v)
		return
	}
	exact, err := strconv.Atoi(n.Value)
	if err != nil || exact < 0 {
		d.report(n, "expected a number of objects, or min and max, found %s", describe(n))
		return
	}
	v.Set(reflect.ValueOf(checks.Count{Min: &exact, Max: &exact}))
}

// isText reports whether a node can only be a text: a string, or a map whose keys are languages. A language has two
// letters; no key of the format and no cause of a failure has.
func isText(n *yaml.Node) bool {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if isLanguage(n.Content[i].Value) {
			return true
		}
	}
	return n.Kind == yaml.ScalarNode
}

// hint is a text, or a map with one.
func (d *decoder) hint(n *yaml.Node, v reflect.Value) {
	if isText(n) {
		d.text(n, v.FieldByName("Text"))
		return
	}
	d.structure(n, v)
}

// fail is one text, or texts by cause.
func (d *decoder) fail(n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.MappingNode && !isText(n) {
		d.mapping(n, v)
		return
	}
	var t checks.Text
	d.text(n, reflect.ValueOf(&t).Elem())
	v.Set(reflect.ValueOf(failTexts{"*": t}))
}

// noKey stands where a key is still to be made. No answer fits it.
var noKey = "hmac-sha256:0:" + strings.Repeat("0", 64)

// check decodes a check and, when it is not inside another one, compiles it to see that it can be asked.
func (d *decoder) check(n *yaml.Node, v reflect.Value) {
	before := len(*d.problems)
	d.inCheck++
	d.structure(n, v)
	d.inCheck--
	if d.inCheck > 0 || len(*d.problems) > before {
		return
	}
	spec, ok := v.Interface().(checks.Spec)
	if !ok {
		return
	}
	if q := spec.Answer; d.unsealed && q != nil && q.Key == "" {
		q.Key = noKey
	}
	if _, err := checks.Compile(spec); err != nil {
		at := n
		var field *checks.FieldError
		if errors.As(err, &field) {
			at = find(n, field.Path)
		}
		d.report(at, "%s", err)
	}
}

// find walks down a path of keys and indices as far as it leads.
func find(n *yaml.Node, path []string) *yaml.Node {
	for _, step := range path {
		next := (*yaml.Node)(nil)
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == step {
					next = n.Content[i+1]
				}
			}
		case yaml.SequenceNode:
			if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Content) {
				next = n.Content[i]
			}
		}
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

// notYet are the keys of the format that this version does not run. They are refused, because a check that is silently
// left out would pass.
var notYet = map[reflect.Type]map[string]string{
	reflect.TypeFor[Step](): {"start": "start a step from a snapshot yet (steps.start)"},
}

// nearest is the accepted word that is at most two slips of the hand away.
func nearest(word string, accepted []string) string {
	best, distance := "", 3
	for _, a := range accepted {
		if dist := slips(word, a); dist < distance && dist < len(a) {
			best, distance = a, dist
		}
	}
	return best
}

// slips is the Levenshtein distance of two words.
func slips(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
