package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// A service that ends is started again after a pause that doubles up to a limit; one that has run for a while begins anew.
const (
	firstPause = 100 * time.Millisecond
	longPause  = 5 * time.Second
	settled    = 10 * time.Second
)

// supervise keeps one verb of docknode running until ctx ends, as systemd does for a unit with Restart=always. What it
// prints, and how it ended, goes to logs/VERB.log.
func supervise(ctx context.Context, args []string, logs string) {
	if len(args) == 0 {
		return
	}
	pause := firstPause
	for ctx.Err() == nil {
		begun := time.Now()
		runService(ctx, args, logs)
		if time.Since(begun) > settled {
			pause = firstPause
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		pause = min(2*pause, longPause)
	}
}

// runService starts the service and waits for its end. SIGTERM ends it when ctx does, SIGKILL when that does not help; and
// the kernel kills it with us, because we are pid 1.
func runService(ctx context.Context, args []string, logs string) {
	out := openServiceLog(filepath.Join(logs, args[0]+".log"))
	defer out.Close()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Args[0] = "docknode" // what "ps" shows
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if ctx.Err() == nil {
		fmt.Fprintf(out, "%s docknode %s ended: %v\n", time.Now().UTC().Format(time.RFC3339Nano), args[0], err)
	}
}

// openServiceLog appends to the file; without it the service still runs, and prints to our own output.
func openServiceLog(path string) io.WriteCloser {
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		var f *os.File
		if f, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640); err == nil {
			return f
		}
	}
	fmt.Fprintln(os.Stderr, "open service log:", err)
	return keepOpen{os.Stderr}
}

type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }
