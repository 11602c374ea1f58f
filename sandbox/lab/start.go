package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// namespaces are the kinds a lab has of its own (namespaces(7)); time is the one it shares.
const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// environment names by which Start tells Enter what it needs to know before flags are parsed.
const (
	envMap  = "DRYDOCK_LAB_IDMAP"
	envGate = "DRYDOCK_LAB_GATE"
	envLife = "DRYDOCK_LAB_LIFE"
	envUser = "DRYDOCK_LAB_USER"
)

// Program is what runs as pid 1 of a lab. It must call Enter first.
type Program struct {
	Path string
	Args []string // without the program's name
	Env  []string
	// Files become descriptors 3, 4, … of the program.
	Files          []*os.File
	Stdout, Stderr *os.File
	IDMap          IDMap
}

// Lab is a running box, seen from its keeper.
type Lab struct {
	cmd  *exec.Cmd
	life *os.File // while this end is open, the lab may live
}

// Start clones p into new namespaces and opens its gate.
//
// The calling goroutine must be locked to its thread (runtime.LockOSThread) and stay so while the lab lives: the
// parent-death signal is sent when the thread that cloned ends, not the process (prctl(2), PR_SET_PDEATHSIG).
//
// Errors: ENOSPC when user.max_user_namespaces is reached, EPERM when the machine forbids user namespaces; package doctor knows the
// words for them.
func Start(p Program) (*Lab, error) {
	gateRead, gateWrite, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make the lab's gate: %w", err)
	}
	defer gateRead.Close()
	defer gateWrite.Close()
	lifeRead, lifeWrite, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make the lab's life line: %w", err)
	}
	defer lifeRead.Close()

	cmd := exec.Command(p.Path, p.Args...)
	cmd.Stdout, cmd.Stderr = p.Stdout, p.Stderr
	cmd.ExtraFiles = append(append([]*os.File{}, p.Files...), gateRead, lifeRead)
	first := 3 + len(p.Files)
	cmd.Env = append(append([]string{}, p.Env...),
		envMap+"="+string(p.IDMap), envGate+"="+strconv.Itoa(first), envLife+"="+strconv.Itoa(first+1),
		envUser+"="+strconv.Itoa(os.Geteuid())+":"+strconv.Itoa(os.Getegid()))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Pdeathsig: syscall.SIGKILL, Setsid: true}
	p.IDMap.attributes(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		lifeWrite.Close()
		return nil, fmt.Errorf("start a process in its own namespaces: %w", err)
	}
	l := &Lab{cmd: cmd, life: lifeWrite}
	if err := l.open(p.IDMap, gateWrite); err != nil {
		l.Kill()
		_ = l.Wait() // it was just killed; its exit status tells nothing
		return nil, err
	}
	return l, nil
}

// StartWidest is Start with the widest id map that works, which it returns; p.IDMap is not looked at. A machine may promise
// a subordinate range and not give it: newuidmap(1) cannot work in many containers, nor under no_new_privs.
func StartWidest(p Program) (*Lab, IDMap, error) {
	p.IDMap = ChooseIDMap()
	l, err := Start(p)
	if err == nil || p.IDMap != SubordinateRange {
		return l, p.IDMap, err
	}
	p.IDMap = SingleID
	l, second := Start(p)
	if second != nil {
		return nil, p.IDMap, errors.Join(second, err)
	}
	return l, p.IDMap, nil
}

func (l *Lab) open(m IDMap, gate *os.File) error {
	if err := m.write(l.cmd.Process.Pid); err != nil {
		return err
	}
	if _, err := gate.Write([]byte{1}); err != nil {
		return fmt.Errorf("open the lab's gate: %w", err)
	}
	return nil
}

// PID is the lab's pid 1 as the keeper sees it.
func (l *Lab) PID() int { return l.cmd.Process.Pid }

// Wait blocks until the lab's pid 1 has ended; by then the kernel has killed everything inside.
// It returns an *exec.ExitError when pid 1 did not exit with status 0.
func (l *Lab) Wait() error {
	defer l.life.Close()
	return l.cmd.Wait()
}

// Kill ends the lab at once. It may be called more than once and at any time.
func (l *Lab) Kill() { _ = l.cmd.Process.Kill() } // the only error is "already finished"

// lastCapability is the highest capability number of the running kernel.
func lastCapability() uintptr {
	text, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		return unix.CAP_LAST_CAP
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || n > unix.CAP_LAST_CAP {
		return unix.CAP_LAST_CAP
	}
	return uintptr(n)
}
