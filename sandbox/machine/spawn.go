package machine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"drydock/sandbox/thread"
)

// Command is a program to run on a machine, as its root.
type Command struct {
	Args []string // Args[0] is looked up on the machine, by PATH of Env
	Env  []string
	Dir  string
	// Files are standard input, output and error. With TTY, all three are a terminal that becomes the controlling one.
	Files [3]*os.File
	TTY   bool
}

// ErrNoProgram: the machine has no such program on its PATH.
var ErrNoProgram = errors.New("no such program on the node")

// File is where the lab sees a file of the machine while it is on (proc_pid_root(5)).
func (m *Machine) File(path string) string {
	return filepath.Join("/proc", strconv.Itoa(m.PID()), "root", path)
}

// Spawn starts c beside the machine's own processes and returns it; the caller must Wait for it. It is the way in that ssh would
// be. The program ends with the machine.
func (m *Machine) Spawn(c Command) (*os.Process, error) {
	var process *os.Process
	err := thread.Run(func() error {
		if err := m.enter(); err != nil {
			return err
		}
		path, err := lookPath(c.Args[0], c.Env)
		if err != nil {
			return err
		}
		attr := &syscall.SysProcAttr{Setsid: true, Setctty: c.TTY}
		process, err = os.StartProcess(path, c.Args, &os.ProcAttr{Dir: c.Dir, Env: c.Env, Files: c.Files[:], Sys: attr})
		return err
	})
	return process, err
}

// enter moves the calling thread into the machine. One setns(2) with a pidfd takes it into all namespaces or into none; the pid
// namespace is only that of its children.
func (m *Machine) enter() error {
	fd, err := unix.PidfdOpen(m.PID(), 0)
	if err != nil {
		return fmt.Errorf("find machine %d: %w", m.PID(), err)
	}
	defer func() { _ = unix.Close(fd) }()
	// A thread that shares its root and working directory with others may not change mounts.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("take leave of the lab: %w", err)
	}
	if err := unix.Setns(fd, namespaces); err != nil {
		return fmt.Errorf("enter machine %d: %w", m.PID(), err)
	}
	return nil
}

func lookPath(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	i := slices.IndexFunc(env, func(e string) bool { return strings.HasPrefix(e, "PATH=") })
	if i < 0 {
		return "", fmt.Errorf("%s: %w", name, ErrNoProgram)
	}
	for _, dir := range filepath.SplitList(strings.TrimPrefix(env[i], "PATH=")) {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, ErrNoProgram)
}
