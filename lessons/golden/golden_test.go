package golden_test

import (
	"context"
	"errors"
	"fmt"
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
	"drydock/lessons/golden"
	"drydock/lessons/pack"
)

// labs makes labs out of fake API servers. Their shell knows three commands: `set OBJECT`, `remove KIND NAME`, `fail`.
type labs struct {
	t            *testing.T
	leftovers    []string
	broken       bool
	made, closed *atomic.Int32 // how many labs; nil: nobody counts
}

func (l labs) New(context.Context, string, pack.World) (golden.Lab, error) {
	if l.broken {
		return nil, errors.New("no user namespaces")
	}
	if l.made != nil {
		l.made.Add(1)
	}
	return &lab{apitest.New(l.t), l.leftovers, l.t.TempDir(), l.closed}, nil
}

type lab struct {
	api       *apitest.Server
	leftovers []string
	dir       string
	closed    *atomic.Int32
}

func (l *lab) RESTConfig() *rest.Config    { return l.api.REST() }
func (l *lab) Prober() checks.Prober       { return nil }
func (l *lab) Machines() course.Machines   { return nil }
func (l *lab) Workspace() string           { return l.dir }
func (l *lab) Clean(context.Context) error { return nil }

func (l *lab) Close(context.Context) (left []string, err error) {
	if l.closed != nil {
		l.closed.Add(1)
	}
	return l.leftovers, nil
}

func (l *lab) RunScript(_ context.Context, script string, _ []string) (string, int, error) {
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "set "):
			l.api.Set(strings.TrimPrefix(line, "set "))
		case strings.HasPrefix(line, "remove "):
			words := strings.Fields(line)
			l.api.Remove(words[1], "default", words[2])
		case line == "fail":
			return "it went wrong", 3, nil
		}
	}
	return "", 0, nil
}

const setWeb = "set {apiVersion: v1, kind: Pod, metadata: {name: web}, status: {phase: Running}}\n"

// files is a pack that holds the contract; a change puts other text into a file.
func files(t *testing.T, change map[string]string) *pack.Pack {
	t.Helper()
	key, err := checks.AnswerSpec{Text: &checks.TextForm{}}.Seal("yes")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{
		"pack.yaml": `{format: 1, id: test, title: Test, version: 1.0.0, tracks: [{id: main, title: Main, lessons: [pod]}]}`,
		"lessons/pod/lesson.yaml": `
id: pod
title: A pod
world: {manifests: [world.yaml]}
steps: [{id: a, goals: [ready, gone, keep, sure]}]
goals:
  - {id: ready, text: r, check: {object: {kind: Pod, name: web, that: ['object.status.phase == "Running"']}}, fail: make web}
  - {id: gone, text: g, needs: [ready], check: {object: {kind: Pod, name: web, expect: none}}, fail: web is there}
  - {id: keep, text: k, kind: guard, check: {object: {kind: ConfigMap, name: guide}}, fail: you need it}
  - {id: sure, text: s, needs: [gone], check: {answer: {text: {}, key: "` + key + `"}}, fail: think again}
`,
		"lessons/pod/world.yaml":            "{apiVersion: v1, kind: ConfigMap, metadata: {name: guide}}",
		"lessons/pod/lesson.md":             "## Step: a\na\n",
		"lessons/pod/solutions/main.sh":     "# answer: sure yes\n" + setWeb + "remove Pod web\n",
		"lessons/pod/mutants/unfinished.sh": "# fails: gone: web is there\n" + setWeb,
	}
	for name, text := range change {
		if name == "lessons/pod/lesson.yaml" {
			from, to, _ := strings.Cut(text, "->")
			text = strings.ReplaceAll(all[name], from, to)
		}
		all[name] = text
	}
	fsys := fstest.MapFS{}
	for name, text := range all {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	p, err := pack.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRun(t *testing.T) {
	const fresh, main, mutant = "fresh", "solutions/main.sh", "mutants/unfinished.sh"
	lesson := func(from, to string) map[string]string {
		return map[string]string{"lessons/pod/lesson.yaml": from + "->" + to}
	}
	for name, tt := range map[string]struct {
		change map[string]string
		labs   labs
		jobs   int                 // 2 when 0
		want   map[string][]string // problems by case
	}{
		"the contract holds": {},
		"points for nothing": {
			change: lesson("needs: [ready], ", ""),
			want: map[string][]string{
				fresh: {"goal gone is reached although nothing was done", "a fresh world scores 33.33"},
				mutant: {
					"goal gone should fail and is done",
					"goal sure is waiting, and the mutant does not name it: expected an answer to the question; seen: no answer yet; think again",
				},
			},
		},
		"a guard that never held": {
			change: lesson("name: guide", "name: guides"),
			want: map[string][]string{
				fresh:  {"guard keep does not hold in a fresh world: expected there is ConfigMap guides; seen: there is none; what there is: guide, kube-root-ca.crt; you need it"},
				main:   {"goal keep is failed: expected there is ConfigMap guides; seen: there is none; what there is: guide, kube-root-ca.crt; you need it", "the score is 100: it did not come to rest"},
				mutant: {"goal keep is failed, and the mutant does not name it: expected there is ConfigMap guides; seen: there is none; what there is: guide, kube-root-ca.crt; you need it"},
			},
		},
		"a solution that is none": {
			change: map[string]string{"lessons/pod/solutions/main.sh": "# answer: sure no\n" + setWeb + "remove Pod web\n"},
			want: map[string][]string{
				main: {"goal sure is failed: expected another answer; seen: you answered: no; think again", "the score is 66.67: it did not come to rest"},
			},
		},
		"a script that breaks": {
			change: map[string]string{"lessons/pod/solutions/main.sh": "fail\n"},
			want:   map[string][]string{main: {"solutions/main.sh ended with code 3:\nit went wrong"}},
		},
		"a mutant that passes": {
			change: map[string]string{"lessons/pod/mutants/unfinished.sh": "# fails: gone: x\n# answer: sure yes\n" + setWeb + "remove Pod web\n"},
			want:   map[string][]string{mutant: {"goal gone should fail and is done"}},
		},
		"a mutant with another message": {
			change: map[string]string{"lessons/pod/mutants/unfinished.sh": "# fails: gone: cake\n" + setWeb},
			want: map[string][]string{
				mutant: {`goal gone should say "cake" and says: expected there is no Pod web; seen: Pod web is Running, 0 of 0 containers ready; web is there`},
			},
		},
		"a mutant that breaks more": {
			change: map[string]string{"lessons/pod/mutants/unfinished.sh": "# fails: gone: web is there\n" + setWeb + "remove ConfigMap guide\n"},
			want: map[string][]string{
				mutant: {"goal keep is failed, and the mutant does not name it: expected there is ConfigMap guide; seen: there is none; what there is: kube-root-ca.crt; you need it"},
			},
		},
		"something is left": {
			labs: labs{leftovers: []string{"process 7"}},
			jobs: 1, // one lab, which each case leaves to the next
			want: map[string][]string{mutant: {"left on the machine: process 7"}},
		},
		"no lab": {
			labs: labs{broken: true},
			want: map[string][]string{
				fresh: {"start a lab: no user namespaces"}, main: {"start a lab: no user namespaces"}, mutant: {"start a lab: no user namespaces"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.labs.t = t
			reported, jobs := 0, 2
			if tt.jobs != 0 {
				jobs = tt.jobs
			}
			cases, err := golden.Run(context.Background(), golden.Config{
				Pack: files(t, tt.change), Labs: tt.labs, Jobs: jobs, Report: func(golden.Case) { reported++ },
				Patience: golden.Patience{Case: time.Minute, Reach: 500 * time.Millisecond, Rest: 50 * time.Millisecond},
			})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string][]string{}
			for _, c := range cases {
				if !c.OK() {
					got[c.Name] = c.Problems
				}
			}
			if tt.want == nil {
				tt.want = map[string][]string{}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if len(cases) != 3 || reported != 3 {
				t.Errorf("%d cases, %d reported; want 3", len(cases), reported)
			}
		})
	}
}

// The first case takes longest here, so that the other seat has worked on everything else when it ends.
func TestRunTearsEveryLabDown(t *testing.T) {
	var made, closed atomic.Int32
	_, err := golden.Run(context.Background(), golden.Config{
		Pack: files(t, map[string]string{"lessons/pod/solutions/main.sh": "fail\n", "lessons/pod/mutants/unfinished.sh": "# fails: gone: x\nfail\n"}),
		Labs: labs{t: t, made: &made, closed: &closed}, Jobs: 2,
		Patience: golden.Patience{Case: time.Minute, Reach: 500 * time.Millisecond, Rest: 200 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	if made.Load() != closed.Load() || made.Load() == 0 {
		t.Errorf("%d labs made, %d torn down", made.Load(), closed.Load())
	}
}

func TestRunUnknownLesson(t *testing.T) {
	_, err := golden.Run(context.Background(), golden.Config{Pack: files(t, nil), Labs: labs{t: t}, Lessons: []string{"boat"}})
	if got := fmt.Sprint(err); got != `the pack test has no lesson "boat"` {
		t.Errorf("got %s", got)
	}
}
