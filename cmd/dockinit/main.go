// Command dockinit is the first program inside a new container: it builds the container around itself and then becomes
// the container's own program. sandbox/container starts it; it is of no use by hand.
//
// Read it in the order in which it works: main.go (the conversation), root.go (the file system), filesystem.go and
// within.go (mounts, and paths that a container chose), devices.go, terminal.go, lookup.go, and last finish.go, where the
// privileges go.
//
// It links the standard library and x/sys only: its start is part of every container's start.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"drydock/sandbox/container/handshake"
)

// What sandbox/container leaves open for us, beside the three standard streams.
const (
	socketFD = 3
	targetFD = 4 // pidfd of the container to join, for an additional process
	doorFD   = 6 // the first of Setup.Doors; 5 is this program
)

func init() {
	// Capabilities, seccomp and the mount namespace belong to a thread, and the thread that calls execve(2) is the one
	// that stays.
	runtime.LockOSThread()
}

func main() {
	caller := socket(socketFD)
	tell(caller, run(caller))
	os.Exit(1)
}

// run returns only with an error: otherwise this process has become the container's program.
func run(caller socket) error {
	// Before anything in the container can look: while dumpable, /proc/PID/exe, fd and mem of this process would be open
	// to a process with the same capabilities (ptrace(2), "Ptrace access mode checking").
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("make dockinit undumpable: %w", err)
	}
	// We were executed as /proc/self/fd/5, and "5" is what ps would show.
	if err := setName("dockinit"); err != nil {
		return err
	}
	var s handshake.Setup
	if err := handshake.Expect(caller, handshake.SetUp, &s); err != nil {
		return err
	}
	if err := enterGroups(s.Doors); err != nil {
		return err
	}
	program, err := prepare(caller, &s)
	if err != nil {
		return err
	}
	if err := handshake.Write(caller, handshake.Ready, nil); err != nil {
		return err
	}
	if err := handshake.Expect(caller, handshake.Go, nil); err != nil {
		return err
	}
	return become(caller, program, s.Process)
}

// enterGroups moves this thread, the one that will execute the program, into the cgroups whose lists of threads the caller
// has opened. What Go's other threads use until execve(2) ends them is not counted.
func enterGroups(n int) error {
	for door := doorFD; door < doorFD+n; door++ {
		if _, err := unix.Write(door, []byte("0")); err != nil {
			return fmt.Errorf("enter the cgroup: %w", err)
		}
		shut(door)
	}
	return nil
}

func setName(name string) error {
	text, err := unix.BytePtrFromString(name)
	if err == nil {
		err = unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(text)), 0, 0, 0)
	}
	if err != nil {
		return fmt.Errorf("name this process: %w", err)
	}
	return nil
}

// prepare does everything that needs privileges over the machine, and returns the path of the program.
func prepare(caller socket, s *handshake.Setup) (string, error) {
	if err := setOOMScore(s.Process.OOMScoreAdj); err != nil {
		return "", err
	}
	// A session of its own: keys pressed on the caller's terminal are not for the container (setsid(2)).
	if _, err := unix.Setsid(); err != nil && !errors.Is(err, unix.EPERM) {
		return "", fmt.Errorf("start a session: %w", err)
	}
	unix.Umask(0) // modes below are meant as they are written
	enter := joinRoot
	if s.Root != nil {
		enter = func() error { return build(*s.Root, s.Process.Cwd) }
	}
	if err := enter(); err != nil {
		return "", err
	}
	if s.Process.Terminal {
		if err := openTerminal(caller, s); err != nil {
			return "", err
		}
	}
	unix.Umask(umaskOf(s.Process))
	if err := changeDirectory(s.Process.Cwd); err != nil {
		return "", err
	}
	s.Process.Env = withHome(s.Process.Env, s.Process.UID)
	return lookUp(s.Process.Args[0], s.Process.Env)
}

func umaskOf(p handshake.Process) int {
	if p.Umask < 0 {
		return 0o022
	}
	return p.Umask
}

// socket is the caller's end of the conversation, as a blocking descriptor.
type socket int

func (s socket) Read(b []byte) (int, error) {
	for {
		n, err := unix.Read(int(s), b)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, fmt.Errorf("read from the caller: %w", err)
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

func (s socket) Write(b []byte) (int, error) {
	for written := 0; written < len(b); {
		// MSG_NOSIGNAL: a caller that has gone is an error here and not a SIGPIPE.
		n, err := unix.SendmsgN(int(s), b[written:], nil, nil, unix.MSG_NOSIGNAL)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return written, fmt.Errorf("write to the caller: %w", err)
		}
		written += max(n, 0)
	}
	return len(b), nil
}

// tell reports the error that ends dockinit. Nobody is left to hear of an error in doing so.
func tell(caller socket, err error) {
	f := handshake.Failure{Text: err.Error()}
	switch {
	case errors.Is(err, errNotFound):
		f.Reason = handshake.NotFound
	case errors.Is(err, errNotExecutable):
		f.Reason = handshake.NotExecutable
	}
	_ = handshake.Write(caller, handshake.Failed, &f)
}
