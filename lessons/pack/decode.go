package pack

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	yaml "sigs.k8s.io/yaml/goyaml.v3"

	"drydock/checks"
)

// decoder fills Go values from YAML nodes strictly and collects every mistake with its place. It exists because the YAML
// library stops at the first unknown key, and knows its line but not what would have been right.
type decoder struct {
	file     string
	problems *Problems
	drawn    map[*yaml.Node]bool // scalars that a parameter was put into: their text may look like a number
	inCheck  int                 // depth of nested checks: only the outermost is compiled
	unsealed bool                // a question may lack its key
}

func (d *decoder) report(n *yaml.Node, format string, args ...any) {
	*d.problems = append(*d.problems, Problem{d.file, n.Line, n.Column, fmt.Sprintf(format, args...)})
}

// parse reads a document of one mapping.
func (d *decoder) parse(data []byte) *yaml.Node {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		line, message := yamlError(err)
		if odd, column := oddIndent(string(data)); odd > 0 && strings.Contains(message, "did not find expected") {
			*d.problems = append(*d.problems, Problem{
				d.file, odd, column, "not valid YAML: this line begins in a column in which nothing above it begins; indent it as its neighbours",
			})
			return nil
		}
		*d.problems = append(*d.problems, Problem{d.file, line, 1, message})
		return nil
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		*d.problems = append(*d.problems, Problem{d.file, 1, 1, "expected a mapping of keys to values"})
		return nil
	}
	return doc.Content[0]
}

// yamlError takes the line out of the library's message: "yaml: line 3: did not find …".
func yamlError(err error) (int, string) {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	var line int
	if n, _ := fmt.Sscanf(message, "line %d:", &line); n == 1 {
		_, message, _ = strings.Cut(message, ": ")
		if strings.HasPrefix(message, "did not find expected") {
			line++ // the library counts the lines of its parser's errors from 0, those of its scanner's from 1
		}
	}
	return max(line, 1), "not valid YAML: " + message
}

var (
	textType      = reflect.TypeFor[checks.Text]()
	durationType  = reflect.TypeFor[time.Duration]()
	specType      = reflect.TypeFor[checks.Spec]()
	conditionType = reflect.TypeFor[checks.Condition]()
	countType     = reflect.TypeFor[checks.Count]()
	hintType      = reflect.TypeFor[Hint]()
	failType      = reflect.TypeFor[failTexts]()
	anyMapType    = reflect.TypeFor[map[string]any]()
)

// into decodes a node into a value.
func (d *decoder) into(n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.report(n, "anchors and aliases are not part of the format; write the value out")
		return
	}
	switch v.Type() {
	case textType:
		d.text(n, v)
	case durationType:
		d.duration(n, v)
	case specType:
		d.check(n, v)
	case conditionType:
		d.condition(n, v)
	case countType:
		d.count(n, v)
	case hintType:
		d.hint(n, v)
	case failType:
		d.fail(n, v)
	case anyMapType:
		if d.isMapping(n) {
			if m, ok := d.free(n).(map[string]any); ok {
				v.Set(reflect.ValueOf(m))
			}
		}
	default:
		d.byKind(n, v)
	}
}

func (d *decoder) byKind(n *yaml.Node, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		d.into(n, fresh.Elem())
		v.Set(fresh)
	case reflect.Struct:
		d.structure(n, v)
	case reflect.Slice:
		d.slice(n, v)
	case reflect.Map:
		d.mapping(n, v)
	default:
		d.scalar(n, v)
	}
}

func (d *decoder) isMapping(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode {
		d.report(n, "expected keys and values, found %s", describe(n))
		return false
	}
	return true
}

// pairs calls f for each key and value of a mapping, and reports keys that come twice.
func (d *decoder) pairs(n *yaml.Node, f func(key, value *yaml.Node)) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
			d.report(key, "expected a plain key")
		case seen[key.Value]:
			d.report(key, "key %q is there twice", key.Value)
		default:
			seen[key.Value] = true
			f(key, value)
		}
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value) {
	if !d.isMapping(n) {
		return
	}
	fields, names := map[string]int{}, []string{}
	for i := range v.NumField() {
		if tag := v.Type().Field(i).Tag.Get("yaml"); tag != "" {
			fields[tag] = i
			names = append(names, tag)
		}
	}
	d.pairs(n, func(key, value *yaml.Node) {
		if i, ok := fields[key.Value]; ok {
			d.into(value, v.Field(i))
		} else if what, ok := notYet[v.Type()][key.Value]; ok {
			d.report(key, "this version of drydock cannot %s", what)
		} else {
			d.unknown(key, names)
		}
	})
}

// unknown reports a key that is not part of the format.
func (d *decoder) unknown(key *yaml.Node, accepted []string) {
	slices.Sort(accepted)
	message := fmt.Sprintf("unknown key %q", key.Value)
	if near := nearest(key.Value, accepted); near != "" {
		message += fmt.Sprintf("; did you mean %q?", near)
	}
	d.report(key, "%s (accepted: %s)", message, strings.Join(accepted, ", "))
}

func (d *decoder) slice(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.report(n, "expected a list, found %s", describe(n))
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		d.into(item, out.Index(i))
	}
	v.Set(out)
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value) {
	if !d.isMapping(n) {
		return
	}
	out := reflect.MakeMap(v.Type())
	d.pairs(n, func(key, value *yaml.Node) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.into(value, item)
		out.SetMapIndex(reflect.ValueOf(key.Value), item)
	})
	v.Set(out)
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		d.report(n, "expected %s, found %s", wanted(v.Kind()), describe(n))
		return
	}
	switch v.Kind() {
	case reflect.String:
		if tag := n.ShortTag(); tag != "!!str" && !d.drawn[n] {
			d.report(n, "expected text, found %s; put it in quotes", describe(n))
			return
		}
		v.SetString(n.Value)
		return
	case reflect.Bool:
		if b, err := strconv.ParseBool(n.Value); err == nil && n.ShortTag() == "!!bool" {
			v.SetBool(b)
			return
		}
	case reflect.Int:
		if i, err := strconv.ParseInt(n.Value, 0, 32); err == nil && n.ShortTag() == "!!int" {
			v.SetInt(i)
			return
		}
	case reflect.Float64:
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil && n.ShortTag() != "!!str" {
			v.SetFloat(f)
			return
		}
	}
	d.report(n, "expected %s, found %s", wanted(v.Kind()), describe(n))
}

func wanted(k reflect.Kind) string {
	switch k {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	default:
		return "text"
	}
}

// describe says what a node is, for a person.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	}
	value := n.Value
	if r := []rune(value); len(r) > 40 {
		value = string(r[:39]) + "…"
	}
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "the number " + value
	case "!!bool":
		return "the truth value " + value
	case "!!null":
		return "nothing"
	default:
		return fmt.Sprintf("the text %q", value)
	}
}

// free decodes what the format leaves open: a partial object.
func (d *decoder) free(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		d.pairs(n, func(key, value *yaml.Node) { out[key.Value] = d.free(value) })
		return out
	case yaml.SequenceNode:
		out := []any{}
		for _, item := range n.Content {
			out = append(out, d.free(item))
		}
		return out
	case yaml.ScalarNode:
		var v any
		if err := n.Decode(&v); err != nil {
			d.report(n, "%s cannot be read", describe(n))
			return nil
		}
		if t, ok := v.(time.Time); ok {
			return t.Format(time.RFC3339)
		}
		return v
	default:
		d.report(n, "anchors and aliases are not part of the format; write the value out")
		return nil
	}
}
