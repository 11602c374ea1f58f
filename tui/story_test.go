package tui_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"

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

const runWeb = "kubectl run web --image=drydock/web:1"

func TestTypeAndSeeItTurnGreen(t *testing.T) {
	play(t, 160, 45, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		wants(t, s, "learner@lab:~$", "Your first pod", "○ A pod named web exists", "checks 1/3")
		s.Type(runWeb + "\n")
		wants(t, s, "pod/web created", "✓ A pod named web exists", "○ Pending*", "web: Pending")
		s.Pass(tuitest.Step)
		wants(t, s, "◐ ContainerCreating*")
		s.Pass(tuitest.Step)
		wants(t, s, "✓ Running*", "checks 3/3", "This step is done.", "Ctrl+G n: next step", "✓ Done: The pod web runs")
		s.Pass(10 * time.Second)
		lacks(t, s, "Running*", "Done: The pod")
	})
}

func TestAFailingCheckExplains(t *testing.T) {
	play(t, 160, 45, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		lacks(t, s, "✗")
		s.Type("kubectl run web --image=drydock/wbe:1\n")
		s.Pass(3 * tuitest.Step)
		wants(t, s, "not yet right", "expected drydock/web:1", "seen ErrImagePull", "why There is no image", "look at kubectl describe pod web")
	})
}

func TestAPodThatGoesIsSeenGoing(t *testing.T) {
	play(t, 160, 45, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		s.Type(runWeb + "\n")
		s.Pass(10 * time.Second)
		s.Type("kubectl delete pod web\n")
		wants(t, s, "· Running", "[pods 0]")
		s.Pass(6 * time.Second)
		lacks(t, s, "· Running")
		wants(t, s, "Nothing here yet.")
	})
}

func TestHintsInThreeLevels(t *testing.T) {
	play(t, 100, 30, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		wants(t, s, "hint 0/3")
		s.Press("ctrl+g", "h")
		wants(t, s, "hint 1 of 3", "Look at the first command")
		s.Press("h")
		wants(t, s, "hint 2 of 3", "kubectl run NAME")
		s.Press("h")
		wants(t, s, "The last hint gives the command away")
		s.Press("h")
		wants(t, s, "hint 3 of 3", runWeb)
		s.Press("esc")
		wants(t, s, "hint 3/3")
		s.Press("ctrl+g", "h") // shown again without asking
		wants(t, s, "hint 3 of 3")
		s.Press("ctrl+g", "l") // another command, without Esc first
		wants(t, s, "Lessons  0 of 3 done")
	})
}

func TestAHintWithAPrice(t *testing.T) {
	play(t, 100, 30, func(_ *tui.Options, w *tuitest.World) { w.Price = 10 }, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		s.Press("ctrl+g", "h")
		wants(t, s, "This hint costs 10 points")
		lacks(t, s, "Look at the first command")
		s.Press("h")
		wants(t, s, "hint 1 of 3", "Look at the first command")
	})
}

func TestAHintIsOfferedAfterLongIdleness(t *testing.T) {
	play(t, 120, 40, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		lacks(t, s, "Stuck?")
		s.Pass(3*time.Minute + time.Second)
		wants(t, s, "Stuck? Ctrl+G h shows a hint.")
		lacks(t, s, "Look at the first command")
	})
}

func TestResetNamesWhatItDeletes(t *testing.T) {
	play(t, 100, 30, nil, func(t *testing.T, s *tuitest.Stage, w *tuitest.World) {
		s.Type(runWeb + "\n")
		w.RunPod("other", "drydock/web:1")
		s.Pass(5 * time.Second)
		s.Press("ctrl+g", "r")
		wants(t, s, "Reset this lesson?", "• pod/web")
		lacks(t, s, "• pod/other")
		s.Press("esc")
		if w.Resets() != 0 {
			t.Fatal("Esc has reset the lesson")
		}
		s.Press("ctrl+g", "r", "L")
		wants(t, s, "Reset the whole lab?", "• pod/web", "• pod/other")
		s.Press("y")
		wants(t, s, "Reset. The lesson is back at its start.", "○ A pod named web exists", "checks 1/3")
		if w.Resets() != 1 {
			t.Fatalf("%d resets, want 1", w.Resets())
		}
	})
}

func TestZoomAndBack(t *testing.T) {
	play(t, 160, 45, nil, func(t *testing.T, s *tuitest.Stage, w *tuitest.World) {
		wants(t, s, "lesson 1/3", "cluster")
		s.Press("ctrl+g", "z")
		lacks(t, s, "lesson 1/3", "cluster")
		if got := w.Sizes()[len(w.Sizes())-1]; got != [2]int{160, 43} {
			t.Errorf("the shell was told %v, want 160x43", got)
		}
		s.Press("ctrl+g", "z")
		wants(t, s, "lesson 1/3", "cluster")
	})
}

func TestListOfLessons(t *testing.T) {
	play(t, 100, 30, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		s.Press("ctrl+g", "l")
		wants(t, s, "Lessons  0 of 3 done", "1  Your first pod", "here", "3  A Deployment, scaled")
		s.Press("/")
		s.Type("replica")
		wants(t, s, "Search: replica", "2  Labels and a ReplicaSet")
		lacks(t, s, "3  A Deployment")
		s.Press("enter")
		wants(t, s, "lesson 2/3", "Labels and a ReplicaSet", "Read on.", "Opened: Labels and a ReplicaSet")
		s.Press("ctrl+g", "n")
		wants(t, s, "lesson 3/3")
		s.Press("ctrl+g", "n")
		wants(t, s, "This is the last lesson.")
		s.Press("ctrl+g", "p", "ctrl+g", "p", "ctrl+g", "p")
		wants(t, s, "This is the first lesson.", "lesson 1/3")
	})
}

func TestNextStepOpensWhenThisOneIsDone(t *testing.T) {
	play(t, 160, 45, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		s.Press("ctrl+g", "n")
		wants(t, s, "The next step opens when the checks", "step 1/2")
		s.Type(runWeb + "\n")
		s.Pass(5 * time.Second)
		wants(t, s, "step 1/2") // nobody is pushed on
		s.Press("ctrl+g", "n")
		wants(t, s, "step 2/2", "Where does it run?", "Say which node runs the pod", "Ctrl+G a: answer")
		s.Press("ctrl+g", "p")
		wants(t, s, "step 1/2")
	})
}

func TestAnswerAQuestion(t *testing.T) {
	play(t, 160, 45, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		s.Type(runWeb + "\n")
		s.Pass(5 * time.Second)
		s.Press("ctrl+g", "n", "ctrl+g", "4", "enter")
		wants(t, s, "On which node does web run?", "1  node-1")
		s.Press("2", "enter")
		wants(t, s, "not yet right", "your answer: node-2", "expected the node of the pod")
		s.Press("enter", "up", "enter")
		wants(t, s, "This lesson is done.", "Ctrl+G n: next lesson", "You asked for a state")
	})
}

func TestAWrongAnswerIsNotTypedAgain(t *testing.T) {
	typed := func(_ *tui.Options, w *tuitest.World) { w.Typed = true }
	play(t, 160, 45, typed, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		s.Type(runWeb + "\n")
		s.Pass(5 * time.Second)
		s.Press("ctrl+g", "n", "ctrl+g", "4", "enter")
		s.Type("node-2\n")
		wants(t, s, "your answer: node-2")
		s.Press("enter") // the box is empty: what is typed now is all of the answer
		s.Type("node-1\n")
		wants(t, s, "This lesson is done.")
	})
}

func TestBlocksOfTheLessonAreTyped(t *testing.T) {
	play(t, 100, 30, nil, func(t *testing.T, s *tuitest.Stage, w *tuitest.World) {
		s.Press("ctrl+g", "1", "2")
		wants(t, s, "$ kubectl get pods -o wide", "Press Enter there to run it")
		lacks(t, s, "READY") // not run
		s.Press("enter")
		wants(t, s, "READY   STATUS")
		s.Press("ctrl+g", "1", "9")
		wants(t, s, "no block number 9")
		s.Press("ctrl+g", "1") // with the prefix as well
		wants(t, s, "lesson 1/3")
		if len(w.Pods()) != 0 {
			t.Error("something was run")
		}
	})
}

func TestResizeDownAndUp(t *testing.T) {
	play(t, 160, 45, nil, func(t *testing.T, s *tuitest.Stage, w *tuitest.World) {
		s.Type("seq\n")
		for _, size := range [][2]int{{100, 30}, {80, 24}, {60, 15}, {59, 15}, {20, 3}, {80, 24}, {160, 45}} {
			s.Resize(size[0], size[1])
			aligned(t, s)
			if size[0] < 60 {
				wants(t, s, "Please make the")
				lacks(t, s, "learner@lab")
				continue
			}
			wants(t, s, "100\n", "learner@lab:~$")
		}
		s.Type("echo still here\n")
		wants(t, s, "still here\n")
		if w.Shells() != 1 {
			t.Errorf("%d shells were opened, want 1", w.Shells())
		}
	})
}

func TestDraggingAWindowTellsTheShellOnce(t *testing.T) {
	play(t, 160, 45, nil, func(t *testing.T, s *tuitest.Stage, w *tuitest.World) {
		before := len(w.Sizes())
		for cols := 159; cols > 100; cols-- {
			s.Send(tea.WindowSizeMsg{Width: cols, Height: 40})
		}
		s.Settle()
		if told := len(w.Sizes()) - before; told != 1 {
			t.Errorf("the shell was told %d sizes, want 1", told)
		}
	})
}

func TestExitOpensANewShell(t *testing.T) {
	play(t, 100, 30, nil, func(t *testing.T, s *tuitest.Stage, w *tuitest.World) {
		s.Type("exit\n")
		wants(t, s, "The shell has ended. Here is a new one.", "learner@lab:~$")
		if s.Quit || w.Shells() != 2 {
			t.Errorf("quit %v after %d shells", s.Quit, w.Shells())
		}
	})
}

func TestQuitAsksOnlyWhenSomethingIsOpen(t *testing.T) {
	play(t, 100, 30, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		s.Type("vi\n")
		s.Press("ctrl+g", "q")
		wants(t, s, "Leave drydock?", "vi web.yaml")
		s.Press("esc")
		if s.Quit {
			t.Fatal("Esc left")
		}
		s.Press("q") // to the editor
		s.Press("ctrl+g", "q")
		if !s.Quit {
			t.Fatalf("still there:\n%s", s.Screen())
		}
	})
}

func TestQuitAndReopenResumesExactly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := tuitest.NewWorld()
		o := tui.Options{Lab: w, Course: w, Language: tui.English}
		first := tuitest.NewStage(t.Context(), o, 160, 45, 100*time.Millisecond)
		first.Settle()
		first.Type(runWeb + "\n")
		first.Pass(5 * time.Second)
		first.Press("ctrl+g", "q")
		first.Close()
		second := tuitest.NewStage(t.Context(), o, 80, 24, 100*time.Millisecond)
		defer second.Close()
		second.Settle()
		second.Press("ctrl+g", "1")
		wants(t, second, "Where does it run?", "step 2/2")
	})
}

func TestHistory(t *testing.T) {
	play(t, 100, 30, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		s.Type("seq\n")
		lacks(t, s, "│45\n")
		s.Press("ctrl+g", "[", "pgup", "pgup")
		wants(t, s, "lines back", "│45\n")
		s.Press("home")
		wants(t, s, "$ seq")
		s.Press("esc")
		wants(t, s, "│100\n")
		s.Press("ctrl+g", "[")
		s.Type("x") // any other key is for the shell
		wants(t, s, "learner@lab:~$ x")
	})
}

func TestLanguageCanChange(t *testing.T) {
	play(t, 160, 45, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		s.Press("ctrl+g", "L")
		wants(t, s, "학습 1/3", "첫 번째 파드", "web이라는 파드가 있음", "대기")
		s.Press("ctrl+g", "L")
		wants(t, s, "lesson 1/3", "A pod named web exists")
	})
}

func TestSearchInTheLesson(t *testing.T) {
	play(t, 80, 24, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		s.Press("ctrl+g", "/")
		s.Type("same api\n")
		wants(t, s, "comes from the same API")
		s.Press("/")
		s.Type("zebra\n")
		wants(t, s, "Not in this step: zebra")
	})
}

func TestPalette(t *testing.T) {
	play(t, 100, 30, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		s.Press("ctrl+g", ":")
		s.Type("list of\n")
		wants(t, s, "Lessons  0 of 3 done")
	})
}

func TestALabThatCannotStart(t *testing.T) {
	play(t, 80, 24, func(_ *tui.Options, w *tuitest.World) {
		w.StartErr = fmt.Errorf("up: %w", &tui.Problem{What: "No user namespaces.", Try: []string{"sudo sysctl x=1"}})
	}, func(t *testing.T, s *tuitest.Stage, w *tuitest.World) {
		wants(t, s, "The lab cannot start", "No user namespaces.", "• sudo sysctl x=1")
		w.StartErr = nil
		s.Press("r")
		wants(t, s, "learner@lab:~$")
	})
}

func TestTour(t *testing.T) {
	play(t, 100, 30, func(o *tui.Options, _ *tuitest.World) { o.Tour = true }, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		wants(t, s, "Welcome  1/3")
		s.Press("enter", "enter")
		wants(t, s, "Welcome  3/3", "turn green by themselves")
		s.Press("enter")
		lacks(t, s, "Welcome")
		s.Type("echo go\n")
		wants(t, s, "│go\n")
	})
}

// hurried is a lab whose shells end at once.
type hurried struct{ *tuitest.World }

func (h hurried) Shell(ctx context.Context, cols, rows int) (tui.Pty, error) {
	p, err := h.World.Shell(ctx, cols, rows)
	if err == nil {
		_ = p.Close()
	}
	return p, err
}

func TestShellsThatEndAtOnceAreNotOpenedForEver(t *testing.T) {
	play(t, 100, 30, func(o *tui.Options, w *tuitest.World) { o.Lab = hurried{w} }, func(t *testing.T, s *tuitest.Stage, w *tuitest.World) {
		s.Pass(time.Minute)
		wants(t, s, "it ended at once", "Press Enter to try again.")
		if n := w.Shells(); n != 3 {
			t.Errorf("%d shells were opened, want 3", n)
		}
		s.Press("enter")
		if n := w.Shells(); n != 6 {
			t.Errorf("%d shells after Enter, want 6", n)
		}
	})
}

// mute is a lab whose cluster has gone.
type mute struct{ *tuitest.World }

func (mute) Cluster(context.Context) <-chan tui.ClusterView {
	ch := make(chan tui.ClusterView)
	close(ch)
	return ch
}

func TestALabThatStopsIsSaid(t *testing.T) {
	play(t, 160, 45, func(o *tui.Options, w *tuitest.World) { o.Lab = mute{w} }, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		wants(t, s, "The lab has stopped.")
	})
}

// TestTheSmallestWindow opens everything at 60x15: nothing may be cut off so that it cannot be read or left.
func TestTheSmallestWindow(t *testing.T) {
	for _, keys := range []string{"", "?", "l", ":", "h", "r", "1", "3", "4", "z", "/"} {
		t.Run("key "+keys, func(t *testing.T) {
			play(t, 60, 15, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
				s.Press("ctrl+g")
				if keys == "" {
					wants(t, s, "1 go to the lesson", "q leave drydock", "└")
				} else {
					s.Press(keys)
				}
				aligned(t, s)
				s.Press("esc", "esc", "w")
				wants(t, s, "learner@lab:~$ w")
			})
		})
	}
}

func TestAnswerInTheSmallLayout(t *testing.T) {
	play(t, 80, 24, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		s.Type(runWeb + "\n")
		s.Pass(5 * time.Second)
		s.Press("ctrl+g", "n", "ctrl+g", "a", "3", "enter")
		wants(t, s, "✗ Say which node runs the pod", "expected the node of the pod", "seen node-3")
		s.Type("echo on\n") // the shell still has the focus
		wants(t, s, "\non\n")
	})
}

// TestNothingMovesByItself lets two minutes pass: no clock, no spinner, no message, so no frame and no work.
func TestNothingMovesByItself(t *testing.T) {
	play(t, 160, 45, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		s.Type(runWeb + "\n")
		s.Pass(20 * time.Second)
		before := s.Count
		s.Pass(2 * time.Minute)
		if s.Count != before {
			t.Errorf("%d messages in two idle minutes", s.Count-before)
		}
	})
}
