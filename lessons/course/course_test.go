package course_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"drydock/checks"
	"drydock/checks/apitest"
	"drydock/lessons/course"
	"drydock/lessons/pack"
	"drydock/lessons/progress"
)

// testPack has two lessons: one with everything, and one behind it.
func testPack(t *testing.T, policy string) *pack.Pack {
	t.Helper()
	spec := checks.AnswerSpec{Text: &checks.TextForm{}}
	sealed, err := spec.Seal("nothing")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"pack.yaml": `{format: 1, id: test, title: Test, version: 1.0.0, policy: ` + policy + `,
  tracks: [{id: main, title: Main, lessons: [pod, more]}]}`,
		"lessons/pod/lesson.yaml": `
id: pod
title: A pod
world:
  manifests: [world/world.yaml]
  files: [{path: notes/web.txt, content: start}]
  until: [{object: {kind: ConfigMap, name: guide, namespace: extra}}]
steps:
  - id: run
    goals: [ready]
    hints:
      - first
      - {text: look at the image, when: {object: {kind: Pod, name: web, that: ['object.spec.nodeName == "bad"']}}}
      - second
      - third
  - {id: end, goals: [gone, keep, why], hints: [look]}
goals:
  - id: ready
    text: Run web
    check: {object: {kind: Pod, name: web, that: ['object.status.phase == "Running"']}}
    fail: {missing: there is no web, "*": web is not right}
  - id: gone
    text: Take web away
    needs: [ready, keep]
    check: {object: {kind: Pod, name: web, expect: none}}
    fail: web is still there
  - id: keep
    kind: guard
    text: Leave the guide alone
    check: {object: {kind: ConfigMap, name: guide, namespace: extra}}
    fail: you need the guide
  - id: why
    text: What starts it again?
    points: 20
    check: {answer: {text: {}, key: "` + sealed + `"}}
    fail: think
stuck:
  check: {object: {kind: Pod, name: stuck}}
  message: start over
`,
		"lessons/pod/lesson.md":  "## Step: run\nrun\n## Step: end\nend\n",
		"lessons/pod/debrief.md": "done",
		"lessons/pod/world/world.yaml": `
{apiVersion: v1, kind: ConfigMap, metadata: {name: guide, namespace: extra}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: extra}}
`,
		"lessons/pod/solutions/main.sh": "true",
		"lessons/more/lesson.yaml": `
id: more
title: More
needs: [pod]
steps: [{id: a, goals: [a]}]
goals: [{id: a, text: a, check: {object: {kind: Pod, name: a}}}]
`,
		"lessons/more/lesson.md":         "## Step: a\na\n",
		"lessons/more/solutions/main.sh": "true",
	}
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	p, err := pack.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// class is a course that runs against a fake API server.
type class struct {
	*course.Course
	t   *testing.T
	api *apitest.Server
	cfg course.Config
}

func begin(t *testing.T, policy string) *class {
	t.Helper()
	book, err := progress.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = book.Close() })
	api := apitest.New(t)
	c := &class{t: t, api: api, cfg: course.Config{
		Pack: testPack(t, policy), Book: book, Lab: "default", REST: api.REST(), Workspace: t.TempDir(),
	}}
	c.restart()
	return c
}

// restart puts a new Course on the same lab and the same record, as a program that was started again does.
func (c *class) restart() {
	c.t.Helper()
	var err error
	if c.Course, err = course.New(c.cfg); err != nil {
		c.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func(c *course.Course) { ended <- c.Run(ctx) }(c.Course)
	c.t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			c.t.Errorf("Run ended with %v", err)
		}
	})
}

func (c *class) open(lesson string) {
	c.t.Helper()
	if err := c.Open(context.Background(), lesson); err != nil {
		c.t.Fatal(err)
	}
}

// until waits for a picture.
func (c *class) until(what string, ok func(*course.State) bool) *course.State {
	c.t.Helper()
	late := time.After(5 * time.Second)
	for {
		changed := c.Changed()
		s := c.State()
		if ok(s) {
			return s
		}
		select {
		case <-changed:
		case <-late:
			c.t.Fatalf("waited in vain: %s; the last picture: %v %+v", what, marks(s), s)
		}
	}
}

func marks(s *course.State) map[string]course.Mark {
	out := map[string]course.Mark{}
	for _, g := range s.Goals {
		out[g.Goal.ID] = g.Mark
	}
	return out
}

// expect waits until goals have these marks.
func (c *class) expect(want map[string]course.Mark) *course.State {
	c.t.Helper()
	var last *course.State
	return c.until("marks", func(s *course.State) bool {
		last = s
		got := marks(s)
		for goal, mark := range want {
			if got[goal] != mark {
				return false
			}
		}
		return last.Asked
	})
}

const (
	web     = "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {nodeName: node-1}, status: {phase: Running}}"
	webBad  = "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {nodeName: bad}, status: {phase: Failed}}"
	webSoon = "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {nodeName: node-1}, status: {phase: Pending}}"
)

type m = map[string]course.Mark

func TestLessonFromStartToEnd(t *testing.T) {
	c := begin(t, "free")
	c.open("pod")
	s := c.expect(m{"ready": course.Waiting, "gone": course.Blocked, "keep": course.Done, "why": course.Waiting})
	if s.Score != 0 || s.Open != 1 || s.Done {
		t.Errorf("a fresh world: score %g, %d steps, done %v", s.Score, s.Open, s.Done)
	}
	if text, err := os.ReadFile(filepath.Join(c.cfg.Workspace, "notes/web.txt")); err != nil || string(text) != "start" {
		t.Errorf("the file: %q, %v", text, err)
	}

	c.api.Set(webSoon)
	c.expect(m{"ready": course.Progress, "gone": course.Blocked})
	c.api.Set(webBad)
	s = c.expect(m{"ready": course.Failed})
	if got := s.Goal("ready").Why().In("en"); got != "web is not right" {
		t.Errorf("the author's words: %q", got)
	}
	c.api.Set(web)
	s = c.expect(m{"ready": course.Done, "gone": course.Waiting})
	if s.Score != 40 || s.Open != 2 {
		t.Errorf("after the first goal: score %g, %d steps", s.Score, s.Open)
	}
	c.api.Remove("Pod", "default", "web")
	s = c.expect(m{"ready": course.Done, "gone": course.Done})
	if s.Score != 80 || s.Done {
		t.Errorf("after the second goal: score %g, done %v", s.Score, s.Done)
	}
	r, err := c.Answer(context.Background(), "why", "A controller")
	if err != nil || r.Outcome != checks.Fail {
		t.Errorf("a wrong answer: %+v, %v", r, err)
	}
	if r, err = c.Answer(context.Background(), "why", " Nothing "); err != nil || !r.Passed() {
		t.Errorf("the right answer: %+v, %v", r, err)
	}
	s = c.until("the end", func(s *course.State) bool { return s.Done })
	if s.Score != 100 {
		t.Errorf("score %g at the end", s.Score)
	}
	lessons, err := c.Lessons()
	if err != nil || !lessons[0].Finished || lessons[0].Score != 100 || lessons[1].Started {
		t.Errorf("the list: %+v, %v", lessons, err)
	}
}

// "web is gone" is so before there was a web, and in the very change that brings it. Neither counts.
func TestBlockedGoalDoesNotPassEarly(t *testing.T) {
	c := begin(t, "free")
	c.open("pod")
	c.expect(m{"gone": course.Blocked})
	c.api.Set(web) // ready at once
	s := c.expect(m{"ready": course.Done})
	if got := s.Goal("gone").Mark; got == course.Done {
		t.Errorf("gone is %s while web is there", got)
	}
}

func TestGuardVoidsWhatNeedsIt(t *testing.T) {
	c := begin(t, "free")
	c.open("pod")
	c.api.Set(web)
	c.expect(m{"ready": course.Done})
	c.api.Remove("ConfigMap", "extra", "guide")
	s := c.expect(m{"keep": course.Failed, "gone": course.Blocked})
	if got := s.Goal("gone").Result.Seen.In("en"); got != "first: Leave the guide alone" {
		t.Errorf("gone says %q", got)
	}
	c.api.Remove("Pod", "default", "web")
	c.api.Set("{apiVersion: v1, kind: ConfigMap, metadata: {name: guide, namespace: extra}}")
	c.expect(m{"keep": course.Done, "gone": course.Done})
	c.api.Remove("ConfigMap", "extra", "guide")
	if s = c.expect(m{"keep": course.Failed}); s.Score != 40 || s.Done {
		t.Errorf("with a broken guard: score %g, done %v", s.Score, s.Done)
	}
}

func TestResume(t *testing.T) {
	c := begin(t, "free")
	if err := c.Resume(context.Background()); !errors.Is(err, course.ErrNoLesson) {
		t.Errorf("resume in a fresh lab: %v", err)
	}
	c.open("pod")
	c.api.Set(web)
	c.expect(m{"ready": course.Done})
	if _, err := c.Hint(context.Background(), "run", 0); err != nil {
		t.Fatal(err)
	}
	c.api.Remove("Pod", "default", "web")
	before := c.expect(m{"gone": course.Done})

	c.restart()
	if err := c.Resume(context.Background()); err != nil {
		t.Fatal(err)
	}
	after := c.expect(m{"ready": course.Done, "gone": course.Done})
	if after.Attempt != before.Attempt || after.Score != before.Score {
		t.Errorf("before %s %g, after %s %g", before.Attempt, before.Score, after.Attempt, after.Score)
	}
	if shown, total := c.Hints("run"); len(shown) != 1 || total != 3 {
		t.Errorf("hints after coming back: %+v of %d", shown, total)
	}
}

func TestReset(t *testing.T) {
	c := begin(t, "free")
	c.open("pod")
	c.api.Set(web)
	c.expect(m{"ready": course.Done})
	c.api.GracefulPods()
	for _, o := range []string{
		"{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: rs}}",
		"{apiVersion: v1, kind: Pod, metadata: {name: rs-1, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: rs, uid: x, controller: true}]}}",
		"{apiVersion: v1, kind: Namespace, metadata: {name: mine}}",
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: mine}}",
		"{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: mine}}",
	} {
		c.api.Set(o)
	}
	if err := os.WriteFile(filepath.Join(c.cfg.Workspace, "notes/web.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	plan, err := c.Plan(context.Background(), "pod")
	if err != nil {
		t.Fatal(err)
	}
	var deletes []string
	for _, o := range plan.Deletes {
		deletes = append(deletes, o.String())
	}
	want := []string{"configmap/guide -n extra", "configmap/settings -n mine", "namespace/mine", "pod/web", "replicaset/rs"}
	if diff := cmp.Diff(want, deletes); diff != "" {
		t.Errorf("what is deleted (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"notes/web.txt"}, plan.Writes); diff != "" {
		t.Errorf("what is written (-want +got):\n%s", diff)
	}
	before := c.State().Attempt
	if err := c.Reset(context.Background()); err != nil {
		t.Fatal(err)
	}
	s := c.expect(m{"ready": course.Waiting, "gone": course.Blocked, "keep": course.Done})
	if s.Attempt == before || s.Score != 0 {
		t.Errorf("after the reset: attempt %s, score %g", s.Attempt, s.Score)
	}
	got := map[string][]string{}
	for _, kind := range []string{"Pod", "ReplicaSet", "ConfigMap", "ServiceAccount", "Service", "Namespace"} {
		got[kind] = c.api.Names(kind)
	}
	wantLeft := map[string][]string{
		"Pod": nil, "ReplicaSet": nil, "ConfigMap": {"default/kube-root-ca.crt", "extra/guide", "kube-system/drydock-course"},
		"ServiceAccount": {"default/default"}, "Service": {"default/kubernetes"},
		"Namespace": {"default", "extra", "kube-node-lease", "kube-public", "kube-system"},
	}
	if diff := cmp.Diff(wantLeft, got); diff != "" {
		t.Errorf("the world after the reset (-want +got):\n%s", diff)
	}
}

func TestHints(t *testing.T) {
	c := begin(t, "free")
	c.open("pod")
	c.expect(m{"ready": course.Waiting})
	c.api.Set(webBad)
	c.expect(m{"ready": course.Failed}) // its question comes before that of the hint
	if _, err := c.CheckNow(context.Background()); err != nil {
		t.Fatal(err)
	}
	var got []course.Hint
	for {
		h, err := c.Hint(context.Background(), "run", 0)
		if errors.Is(err, course.ErrNoMore) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, h)
	}
	want := []course.Hint{
		{Level: 0, Text: checks.English("look at the image")},
		{Level: 1, Text: checks.English("first")},
		{Level: 2, Text: checks.English("second"), NextReveals: true},
		{Level: 3, Text: checks.English("third")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
}

// A price is told before the hint is, is off the score, is paid once, and cannot be avoided by beginning anew.
func TestHintsCost(t *testing.T) {
	c := begin(t, "free")
	hints := c.cfg.Pack.Lesson("pod").Steps[0].Hints
	for i := range hints {
		hints[i].Cost = 10
	}
	c.open("pod")
	var priced *course.Priced
	if _, err := c.Hint(t.Context(), "run", 5); !errors.As(err, &priced) || priced.Cost != 10 {
		t.Fatalf("for less than it costs: %v", err)
	}
	if shown, _ := c.Hints("run"); len(shown) > 0 {
		t.Errorf("shown before it was paid: %v", shown)
	}
	h, err := c.Hint(t.Context(), "run", 10)
	if err != nil || c.State().Spent != 10 {
		t.Errorf("paid: %v, spent %g", err, c.State().Spent)
	}
	if err := c.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := c.Hint(t.Context(), "run", 0)
	if err != nil || again.Text.In("en") != h.Text.In("en") || c.State().Spent != 10 {
		t.Errorf("what is known already: %v, spent %g", err, c.State().Spent)
	}
}

func TestStuck(t *testing.T) {
	c := begin(t, "free")
	c.open("pod")
	c.api.Set("{apiVersion: v1, kind: Pod, metadata: {name: stuck}}")
	s := c.until("stuck", func(s *course.State) bool { return !s.Stuck.Empty() })
	if s.Stuck.In("en") != "start over" {
		t.Errorf("stuck says %q", s.Stuck.In("en"))
	}
}

func TestWayThroughThePack(t *testing.T) {
	c := begin(t, "gated")
	c.open("pod")
	var locked *course.Locked
	if err := c.Next(context.Background()); !errors.As(err, &locked) || !cmp.Equal(locked.Needs, []string{"pod"}) {
		t.Errorf("the next lesson of a gated pack: %v", err)
	}
	if err := c.Previous(context.Background()); !errors.Is(err, course.ErrNoMore) {
		t.Errorf("before the first: %v", err)
	}
	c.api.Set(web)
	c.expect(m{"ready": course.Done})
	c.api.Remove("Pod", "default", "web")
	c.expect(m{"gone": course.Done})
	if _, err := c.Answer(context.Background(), "why", "nothing"); err != nil {
		t.Fatal(err)
	}
	if err := c.Next(context.Background()); err != nil {
		t.Fatal(err)
	}
	c.expect(m{"a": course.Waiting})
	if err := c.Next(context.Background()); !errors.Is(err, course.ErrNoMore) {
		t.Errorf("after the last: %v", err)
	}
	if len(c.api.Names("Namespace")) != 4 {
		t.Errorf("the first lesson's namespace is still there: %v", c.api.Names("Namespace"))
	}
}

func TestCheckNowTakesWhatOthersRecorded(t *testing.T) {
	c := begin(t, "free")
	c.open("pod")
	s := c.expect(m{"ready": course.Waiting})
	err := c.cfg.Book.Add(progress.Record{Kind: progress.Passed, Attempt: s.Attempt, Goal: "ready"})
	if err != nil {
		t.Fatal(err)
	}
	if s, err = c.CheckNow(context.Background()); err != nil {
		t.Fatal(err)
	}
	got := marks(s)
	want := maps.Clone(got)
	want["ready"], want["gone"] = course.Done, course.Done
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
}

// A program that comes to a lesson in the middle shows what is wrong, and does not blame for what was not begun.
func TestResumeInTheMiddle(t *testing.T) {
	c := begin(t, "free")
	c.open("pod")
	c.expect(m{"ready": course.Waiting})
	c.restart()
	if err := c.Resume(context.Background()); err != nil {
		t.Fatal(err)
	}
	c.expect(m{"ready": course.Waiting})
	c.api.Set(webBad)
	c.restart()
	if err := c.Resume(context.Background()); err != nil {
		t.Fatal(err)
	}
	c.expect(m{"ready": course.Failed})
}

// fakeSnapshots keeps names of pods, and brings none back: a lab keeps everything.
type fakeSnapshots struct {
	api   *apitest.Server
	kept  map[string]string // notes by name
	calls chan string
}

func (f *fakeSnapshots) Save(_ context.Context, name, note string) error {
	f.kept[name] = note
	f.calls <- "save " + name
	return nil
}

func (f *fakeSnapshots) Restore(_ context.Context, name, note string) (bool, error) {
	if kept, ok := f.kept[name]; !ok || kept != note {
		return false, nil
	}
	for _, pod := range f.api.Names("Pod") {
		namespace, name, _ := strings.Cut(pod, "/")
		f.api.Remove("Pod", namespace, name)
	}
	f.calls <- "restore " + name
	return true, nil
}

// TestSnapshots: the world of a lesson is kept once it stands, and a reset goes back to it instead of building it anew. Each step
// is kept when it opens. Another lesson begins from the empty lab.
func TestSnapshots(t *testing.T) {
	c := begin(t, "free")
	snapshots := &fakeSnapshots{api: c.api, kept: map[string]string{}, calls: make(chan string, 20)}
	c.cfg.Snapshots = snapshots
	c.restart()
	expect := func(want ...string) {
		t.Helper()
		for _, w := range want {
			if got := <-snapshots.calls; got != w {
				t.Fatalf("the lab was asked to %s, want %s", got, w)
			}
		}
	}
	ctx := context.Background()
	c.open("pod")
	expect("save .empty", "save .start")
	if err := c.Goto(ctx, "end"); !errors.Is(err, course.ErrNotKept) {
		t.Errorf("going to a step that was not open yet: %v", err)
	}
	c.api.Set(web)
	c.expect(m{"ready": course.Done})
	expect("save .step-2")
	before := c.State().Attempt
	c.api.Set(webBad)
	if err := c.Goto(ctx, "end"); err != nil {
		t.Fatal(err)
	}
	expect("restore .step-2")
	if got := c.api.Names("Pod"); len(got) != 0 || c.State().Attempt != before {
		t.Errorf("after going back to a step: pods %v, attempt %s, want none and %s", got, c.State().Attempt, before)
	}
	if err := c.Reset(ctx); err != nil {
		t.Fatal(err)
	}
	expect("restore .start")
	if s := c.expect(m{"ready": course.Waiting, "keep": course.Done}); s.Attempt == before {
		t.Error("a reset begins a new attempt")
	}
	c.open("more")
	expect("restore .empty", "save .start")
}
