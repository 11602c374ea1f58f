package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// namespaces are a node's own, besides its user namespace (ownIDs), which nobody enters: the lab is its parent.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

const envGate = "DRYDOCK_MACHINE_GATE"

// Bind makes a directory or file of the lab visible inside a machine.
type Bind struct {
	Source string `json:"source"`
	Target string `json:"target"` // absolute, inside the machine
	// ReadOnly binds can be made writable again by the machine's root, unless the lab has mounted Source read-only as well.
	ReadOnly bool `json:"readOnly,omitempty"`
}

// Spec describes a machine.
type Spec struct {
	Name string `json:"name"` // its host name
	// Root is an existing empty directory of the lab on which the machine mounts its root; only the machine sees it.
	Root  string `json:"root"`
	Binds []Bind `json:"binds"`
	// Files are small text files by absolute path, e.g. /etc/hosts; mode 0600 below /etc/kubernetes, else 0644.
	Files map[string]string `json:"files"`
	// Init is what becomes pid 1: a path inside the machine and its arguments.
	Init []string `json:"init"`
}

// Machine is a running or waiting node, seen from the lab.
type Machine struct {
	cmd  *exec.Cmd
	gate *os.File
}

// Start clones boot, a program whose main calls Boot when asked to, into new namespaces. It waits there for PowerOn, so
// that its network can be laid first. boot[0] is a path in the lab. files become descriptors 3 and up of the machine's pid 1.
func Start(spec Spec, boot []string, output *os.File, files ...*os.File) (*Machine, error) {
	gateRead, gateWrite, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make the gate of %s: %w", spec.Name, err)
	}
	defer gateRead.Close()
	cmd := exec.Command(boot[0], boot[1:]...)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.ExtraFiles = append(append([]*os.File{}, files...), gateRead)
	cmd.Env = append(os.Environ(), envGate+"="+strconv.Itoa(3+len(files)))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Setsid: true}
	if err := ownIDs(cmd.SysProcAttr); err != nil {
		gateWrite.Close()
		return nil, fmt.Errorf("start machine %s: %w", spec.Name, err)
	}
	if err := cmd.Start(); err != nil {
		gateWrite.Close()
		return nil, fmt.Errorf("start machine %s: %w", spec.Name, err)
	}
	m := &Machine{cmd: cmd, gate: gateWrite}
	// The specification goes through the gate as well: command lines are public.
	if err := json.NewEncoder(gateWrite).Encode(spec); err != nil {
		return nil, errors.Join(fmt.Errorf("tell %s what it is: %w", spec.Name, err), m.Kill())
	}
	return m, nil
}

// PID is the machine's pid 1 in the lab's pid namespace.
func (m *Machine) PID() int { return m.cmd.Process.Pid }

// PowerOn lets a started machine boot. Call it once.
func (m *Machine) PowerOn() error {
	defer m.gate.Close()
	if _, err := m.gate.Write([]byte("on\n")); err != nil {
		return fmt.Errorf("power on: %w", err)
	}
	return nil
}

// Kill cuts the power: every process of the machine is gone when Wait returns.
func (m *Machine) Kill() error {
	if err := m.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("cut the power of machine %d: %w", m.PID(), err)
	}
	return nil
}

// ShutDown asks the machine to end in order: its pid 1 gets SIGTERM. Wait says when it has.
func (m *Machine) ShutDown() error {
	if err := m.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("shut machine %d down: %w", m.PID(), err)
	}
	return nil
}

// Wait blocks until the machine's pid 1 has ended and returns how. It must be called once.
func (m *Machine) Wait() error { return m.cmd.Wait() }
