package desk_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drydock/checks/apitest"
	"drydock/lessons/course"
	"drydock/lessons/pack"
	"drydock/lessons/progress"
	"drydock/tui"
	"drydock/tui/desk"
)

func TestReloadShowsTheNewEditionOrWhatIsWrong(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	if err := pack.New(dir); err != nil {
		t.Fatal(err)
	}
	edit := func(name, from, to string) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), []byte(strings.Replace(string(text), from, to, 1)), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	first, err := pack.LoadNow(dir)
	if err != nil {
		t.Fatal(err)
	}
	book, err := progress.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = book.Close() }() // it is thrown away
	c := desk.NewCourse(first, func() (*course.Course, error) {
		return course.New(course.Config{Pack: first, Book: book, Lab: "lab", REST: apitest.New(t).REST()})
	}, nil)
	ctx, stop := context.WithCancel(t.Context())
	defer c.Wait()
	defer stop()
	if err := c.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	views := c.Checks(ctx, tui.English)
	until := func(edition int) tui.Lesson {
		t.Helper()
		for v := range views {
			if v.Edition == edition {
				return c.Lesson(tui.English)
			}
		}
		t.Fatal("the feed ended")
		return tui.Lesson{}
	}
	if l := until(0); l.Steps[0].Title != "Write it down" {
		t.Errorf("at first: %+v", l.Steps)
	}
	edit("lessons/first/lesson.md", "Write it down", "Note it")
	edit("lessons/first/lesson.yaml", "A ConfigMap named zoo says", "The zoo says")
	c.Reload(pack.LoadNow(dir))
	if l := until(1); l.Steps[0].Title != "Note it" {
		t.Errorf("after a change: %+v", l.Steps)
	}
	edit("lessons/first/lesson.yaml", "goals: [made]", "golas: [made]")
	c.Reload(pack.LoadNow(dir))
	if l := until(2); !strings.Contains(l.Steps[0].Markdown, `lessons/first/lesson.yaml:13:5: unknown key "golas"; did you mean "goals"?`) {
		t.Errorf("after a slip: %s", l.Steps[0].Markdown)
	}
	edit("lessons/first/lesson.yaml", "golas: [made]", "goals: [made]")
	c.Reload(pack.LoadNow(dir))
	if l := until(3); strings.Contains(l.Steps[0].Markdown, "golas") {
		t.Errorf("mended: %s", l.Steps[0].Markdown)
	}
}
