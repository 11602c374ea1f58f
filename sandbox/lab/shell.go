package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Command is a program to run for the learner: inside the lab's network, but with their own ids and without a view of the
// lab's state.
type Command struct {
	Args []string
	Env  []string
	Dir  string
	// Files are standard input, output and error. With TTY, all three are a terminal that becomes the controlling one.
	Files [3]*os.File
	TTY   bool
	// Hidden is covered by an empty directory; Shown are the directories and files inside it that stay visible.
	Hidden string
	Shown  []string
}

// Spawn starts c and returns its process; the caller must Wait for it.
//
// The process gets two things that take a thread of their own to prepare: a mount namespace in which the lab's state is
// covered, and below it a user namespace in which the learner has the ids they have outside. Mounts inherited by a
// mount namespace of a less privileged user namespace are locked (mount_namespaces(7)), so the cover cannot be lifted.
func (in *Inside) Spawn(c Command) (*os.Process, error) {
	type result struct {
		process *os.Process
		err     error
	}
	done := make(chan result)
	go func() {
		// Never unlocked: the thread's namespaces are changed for good, so it must end with the goroutine.
		runtime.LockOSThread()
		p, err := in.spawnOnThread(c)
		done <- result{p, err}
	}()
	r := <-done
	return r.process, r.err
}

func (in *Inside) spawnOnThread(c Command) (*os.Process, error) {
	// setns and unshare of mounts are refused while the thread shares its root and working directory (unshare(2)).
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return nil, fmt.Errorf("give the shell its own mounts: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("make the shell's mounts private: %w", err)
	}
	if err := cover(c.Hidden, c.Shown); err != nil {
		return nil, err
	}
	path, err := lookPath(c.Args[0], c.Env)
	if err != nil {
		return nil, err
	}
	attr := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS, Setsid: true, Setctty: c.TTY}
	in.ownIDs(attr)
	return os.StartProcess(path, c.Args, &os.ProcAttr{Dir: c.Dir, Env: c.Env, Files: c.Files[:], Sys: attr})
}

// ownIDs maps the learner's ids of outside onto themselves.
func (in *Inside) ownIDs(attr *syscall.SysProcAttr) {
	if in.IDMap == WholeRange {
		whole := []syscall.SysProcIDMap{{Size: 1<<32 - 1}}
		attr.UidMappings, attr.GidMappings, attr.GidMappingsEnableSetgroups = whole, whole, true
		return
	}
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: in.UID, HostID: 0, Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: in.GID, HostID: 0, Size: 1}}
}

// cover mounts an empty directory over hidden and puts the shown paths back into it.
func cover(hidden string, shown []string) error {
	if hidden == "" {
		return nil
	}
	trees := make([]int, len(shown))
	for i, path := range shown {
		fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
		if err != nil {
			return fmt.Errorf("pick up %s: %w", path, err)
		}
		defer unix.Close(fd)
		trees[i] = fd
	}
	if err := unix.Mount("tmpfs", hidden, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755,size=64k"); err != nil {
		return fmt.Errorf("cover %s: %w", hidden, err)
	}
	for i, path := range shown {
		if err := putBack(trees[i], path); err != nil {
			return err
		}
	}
	readOnly := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, hidden, 0, &readOnly); err != nil {
		return fmt.Errorf("make the cover of %s read-only: %w", hidden, err)
	}
	return nil
}

func putBack(tree int, path string) error {
	var stat unix.Stat_t
	if err := unix.Fstat(tree, &stat); err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	if err := makeMountPoint(path, stat.Mode&unix.S_IFMT == unix.S_IFDIR); err != nil {
		return err
	}
	if err := unix.MoveMount(tree, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("put back %s: %w", path, err)
	}
	return nil
}

func makeMountPoint(path string, dir bool) error {
	if dir {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return fmt.Errorf("make room for %s: %w", path, err)
		}
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return fmt.Errorf("make room for %s: %w", path, err)
	}
	return f.Close()
}

// lookPath finds name as the child would, by the PATH of its own environment.
func lookPath(name string, env []string) (string, error) {
	for _, dir := range searchPath(name, env) {
		path, err := exec.LookPath(dir + name)
		if err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, errNoProgram)
}

var errNoProgram = errors.New("no such program on the PATH of the lab's shell")
