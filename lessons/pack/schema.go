package pack

import (
	"encoding/json"
	"fmt"
	"reflect"

	"drydock/checks"
)

// Schema is the JSON Schema (2020-12) of a file of a pack, "pack" for pack.yaml or "lesson" for lesson.yaml, for editors
// that complete and check while one types. It is made of the same tables that the loader reads by. What it cannot say,
// such as that a goal which is needed must be there, only the loader says.
func Schema(file string) ([]byte, error) {
	roots := map[string]reflect.Type{"pack": reflect.TypeFor[rawPack](), "lesson": reflect.TypeFor[rawLesson]()}
	root, ok := roots[file]
	if !ok {
		return nil, fmt.Errorf("there is a schema of pack and of lesson, not of %q", file)
	}
	s := &schemer{defs: map[string]any{}}
	out := s.structure(root)
	out["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	out["title"] = file + ".yaml of a drydock pack, format " + fmt.Sprint(Format)
	out["required"] = required[root]
	out["$defs"] = s.defs
	return json.MarshalIndent(out, "", "  ")
}

// required are the keys without which nothing else makes sense.
var required = map[reflect.Type][]string{
	reflect.TypeFor[rawPack]():   {"format", "id", "title", "version", "tracks"},
	reflect.TypeFor[rawLesson](): {"id", "title", "steps"},
	reflect.TypeFor[rawGoal]():   {"id", "text", "check"},
	reflect.TypeFor[Track]():     {"id", "title", "lessons"},
	reflect.TypeFor[Step]():      {"id"},
	reflect.TypeFor[rawFile]():   {"path"},
	reflect.TypeFor[Fault]():     {"do"},
	reflect.TypeFor[Stuck]():     {"check", "message"},
}

// exactlyOne are the structures of which one key is given.
var exactlyOne = map[reflect.Type]bool{specType: true, reflect.TypeFor[Generator](): true}

// words are the values that a text may have.
var allowed = map[reflect.Type][]string{
	reflect.TypeFor[Policy]():        {string(Free), string(Gated), string(Exam)},
	reflect.TypeFor[GoalKind]():      {string(Do), string(Guard), string(Bonus)},
	reflect.TypeFor[checks.Expect](): {string(checks.ExpectOne), string(checks.ExpectAll), string(checks.ExpectNone)},
	reflect.TypeFor[FaultVerb]():     everyVerb(),
	reflect.TypeFor[checks.Since]():  {string(checks.SinceLesson), string(checks.SinceStep)},
}

// schemer makes one schema. Structures become definitions, because a check may hold checks.
type schemer struct{ defs map[string]any }

func (s *schemer) of(t reflect.Type) map[string]any {
	text := map[string]any{"type": "string"}
	switch t {
	case textType:
		return either(text, map[string]any{
			"type": "object", "propertyNames": map[string]any{"pattern": "^[a-z][a-z]$"}, "additionalProperties": text,
		})
	case durationType:
		return map[string]any{"type": "string", "pattern": `^([0-9.]+(ms|s|m|h))+$`}
	case conditionType:
		return either(text, s.named(t))
	case countType:
		return either(map[string]any{"type": "integer", "minimum": 0}, s.named(t))
	case hintType:
		return either(s.of(textType), s.named(t))
	case failType:
		return either(s.of(textType), map[string]any{"type": "object", "additionalProperties": s.of(textType)})
	case anyMapType:
		return map[string]any{"type": "object"}
	}
	return s.byKind(t)
}

func either(options ...map[string]any) map[string]any { return map[string]any{"anyOf": options} }

// A parameter may stand wherever a number or a truth value does.
var parameter = map[string]any{"type": "string", "pattern": `^\{\{ *[a-z][a-z0-9-]* *\}\}$`}

func (s *schemer) byKind(t reflect.Type) map[string]any {
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Struct:
		return s.named(t)
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Bool:
		return either(map[string]any{"type": "boolean"}, parameter)
	case reflect.Int:
		return either(map[string]any{"type": "integer"}, parameter)
	case reflect.Float64:
		return either(map[string]any{"type": "number"}, parameter)
	default:
		if words, ok := allowed[t]; ok {
			return map[string]any{"enum": words}
		}
		return map[string]any{"type": "string"}
	}
}

// named is a reference to the definition of a structure, which is made the first time.
func (s *schemer) named(t reflect.Type) map[string]any {
	if _, ok := s.defs[t.Name()]; !ok {
		s.defs[t.Name()] = nil // before what is inside it, which may refer to it
		s.defs[t.Name()] = s.structure(t)
	}
	return map[string]any{"$ref": "#/$defs/" + t.Name()}
}

func (s *schemer) structure(t reflect.Type) map[string]any {
	properties := map[string]any{}
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "" {
			properties[tag] = s.of(t.Field(i).Type)
		}
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if keys := required[t]; keys != nil {
		out["required"] = keys
	}
	if exactlyOne[t] {
		out["minProperties"], out["maxProperties"] = 1, 1
	}
	return out
}
