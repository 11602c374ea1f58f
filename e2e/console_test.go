package e2e_test

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/creack/pty"

	"drydock/tui/term"
)

// patience bounds every wait for the screen. It proves nothing about speed: it only ends a test that would hang.
const patience = 60 * time.Second

// console is the built program on a real pseudo-terminal, seen through an emulator.
type console struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File
	screen *term.Emulator
	ended  chan struct{} // the program has closed its side

	mu sync.Mutex
	// guarded by mu
	fresh chan struct{} // closed and replaced after each piece of output
}

// openConsole starts the program as who, at a size.
func openConsole(t *testing.T, cmd *exec.Cmd, cols, rows int) *console {
	t.Helper()
	m, slave, err := pty.Open()
	if err != nil {
		t.Fatalf("open a pseudo-terminal: %v", err)
	}
	if err := pty.Setsize(slave, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}); err != nil {
		t.Fatal(err)
	}
	master, err := term.Pollable(m)
	if err != nil {
		t.Fatal(err)
	}
	c := &console{t: t, cmd: cmd, master: master, ended: make(chan struct{}), fresh: make(chan struct{})}
	c.screen = term.New(cols, rows, func(b []byte) { _, _ = master.Write(b) })
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setctty = true, true
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	go c.readLoop()
	t.Cleanup(c.end)
	return c
}

// end kills what is left of the program; after leave it is nothing.
func (c *console) end() {
	_ = c.cmd.Process.Kill() // it may have ended
	_ = c.cmd.Wait()
	_ = c.master.Close()
	<-c.ended
}

func (c *console) readLoop() {
	defer close(c.ended)
	buf := make([]byte, 64<<10)
	for {
		n, err := c.master.Read(buf)
		if n > 0 {
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

// awaitThat waits until the screen satisfies a condition.
func (c *console) awaitThat(what string, holds func(screen string) bool) {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		c.mu.Lock()
		fresh := c.fresh
		c.mu.Unlock()
		if holds(c.text()) {
			return
		}
		select {
		case <-fresh:
		case <-c.ended:
			c.t.Fatalf("the program ended before the screen showed %s:\n%s", what, c.text())
		case <-deadline:
			c.t.Fatalf("the screen never showed %s:\n%s", what, c.text())
		}
	}
}

func (c *console) await(text string) {
	c.t.Helper()
	c.awaitThat("“"+text+"”", func(screen string) bool { return strings.Contains(screen, text) })
}

func (c *console) awaitGone(text string) {
	c.t.Helper()
	c.awaitThat("“"+text+"” going away", func(screen string) bool { return !strings.Contains(screen, text) })
}

func (c *console) send(keys string) {
	c.t.Helper()
	if _, err := io.WriteString(c.master, keys); err != nil {
		c.t.Fatal(err)
	}
}

// left waits until the program has ended by itself.
func (c *console) left() {
	c.t.Helper()
	select {
	case <-c.ended:
	case <-time.After(patience):
		c.t.Fatalf("the program does not leave:\n%s", c.text())
	}
}
