package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/lessons/grade"
)

// TestSolutionsAsTheyAre hands a bundled pack's own solutions in. They change the files of their worlds, one after another in
// one lab.
func TestSolutionsAsTheyAre(t *testing.T) {
	const library = "../lessons/library/pods"
	home, handedIn := t.TempDir(), []string{"several-containers", "one-unit-one-life", "init-and-sidecar"}
	for _, lesson := range handedIn {
		solution, err := os.ReadFile(filepath.Join(library, "lessons", lesson, "solutions", "main.sh"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(home, "subs", "kim", lesson, "main.sh"), string(solution))
	}
	rows := filepath.Join(home, "rows.json")
	env := append(os.Environ(), "DRYDOCK_HOME="+filepath.Join(home, "state"), "HOME="+home)
	args := []string{"grade", library, "--submissions", filepath.Join(home, "subs"), "--jobs", "1", "--format", "json", "--output", rows}
	if out, err := command(binary(t), nil, env, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(rows)
	if err != nil {
		t.Fatal(err)
	}
	var report grade.Report
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	full := 0
	for _, r := range report.Rows {
		switch {
		case r.Status == grade.Graded && r.Score == 100:
			full++
		case r.Status != grade.Empty:
			t.Errorf("%s: %s, %g points: %s %+v", r.Lesson, r.Status, r.Score, r.Note, r.Goals)
		}
	}
	if full != len(handedIn) {
		t.Errorf("%d solutions had full marks, want %d", full, len(handedIn))
	}
}

// A handed is a learner's work: files by their names, of which one that begins with "-> " is a symbolic link, and what
// becomes of it.
type handed struct {
	files map[string]string
	want  string
}

const noteDown = "kubectl create configmap note --from-literal=text="

// class is thirty learners, of whom some would rather break the grader.
func class() map[string]handed {
	script := func(text string) map[string]string { return map[string]string{"01.sh": text} }
	all := map[string]handed{
		"memory":         {script("head -c 1500000000 /dev/zero | tail -c 1400000000 | sleep 60\n"), "stopped 0 the submission went beyond a limit: 1024 MiB of memory"},
		"forks":          {script("while :; do sleep 60 & done\n"), "stopped 0 the submission went beyond a limit: 256 processes"},
		"disk":           {script("i=0; while [ $i -lt 20 ]; do head -c 60000000 /dev/zero > big$i; i=$((i+1)); done; sleep 60\n"), "stopped 0 the submission went beyond a limit: 128 MiB on disk"},
		"output":         {script("yes\n"), "timeout 0 it took longer than 15s"},
		"sleeper":        {script("sleep infinity\n"), "timeout 0 it took longer than 15s"},
		"=HYPERLINK(1)":  {script("kill -9 -1\n"), "graded 0"},
		"-rf":            {map[string]string{"-rf.sh": "exit 7\n"}, "graded 0"},
		"$(reboot) `id`": {map[string]string{"'; touch trap; '.sh": "exit 7\n"}, "graded 0"},
		"line\nbreak":    {map[string]string{"line\nbreak.sh": "exit 7\n"}, "graded 0"},
		"binary":         {map[string]string{"01.sh": "\x7fELF\x00\xff", "02.yaml": "\x00\x01{{{"}, "graded 0"},
		"link":           {script("-> /etc/passwd"), "refused 0 01.sh is not a plain file"},
		"circle":         {map[string]string{"around": "-> ."}, "refused 0 around is not a plain file"},
		"empty":          {nil, "empty 0"},
	}
	for i := 0; len(all) < 30; i++ {
		all[fmt.Sprintf("learner-%02d", i)] = handed{script(noteDown + "hello\n"), "graded 100"}
		if i%4 == 3 {
			all[fmt.Sprintf("learner-%02d", i)] = handed{script(noteDown + "bye\n"), "graded 0"}
		}
	}
	return all
}

func (h handed) write(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range h.files {
		if to, link := strings.CutPrefix(text, "-> "); !link {
			write(t, filepath.Join(dir, name), text)
		} else if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBatchIsTheSameTwice grades the class twice, at the same time: a row for each learner, and the same rows.
func TestBatchIsTheSameTwice(t *testing.T) {
	home := privateDir(t, nil)
	pack, subs := filepath.Join(home, "pack"), filepath.Join(home, "subs")
	for name, text := range map[string]string{
		"pack.yaml": "{format: 1, id: notes, title: Notes, version: 1.0.0, tracks: [{id: main, title: Main, lessons: [note]}]}",
		"lessons/note/lesson.yaml": `{id: note, title: A note, steps: [{id: write, goals: [written]}], goals: [{id: written, text: A ConfigMap note says hello,
  check: {object: {kind: ConfigMap, name: note, match: {data: {text: hello}}}}, fail: Nothing was written down.}]}`,
		"lessons/note/lesson.md":         "## Step: write\nWrite hello.\n",
		"lessons/note/solutions/main.sh": noteDown + "hello\n",
	} {
		write(t, filepath.Join(pack, name), text)
	}
	want := map[string]string{}
	for learner, h := range class() {
		h.write(t, filepath.Join(subs, learner, "note"))
		want[learner] = h.want
	}
	var out [2]string
	var running sync.WaitGroup
	program := binary(t)
	for i := range out {
		running.Go(func() { out[i] = graded(t, program, home, fmt.Sprintf("rows-%d.json", i)) })
	}
	running.Wait()
	if diff := cmp.Diff(out[0], out[1]); diff != "" {
		t.Errorf("rows (-first +second):\n%s", diff)
	}
	var report grade.Report
	if err := json.Unmarshal([]byte(out[0]), &report); err != nil {
		t.Fatal(err)
	}
	if kept, err := os.Stat(filepath.Join(home, "rows-0.json.d", "output", "note", "output.txt")); err != nil || kept.Size() > 1<<20 {
		t.Errorf("of output without end more than 1 MiB is kept: %v, %v", kept, err)
	}
	got := map[string]string{}
	for _, r := range report.Rows {
		got[r.Learner] = strings.TrimSpace(fmt.Sprintf("%s %g %s", r.Status, r.Score, r.Note))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what became of the class (-want +got):\n%s", diff)
	}
}

// graded are the rows of a batch, without times.
func graded(t *testing.T, program, home, name string) string {
	rows := filepath.Join(home, name)
	env := append(os.Environ(), "DRYDOCK_HOME="+filepath.Join(home, "state"), "HOME="+home)
	said, err := command(program, nil, env, "grade", filepath.Join(home, "pack"), "--submissions", filepath.Join(home, "subs"),
		"--jobs", "6", "--deadline", "15s", "--no-times", "--format", "json", "--output", rows, "--out", rows+".d").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	text, err := os.ReadFile(rows)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}
