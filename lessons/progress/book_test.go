package progress_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drydock/lessons/progress"
)

func open(t *testing.T, dir string) *progress.Book {
	t.Helper()
	b, err := progress.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func add(t *testing.T, b *progress.Book, r progress.Record) {
	t.Helper()
	if err := b.Add(r); err != nil {
		t.Fatal(err)
	}
}

// goals are the goals recorded as passed.
func goals(t *testing.T, b *progress.Book) []string {
	t.Helper()
	records, err := b.Records()
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, r := range records {
		if r.Kind == progress.Passed {
			out = append(out, r.Goal)
		}
	}
	return out
}

func passed(goal string) progress.Record { return progress.Record{Kind: progress.Passed, Goal: goal} }

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	want := progress.Record{
		Time: time.Date(2030, 1, 2, 3, 4, 5, 6, time.UTC), Kind: progress.Answered, Pack: "p", Lesson: "l", Revision: 2,
		Attempt: "a", Lab: "default", Goal: "g", Value: "line\nfeed", Number: 7,
	}
	add(t, b, want)
	learner := b.Learner()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = open(t, dir)
	records, err := b.Records()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, records[len(records)-1]); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if learner == "" || b.Learner() != learner {
		t.Errorf("the learner was %q and is %q", learner, b.Learner())
	}
}

// The id is stable, and may be given from outside; what cannot be a name of a file is refused.
func TestBecome(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	other := open(t, dir)
	for _, id := range []string{"", "../x", "a b", ".hidden", strings.Repeat("x", 65)} {
		if err := b.Become(id); !errors.Is(err, progress.ErrID) {
			t.Errorf("Become(%q): %v", id, err)
		}
	}
	if err := b.Become("kim.42"); err != nil {
		t.Fatal(err)
	}
	add(t, other, passed("g"))
	for _, book := range []*progress.Book{b, other, open(t, dir)} {
		if book.Learner() != "kim.42" {
			t.Errorf("the learner is %q", book.Learner())
		}
	}
	add(t, b, progress.Record{Kind: progress.Named, Value: "Kim"})
	if name, err := open(t, dir).Name(); err != nil || name != "Kim" {
		t.Errorf("the name is %q, %v", name, err)
	}
}

// Cut at every byte of the last line, the record before is whole, and the next is appended cleanly.
func TestTornTail(t *testing.T) {
	whole := t.TempDir()
	b := open(t, whole)
	add(t, b, passed("first"))
	log := filepath.Join(whole, "log.jsonl")
	before, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	add(t, b, passed("second"))
	after, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for cut := len(before); cut < len(after); cut++ {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "log.jsonl"), after[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		torn := open(t, dir)
		add(t, torn, passed("third"))
		if diff := cmp.Diff([]string{"first", "third"}, goals(t, torn)); diff != "" || torn.Lost() != 0 {
			t.Fatalf("cut at %d, %d lost (-want +got):\n%s", cut, torn.Lost(), diff)
		}
		if diff := cmp.Diff([]string{"first", "third"}, goals(t, open(t, dir))); diff != "" {
			t.Fatalf("cut at %d, reopened (-want +got):\n%s", cut, diff)
		}
	}
}

func TestDamagedLine(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	for _, g := range []string{"first", "second", "third"} {
		add(t, b, passed(g))
	}
	log := filepath.Join(dir, "log.jsonl")
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(log, []byte(strings.Replace(string(text), "second", "sekond", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	if diff := cmp.Diff([]string{"first", "third"}, goals(t, again)); diff != "" || again.Lost() != 1 {
		t.Errorf("%d lost (-want +got):\n%s", again.Lost(), diff)
	}
}

func TestTwoAtOnce(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir)
	if a.Learner() != b.Learner() {
		t.Errorf("two learners: %s and %s", a.Learner(), b.Learner())
	}
	const each = 50
	var done sync.WaitGroup
	for i, book := range []*progress.Book{a, b} {
		done.Go(func() {
			for j := range each {
				if err := book.Add(passed(fmt.Sprintf("%d-%d", i, j))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
	for _, book := range []*progress.Book{a, b, open(t, dir)} {
		if got := len(goals(t, book)); got != 2*each || book.Lost() != 0 {
			t.Errorf("%d records, %d lost; want %d and 0", got, book.Lost(), 2*each)
		}
	}
}

// What was said to be recorded is there after the process was killed in the middle of its work.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("PROGRESS_WRITER"); dir != "" {
		b := open(t, dir)
		for i := 0; ; i++ {
			add(t, b, passed(fmt.Sprint(i)))
			fmt.Fprintln(os.Stdout, "recorded", i)
		}
	}
	dir := t.TempDir()
	writer := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	writer.Env = append(os.Environ(), "PROGRESS_WRITER="+dir)
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	said := 0
	for lines := bufio.NewScanner(out); said < 100 && lines.Scan(); said++ {
	}
	if err := writer.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = writer.Wait() // it was killed
	if said == 0 {
		t.Fatal("the writer wrote nothing")
	}
	b := open(t, dir)
	if got := len(goals(t, b)); got < said || b.Lost() != 0 {
		t.Errorf("%d records and %d lost, but %d were said to be recorded", got, b.Lost(), said)
	}
}

func TestStanding(t *testing.T) {
	b := open(t, t.TempDir())
	of := func(r progress.Record) progress.Record {
		r.Pack, r.Lesson = "p", "l"
		return r
	}
	finished := func(revision, score int) progress.Record {
		return of(progress.Record{Kind: progress.Finished, Revision: revision, Number: score})
	}
	for i, step := range []struct {
		add  progress.Record
		want progress.Standing
	}{
		{progress.Record{Kind: progress.Opened, Pack: "p", Lesson: "other"}, progress.Standing{}},
		{of(progress.Record{Kind: progress.Opened, Revision: 1}), progress.Standing{Started: true}},
		{finished(1, 100), progress.Standing{Started: true, Stale: true}},
		{finished(2, 80), progress.Standing{Started: true, Finished: true, Score: 80}},
		{finished(2, 60), progress.Standing{Started: true, Finished: true, Score: 80}},
	} {
		add(t, b, step.add)
		got, err := b.Standing("p", "l", 2)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("after record %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestAttempt(t *testing.T) {
	first := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	b := open(t, t.TempDir())
	for _, r := range []progress.Record{
		{Kind: progress.Passed, Attempt: "old", Goal: "a"},
		{Kind: progress.Passed, Attempt: "new", Goal: "b", Time: first},
		{Kind: progress.Passed, Attempt: "new", Goal: "b", Time: first.Add(time.Hour)},
		{Kind: progress.Answered, Attempt: "new", Goal: "c", Value: "1"},
		{Kind: progress.Answered, Attempt: "new", Goal: "c", Value: "2"},
		{Kind: progress.Hinted, Attempt: "new", Step: "s", Number: 1},
		{Kind: progress.Hinted, Attempt: "new", Step: "s", Number: 1},
	} {
		add(t, b, r)
	}
	got, err := b.Attempt("new")
	if err != nil {
		t.Fatal(err)
	}
	want := progress.Attempt{
		ID: "new", Passed: map[string]bool{"b": true}, Times: map[string]time.Time{"b": first}, Answers: map[string]string{"c": "2"}, Hints: map[string][]int{"s": {1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("attempt (-want +got):\n%s", diff)
	}
}

// A log that someone edited never makes Open panic or refuse.
func FuzzOpen(f *testing.F) {
	f.Add([]byte("00000000 {}\n"))
	f.Add([]byte("\n\n{\"kind\":"))
	f.Fuzz(func(t *testing.T, log []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "log.jsonl"), log, 0o600); err != nil {
			t.Fatal(err)
		}
		add(t, open(t, dir), passed("g"))
		if got := goals(t, open(t, dir)); len(got) == 0 || got[len(got)-1] != "g" {
			t.Errorf("the record is gone: %v", got)
		}
	})
}
