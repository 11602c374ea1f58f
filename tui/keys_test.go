package tui_test

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"drydock/tui/tuitest"
)

func TestKoreanLayout(t *testing.T) {
	play(t, 100, 30, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		s.Send(tea.KeyPressMsg{Code: 'ㅎ', Mod: tea.ModCtrl}) // Ctrl+G
		s.Press("ㅣ")                                         // l
		wants(t, s, "Lessons  0 of 3 done")
		s.Press("esc")
		s.Type("echo 안녕")
		s.Send(tea.KeyPressMsg{Code: 'ㅊ', BaseCode: 'c', Mod: tea.ModCtrl})
		s.Settle()
		wants(t, s, "echo 안녕^C")
	})
}

func TestMouse(t *testing.T) {
	play(t, 160, 45, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		s.Send(tea.MouseClickMsg{X: 100, Y: 40, Button: tea.MouseLeft})
		s.Settle()
		s.Press("right", "right")
		wants(t, s, "[nodes 3]")
		s.Send(tea.MouseClickMsg{X: 100, Y: 5, Button: tea.MouseLeft})
		s.Type("seq\n")
		for range 20 {
			s.Send(tea.MouseWheelMsg{X: 100, Y: 5, Button: tea.MouseWheelUp})
		}
		s.Settle()
		wants(t, s, "60 lines back")
		if s.Model.View().MouseMode == tea.MouseModeNone {
			t.Error("the mouse is not asked for")
		}
		s.Press("ctrl+g", "m")
		if s.Model.View().MouseMode != tea.MouseModeNone {
			t.Error("the mouse is still asked for")
		}
	})
}

// TestFocusedPaneTakesTheKeys goes through what a key does in each pane.
func TestFocusedPaneTakesTheKeys(t *testing.T) {
	cases := []struct {
		name string
		keys []string
		want string
	}{
		{"the shell takes letters", []string{"n"}, "$ n"},
		{"the shell takes Tab and Esc", []string{"tab", "esc", "y"}, "$ y"},
		{"the prefix twice is the key itself", []string{"ctrl+g", "ctrl+g", "w"}, "$ w"},
		{"an unknown key after the prefix does nothing", []string{"ctrl+g", "X", "w"}, "$ w"},
		{"Esc leaves the prefix", []string{"ctrl+g", "esc", "w"}, "$ w"},
		{"outside the shell letters are commands", []string{"ctrl+g", "1", "l"}, "Lessons"},
		{"Esc returns to the shell", []string{"ctrl+g", "3", "esc", "w"}, "$ w"},
		{"Ctrl+C returns to the shell, and ends nothing", []string{"ctrl+g", "3", "ctrl+c", "w"}, "$ w"},
		{"q alone only backs out", []string{"ctrl+g", "1", "q", "w"}, "$ w"},
		{"Tab goes round", []string{"ctrl+g", "1", "tab", "w"}, "$ w"},
		{"F1 is help everywhere", []string{"f1"}, "Every key goes to the shell"},
		{"digits outside the lesson are panes", []string{"ctrl+g", "4", "3", "right"}, "[workloads 0]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			play(t, 100, 30, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
				s.Press(c.keys...)
				wants(t, s, c.want)
			})
		})
	}
}

func TestTheCursorStandsInTheShell(t *testing.T) {
	play(t, 100, 30, nil, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		s.Type("echo 가나")
		at := s.Model.View().Cursor
		if at == nil {
			t.Fatal("no cursor")
		}
		row := []rune(s.Lines()[at.Y])
		if !strings.HasSuffix(string(row), "echo 가나") {
			t.Errorf("the cursor is on row %d: %s", at.Y, string(row))
		}
		if diff := cmp.Diff(37+len("learner@lab:~$ echo ")+4, at.X); diff != "" {
			t.Errorf("column -want +got:\n%s", diff)
		}
		s.Press("ctrl+g")
		if s.Model.View().Cursor != nil {
			t.Error("the cursor shines through the menu")
		}
	})
}
