package box

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// Program is the name of the program that is a box.
const Program = "dockbox"

// variable carries the Spec from one stage to the next: in the environment, because command lines can be read by everyone.
const variable = "DRYDOCK_BOX"

// Spec says what runs in a box and what it may do.
type Spec struct {
	Args     []string `json:"args"`
	Hidden   []string `json:"hidden"` // folders that are empty inside
	ReadOnly bool     `json:"readOnly"`
	Offline  bool     `json:"offline"` // a network namespace of its own, with nothing in it

	Processes int      `json:"processes"` // most at a time
	Memory    int64    `json:"memory"`    // most bytes resident, all together
	Disk      int64    `json:"disk"`      // most bytes in Watched
	Watched   []string `json:"watched"`

	Stage string `json:"stage"` // "" for outer, "cover" or "inner"
}

// Stopped is the exit code of a box that went beyond a limit. The last line on its standard error is Mark and which one.
const (
	Stopped = 113
	Mark    = "drydock box: beyond the limit of "
)

// Command is the environment variable with which dockbox is started.
func (s Spec) Command() (string, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("describe a box: %w", err)
	}
	return variable + "=" + string(raw), nil
}

// Exceeded is the limit that a box names at the end of what it has written; "a limit" where it names none.
func Exceeded(written string) string {
	i := strings.LastIndex(written, Mark)
	if i < 0 {
		return "a limit"
	}
	what, _, _ := strings.Cut(written[i+len(Mark):], "\n")
	return strings.TrimSpace(what)
}

// Run is the whole of dockbox: it returns the exit code of what ran in the box.
func Run() (code int, err error) {
	var s Spec
	if err := json.Unmarshal([]byte(os.Getenv(variable)), &s); err != nil {
		return 0, fmt.Errorf("%s is not for people: %w", Program, err)
	}
	if err := os.Unsetenv(variable); err != nil {
		return 0, err
	}
	switch s.Stage {
	case "":
		s.Stage = "cover"
		code, err = s.next(syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS)
	case "cover":
		code, err = s.cover()
	case "inner":
		code, err = s.inner()
	default:
		err = fmt.Errorf("there is no stage %q", s.Stage)
	}
	if err != nil {
		return 0, fmt.Errorf("run in a box: %w", err)
	}
	return code, nil
}

// next runs this program again as the next stage.
func (s Spec) next(flags uintptr) (int, error) {
	described, err := s.Command()
	if err != nil {
		return 0, err
	}
	// Not by its name: it may lie in a folder that is covered by now.
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), described)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: flags, Pdeathsig: syscall.SIGKILL,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	return ToEnd(cmd)
}

// ToEnd runs a program and returns its exit code, as a shell would tell it.
func ToEnd(cmd *exec.Cmd) (int, error) {
	err := cmd.Run()
	var exited *exec.ExitError
	if !errors.As(err, &exited) {
		return 0, err
	}
	if status, ok := exited.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exited.ExitCode(), nil
}
