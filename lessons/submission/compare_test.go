package submission_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"drydock/checks"
	"drydock/lessons/grade"
	"drydock/lessons/pack"
	"drydock/lessons/submission"
)

// notes is a lesson that brings a ConfigMap with it.
func notes(t *testing.T) *pack.Lesson {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range map[string]string{
		"pack.yaml": "{format: 1, id: p, title: P, version: 1.0.0, tracks: [{id: main, title: Main, lessons: [note]}]}",
		"lessons/note/lesson.yaml": `
id: note
title: A note
world: {manifests: [world.yaml]}
steps: [{id: a, goals: [written, read]}]
goals:
  - {id: written, text: w, check: {object: {kind: ConfigMap, name: note}}}
  - {id: read, text: r, check: {object: {kind: ConfigMap, name: other}}}
`,
		"lessons/note/world.yaml":        "{apiVersion: v1, kind: ConfigMap, metadata: {name: guide}}",
		"lessons/note/lesson.md":         "## Step: a\na\n",
		"lessons/note/solutions/main.sh": "true",
	} {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	p, err := pack.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return p.Lesson("note")
}

func row(written, read checks.Outcome) grade.Row {
	return grade.Row{Status: grade.Graded, Score: 50, Goals: []grade.GoalOutcome{
		{Goal: "written", Kind: pack.Do, Outcome: written, Expected: "a note", Actual: "none"}, {Goal: "read", Kind: pack.Do, Outcome: read},
	}}
}

const (
	learners = "---\n{apiVersion: v1, kind: Service, metadata: {name: web, namespace: default}, spec: {ports: [{port: 80, nodePort: 30001}]}}\n" +
		"---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: note, namespace: default}, data: {a: b}}\n"
	// What a cluster adds says nothing, and neither does what the lesson brought.
	same = "---\n{apiVersion: v1, kind: Service, metadata: {name: web, namespace: default, uid: u, resourceVersion: '7'}, spec: {clusterIP: 10.96.0.7, ports: [{port: 80, nodePort: 31000}]}}\n" +
		"---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: note, namespace: default, creationTimestamp: now}, data: {a: b}}\n" +
		"---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: guide, namespace: default}}\n" +
		"---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: kube-root-ca.crt, namespace: default}}\n" +
		"---\n{apiVersion: v1, kind: Pod, metadata: {name: web-x, namespace: default, ownerReferences: [{controller: true, kind: ReplicaSet, name: web, uid: u}]}}\n"
	other = "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: note, namespace: default}, data: {a: c, d: e}}\n" +
		"---\n{apiVersion: v1, kind: Pod, metadata: {name: extra, namespace: default}}\n"
)

func TestCompare(t *testing.T) {
	f := &submission.File{
		About:   submission.About{Lessons: []submission.Lesson{{Lesson: "note", Reached: map[string]time.Time{"written": {}}}}},
		Objects: map[string][]byte{"note": []byte(learners)},
	}
	for name, test := range map[string]struct {
		row   grade.Row
		after string
		want  []string
	}{
		"the same": {row(checks.Pass, checks.Fail), same, nil},
		"other objects": {row(checks.Pass, checks.Fail), other, []string{
			"configmap default/note: data.a is b, in the replay c", "configmap default/note: data.d is absent, in the replay e",
			"pod default/extra: the learner did not have it, and the replay has", "service default/web: the learner had it, and the replay has not",
		}},
		"other verdicts": {row(checks.Fail, checks.Pass), same, []string{
			"goal written: the learner had it, and the replay has not (fail): expected a note; seen: none",
			"goal read: the learner had not reached it, and the replay has",
		}},
		"nothing": {grade.Row{Status: grade.Empty}, "", []string{"nothing was typed or made that could be done again"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := f.Compare(notes(t), test.row, []byte(test.after))
			if diff := cmp.Diff(test.want, got.Differs); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}
