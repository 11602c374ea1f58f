package grade_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"drydock/checks"
	"drydock/checks/apitest"
	"drydock/lessons/course"
	"drydock/lessons/grade"
	"drydock/lessons/pack"
)

// labs makes labs out of fake API servers. Their shell knows: `set OBJECT`, `remove KIND NAME`, `hang`, `bomb`, `break`.
type labs struct {
	t       *testing.T
	made    atomic.Int32
	refuses atomic.Int32 // so many labs do not start
}

func (l *labs) Fresh(context.Context, string, pack.World) (grade.Lab, error) {
	l.made.Add(1)
	if l.refuses.Add(-1) >= 0 {
		return nil, errors.New("no room for a lab")
	}
	return &lab{l.t, apitest.New(l.t), l.t.TempDir()}, nil
}

type lab struct {
	t   *testing.T
	api *apitest.Server
	dir string
}

func (l *lab) RESTConfig() *rest.Config                { return l.api.REST() }
func (l *lab) Prober() checks.Prober                   { return nil }
func (l *lab) Machines() course.Machines               { return nil }
func (l *lab) Workspace() string                       { return l.dir }
func (l *lab) Clean(context.Context) error             { return nil }
func (l *lab) Close(context.Context) ([]string, error) { return nil, nil }
func (l *lab) RunScript(context.Context, string, []string) (string, int, error) {
	return "", 0, errors.New("a submission must not run outside its box")
}

func (l *lab) Replay(ctx context.Context, script string, hidden []string) (string, int, error) {
	if !slices.Contains(hidden, "/secret") {
		l.t.Error("the pack can be read by the submission")
	}
	dir := l.dir
	for line := range strings.Lines(script) {
		if to, ok := strings.CutPrefix(strings.TrimSuffix(line, " || exit 1\n"), "cd "); ok {
			dir = filepath.Join(l.dir, to)
		}
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "sh './")
		if !ok {
			continue
		}
		name, _, _ = strings.Cut(name, "'")
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", 1, err
		}
		for line := range strings.Lines(string(text)) {
			if err := l.command(ctx, dir, strings.TrimSpace(line)); err != nil {
				return "some output", 1, err
			}
		}
	}
	return "some output", 0, nil
}

func (l *lab) command(ctx context.Context, dir, line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "set":
		l.api.Set(rest)
	case "apply": // a file of the world, or of the learner's
		text, err := os.ReadFile(filepath.Join(dir, rest))
		if err != nil {
			return nil // the script goes on
		}
		l.api.Set(string(text))
	case "remove":
		l.api.Remove(strings.Fields(rest)[0], "default", strings.Fields(rest)[1])
	case "later": // when the machine gets round to it
		time.AfterFunc(300*time.Millisecond, func() { l.api.Set(rest) })
	case "await": // a paced script: until the goal stands in the file beside it
		for {
			text, err := os.ReadFile(filepath.Join(l.dir, "submission", "reached"))
			if slices.Contains(strings.Fields(string(text)), rest) {
				return nil
			}
			if ctx.Err() != nil {
				return errors.Join(ctx.Err(), err)
			}
			runtime.Gosched()
		}
	case "hang":
		<-ctx.Done()
		return ctx.Err()
	case "bomb":
		return fmt.Errorf("%w: 256 processes", grade.ErrLimit)
	case "break":
		return errors.New("the control socket is gone")
	}
	return nil
}

const web = "set {apiVersion: v1, kind: Pod, metadata: {name: web-x7k2p, labels: {app: web}}, status: {phase: Running, podIP: 10.244.3.7}}\n"

func testPack(t *testing.T) *pack.Pack {
	t.Helper()
	key, err := checks.AnswerSpec{Text: &checks.TextForm{}}.Seal("yes")
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	for name, text := range map[string]string{
		"pack.yaml": `{format: 1, id: test, title: Test, version: 1.0.0, policy: exam, tracks: [{id: main, title: Main, lessons: [pod, more]}]}`,
		"lessons/pod/lesson.yaml": `
id: pod
title: A pod
world: {manifests: [world.yaml], files: [{path: web.yaml, content: "{apiVersion: v1, kind: Pod, metadata: {name: web, labels: {app: web}}, status: {phase: Running}}"}]}
steps: [{id: a, goals: [runs, keep, sure]}]
goals:
  - {id: runs, points: 50, text: r, check: {object: {kind: Pod, selector: app=web, that: ['object.status.phase == "Running"']}}, fail: make web}
  - {id: keep, text: k, kind: guard, check: {object: {kind: ConfigMap, name: guide}}, fail: you need it}
  - {id: sure, points: 20, text: s, needs: [runs, keep], check: {answer: {text: {}, key: "` + key + `"}}, fail: think again}
`,
		"private/lessons/pod.yaml":       "goals: [{id: quiet, points: 30, text: q, needs: [runs], check: {object: {kind: Pod, selector: app=web, that: ['object.status.podIP == \"none\"']}}, fail: secret words}]\n",
		"lessons/pod/world.yaml":         "{apiVersion: v1, kind: ConfigMap, metadata: {name: guide}}",
		"lessons/pod/lesson.md":          "## Step: a\na\n",
		"lessons/pod/solutions/main.sh":  "true\n",
		"lessons/more/lesson.yaml":       "id: more\ntitle: More\nneeds: [pod]\nsteps: [{id: a, goals: [none]}]\ngoals: [{id: none, text: n, check: {object: {kind: Pod, name: none}}, fail: x}]\n",
		"lessons/more/lesson.md":         "## Step: a\na\n",
		"lessons/more/solutions/main.sh": "true\n",
	} {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	p, err := pack.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// handedIn writes submissions: learner/lesson/file and its text.
func handedIn(t *testing.T, files map[string]string) []grade.Submission {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(text, "-> ") {
			if err := os.Symlink(strings.TrimPrefix(text, "-> "), path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, err := grade.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var catalogue = map[string]string{
	"good/pod/01.sh":          web + "# answer: sure yes\n",
	"answers/pod/01.sh":       web,
	"answers/pod/answers.txt": "sure no\n",
	"breaks/pod/01.sh":        web + "remove ConfigMap guide\n# answer: sure yes\n",
	"hangs/pod/01.sh":         web + "hang\n",
	"bombs/pod/01.sh":         web + "bomb\n",
	"breaks-us/pod/01.sh":     "break\n",
	"links/pod/01.sh":         "-> /etc/passwd",
	"huge/pod/01.sh":          strings.Repeat("#", 5<<20),
	"nothing/other/01.sh":     web,
}

func config(t *testing.T, l *labs, s []grade.Submission) grade.Config {
	return grade.Config{
		Pack: testPack(t), Submissions: s, Labs: l, Jobs: 3, Deadline: 2 * time.Second, Tool: "drydock test", Hidden: []string{"/secret"},
		Load:     func() float64 { return 1 }, // whatever else this machine does
		Patience: grade.Patience{Reach: time.Second, Rest: 50 * time.Millisecond, Open: 100 * time.Millisecond},
	}
}

func TestGrade(t *testing.T) {
	l := &labs{t: t}
	rows, err := grade.Run(context.Background(), config(t, l, handedIn(t, catalogue)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range rows {
		var goals []string
		for _, g := range r.Goals {
			goals = append(goals, string(g.Outcome))
			if g.Hidden && (g.Message != "" || g.Expected != "" || g.Actual != "") {
				t.Errorf("%s: a hidden goal tells %+v", r.Learner, g)
			}
		}
		got[r.Learner+"/"+r.Lesson] = fmt.Sprintf("%s %g/%g %s %s", r.Status, r.Score, r.Max, strings.Join(goals, ","), r.Note)
	}
	want := map[string]string{
		"good/pod":      "graded 70/100 pass,pass,pass,fail ",
		"answers/pod":   "graded 50/100 pass,pass,fail,fail ",
		"breaks/pod":    "graded 50/100 pass,fail,blocked,fail ",
		"hangs/pod":     "timeout 50/100 pass,pass,fail,fail it took longer than 2s",
		"bombs/pod":     "stopped 50/100 pass,pass,fail,fail the submission went beyond a limit: 256 processes",
		"breaks-us/pod": "error 0/100 error,error,error,error replay the submission: the control socket is gone",
		"links/pod":     "refused 0/100 skipped,skipped,skipped,skipped 01.sh is not a plain file",
		"huge/pod":      "refused 0/100 skipped,skipped,skipped,skipped the files are larger than 4 MiB",
		"nothing/pod":   "empty 0/100 skipped,skipped,skipped,skipped ",
	}
	for _, name := range []string{"good", "answers", "breaks", "hangs", "bombs", "breaks-us", "links", "huge", "nothing"} {
		want[name+"/more"] = "empty 0/100 skipped "
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if made := l.made.Load(); made != 5+3 { // five, and three tries of the one that breaks us
		t.Errorf("%d labs were made", made)
	}
}

func TestGradeTwiceIsTheSame(t *testing.T) {
	s, p := handedIn(t, catalogue), testPack(t)
	var reports [2]grade.Report
	for i := range reports {
		cfg := config(t, &labs{t: t}, s)
		cfg.Pack, cfg.Deadline = p, 300*time.Millisecond
		rows, err := grade.Run(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		for k := range rows {
			rows[k] = rows[k].WithoutTimes()
		}
		reports[i] = grade.Report{Pack: "test", Totals: cfg.Totals(rows), Rows: rows}
	}
	for _, format := range grade.Formats {
		var out [2]bytes.Buffer
		for i := range out {
			if err := reports[i].Write(&out[i], format); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(out[0].String(), out[1].String()); diff != "" {
			t.Errorf("%s (-first +second):\n%s", format, diff)
		}
		if !strings.Contains(out[0].String(), "breaks") || strings.Contains(out[0].String(), "secret words") {
			t.Errorf("%s: %s", format, out[0].String())
		}
	}
}

func TestGradeTriesAgainWhatIsOurs(t *testing.T) {
	l := &labs{t: t}
	l.refuses.Store(2)
	cfg := config(t, l, handedIn(t, map[string]string{"one/pod/01.sh": web}))
	cfg.Jobs = 1
	rows, err := grade.Run(context.Background(), cfg)
	if err != nil || rows[0].Status != grade.Graded || rows[0].Score != 50 {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestResume(t *testing.T) {
	l, out := &labs{t: t}, t.TempDir()
	s := handedIn(t, map[string]string{"one/pod/01.sh": web, "two/pod/01.sh": web})
	cfg := config(t, l, s)
	cfg.Out = out
	first, err := grade.Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"record.json", "output.txt", "objects.yaml", "events.txt"} {
		if _, err := os.Stat(filepath.Join(out, "one", "pod", name)); err != nil {
			t.Errorf("evidence: %v", err)
		}
	}
	// A batch that was killed while it wrote a row, and a submission that has changed since.
	name := filepath.Join(out, "rows.jsonl")
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(f, `{"learner":"two","lesson":"p`)
	f.Close()
	if err := os.WriteFile(filepath.Join(s[1].Dir, "pod", "01.sh"), []byte("remove ConfigMap guide\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	before := l.made.Load()
	cfg.Resume = true
	second, err := grade.Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if made := l.made.Load() - before; made != 1 {
		t.Errorf("%d labs for one changed submission", made)
	}
	if diff := cmp.Diff(first[0], second[0]); diff != "" {
		t.Errorf("a row that was known changed (-first +second):\n%s", diff)
	}
	if second[2].Score != 0 {
		t.Errorf("the changed submission: %+v", second[2])
	}
}

func TestTotals(t *testing.T) {
	cfg := grade.Config{Weights: map[string]float64{"big": 3}}
	got := cfg.Totals([]grade.Row{{Learner: "a", Lesson: "big", Score: 100}, {Learner: "a", Lesson: "small", Score: 20}, {Learner: "b", Lesson: "big"}})
	if len(got) != 2 || got[0].Score != 80 || got[1].Score != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestCSVIsHarmless(t *testing.T) {
	r := grade.Report{Rows: []grade.Row{{Learner: "=cmd()", Goals: []grade.GoalOutcome{{Goal: "a", Message: "+1"}}}}}
	var out bytes.Buffer
	if err := r.Write(&out, "csv"); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); strings.Contains(s, "\n=cmd") || strings.Contains(s, ",+1") {
		t.Errorf("a spreadsheet would run this: %s", s)
	}
}

// A paced script goes on when the goal that it waits for was seen; hidden goals and guards are not told.
func TestPaced(t *testing.T) {
	dir := t.TempDir()
	script := web + "await runs\nremove Pod web-x7k2p\n"
	if err := os.MkdirAll(filepath.Join(dir, "kim", "pod"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kim", "pod", "commands.sh"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	rows, err := grade.Run(context.Background(), grade.Config{
		Pack: testPack(t), Labs: &labs{t: t}, Hidden: []string{"/secret"}, Deadline: 20 * time.Second,
		Submissions: []grade.Submission{{Learner: "Kim", Seeds: "id-of-kim", Dir: filepath.Join(dir, "kim"), Paced: true}},
		Patience:    grade.Patience{Reach: time.Second, Rest: 50 * time.Millisecond},
		Load:        func() float64 { return 1 },
	})
	if err != nil {
		t.Fatal(err)
	}
	row := rows[0]
	if row.Status != grade.Graded || row.Goals[0].Outcome != checks.Pass {
		t.Errorf("status %s (%s), goal runs %s: it was there before it was removed", row.Status, row.Note, row.Goals[0].Outcome)
	}
	if !strings.HasPrefix(row.Seed, "id-of-kim/sha256:") || row.Learner != "Kim" {
		t.Errorf("learner %q with seed %q", row.Learner, row.Seed)
	}
}

// What is refused is told, and makes no lab.
func TestRefused(t *testing.T) {
	made := &labs{t: t}
	rows, err := grade.Run(context.Background(), grade.Config{
		Pack: testPack(t), Labs: made, Submissions: []grade.Submission{{Learner: "kim", Refused: "entry 5: it was changed"}},
	})
	if err != nil || made.made.Load() != 0 {
		t.Fatalf("%v, %d labs", err, made.made.Load())
	}
	for _, r := range rows {
		if r.Status != grade.Refused || r.Note != "entry 5: it was changed" || r.Score != 0 {
			t.Errorf("row %+v", r)
		}
	}
}

// Scripts find the files of the lesson's world, as the learner did, and what was handed in takes their place.
func TestWorldFiles(t *testing.T) {
	rows, err := grade.Run(context.Background(), config(t, &labs{t: t}, handedIn(t, map[string]string{
		"plain/pod/01.sh":         "apply web.yaml\n",
		"changed/pod/01.sh":       "apply web.yaml\n",
		"changed/pod/web.yaml":    "{apiVersion: v1, kind: Pod, metadata: {name: web, labels: {app: other}}, status: {phase: Running}}",
		"trap/pod/web.yaml/01.sh": "apply web.yaml\n",
	})))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range rows {
		if r.Lesson == "pod" {
			got[r.Learner] = fmt.Sprintf("%s %s %s", r.Status, r.Goals[0].Outcome, r.Note)
		}
	}
	want := map[string]string{
		"plain": "graded pass ", "changed": "graded fail ", "trap": "refused skipped web.yaml/01.sh: the lesson has something else of that name",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// On a busy machine everything comes later, and a right answer is waited for. Whether it would have come is not known when
// the machine does nothing else for ever: then the row says so.
func TestBusyMachine(t *testing.T) {
	const later = "later {apiVersion: v1, kind: Pod, metadata: {name: web, labels: {app: web}}, status: {phase: Running, podIP: 10.244.3.7}}\n"
	for name, tt := range map[string]struct {
		load   float64
		script string
		want   string
	}{
		"five times as slow":       {5, later, "graded pass "},
		"not to be seen to an end": {1000, "true\n", "timeout fail the machine was too busy to see what becomes of it for 1.8s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(t, &labs{t: t}, handedIn(t, map[string]string{"kim/pod/01.sh": tt.script}))
			cfg.Load = func() float64 { return tt.load }
			cfg.Reach = 300 * time.Millisecond
			rows, err := grade.Run(context.Background(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%s %s %s", rows[0].Status, rows[0].Goals[0].Outcome, rows[0].Note); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
