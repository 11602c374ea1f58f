package term_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	uv "github.com/charmbracelet/ultraviolet"

	"drydock/tui/term"
)

// start runs a program in a session and returns it with a function that waits for text on its screen.
func start(t *testing.T, cols, rows int, name string, args ...string) (*term.Session, func(string)) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("needs %s", name)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = []string{"PS1=$ ", "LANG=C.UTF-8", "PATH=/usr/bin:/bin"}
	l, err := term.StartLocal(cmd, cols, rows)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	s := term.NewSession(l, cols, rows)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return s, func(text string) {
		t.Helper()
		limit := time.After(15 * time.Second)
		for !strings.Contains(strings.Join(screen(s), "\n"), text) {
			select {
			case <-s.Changed():
			case <-limit:
				t.Fatalf("never saw %q:\n%s", text, strings.Join(screen(s), "\n"))
			}
		}
	}
}

func TestSession(t *testing.T) {
	s, await := start(t, 40, 6, "bash", "--norc")
	await("$")
	s.Send([]byte("echo $TERM $((6*7)); stty size\r"))
	await("xterm-256color 42")
	await("6 40")
	if err := s.Fit(30, 5); err != nil {
		t.Fatal(err)
	}
	s.Send([]byte("stty size\r"))
	await("5 30")
	s.Send([]byte("exit\r"))
	select {
	case <-s.Done():
	case <-time.After(15 * time.Second):
		t.Fatal("the session does not see the shell's end")
	}
}

// TestAProgramThatDoesNotRead must not hold up the screen: the pseudo-terminal's buffer fills after 4 KB.
func TestAProgramThatDoesNotRead(t *testing.T) {
	s, await := start(t, 40, 6, "bash", "--norc", "-c", "stty raw -echo; echo ready; exec sleep 1000")
	await("ready")
	s.Paste(strings.Repeat("x", 1<<20))
	s.SendKey(uv.Key{Code: 'a', Text: "a"})
	seen := make(chan struct{})
	go func() {
		s.Cells(func(int, int, *uv.Cell) {})
		close(seen)
	}()
	select {
	case <-seen:
	case <-time.After(15 * time.Second):
		t.Fatal("the screen is frozen")
	}
}

func TestCloseEndsABlockedRead(t *testing.T) {
	path, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("needs sleep")
	}
	l, err := term.StartLocal(exec.Command(path, "1000"), 20, 5)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	read := make(chan error, 1)
	go func() {
		_, err := l.Read(make([]byte, 10))
		read <- err
	}()
	_ = l.Close()
	select {
	case err := <-read:
		if err == nil {
			t.Error("Read returned without an error")
		}
	case <-time.After(15 * time.Second):
		t.Fatal("Read is still blocked")
	}
}
