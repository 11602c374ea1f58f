package container

import (
	"errors"
	"os"
	"syscall"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Errors of this package, to be tested with errors.Is. The text of the error that carries them is for the user.
var (
	// ErrNotFound: the program does not exist in the container; a shell would answer 127.
	ErrNotFound = errors.New("executable file not found")
	// ErrNotExecutable: the program exists and cannot be run; a shell would answer 126.
	ErrNotExecutable = errors.New("not executable")
	// ErrUserNotMapped: the spec asks for a user or group that this machine's user namespace does not have.
	ErrUserNotMapped = errors.New("not available in this user namespace")
	// ErrNotRunning: the process has ended, or was never started.
	ErrNotRunning = errors.New("not running")
	// ErrRunning: the container must be stopped first.
	ErrRunning = errors.New("still running")
)

// Options is what New needs to know.
type Options struct {
	// InitPath is the dockinit program. It is opened once: the file may be replaced or removed later.
	InitPath string
}

// Stdio is what the process gets as its standard streams; nil means /dev/null. The caller keeps ownership and may close
// its copies once Create or Exec has returned.
type Stdio struct {
	In, Out, Err *os.File
}

// Size is the size of a terminal in characters.
type Size struct {
	Rows, Cols uint16
}

// Group is the cgroup of a container, as far as this package uses it. Methods may be called at the same time.
type Group interface {
	Add(pid int) error
	// Entry opens the fast ways in, for the caller to close: a directory to be cloned into, or files to which a thread writes
	// "0" to move itself. Neither: it takes Add.
	Entry() (born *os.File, doors []*os.File, err error)
	Freeze() error
	Thaw() error
	Kill() error
	OOMKilled() (bool, error)
}

// Config describes one container.
type Config struct {
	// ID names the container in errors.
	ID string
	// Spec is read during Create and not kept. Root.Path is the mounted root file system, an absolute path.
	// Namespaces with a Path are joined, those without one are made; a spec without a pid namespace shares the caller's.
	Spec *specs.Spec
	// Stdio is not used when Spec.Process.Terminal is set: then Terminal returns the master of a new pty.
	Stdio Stdio
	// Group receives the process before its program starts; nil means no cgroup.
	Group Group
}

// ExecConfig describes one more process in a running container. Fields left empty come from the container's own process,
// except Args and Stdio.
type ExecConfig struct {
	Args  []string
	Env   []string
	Cwd   string
	User  *specs.User
	TTY   bool
	Size  Size
	Stdio Stdio
	// Privileged gives the process the container's spec without capability limits, seccomp and no_new_privs.
	Privileged bool
}

// ExitStatus tells how a process ended.
type ExitStatus struct {
	// Code is the exit code, or 128 plus the signal's number.
	Code int
	// Signal is the signal that ended the process, 0 when it exited by itself.
	Signal syscall.Signal
	// OOMKilled says that the container's memory limit ended it.
	OOMKilled bool
	ExitedAt  time.Time
}

// State is where a container is in its life.
type State string

// The states of the OCI runtime specification.
const (
	Created State = "created"
	Running State = "running"
	Paused  State = "paused"
	Stopped State = "stopped"
)
