package tuitest

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"drydock/tui"
)

// Stage drives an interface without a terminal: it runs commands and delivers their messages as Bubble Tea does. All its
// methods belong to one goroutine.
//
// Inside a testing/synctest bubble the clock moves only while everything waits, so Settle returns when nothing is left to
// be done, however slow the machine is.
type Stage struct {
	Model *tui.Model
	Quit  bool
	Count int // messages delivered so far

	msgs  chan tea.Msg
	stop  context.CancelFunc
	quiet time.Duration
}

// NewStage opens the interface in a window of the given size. quiet is how long nothing must happen to be settled.
func NewStage(ctx context.Context, o tui.Options, cols, rows int, quiet time.Duration) *Stage {
	ctx, stop := context.WithCancel(ctx)
	s := &Stage{Model: tui.NewModel(ctx, o), msgs: make(chan tea.Msg, 1024), stop: stop, quiet: quiet}
	s.command(s.Model.Init())
	s.Send(tea.WindowSizeMsg{Width: cols, Height: rows})
	return s
}

// Close ends what the interface has started.
func (s *Stage) Close() { s.stop() }

func (s *Stage) command(cmd tea.Cmd) {
	if cmd != nil {
		go func() { s.msgs <- cmd() }()
	}
}

// Send delivers a message and draws.
func (s *Stage) Send(msg tea.Msg) {
	switch msg := msg.(type) {
	case nil:
		return
	case tea.BatchMsg:
		for _, cmd := range msg {
			s.command(cmd)
		}
		return
	case tea.QuitMsg:
		s.Quit = true
		return
	}
	s.Count++
	_, cmd := s.Model.Update(msg)
	s.command(cmd)
	_ = s.Model.View()
}

// Settle delivers messages until nothing has happened for a while.
func (s *Stage) Settle() { s.settle(s.quiet) }

// Pass lets time go by.
func (s *Stage) Pass(d time.Duration) {
	end := time.After(d)
	for {
		select {
		case msg := <-s.msgs:
			s.Send(msg)
		case <-end:
			s.Settle()
			return
		}
	}
}

func (s *Stage) settle(quiet time.Duration) {
	for {
		select {
		case msg := <-s.msgs:
			s.Send(msg)
		case <-time.After(quiet):
			return
		}
	}
}

// names are the keys that are no characters.
var names = map[string]uv.Key{
	"enter": {Code: uv.KeyEnter}, "esc": {Code: uv.KeyEscape}, "tab": {Code: uv.KeyTab}, "up": {Code: uv.KeyUp}, "down": {Code: uv.KeyDown},
	"left": {Code: uv.KeyLeft}, "right": {Code: uv.KeyRight}, "pgup": {Code: uv.KeyPgUp}, "pgdown": {Code: uv.KeyPgDown},
	"backspace": {Code: uv.KeyBackspace}, "f1": {Code: uv.KeyF1}, "home": {Code: uv.KeyHome}, "end": {Code: uv.KeyEnd},
	"ctrl+c": {Code: 'c', Mod: uv.ModCtrl}, "ctrl+g": {Code: 'g', Mod: uv.ModCtrl},
}

// Press presses keys by name, or characters, one after the other, and settles after each.
func (s *Stage) Press(keys ...string) {
	for _, name := range keys {
		k, ok := names[name]
		if !ok {
			r := []rune(name)[0]
			k = uv.Key{Code: r, Text: name}
		}
		s.Send(tea.KeyPressMsg(k))
		s.Settle()
	}
}

// Type types text, then settles.
func (s *Stage) Type(text string) {
	for _, r := range text {
		if r == '\n' {
			s.Send(tea.KeyPressMsg{Code: tea.KeyEnter})
			continue
		}
		s.Send(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
	s.Settle()
}

// Resize changes the window.
func (s *Stage) Resize(cols, rows int) {
	s.Send(tea.WindowSizeMsg{Width: cols, Height: rows})
	s.Settle()
}

// Lines are the rows of the screen, without blanks at their ends.
func (s *Stage) Lines() []string {
	c := s.Model.Screen()
	var out []string
	for y := range c.Bounds().Dy() {
		var b strings.Builder
		for x := range c.Bounds().Dx() {
			if cell := c.Cell(x, y); cell != nil {
				b.WriteString(cell.Content)
			}
		}
		out = append(out, strings.TrimRight(b.String(), " "))
	}
	return out
}

// Screen is the text of the screen.
func (s *Stage) Screen() string { return strings.Join(s.Lines(), "\n") }

// Shows says whether the screen holds a text.
func (s *Stage) Shows(text string) bool { return strings.Contains(s.Screen(), text) }
