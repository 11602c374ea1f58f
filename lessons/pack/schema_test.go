package pack_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	yaml "sigs.k8s.io/yaml/goyaml.v3"

	"drydock/lessons/pack"
)

// schema is as much of JSON Schema as ours use.
type schema map[string]any

func schemaOf(t *testing.T, file string) schema {
	t.Helper()
	data, err := pack.Schema(file)
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// complaint is the first thing that is wrong with a value, or "".
func (s schema) complaint(at string, rule map[string]any, v any) string {
	if ref, ok := rule["$ref"].(string); ok {
		return s.complaint(at, s["$defs"].(map[string]any)[path.Base(ref)].(map[string]any), v)
	}
	if options, ok := rule["anyOf"].([]any); ok {
		first := ""
		for _, o := range options {
			c := s.complaint(at, o.(map[string]any), v)
			if c == "" {
				return ""
			}
			first = first + c + "; "
		}
		return first
	}
	if words, ok := rule["enum"].([]any); ok && !slices.Contains(words, v) {
		return fmt.Sprintf("%s: %v is none of %v", at, v, words)
	}
	switch v := v.(type) {
	case map[string]any:
		return s.object(at, rule, v)
	case []any:
		if rule["type"] != "array" {
			return at + ": a list"
		}
		for i, item := range v {
			if c := s.complaint(fmt.Sprint(at, "/", i), rule["items"].(map[string]any), item); c != "" {
				return c
			}
		}
	case string:
		if rule["type"] != "string" && rule["enum"] == nil {
			return at + ": a text"
		}
		if p, ok := rule["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(v) {
			return at + ": " + v
		}
	case float64:
		if rule["type"] != "number" && (rule["type"] != "integer" || v != float64(int(v))) {
			return at + ": a number"
		}
	case bool:
		if rule["type"] != "boolean" {
			return at + ": a truth value"
		}
	}
	return ""
}

func (s schema) object(at string, rule, v map[string]any) string {
	if rule["type"] != "object" {
		return at + ": keys and values"
	}
	properties, _ := rule["properties"].(map[string]any)
	for key, value := range v {
		inner, ok := properties[key].(map[string]any)
		if !ok {
			inner, ok = rule["additionalProperties"].(map[string]any)
		}
		if !ok && rule["additionalProperties"] == false {
			return at + ": unknown key " + key
		}
		if names, has := rule["propertyNames"].(map[string]any); has && !regexp.MustCompile(names["pattern"].(string)).MatchString(key) {
			return at + ": key " + key
		}
		if c := s.complaint(at+"/"+key, inner, value); ok && c != "" {
			return c
		}
	}
	for _, key := range asList(rule["required"]) {
		if _, ok := v[key.(string)]; !ok {
			return fmt.Sprint(at, ": ", key, " is missing")
		}
	}
	if most, ok := rule["maxProperties"].(float64); ok && len(v) > int(most) {
		return at + ": more than one key"
	}
	return ""
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}

// firstComplaint holds every file of a pack against its schema.
func firstComplaint(t *testing.T, fsys fs.FS) string {
	t.Helper()
	lessons, err := fs.Glob(fsys, "lessons/*/lesson.yaml")
	if err != nil || len(lessons) == 0 {
		t.Fatalf("no lessons: %v", err)
	}
	for _, name := range append([]string{"pack.yaml"}, lessons...) {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		// As the loader reads it, in which `off` is a word; and then as JSON, which is what a schema speaks about.
		var read any
		if err := yaml.Unmarshal(data, &read); err != nil {
			return err.Error()
		}
		if data, err = json.Marshal(read); err == nil {
			err = json.Unmarshal(data, &v)
		}
		if err != nil {
			return err.Error()
		}
		s := schemaOf(t, strings.TrimSuffix(path.Base(name), ".yaml"))
		if c := s.complaint(name, s, v); c != "" {
			return c
		}
	}
	return ""
}

func TestSchemaTakesWhatTheLoaderTakes(t *testing.T) {
	packs := map[string]fs.FS{"small": files(nil), "scaffold": os.DirFS("scaffold")}
	bundled, err := os.ReadDir("../library")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range bundled {
		if d.IsDir() {
			packs[d.Name()] = os.DirFS("../library/" + d.Name())
		}
	}
	if len(packs) < 3 {
		t.Fatalf("only %d packs found", len(packs))
	}
	for name, fsys := range packs {
		if c := firstComplaint(t, fsys); c != "" {
			t.Errorf("%s: %s", name, c)
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	const lesson = "lessons/pod/lesson.yaml"
	for name, tt := range map[string]struct{ file, from, to, want string }{
		"an unknown key":      {"pack.yaml", "languages:", "langages:", "unknown key langages"},
		"a nested one":        {lesson, "points: 40", "pionts: 40", "unknown key pionts"},
		"a word for a number": {lesson, "min: 2", "min: two", "min"},
		"a number for a word": {lesson, "id: pod", "id: 7", "id: a number"},
		"another policy":      {"pack.yaml", "languages:", "policy: open\nlanguages:", "open is none of"},
		"another kind":        {lesson, "kind: bonus", "kind: extra", "extra is none of"},
		"no check":            {lesson, "    check: {object: {kind: ConfigMap, name: start}}\n", "", "check is missing"},
		"two checks in one":   {lesson, "check: {object: {kind: ConfigMap, name: start}}", "check: {object: {kind: ConfigMap}, not: {object: {kind: Pod}}}", "more than one key"},
		"a duration":          {lesson, "within: 5s", "within: soon", "soon"},
		"no title":            {lesson, "title: {en: A pod, ko: 파드}\n", "", "title is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			if c := firstComplaint(t, edited(t, tt.file, tt.from, tt.to)); !strings.Contains(c, tt.want) {
				t.Errorf("complaint %q, want %q", c, tt.want)
			}
		})
	}
}
