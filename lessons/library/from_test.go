package library_test

import (
	"os"
	"path/filepath"
	"testing"

	"drydock/lessons/library"
	"drydock/lessons/pack"
)

// Every bundled lesson can be what an instructor begins with: alone it is a pack that has nothing to complain about.
func TestEveryLessonCanBeCopied(t *testing.T) {
	all, err := library.All()
	if err != nil {
		t.Fatal(err)
	}
	if len(all.Lessons) == 0 {
		t.Fatal("no lessons")
	}
	for _, lesson := range all.Lessons {
		dir := filepath.Join(t.TempDir(), "mine")
		if err := pack.From(dir, all, lesson.ID); err != nil {
			t.Errorf("%s: %v", lesson.ID, err)
			continue
		}
		mine, err := pack.Load(os.DirFS(dir))
		if err != nil {
			t.Errorf("%s: %v", lesson.ID, err)
			continue
		}
		if warnings := pack.Lint(mine); len(warnings) > 0 {
			t.Errorf("%s: %v", lesson.ID, warnings)
		}
		one := mine.Lesson(lesson.ID)
		if one == nil || len(one.Goals) != len(lesson.Goals) || len(one.Mutants) != len(lesson.Mutants) || mine.License != lesson.Pack().License {
			t.Errorf("%s: its copy is another: %+v", lesson.ID, one)
		}
	}
}
