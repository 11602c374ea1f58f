package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"drydock/engine/cluster/control"
)

// traces are the places in a lab where what runs in its shell can leave something: files, and processes that go on.
type traces struct {
	pid     int                 // the lab's first process, as this machine counts
	scratch map[string][]string // directory of the lab: what a fresh one holds
	shell   string              // what the shell's own folder holds, as a digest
}

// scratchDirs are the lab's own, where everyone may write (sandbox/lab, coverTemporary).
var scratchDirs = []string{"/tmp", "/run", "/var/tmp", "/dev/shm"}

var errTraces = errors.New("the lab's shell has left traces")

// look notes what a fresh lab holds.
func (l *testLab) look() (*traces, error) {
	pid, err := firstProcess(l.lab.Control())
	if err != nil {
		return nil, err
	}
	t := &traces{pid: pid, scratch: map[string][]string{}}
	for _, dir := range scratchDirs {
		if t.scratch[dir], err = t.names(dir); err != nil {
			return nil, err
		}
	}
	t.shell, err = digestOf(l.lab.Shell())
	return t, err
}

// firstProcess is who listens on a lab's control socket (unix(7), SO_PEERCRED).
func firstProcess(socket string) (int, error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return 0, fmt.Errorf("find the lab's first process: %w", err)
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("find the lab's first process: %w", err)
	}
	var peer *unix.Ucred
	var askErr error
	if err := raw.Control(func(fd uintptr) { peer, askErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return 0, err
	}
	if askErr != nil {
		return 0, fmt.Errorf("find the lab's first process: %w", askErr)
	}
	return int(peer.Pid), nil
}

// open is a directory as the lab sees it. What lies outside of it cannot be reached, not even over a symbolic link.
func (t *traces) open(dir string) (*os.Root, error) {
	return os.OpenRoot(fmt.Sprintf("/proc/%d/root%s", t.pid, dir))
}

// names lists a directory of the lab; nothing when this machine has none of that name.
func (t *traces) names(dir string) ([]string, error) {
	root, err := t.open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("look into %s of the lab: %w", dir, err)
	}
	defer func() { _ = root.Close() }() // only reads it
	return namesIn(root)
}

func namesIn(root *os.Root) ([]string, error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// Clean implements seat.Lab. Processes are not ended but found: what one has done meanwhile cannot be known.
func (l *testLab) Clean(ctx context.Context) error {
	t := l.traces
	if t == nil {
		return fmt.Errorf("%w: nobody looked at it when it was fresh", errTraces)
	}
	if err := errors.Join(t.strays(), l.whole(ctx)); err != nil {
		return err
	}
	for _, dir := range scratchDirs {
		root, err := t.open(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return fmt.Errorf("clean %s of the lab: %w", dir, err)
		}
		if err := errors.Join(empty(root, t.scratch[dir]), root.Close()); err != nil {
			return fmt.Errorf("clean %s of the lab: %w", dir, err)
		}
	}
	root, err := os.OpenRoot(l.Workspace())
	if err != nil {
		return fmt.Errorf("clean the lab's workspace: %w", err)
	}
	if err := errors.Join(empty(root, nil), root.Close()); err != nil {
		return fmt.Errorf("clean the lab's workspace: %w", err)
	}
	if shell, err := digestOf(l.lab.Shell()); err != nil || shell != t.shell {
		return errors.Join(fmt.Errorf("%w in the folder of its own commands", errTraces), err)
	}
	return nil
}

// whole reports what of the lab has been stopped or cut off.
func (l *testLab) whole(ctx context.Context) error {
	parts, err := control.Components(ctx, l.lab.Control())
	if err != nil {
		return err
	}
	for _, c := range parts {
		if c.State != "running" {
			return fmt.Errorf("%w: %s is stopped", errTraces, c.Name)
		}
	}
	return nil
}

func empty(root *os.Root, but []string) error {
	names, err := namesIn(root)
	for _, name := range names {
		if !slices.Contains(but, name) {
			err = errors.Join(err, root.RemoveAll(name))
		}
	}
	return err
}

// strays finds processes of the lab that are not its own: children of its first process, which takes in the orphans of the
// shell (proc_pid_task(5), children), other than machines.
func (t *traces) strays() error {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", t.pid)) // the pattern is right
	if len(lists) == 0 {
		return fmt.Errorf("%w: its processes cannot be listed", errTraces)
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // the thread has ended
		} else if err != nil {
			return fmt.Errorf("list the lab's processes: %w", err)
		}
		for pid := range strings.FieldsSeq(string(text)) {
			command, err := os.ReadFile("/proc/" + pid + "/cmdline")
			if err != nil || len(command) == 0 {
				continue // it has ended
			}
			if program, _, _ := strings.Cut(string(command), "\x00"); program != nodeProgram {
				return fmt.Errorf("%w: %s still runs", errTraces, program)
			}
		}
	}
	return nil
}

// nodeProgram is what the first process of a node is called.
const nodeProgram = "/opt/drydock/bin/docknode"

// digestOf is the digest of a folder's names, links and contents.
func digestOf(dir string) (string, error) {
	sum := sha256.New()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%q %s\n", name, d.Type())
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			to, err := os.Readlink(name)
			fmt.Fprintf(sum, "%q\n", to)
			return err
		case d.Type().IsRegular():
			text, err := os.ReadFile(name)
			fmt.Fprintf(sum, "%d %s\n", len(text), text)
			return err
		}
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil)), err
}
