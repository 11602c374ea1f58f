package tui_test

import (
	"testing"
	"testing/synctest"
	"time"

	"drydock/tui"
	"drydock/tui/tuitest"
)

// play opens the interface on a new world, inside a bubble, and runs a story.
func play(t *testing.T, cols, rows int, edit func(*tui.Options, *tuitest.World), story func(*testing.T, *tuitest.Stage, *tuitest.World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := tuitest.NewWorld()
		o := tui.Options{Lab: w, Course: w, Language: tui.English}
		if edit != nil {
			edit(&o, w)
		}
		s := tuitest.NewStage(t.Context(), o, cols, rows, 100*time.Millisecond)
		defer s.Close()
		s.Settle()
		story(t, s, w)
	})
}

func wants(t *testing.T, s *tuitest.Stage, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !s.Shows(text) {
			t.Fatalf("the screen does not show %q:\n%s", text, s.Screen())
		}
	}
}

func lacks(t *testing.T, s *tuitest.Stage, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if s.Shows(text) {
			t.Fatalf("the screen shows %q:\n%s", text, s.Screen())
		}
	}
}

func TestTypeAndSeeItTurnGreen(t *testing.T) {
	play(t, 160, 45, nil, func(t *testing.T, s *tuitest.Stage, w *tuitest.World) {
		wants(t, s, "learner@lab:~$", "Your first pod", "○ A pod named web exists", "checks 1/3")
		s.Type("kubectl run web --image=drydock/web:1\n")
		t.Logf("\n%s", s.Screen())
		wants(t, s, "pod/web created", "✓ A pod named web exists", "○ Pending", "web: Pending")
		s.Pass(tuitest.Step)
		wants(t, s, "◐ ContainerCreating*")
		s.Pass(tuitest.Step)
		wants(t, s, "✓ Running*", "checks 3/3", "This step is done.", "Ctrl+G n: next step", "✓ Done: The pod web runs")
		s.Pass(10 * time.Second)
		lacks(t, s, "Running*", "Done: The pod")
	})
}
