// Command shots draws the pictures of the documentation: the interface on a scripted world, its own cells as SVG.
//
//	go run ./tui/shots [-out docs]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	uv "github.com/charmbracelet/ultraviolet"

	"drydock/tui"
	"drydock/tui/tuitest"
)

// shot is one picture.
type shot struct {
	file       string
	lang       tui.Language
	cols, rows int
	script     func(*tuitest.Stage, *world)
}

// shots are all pictures.
func shots() []shot {
	return []shot{
		{"screen.svg", tui.English, 142, 36, firstPod},
		{"screen.ko.svg", tui.Korean, 142, 36, firstPod},
	}
}

// world is tuitest's, moved by the script alone, so that a picture does not depend on the machine's speed.
type world struct {
	*tuitest.World
	mu  sync.Mutex
	now time.Time // guarded by mu
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// firstPod types the first command of the first lesson, and stops while the second pod is still coming up.
func firstPod(s *tuitest.Stage, w *world) {
	s.Type("kubectl run web --image=drydock/web:1\n")
	w.Advance()
	s.Settle()
	w.Advance()
	s.Settle()
	w.pass(time.Minute)
	s.Pass(8 * time.Second) // notices and marks go
	s.Type("kubectl get pods -o wide\n")
	s.Type("kubectl run api --image=drydock/web:1\n")
	w.Advance()
	s.Settle()
	s.Type("kubectl get po")
}

// draw plays a shot's script and returns the picture. quiet is what tuitest.NewStage takes.
func draw(ctx context.Context, sh shot, quiet time.Duration) string {
	w := &world{World: tuitest.NewWorld(), now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	w.Manual, w.Now = true, w.clock
	o := tui.Options{Lab: w, Course: w, Language: sh.lang, Now: w.clock}
	s := tuitest.NewStage(ctx, o, sh.cols, sh.rows, quiet)
	defer s.Close()
	s.Settle()
	sh.script(s, w)
	view := s.Model.View()
	var cursor *uv.Position
	if view.Cursor != nil {
		cursor = &uv.Position{X: view.Cursor.X, Y: view.Cursor.Y}
	}
	return picture(s.Model.Screen(), cursor, view.WindowTitle)
}

func main() {
	out := flag.String("out", "docs", "folder for the pictures")
	flag.Parse()
	for _, sh := range shots() {
		path := filepath.Join(*out, sh.file)
		if err := os.WriteFile(path, []byte(draw(context.Background(), sh, 40*time.Millisecond)), 0o644); err != nil {
			fmt.Fprintf(os.Stderr, "write %s: %v\n", path, err)
			os.Exit(1)
		}
		fmt.Fprintln(os.Stdout, path)
	}
}
