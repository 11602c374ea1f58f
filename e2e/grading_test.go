package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"drydock/lessons/grade"
)

// TestSolutionsAsTheyAre hands a bundled pack's own solutions in. They change the files of their worlds, one after another in
// one lab.
func TestSolutionsAsTheyAre(t *testing.T) {
	const library = "../lessons/library/pods"
	home, handedIn := t.TempDir(), []string{"several-containers", "init-and-sidecar"}
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
