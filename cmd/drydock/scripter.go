package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"drydock/sandbox/box"
)

// scripter runs the scripts of checks on this machine, in a box: without network, nothing writable, and drydock's state
// and the person's own files out of sight.
type scripter struct {
	box    string // the program
	hidden []string
}

func newScripter(p place) scripter {
	hidden := []string{string(p.home), "/tmp", "/run", "/var/tmp"}
	if dir, err := os.UserHomeDir(); err == nil && dir != "/" {
		hidden = append(hidden, dir)
	}
	return scripter{p.programs.Path(box.Program), hidden}
}

// Limits of the script of a check.
const (
	scriptProcesses = 64
	scriptMemory    = 256 << 20
	scriptOutput    = 64 << 10
)

// RunCheck implements checks.Scripter.
func (s scripter) RunCheck(ctx context.Context, script string, input []byte) ([]byte, error) {
	variable, err := box.Spec{
		Args: []string{"/bin/sh", "-c", script}, Hidden: s.hidden, ReadOnly: true, Offline: true,
		Processes: scriptProcesses, Memory: scriptMemory, Disk: 1 << 20,
	}.Command()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, s.box)
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/", variable}
	cmd.Stdin = bytes.NewReader(input)
	out, errOut := &capped{most: scriptOutput}, &capped{most: scriptOutput}
	cmd.Stdout, cmd.Stderr = out, errOut
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, lastLine(errOut.String()))
	}
	return []byte(out.String()), nil
}

// capped keeps the beginning of what is written and drops the rest. It may be written to from several goroutines. The
// buffer is a field and not embedded: io.Copy would find its ReadFrom, which knows no limit.
type capped struct {
	most int // set once

	mu sync.Mutex
	// guarded by mu
	kept bytes.Buffer
}

// Write implements io.Writer.
func (c *capped) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if room := c.most - c.kept.Len(); room > 0 {
		c.kept.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (c *capped) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept.String()
}

func lastLine(s string) string {
	lines := bytes.Split(bytes.TrimSpace([]byte(s)), []byte("\n"))
	return string(lines[len(lines)-1])
}
