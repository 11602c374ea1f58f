package tui_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/creack/pty"

	"drydock/tui"
	"drydock/tui/term"
	"drydock/tui/tuitest"
)

// console is the interface on a real pseudo-terminal, seen through our own emulator.
type console struct {
	t      testing.TB
	master *os.File
	screen *term.Emulator
	raw    strings.Builder // owned by the reader until done
	done   chan error      // the interface has returned
	read   chan struct{}   // the reader has seen the end

	mu sync.Mutex
	// guarded by mu
	fresh chan struct{} // closed and replaced after each piece of output
}

// openConsole runs the interface on a pseudo-terminal of the given size.
func openConsole(t testing.TB, o tui.Options, cols, rows int) *console {
	t.Helper()
	return openOn(t, cols, rows, func(ctx context.Context, tty *os.File) error {
		o.In, o.Out, o.Env = tty, tty, append(term.Environ(), "LANG=C.UTF-8")
		return tui.Run(ctx, o)
	})
}

// openOn runs a program on a pseudo-terminal of the given size.
func openOn(t testing.TB, cols, rows int, run func(ctx context.Context, tty *os.File) error) *console {
	t.Helper()
	m, slave, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	if err := pty.Setsize(slave, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}); err != nil {
		t.Fatal(err)
	}
	master, err := term.Pollable(m)
	if err != nil {
		t.Fatal(err)
	}
	c := &console{t: t, master: master, done: make(chan error, 1), read: make(chan struct{}), fresh: make(chan struct{})}
	c.screen = term.New(cols, rows, func(b []byte) { _, _ = master.Write(b) })
	ctx, cancel := context.WithCancel(context.Background())
	go c.readLoop()
	go func() {
		c.done <- run(ctx, slave)
		_ = slave.Close()
	}()
	t.Cleanup(func() {
		cancel()
		<-c.read
		_ = master.Close()
	})
	return c
}

func (c *console) readLoop() {
	defer close(c.read)
	buf := make([]byte, 64<<10)
	for {
		n, err := c.master.Read(buf)
		if n > 0 {
			c.raw.Write(buf[:n])
			_, _ = c.screen.Write(buf[:n])
			c.mu.Lock()
			close(c.fresh)
			c.fresh = make(chan struct{})
			c.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

func (c *console) text() string {
	var b strings.Builder
	row := 0
	c.screen.Cells(func(_, y int, cell *uv.Cell) {
		if y != row {
			b.WriteByte('\n')
			row = y
		}
		b.WriteString(cell.Content)
	})
	return b.String()
}

// await waits until the screen shows a text.
func (c *console) await(text string) {
	c.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		c.mu.Lock()
		fresh := c.fresh
		c.mu.Unlock()
		if strings.Contains(c.text(), text) {
			return
		}
		select {
		case <-fresh:
		case <-deadline:
			c.t.Fatalf("the screen never showed %q:\n%s", text, c.text())
		}
	}
}

// left waits until the interface has returned.
func (c *console) left() {
	c.t.Helper()
	select {
	case err := <-c.done:
		if err != nil {
			c.t.Fatalf("Run: %v", err)
		}
	case <-time.After(20 * time.Second):
		c.t.Fatalf("the interface does not leave:\n%s", c.text())
	}
}

func (c *console) send(keys string) {
	c.t.Helper()
	if _, err := io.WriteString(c.master, keys); err != nil {
		c.t.Fatal(err)
	}
}

// bashLab is the small world with this machine's bash.
type bashLab struct{ *tuitest.World }

func (bashLab) Shell(_ context.Context, cols, rows int) (tui.Pty, error) {
	cmd := exec.Command("bash", "--norc", "--noprofile")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "PS1=ready> ", "LANG=C.UTF-8", "INPUTRC=/dev/null", "HISTFILE=/dev/null"}
	l, err := term.StartLocal(cmd, cols, rows)
	if err != nil {
		return nil, err
	}
	return l, nil
}

func needBash(t testing.TB) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("needs bash")
	}
}

// TestThroughAPseudoTerminal goes the whole way: keys as bytes in, the renderer's bytes out, a real shell inside.
func TestThroughAPseudoTerminal(t *testing.T) {
	needBash(t)
	w := tuitest.NewWorld()
	c := openConsole(t, tui.Options{Lab: bashLab{w}, Course: w, Language: tui.Korean}, 120, 40)
	c.await("ready>")
	c.await("첫 번째 파드")
	c.send("echo 한글-$((40+2)); stty size\r")
	c.await("한글-42")
	c.await("25 80") // stty: rows and columns of the shell's pane
	c.send("\x07z")
	c.send("stty size\r")
	c.await("38 120")
	c.send("\x07z")
	c.await("첫 번째 파드")
	w.RunPod("web", "drydock/web:1")
	c.await("✓ web이라는 파드가 있음")
	c.send("exit\r")
	c.await("새 셸을 열었습니다")
	c.send("\x07?")
	c.await("도움말")
	c.send("q\x07q") // not Esc: with what follows it would be Alt and a key
	c.left()
	<-c.read
	for mode, off := range map[string]string{"alternate screen": "\x1b[?1049l", "mouse": "\x1b[?1002l", "paste": "\x1b[?2004l"} {
		if !strings.Contains(c.raw.String(), off) {
			t.Errorf("the %s is not restored", mode)
		}
	}
}

func TestEndOfTheContextLeaves(t *testing.T) {
	needBash(t)
	w := tuitest.NewWorld()
	m, slave, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	defer m.Close()
	defer slave.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := io.ErrUnexpectedEOF
	go func() { _, _ = io.Copy(io.Discard, m) }()
	time.AfterFunc(50*time.Millisecond, func() { cancel(cause) })
	err = tui.Run(ctx, tui.Options{Lab: bashLab{w}, Course: w, In: slave, Out: slave, Env: term.Environ(), Width: 80, Height: 24})
	if err != cause { //nolint:errorlint // exactly the cause is promised
		t.Errorf("Run = %v, want %v", err, cause)
	}
}
