package tuitest

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"drydock/tui"
)

// Shell opens a shell that knows a few commands.
func (w *World) Shell(_ context.Context, cols, rows int) (tui.Pty, error) {
	w.mu.Lock()
	w.shells++
	w.sizes = append(w.sizes, [2]int{cols, rows})
	w.mu.Unlock()
	s := &shell{world: w, done: make(chan struct{}), in: make(chan []byte, 64)}
	s.outR, s.outW = io.Pipe()
	go s.run()
	return s, nil
}

// shell is both sides of a pseudo-terminal: what it prints is read from outR.
type shell struct {
	world *World
	outR  *io.PipeReader
	outW  *io.PipeWriter
	in    chan []byte
	done  chan struct{}
	once  sync.Once
	line  string // being typed; owned by run
	alt   bool   // an editor is open; owned by run
}

func (s *shell) Read(p []byte) (int, error) { return s.outR.Read(p) }

func (s *shell) Write(p []byte) (int, error) {
	select {
	case s.in <- append([]byte(nil), p...):
		return len(p), nil
	case <-s.done:
		return 0, io.ErrClosedPipe
	}
}

func (s *shell) Resize(cols, rows int) error {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.world.sizes = append(s.world.sizes, [2]int{cols, rows})
	return nil
}

func (s *shell) Done() <-chan struct{} { return s.done }

func (s *shell) Close() error {
	s.once.Do(func() {
		close(s.done)
		_ = s.outW.Close() // a pipe's Close has no error
	})
	return nil
}

func (s *shell) print(format string, args ...any) {
	_, _ = fmt.Fprintf(s.outW, strings.ReplaceAll(format, "\n", "\r\n"), args...) // the end of the pipe ends run, too
}

const prompt = "\x1b[?2004h\x1b[1;32mlearner@lab\x1b[0m:\x1b[1;34m~\x1b[0m$ "

func (s *shell) run() {
	s.print("%s", prompt)
	for {
		select {
		case b := <-s.in:
			s.keys(string(b))
		case <-s.done:
			return
		}
	}
}

func (s *shell) keys(in string) {
	in = strings.ReplaceAll(strings.ReplaceAll(in, "\x1b[200~", ""), "\x1b[201~", "")
	for in != "" {
		r, n := utf8.DecodeRuneInString(in)
		in = in[n:]
		s.key(r)
	}
}

func (s *shell) key(r rune) {
	switch {
	case s.alt:
		if r == 'q' {
			s.alt = false
			s.print("\x1b[?1049l%s", prompt)
		}
	case r == '\r':
		s.print("\n")
		line := s.line
		s.line = ""
		if s.command(strings.Fields(line)) {
			s.print("%s", prompt)
		}
	case r == 3:
		s.line = ""
		s.print("^C\n%s", prompt)
	case r == 0x7f && s.line != "":
		_, n := utf8.DecodeLastRuneInString(s.line)
		s.line = s.line[:len(s.line)-n]
		s.print("\b \b")
	case r >= 0x20 && r != 0x7f:
		s.line += string(r)
		s.print("%c", r)
	}
}

// command runs a line, and says whether a prompt is to follow.
func (s *shell) command(words []string) bool {
	if len(words) == 0 {
		return true
	}
	switch words[0] {
	case "exit":
		_ = s.Close()
		return false
	case "vi":
		s.alt = true
		s.print("\x1b[?1049h\x1b]0;vi web.yaml\x07\x1b[H~\n~\n~")
		return false
	case "echo":
		s.print("%s\n", strings.Join(words[1:], " "))
	case "seq":
		for i := 1; i <= 100; i++ {
			s.print("%d\n", i)
		}
	case "kubectl":
		s.kubectl(words[1:])
	default:
		s.print("bash: %s: command not found\n", words[0])
	}
	return true
}

func (s *shell) kubectl(words []string) {
	switch line := strings.Join(words, " "); {
	case strings.HasPrefix(line, "run ") && len(words) == 3:
		s.world.RunPod(words[1], strings.TrimPrefix(words[2], "--image="))
		s.print("pod/%s created\n", words[1])
	case strings.HasPrefix(line, "delete pod ") && s.world.DeletePod(words[2]):
		s.print("pod %q deleted from default namespace\n", words[2])
	case strings.HasPrefix(line, "get pods"):
		s.print("%-8s%-8s%-12s%-10s%-6s%-13s%s\n", "NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE")
		for _, p := range s.world.Pods() {
			s.print("%-8s%-8s%-12s%-10d%-6s%-13s%s\n", p.Name, p.Ready, p.Status, p.Restarts, "5s", p.Address, p.Node)
		}
	default:
		s.print("error: unknown command %q\n", line)
	}
}
