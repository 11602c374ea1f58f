package pack_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/lessons/pack"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestTenWaysToBreakAPack: what an author reads after each of ten slips of the hand, in the pack that `pack new` makes.
func TestTenWaysToBreakAPack(t *testing.T) {
	const lesson = "lessons/first/lesson.yaml"
	var read strings.Builder
	for _, slip := range []struct{ what, file, from, to string }{
		{"a key is misspelt", lesson, "goals: [made]", "golas: [made]"},
		{"the indentation is wrong", lesson, "    hints:", "   hints:"},
		{"a step names a goal that is not there", lesson, "goals: [made]", "goals: [maed]"},
		{"a goal has no check", lesson, "    check:\n      object:\n        kind: ConfigMap\n        name: zoo\n        match: {data: {animal: \"{{animal}}\"}}\n", ""},
		{"a condition does not compile", lesson, "        match: {data: {animal: \"{{animal}}\"}}\n", "        that: [object.data.animal = 'otter']\n"},
		{"a number is text", lesson, "minutes: 5", "minutes: five"},
		{"a heading is missing", "lessons/first/lesson.md", "## Step: make", "## Make"},
		{"the solution is missing", "lessons/first/solutions/main.sh", "", ""},
		{"a mutant fails a goal that is not there", "lessons/first/mutants/other-key.sh", "fails: made", "fails: mode"},
		{"the track names another lesson", "pack.yaml", "lessons: [first]", "lessons: [frist]"},
	} {
		dir := filepath.Join(t.TempDir(), "demo")
		if err := pack.New(dir); err != nil {
			t.Fatal(err)
		}
		breakFile(t, filepath.Join(dir, slip.file), slip.from, slip.to)
		_, err := pack.Load(os.DirFS(dir))
		if err == nil {
			t.Errorf("%s: nobody noticed", slip.what)
			continue
		}
		read.WriteString("# " + slip.what + "\n" + err.Error() + "\n\n")
	}
	golden := filepath.Join("testdata", "ten-ways.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(read.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), read.String()); diff != "" {
		t.Errorf("what an author reads (-want +got):\n%s", diff)
	}
}

// breakFile changes a file, or removes it when there is nothing to change.
func breakFile(t *testing.T, name, from, to string) {
	t.Helper()
	if from == "" {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(name)
	if err != nil || !strings.Contains(string(text), from) {
		t.Fatalf("%s does not contain %q: %v", name, from, err)
	}
	if err := os.WriteFile(name, []byte(strings.Replace(string(text), from, to, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}
