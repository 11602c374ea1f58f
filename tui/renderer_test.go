package tui_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"drydock/tui"
	"drydock/tui/term"
	"drydock/tui/tuitest"
)

// spy lets a test read the screen of a running program, from the goroutine that owns it.
type spy struct{ model *tui.Model }

// dump asks for the text of the screen as the model has drawn it.
type dump chan string

func (s spy) Init() tea.Cmd { return s.model.Init() }

func (s spy) View() tea.View { return s.model.View() }

func (s spy) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if ch, ok := msg.(dump); ok {
		_ = s.model.View()
		stage := tuitest.Stage{Model: s.model}
		ch <- stage.Screen()
		return s, nil
	}
	_, cmd := s.model.Update(msg)
	return s, cmd
}

// TestTheTerminalShowsWhatWeDrew goes about at random, in Korean, and compares what a terminal makes of the renderer's bytes
// with what the model drew. The renderer's way of scrolling has left stale rows before (ultraviolet#137).
func TestTheTerminalShowsWhatWeDrew(t *testing.T) {
	w, programs := tuitest.NewWorld(), make(chan *tea.Program, 1)
	c := openOn(t, 120, 40, func(ctx context.Context, tty *os.File) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		model := tui.NewModel(ctx, tui.Options{Lab: w, Course: w, Language: tui.Korean, NoMouse: true})
		p := tea.NewProgram(spy{model}, tea.WithInput(tty), tea.WithOutput(tty), tea.WithFPS(120), tea.WithEnvironment(term.Environ()))
		programs <- p
		_, err := p.Run()
		return err
	})
	p := <-programs
	c.await("learner@lab")
	seed := uint64(os.Getpid())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	moves := []string{
		"\x072seq\r", "\x072kubectl run web --image=drydock/web:1\r", "\x072kubectl delete pod web\r", "\x072echo 가나다라마바사\r",
		"\x072kubectl get pods\r",
		"\x07z", "\x071j", "\x071G", "\x071g", "\x072", "\x073", "\x074", "\x07L", "\x07n", "\x07p", "\x07[", "\x07+", "\x07-", "\x02",
	}
	for i := range 60 {
		move := moves[rng.IntN(len(moves))]
		c.send(move)
		agree(t, c, p, move)
		if i%6 == 5 { // wait until all of it has been done
			c.send(fmt.Sprintf("\x072\x03echo mark=%d\r", i))
			c.await(fmt.Sprintf("mark=%d", i))
			agree(t, c, p, "a mark")
		}
	}
	p.Quit()
	c.left()
}

// agree waits until the terminal shows what the model has drawn.
func agree(t *testing.T, c *console, p *tea.Program, after string) {
	t.Helper()
	limit := time.After(10 * time.Second)
	for {
		c.mu.Lock()
		fresh := c.fresh
		c.mu.Unlock()
		ch := make(dump, 1)
		p.Send(ch)
		var drawn string
		select {
		case drawn = <-ch:
		case <-limit:
			t.Fatalf("the program does not answer after %q", after)
		}
		shown := trimRows(c.text())
		if drawn == shown {
			return
		}
		select {
		case <-fresh:
		case <-time.After(100 * time.Millisecond): // the frame may be on its way
		case <-limit:
			t.Fatalf("after %q the terminal shows\n%s\nbut the model drew\n%s", after, shown, drawn)
		}
	}
}

func trimRows(s string) string {
	rows := strings.Split(s, "\n")
	for i := range rows {
		rows[i] = strings.TrimRight(rows[i], " ")
	}
	return strings.Join(rows, "\n")
}
