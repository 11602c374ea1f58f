package plain_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drydock/checks/apitest"
	"drydock/lessons/course"
	"drydock/lessons/library"
	"drydock/lessons/plain"
	"drydock/lessons/progress"
)

// desk is a learner at a plain terminal. Every command is a program of its own, so each makes its own Course.
type desk struct {
	t    *testing.T
	api  *apitest.Server
	cfg  course.Config
	lang string
	json bool
}

func sit(t *testing.T) *desk {
	t.Helper()
	p, err := library.Load("first-steps")
	if err != nil {
		t.Fatal(err)
	}
	book, err := progress.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = book.Close() })
	api := apitest.New(t)
	return &desk{t: t, api: api, lang: "en", cfg: course.Config{
		Pack: p, Book: book, Lab: "default", REST: api.REST(), Workspace: t.TempDir(),
	}}
}

// run runs a command and checks its exit code.
func (d *desk) run(code int, f func(plain.Mode, *course.Course) int) string {
	d.t.Helper()
	c, err := course.New(d.cfg)
	if err != nil {
		d.t.Fatal(err)
	}
	var out bytes.Buffer
	m := plain.Mode{Out: &out, Err: &out, Lang: d.lang, JSON: d.json}
	if got := f(m, c); got != code {
		d.t.Errorf("exit code %d, want %d; it said:\n%s", got, code, out.String())
	}
	return out.String()
}

func (d *desk) check(code int) string {
	d.t.Helper()
	return d.run(code, func(m plain.Mode, c *course.Course) int { return m.Check(context.Background(), c, "") })
}

func (d *desk) start(code int, lesson string, yes bool) string {
	d.t.Helper()
	return d.run(code, func(m plain.Mode, c *course.Course) int { return m.Start(context.Background(), c, lesson, yes) })
}

func same(t *testing.T, what, want, got string) {
	t.Helper()
	if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

const (
	webCreating = `{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {nodeName: node-1, containers: [{name: web, image: "drydock/web:1"}]},
  status: {phase: Pending, containerStatuses: [{name: web, ready: false, state: {waiting: {reason: ContainerCreating}}}]}}`
	webReady = `{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {nodeName: node-1, containers: [{name: web, image: "drydock/web:1"}]},
  status: {phase: Running, conditions: [{type: Ready, status: "True"}], containerStatuses: [{name: web, ready: true}]}}`
)

func TestFirstLesson(t *testing.T) {
	d := sit(t)
	same(t, "check without a lesson", "No lesson is open. Start one with: drydock lesson start", d.check(plain.No))

	text := d.start(plain.OK, "", false)
	for _, want := range []string{
		"Lesson 1 of 3: Your first pod", "Step 1 of 4: Start a pod", "    kubectl run web --image=drydock/web:1",
		"OPEN 1 of 5: A pod named web runs from the image drydock/web:1",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("start does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "Go inside") || strings.Contains(text, "```") {
		t.Errorf("start says too much:\n%s", text)
	}

	same(t, "check of a fresh world", `
OPEN 1 of 5: A pod named web runs from the image drydock/web:1
  Seen: there is none
  Look at: kubectl get pods
0 of 5 reached, 0 of 100 points.`, d.check(plain.No))

	d.api.Set(webCreating)
	same(t, "check on its way", `
ON ITS WAY 1 of 5: A pod named web runs from the image drydock/web:1
  Seen: Pod web is ContainerCreating
0 of 5 reached, 0 of 100 points.`, d.check(plain.No))

	d.api.Set(webReady)
	same(t, "check when it runs", `
PASS 1 of 5: A pod named web runs from the image drydock/web:1
OPEN 2 of 5: Question: on which port does the server in the pod listen?
  Answer with: drydock lesson answer port ANSWER
1 of 5 reached, 20 of 100 points.`, d.check(plain.No))

	answer := func(code int, value string) string {
		return d.run(code, func(m plain.Mode, c *course.Course) int { return m.Answer(context.Background(), c, "port", value) })
	}
	same(t, "a wrong answer", `
NOT YET 2 of 5: Question: on which port does the server in the pod listen?
  Expected: another answer
  Seen: you answered: 80
  Why: The server says it itself, in its log.
  Look at: drydock lesson show
  Answer with: drydock lesson answer port ANSWER`, answer(plain.No, "80"))
	same(t, "the right answer", "PASS 2 of 5: Question: on which port does the server in the pod listen?", answer(plain.OK, "8080"))

	one := func(code int, goal string) string {
		return d.run(code, func(m plain.Mode, c *course.Course) int { return m.Check(context.Background(), c, goal) })
	}
	one(plain.OK, "web-runs")
	same(t, "an unknown goal", `There is no goal "boat". The goals are: web-runs, port, note, gone, why`, one(plain.Usage, "boat"))
	d.api.Remove("Pod", "default", "web")
	same(t, "a goal that was reached stays so", "PASS 1 of 5: A pod named web runs from the image drydock/web:1", one(plain.OK, "web-runs"))
}

func TestKorean(t *testing.T) {
	d := sit(t)
	d.lang = "ko"
	if text := d.start(plain.OK, "your-first-pod", false); !strings.Contains(text, "수업 1/3: 첫 번째 파드") {
		t.Errorf("start says:\n%s", text)
	}
	d.api.Set(webCreating)
	same(t, "check", `
진행 중 5개 중 1번: drydock/web:1 이미지로 만든 web 파드가 실행 중
  현재: 파드 web 상태: ContainerCreating
5개 중 0개 달성, 100점 중 0점.`, d.check(plain.No))
}

func TestHints(t *testing.T) {
	d := sit(t)
	d.start(plain.OK, "your-first-pod", false)
	hint := func(code int) string {
		return d.run(code, func(m plain.Mode, c *course.Course) int { return m.Hint(context.Background(), c, false) })
	}
	if got := hint(plain.OK); !strings.HasPrefix(got, "Hint 1 of 3: A pod is made by") {
		t.Errorf("first hint: %s", got)
	}
	if got := hint(plain.OK); !strings.HasPrefix(got, "Hint 2 of 3: ") || !strings.Contains(got, "What have you tried?") {
		t.Errorf("second hint: %s", got)
	}
	d.api.Set(strings.NewReplacer("drydock/web", "drydock/wbe", "ContainerCreating", "ImagePullBackOff").Replace(webCreating))
	if got := hint(plain.OK); !strings.HasPrefix(got, "From what the lab looks like now: The pod is there, but its image") {
		t.Errorf("computed hint: %s", got)
	}
	same(t, "third hint", "Hint 3 of 3: Type this: `kubectl run web --image=drydock/web:1`", hint(plain.OK))
	same(t, "no further hint", "There are no more hints for this step.", hint(plain.No))
}

func TestAskBeforeDeleting(t *testing.T) {
	d := sit(t)
	d.start(plain.OK, "your-first-pod", false)
	d.api.Set(webReady)
	const plan = `
This deletes from the lab:
  pod/web
Nothing was changed. To go ahead, run it again with --yes.`
	reset := func(code int, yes bool) string {
		return d.run(code, func(m plain.Mode, c *course.Course) int { return m.Reset(context.Background(), c, yes) })
	}
	same(t, "reset", plan, reset(plain.No, false))
	next := func(code int, yes bool) string {
		return d.run(code, func(m plain.Mode, c *course.Course) int { return m.Next(context.Background(), c, yes) })
	}
	same(t, "next", plan, next(plain.No, false))
	same(t, "reset with yes", `
This deletes from the lab:
  pod/web
The lesson's world is as it was at the start.`, reset(plain.OK, true))
	if got := d.api.Names("Pod"); len(got) > 0 {
		t.Errorf("pods after the reset: %v", got)
	}
	if got := next(plain.OK, false); !strings.HasPrefix(got, "Lesson 2 of 3: Labels and a ReplicaSet") {
		t.Errorf("next says:\n%s", got)
	}
	if _, err := os.Stat(filepath.Join(d.cfg.Workspace, "web-rs.yaml")); err != nil {
		t.Error(err)
	}
	same(t, "list", `
1. Your first pod (your-first-pod), 10 minutes: started
2. Labels and a ReplicaSet (labels-and-a-replicaset), 12 minutes: started
3. A Deployment (a-deployment), 12 minutes: not started`,
		d.run(plain.OK, func(m plain.Mode, c *course.Course) int { return m.List(context.Background(), c) }))
}

func TestJSON(t *testing.T) {
	d := sit(t)
	d.start(plain.OK, "your-first-pod", false)
	d.json = true
	var got struct {
		Lesson string
		Score  float64
		Goals  []struct{ Goal, Mark, Outcome, Seen string }
	}
	if err := json.Unmarshal([]byte(d.check(plain.No)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Lesson != "your-first-pod" || len(got.Goals) != 5 || got.Goals[0].Outcome != "fail" || got.Goals[1].Mark != "blocked" {
		t.Errorf("check --json: %+v", got)
	}
}

func TestPackCommands(t *testing.T) {
	var out bytes.Buffer
	m := plain.Mode{Out: &out, Err: &out, Lang: "en"}
	if code := m.PackLint("../library/first-steps"); code != plain.OK {
		t.Errorf("lint: %d", code)
	}
	if code := m.PackSeal("../library/first-steps", "your-first-pod", "port", "8080"); code != plain.OK {
		t.Errorf("seal: %d", code)
	}
	if code := m.PackSeal("../library/first-steps", "your-first-pod", "gone", "1"); code != plain.Usage {
		t.Errorf("seal of a goal that is no question: %d", code)
	}
	if code := m.PackLint(t.TempDir()); code != plain.No {
		t.Errorf("lint of an empty folder: %d", code)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	lines[1], _, _ = strings.Cut(lines[1], ":")
	want := []string{
		"first-steps: nothing to complain about.", "hmac-sha256", "goal gone of lesson your-first-pod is not a question to answer",
		"error: pack.yaml: there is no such file; every pack needs one",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("what was said (-want +got):\n%s", diff)
	}
}

// A goal that must last is waited for: a check that is asked once could never see it reached otherwise.
func TestCheckWaitsForWhatMustLast(t *testing.T) {
	d := sit(t)
	d.cfg.Pack.Lesson("your-first-pod").Goals[0].Settle.Hold = 300 * time.Millisecond
	d.start(plain.OK, "your-first-pod", false)
	d.api.Set(webReady)
	got := d.run(plain.OK, func(m plain.Mode, c *course.Course) int { return m.Check(context.Background(), c, "web-runs") })
	same(t, "check", `
Waiting: A pod named web runs from the image drydock/web:1: looks right; it must last 300ms.
PASS 1 of 5: A pod named web runs from the image drydock/web:1`, got)
}

// The first key is made before there is one.
func TestSealBeforeThereIsAKey(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../library/first-steps")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "lessons/your-first-pod/lesson.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	unsealed := regexp.MustCompile(`(?m)^ *key: .*\n`).ReplaceAllString(string(text), "")
	if err := os.WriteFile(file, []byte(unsealed), 0o600); err != nil || unsealed == string(text) {
		t.Fatalf("the lesson had no key to take out, or %v", err)
	}
	var out bytes.Buffer
	m := plain.Mode{Out: &out, Err: &out, Lang: "en"}
	if code := m.PackSeal(dir, "your-first-pod", "port", "8080"); code != plain.OK || !strings.HasPrefix(out.String(), "hmac-sha256:") {
		t.Errorf("seal: %d, %s", code, out.String())
	}
	if code := m.PackLint(dir); code != plain.No {
		t.Errorf("lint of a pack without keys: %d", code)
	}
}
