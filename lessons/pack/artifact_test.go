package pack_test

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/lessons/pack"
)

const secret = `goals:
  - id: limit
    text: {en: it has a limit, ko: 제한이 있음}
    points: 10
    needs: [ready]
    check: {object: {kind: Pod, name: "{{name}}", that: [has(object.spec.limit)]}}
    fail: {en: Set one., ko: 정하세요.}
`

func withSecret() fs.FS { return files(map[string]string{"private/lessons/pod.yaml": secret}) }

func build(t *testing.T, fsys fs.FS, v pack.Variant) (*pack.Artifact, []byte) {
	t.Helper()
	a, err := pack.Build(fsys, v)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := a.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return a, out.Bytes()
}

func TestVariants(t *testing.T) {
	_, student := build(t, withSecret(), pack.Student)
	_, grader := build(t, withSecret(), pack.Grader)
	if bytes.Contains(student, []byte("private")) {
		t.Error("the student build names the private part")
	}
	var digests []string
	for _, tt := range []struct {
		file []byte
		want []string
	}{
		{student, []string{"ready", "gone", "safe", "why"}},
		{grader, []string{"ready", "gone", "safe", "why", "limit"}},
	} {
		a, err := pack.OpenArtifact(bytes.NewReader(tt.file))
		if err != nil {
			t.Fatal(err)
		}
		p, err := pack.Load(a.Files)
		if err != nil {
			t.Fatal(err)
		}
		var goals []string
		for _, g := range p.Lesson("pod").Goals {
			goals = append(goals, g.ID)
			if g.ID == "limit" && !g.Hidden {
				t.Error("a private goal is not hidden")
			}
		}
		if diff := cmp.Diff(tt.want, goals); diff != "" {
			t.Errorf("goals (-want +got):\n%s", diff)
		}
		digests = append(digests, p.Digest)
	}
	if digests[0] != digests[1] {
		t.Error("learner and grader would draw different parameters")
	}
}

func TestPrivateMistakes(t *testing.T) {
	for name, tt := range map[string]struct{ file, text, want string }{
		"no such step":   {"private/lessons/pod.yaml", "step: none\n" + secret, `private/lessons/pod.yaml:1:7: there is no step "none"`},
		"unknown key":    {"private/lessons/pod.yaml", "gaols: []\n", `private/lessons/pod.yaml:1:1: unknown key "gaols"; did you mean "goals"? (accepted: goals, step)`},
		"no such lesson": {"private/lessons/pad.yaml", secret, "private/lessons/pad.yaml: expected the id of a lesson and .yaml"},
	} {
		if _, err := pack.Load(files(map[string]string{tt.file: tt.text})); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBuildIsTheSameTwice(t *testing.T) {
	_, first := build(t, withSecret(), pack.Grader)
	_, second := build(t, withSecret(), pack.Grader)
	if !bytes.Equal(first, second) {
		t.Error("two builds of one folder differ")
	}
}

func TestDamage(t *testing.T) {
	_, whole := build(t, files(nil), pack.Student)
	damaged := 0
	for at := 0; at < len(whole); at += 97 {
		b := slices.Clone(whole)
		b[at] ^= 0x20
		a, err := pack.OpenArtifact(bytes.NewReader(b))
		if err != nil {
			damaged++
			if !errors.Is(err, pack.ErrDamaged) {
				t.Fatalf("byte %d: %v", at, err)
			}
			continue
		}
		if a.Manifest.Digest != mustOpen(t, whole).Manifest.Digest {
			t.Fatalf("byte %d was changed, and nobody noticed", at)
		}
	}
	if damaged == 0 {
		t.Error("no damage was noticed")
	}
	if _, err := pack.OpenArtifact(strings.NewReader("hello")); !errors.Is(err, pack.ErrDamaged) {
		t.Errorf("something else: %v", err)
	}
}

func mustOpen(t *testing.T, data []byte) *pack.Artifact {
	t.Helper()
	a, err := pack.OpenArtifact(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestSignature(t *testing.T) {
	private, public, err := pack.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	_, stranger, err := pack.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	a, plain := build(t, files(nil), pack.Student)
	if err := mustOpen(t, plain).Verify(public); !errors.Is(err, pack.ErrNotSigned) {
		t.Errorf("without a signature: %v", err)
	}
	if err := a.Sign(private); err != nil {
		t.Fatal(err)
	}
	var signed bytes.Buffer
	if _, err := a.WriteTo(&signed); err != nil {
		t.Fatal(err)
	}
	if err := mustOpen(t, signed.Bytes()).Verify(public); err != nil {
		t.Errorf("the right key: %v", err)
	}
	if err := mustOpen(t, signed.Bytes()).Verify(stranger); !errors.Is(err, pack.ErrWrongKey) {
		t.Errorf("another key: %v", err)
	}
	other, _ := build(t, files(map[string]string{"lessons/pod/debrief.md": "Changed."}), pack.Student)
	other.Manifest.Annotations = a.Manifest.Annotations // the signature of another pack
	if err := other.Verify(public); !errors.Is(err, pack.ErrWrongKey) {
		t.Errorf("another content: %v", err)
	}
}

func TestDiff(t *testing.T) {
	const lesson = "lessons/pod/lesson.yaml"
	load := func(fsys fs.FS) *pack.Pack {
		p, err := pack.Load(fsys)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	older := load(files(nil))
	for name, tt := range map[string]struct {
		newer fs.FS
		want  []pack.Difference
	}{
		"nothing": {files(nil), nil},
		"texts": {edited(t, "lessons/pod/debrief.md", "Well done.", "Good."), []pack.Difference{
			{What: "the content changed and the version did not", Beware: true}, {Lesson: "pod", What: "texts changed"},
		}},
		"a goal, and nobody says so": {edited(t, lesson, `phase == "Running"`, `phase != "Failed"`), []pack.Difference{
			{What: "the content changed and the version did not", Beware: true},
			{Lesson: "pod", What: "goal ready asks something else"},
			{Lesson: "pod", What: "what is graded changed, and the revision did not: old results count as if nothing had", Beware: true},
		}},
		"a revision": {edited(t, lesson, "id: pod\n", "id: pod\nrevision: 2\n"), []pack.Difference{
			{What: "the content changed and the version did not", Beware: true},
			{Lesson: "pod", What: "texts changed"},
			{Lesson: "pod", What: "revision 2, before 1", Stale: true},
		}},
	} {
		if diff := cmp.Diff(tt.want, pack.Diff(older, load(tt.newer))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func FuzzOpenArtifact(f *testing.F) {
	a, err := pack.Build(files(nil), pack.Student)
	if err != nil {
		f.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := a.WriteTo(&out); err != nil {
		f.Fatal(err)
	}
	f.Add(out.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		if a, err := pack.OpenArtifact(bytes.NewReader(data)); err == nil && a.Files == nil {
			t.Error("a pack without files")
		}
	})
}
