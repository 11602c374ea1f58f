package submission

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"drydock/checks"
	"drydock/lessons/course"
	"drydock/lessons/grade"
	"drydock/lessons/pack"
)

// Replayed is what became of a lesson when its work was done again.
type Replayed struct {
	Lesson  string   `json:"lesson"`
	Score   float64  `json:"score"`
	Said    int      `json:"said"` // by the learner's own drydock, when it was finished
	Status  string   `json:"status"`
	Differs []string `json:"differs,omitempty"`
}

// Compare holds what the file says of a lesson against a replay: its row, and the objects that were there at its end.
func (f *File) Compare(lesson *pack.Lesson, row grade.Row, after []byte) (Replayed, error) {
	l := f.Lesson(lesson.ID)
	out := Replayed{Lesson: l.Lesson, Score: row.Score, Said: l.Score, Status: string(row.Status)}
	switch row.Status {
	case grade.Graded:
	case grade.Empty:
		out.Differs = []string{"nothing was typed or made that could be done again"}
		return out, nil
	default:
		out.Differs = append(out.Differs, "the replay ended early: "+row.Note)
	}
	out.Differs = append(out.Differs, l.verdicts(row)...)
	objects, err := f.objects(lesson, after)
	out.Differs = append(out.Differs, objects...)
	return out, err
}

// verdicts names the goals that came out otherwise. A guard is held against a lesson only that was finished.
func (l *Lesson) verdicts(row grade.Row) []string {
	var out []string
	for _, g := range row.Goals {
		_, said := l.Reached[g.Goal]
		if g.Kind == pack.Guard {
			said = l.Finished || g.Outcome == checks.Pass
		}
		switch passes := g.Outcome == checks.Pass; {
		case g.Hidden || passes == said:
		case passes:
			out = append(out, fmt.Sprintf("goal %s: the learner had not reached it, and the replay has", g.Goal))
		default:
			out = append(out, fmt.Sprintf("goal %s: the learner had it, and the replay has not (%s): expected %s; seen: %s", g.Goal, g.Outcome, g.Expected, g.Actual))
		}
	}
	return out
}

// objects names the objects that are other than the learner's.
func (f *File) objects(lesson *pack.Lesson, after []byte) ([]string, error) {
	theirs, err := parseObjects(f.Objects[lesson.ID])
	if err != nil {
		return nil, fmt.Errorf("read the objects of the submission: %w", err)
	}
	raw, err := parseObjects(after)
	if err != nil {
		return nil, fmt.Errorf("read the objects of the replay: %w", err)
	}
	ours := named(course.Authored(raw))
	var out []string
	for name, o := range named(theirs) {
		again, ok := ours[name]
		if !ok {
			out = append(out, name+": the learner had it, and the replay has not")
			continue
		}
		for _, where := range differing(o.Object, again.Object, "") {
			out = append(out, name+": "+where)
		}
	}
	for name, o := range ours {
		brought, err := course.Brings(lesson, o)
		if err != nil {
			return nil, err
		}
		if named(theirs)[name] == nil && !brought {
			out = append(out, name+": the learner did not have it, and the replay has")
		}
	}
	slices.Sort(out)
	return out, nil
}

func parseObjects(text []byte) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	for documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096); ; {
		o := &unstructured.Unstructured{}
		switch err := documents.Decode(&o.Object); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, err
		case len(o.Object) > 0:
			out = append(out, o)
		}
	}
}

func named(objects []*unstructured.Unstructured) map[string]*unstructured.Unstructured {
	out := map[string]*unstructured.Unstructured{}
	for _, o := range objects {
		out[strings.ToLower(o.GetKind())+" "+o.GetNamespace()+"/"+o.GetName()] = o
	}
	return out
}

// drawn are fields whose value a cluster draws when nobody says it.
var drawn = []string{"nodePort", "healthCheckNodePort"}

// differing names the fields in which two objects differ.
func differing(a, b any, path string) []string {
	left, okLeft := a.(map[string]any)
	right, okRight := b.(map[string]any)
	if okLeft && okRight {
		var out []string
		keys := maps.Clone(left)
		maps.Copy(keys, right)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if !slices.Contains(drawn, key) {
				out = append(out, differing(left[key], right[key], strings.TrimPrefix(path+"."+key, "."))...)
			}
		}
		return out
	}
	leftList, okLeft := a.([]any)
	rightList, okRight := b.([]any)
	if okLeft && okRight && len(leftList) == len(rightList) {
		var out []string
		for i := range leftList {
			out = append(out, differing(leftList[i], rightList[i], fmt.Sprintf("%s[%d]", path, i))...)
		}
		return out
	}
	if reflect.DeepEqual(a, b) {
		return nil
	}
	return []string{fmt.Sprintf("%s is %s, in the replay %s", path, short(a), short(b))}
}

// short is a value as it fits into a sentence.
func short(v any) string {
	if v == nil {
		return "absent"
	}
	const most = 60
	text := []rune(strings.ReplaceAll(fmt.Sprintf("%v", v), "\n", " "))
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}
