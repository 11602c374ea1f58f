package tui_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"drydock/tui"
	"drydock/tui/term"
	"drydock/tui/tuitest"
)

// benchStage is an interface that has settled in real time.
func benchStage(b *testing.B, cols, rows int) *tuitest.Stage {
	b.Helper()
	w := tuitest.NewWorld()
	s := tuitest.NewStage(b.Context(), tui.Options{Lab: w, Course: w, Language: tui.Korean}, cols, rows, 60*time.Millisecond)
	s.Settle()
	s.Type("kubectl run web --image=drydock/web:1\n")
	b.Cleanup(s.Close)
	return s
}

// BenchmarkView is one frame at 160x45. Budget: 2 ms when everything is drawn again.
func BenchmarkView(b *testing.B) {
	b.Run("shell changed", func(b *testing.B) {
		s := benchStage(b, 160, 45)
		for i := 0; b.Loop(); i++ {
			s.Model.Update(tui.ShellOutput(s.Model, "\x1b[%d;5Hline %d 가나다", i%20+1, i))
			_ = s.Model.View()
		}
	})
	b.Run("everything", func(b *testing.B) {
		s := benchStage(b, 160, 45)
		for b.Loop() {
			s.Model.Update(tea.WindowSizeMsg{Width: 160, Height: 45})
			_ = s.Model.View()
		}
	})
	b.Run("nothing changed", func(b *testing.B) {
		s := benchStage(b, 160, 45)
		for b.Loop() {
			_ = s.Model.View()
		}
	})
}

// busyPty is a program that fills its screen without pause, and shows in its first row how many keys it was sent.
type busyPty struct {
	out  *io.PipeReader
	w    *io.PipeWriter
	done chan struct{}
	once sync.Once

	mu sync.Mutex
	// guarded by mu
	keys int
}

func newBusyPty(cols, rows int) *busyPty {
	r, w := io.Pipe()
	p := &busyPty{out: r, w: w, done: make(chan struct{})}
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			if _, err := fmt.Fprintf(w, "\x1b[%d;1H\x1b[3%dm%s\x1b[0m", i%(rows-2)+3, i%8, strings.Repeat(string(rune('a'+i%26)), cols-1)); err != nil {
				return
			}
			<-tick.C
		}
	}()
	return p
}

func (p *busyPty) Read(b []byte) (int, error) { return p.out.Read(b) }

func (p *busyPty) Write(b []byte) (int, error) {
	p.mu.Lock()
	p.keys += len(b)
	n := p.keys
	p.mu.Unlock()
	_, err := fmt.Fprintf(p.w, "\x1b[1;1Hkeys=%d=", n)
	return len(b), err
}

func (p *busyPty) Resize(int, int) error { return nil }

func (p *busyPty) Done() <-chan struct{} { return p.done }

func (p *busyPty) Close() error {
	p.once.Do(func() {
		close(p.done)
		_ = p.w.Close()
	})
	return nil
}

type busyLab struct{ *tuitest.World }

func (busyLab) Shell(_ context.Context, cols, rows int) (tui.Pty, error) {
	return newBusyPty(cols, rows), nil
}

// BenchmarkKeyToFrame is the time from a key press to the bytes that show its effect, at 200x60 beside a busy shell.
// Budget: 16 ms. The floor is bash alone on a pseudo-terminal.
func BenchmarkKeyToFrame(b *testing.B) {
	b.Run("drydock", func(b *testing.B) {
		w := tuitest.NewWorld()
		c := openConsole(b, tui.Options{Lab: busyLab{w}, Course: w, Language: tui.English}, 200, 60)
		c.await("step 1/2")
		c.send("x")
		c.await("keys=1=")
		keys := 1
		var took []time.Duration
		for b.Loop() {
			keys++
			start := time.Now()
			c.send("x")
			c.await(fmt.Sprintf("keys=%d=", keys))
			took = append(took, time.Since(start))
		}
		report(b, took)
		c.send("\x07q")
		c.left()
	})
	b.Run("floor bash alone", func(b *testing.B) {
		needBash(b)
		cmd := exec.Command("bash", "--norc", "--noprofile")
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "PS1=ready> "}
		l, err := term.StartLocal(cmd, 200, 60)
		if err != nil {
			b.Skip(err)
		}
		defer func() { _ = l.Close() }()
		buf := make([]byte, 4096)
		for got := ""; !strings.Contains(got, "ready> "); {
			n, err := l.Read(buf)
			if err != nil {
				b.Fatal(err)
			}
			got += string(buf[:n])
		}
		var took []time.Duration
		for b.Loop() {
			start := time.Now()
			_, _ = l.Write([]byte("x"))
			if _, err := l.Read(buf); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(start))
			if len(took)%100 == 0 { // start a new line before bash wraps
				_, _ = l.Write([]byte("\x15"))
				_, _ = l.Read(buf)
			}
		}
		report(b, took)
	})
}

func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
