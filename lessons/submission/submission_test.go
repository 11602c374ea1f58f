package submission_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drydock/lessons/journal"
	"drydock/lessons/progress"
	"drydock/lessons/submission"
)

const digest = "sha256:abc"

// student is someone who worked at a lesson.
type student struct {
	t       *testing.T
	book    *progress.Book
	journal *journal.Journal
	dir     string
}

func newStudent(t *testing.T, id string) *student {
	t.Helper()
	s := &student{t: t, dir: t.TempDir()}
	var err error
	if s.book, err = progress.Open(t.TempDir()); err == nil {
		err = s.book.Become(id)
	}
	if err == nil {
		s.journal, err = journal.Open(t.TempDir(), id, "lab")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.book.Close(); _ = s.journal.Close() })
	return s
}

func (s *student) note(entries ...journal.Entry) {
	s.t.Helper()
	if err := s.journal.Append(entries...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *student) record(kind progress.Kind, goal, value string) {
	s.t.Helper()
	if err := s.book.Add(progress.Record{Kind: kind, Lesson: "note", Attempt: "A", Goal: goal, Value: value}); err != nil {
		s.t.Fatal(err)
	}
}

// work does the lesson "note" in one attempt.
func (s *student) work() {
	s.t.Helper()
	began := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	s.note(
		journal.Entry{Kind: journal.Opened, Time: began, Pack: "p", Lesson: "note", Revision: 1, Digest: digest, Attempt: "A", Seed: submission.Seed(s.book.Learner(), digest)},
		journal.Entry{Kind: journal.Typed, Time: began.Add(time.Second), Value: "cd sub && greeting=hello"},
		journal.Entry{Kind: journal.Typed, Time: began.Add(2 * time.Second), Value: "cat web.yaml; echo $greeting it\\'s"},
		journal.Entry{Kind: journal.Wrote, Time: began.Add(3 * time.Second), Value: "create configmaps/default/note"},
		journal.Entry{Kind: journal.Verdict, Lesson: "note", Attempt: "A", Goal: "written", Value: "pass"},
		journal.Entry{Kind: journal.Typed, Time: began.Add(4 * time.Second), Value: "exit"},
		journal.Entry{Kind: journal.Answered, Attempt: "A", Goal: "read", Value: "a pod"},
	)
	s.record(progress.Passed, "written", "")
	s.record(progress.Answered, "read", "a pod")
	if err := s.journal.Keep(journal.Entry{Attempt: "A"}, []byte("---\nkind: ConfigMap\n")); err != nil {
		s.t.Fatal(err)
	}
	for name, text := range map[string]string{"sub/web.yaml": "kind: Pod\n", ".bash_history": "x", "large": strings.Repeat("x", 300<<10)} {
		path := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			err = os.WriteFile(path, []byte(text), 0o600)
			if err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

func (s *student) collect() *submission.File {
	s.t.Helper()
	f, err := submission.Collect(submission.Source{Tool: "drydock", Lab: "lab", Book: s.book, Journal: s.journal, Workspace: s.dir})
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

func worked(t *testing.T, id string) *submission.File {
	t.Helper()
	s := newStudent(t, id)
	s.work()
	return s.collect()
}

func write(t *testing.T, f *submission.File) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func reread(t *testing.T, f *submission.File) *submission.File {
	t.Helper()
	again, err := submission.Read(bytes.NewReader(write(t, f)))
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func TestThereAndBack(t *testing.T) {
	s := newStudent(t, "kim")
	s.work()
	first, second := write(t, s.collect()), write(t, s.collect())
	if !bytes.Equal(first, second) {
		t.Error("the same work gives other bytes")
	}
	f := reread(t, s.collect())
	if diff := cmp.Diff(s.collect().About.Lessons, f.About.Lessons); diff != "" {
		t.Errorf("lessons (-want +got):\n%s", diff)
	}
	if what := f.Verify(); len(what) > 0 {
		t.Errorf("a whole submission: %q", what)
	}
	if diff := cmp.Diff(map[string][]byte{"sub/web.yaml": []byte("kind: Pod\n")}, f.Files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"large: larger than 256 KiB"}, f.About.LeftOut); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
}

// edit changes the journal of a file, line by line.
func edit(f *submission.File, change func([][]byte) [][]byte) {
	f.Journal = bytes.Join(change(slices.Collect(bytes.Lines(f.Journal))), nil)
}

// Every forgery is named, those of the journal with the entry's number.
func TestForged(t *testing.T) {
	for name, test := range map[string]struct {
		forge func(*submission.File)
		want  string
	}{
		"a changed entry": {func(f *submission.File) {
			f.Journal = bytes.Replace(f.Journal, []byte("create configmaps"), []byte("delete configmaps"), 1)
		}, "the journal does not hold: entry 5: it was changed"},
		"a cut entry": {func(f *submission.File) {
			edit(f, func(l [][]byte) [][]byte { return slices.Delete(l, 3, 4) })
		}, "the journal does not hold: entry 4: it is number 5: numbers 4 to 4 before it were cut out"},
		"a cut end": {func(f *submission.File) {
			edit(f, func(l [][]byte) [][]byte { return l[:6] })
		}, "the journal does not hold: entry 6: the journal ends with it, and 9 entries were submitted"},
		"reordered entries": {func(f *submission.File) {
			edit(f, func(l [][]byte) [][]byte { l[2], l[3] = l[3], l[2]; return l })
		}, "the journal does not hold: entry 3: it is number 4 and stands in the place of number 3"},
		"an entry of another learner": {func(f *submission.File) {
			other := slices.Collect(bytes.Lines(worked(t, "lee").Journal))
			edit(f, func(l [][]byte) [][]byte { l[4] = other[4]; return l })
		}, `the journal does not hold: entry 5: it comes from another journal, of learner "lee"`},
		"the journal of another learner": {func(f *submission.File) {
			other := worked(t, "lee")
			f.Journal, f.About.Head, f.About.Entries = other.Journal, other.About.Head, other.About.Entries
		}, `the journal does not hold: entry 1: it is the journal of learner "lee"`},
		"the work of another learner under one's own name": {func(f *submission.File) {
			other := worked(t, "lee")
			*f = *other
			f.About.Learner = "kim"
		}, `the journal does not hold: entry 1: it is the journal of learner "lee"`},
		"a goal that was never reached": {func(f *submission.File) {
			f.About.Lessons[0].Reached["gone"] = time.Now()
		}, "lesson note: goal gone is said to be reached, and the journal never saw it"},
		"easier parameters": {func(f *submission.File) { f.About.Lessons[0].Seed = "kim/easy" }, "lesson note: it is not what entry 2 opened"},
		"other objects":     {func(f *submission.File) { f.Objects["note"] = []byte("---\n") }, "lesson note: its objects are not those that the journal saw"},
	} {
		t.Run(name, func(t *testing.T) {
			f := worked(t, "kim")
			test.forge(f)
			if what := reread(t, f).Verify(); len(what) == 0 || !strings.HasPrefix(what[0], test.want) {
				t.Errorf("Verify says %q, want first %q", what, test.want)
			}
		})
	}
}

func TestChangedPart(t *testing.T) {
	f := reread(t, worked(t, "kim"))
	f.Files["sub/web.yaml"] = []byte("kind: Job\n")
	f.Files["more"] = nil
	delete(f.Objects, "note")
	want := []string{
		"files/more was added after the submission", "files/sub/web.yaml was changed after the submission",
		"objects/note.yaml was taken out after the submission",
	}
	if diff := cmp.Diff(want, f.Verify()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What was typed is typed again in one shell, with the learner's files, and waits where the learner saw a goal reached.
func TestUnfold(t *testing.T) {
	f := worked(t, "kim")
	workspace := t.TempDir()
	dir := filepath.Join(workspace, "unfolded")
	if err := f.Unfold(dir, digest); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "note"), filepath.Join(workspace, "submission")); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(workspace, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"bin/kubectl": "#!/bin/sh\necho kubectl \"$@\"\n", "submission/reached": "written\n",
	} {
		if err := os.WriteFile(filepath.Join(workspace, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "./commands.sh")
	cmd.Dir = filepath.Join(workspace, "submission")
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	got, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	want := `== entry 3: cd sub && greeting=hello
== entry 4: cat web.yaml; echo $greeting it\'s
kind: Pod
hello it's
== what no command made
kubectl create -f ` + filepath.Join(workspace, "submission", "objects") + "\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	answers, err := os.ReadFile(filepath.Join(workspace, "submission", "answers.txt"))
	if err != nil || string(answers) != "read a pod\n" {
		t.Errorf("answers %q, %v", answers, err)
	}
	if err := f.Unfold(filepath.Join(workspace, "other"), "sha256:other"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(workspace, "other", "note")); err == nil {
		t.Error("a lesson of another pack was unfolded")
	}
}

// A name that leads out of the folder is refused.
func TestUnfoldStaysInside(t *testing.T) {
	for _, id := range []string{"../note", "..", "/note", ".", "a/b", ".git"} {
		f := worked(t, "kim")
		f.About.Lessons[0].Lesson = id
		if err := f.Unfold(t.TempDir(), digest); err == nil {
			t.Errorf("lesson %q was unfolded", id)
		}
	}
}

func TestNothingDone(t *testing.T) {
	s := newStudent(t, "kim")
	if _, err := submission.Collect(submission.Source{Lab: "lab", Book: s.book, Journal: s.journal}); err == nil {
		t.Error("nothing was collected without an error")
	}
}

// Whatever a file holds, reading, verifying and unfolding end without a panic.
func FuzzRead(f *testing.F) {
	f.Add([]byte("no archive"))
	var small bytes.Buffer
	_ = (&submission.File{About: submission.About{Format: submission.Format, Lessons: []submission.Lesson{{Lesson: "a"}}}}).Write(&small)
	f.Add(small.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := submission.Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		file.Verify()
		_ = file.Unfold(t.TempDir(), "") // whatever it says
	})
}
