// Package bothways runs a package's tests twice: as root and as a user without privileges.
//
// # Part played
//
// None: it serves the tests of the packages beside it, which must work under a real root and under the root of a user
// namespace that maps one single uid.
//
// # How it works
//
// TestMain calls Run. The test binary starts itself again in fresh mount, pid, net, ipc and uts namespaces, once as it is
// and once inside a user namespace with a single-uid map (nobody's uid when started by root), and adds up the verdicts. What
// the tests mount ends with their mount namespace.
//
// # Left out
//
// The third way, a map of many uids by newuidmap(1).
//
// # In Kubernetes
//
// The kubelet's node e2e jobs run twice as well: with and without the KubeletInUserNamespace feature.
package bothways

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
)

const (
	marker = "DRYDOCK_TEST_WAY"
	nobody = 65534
)

// Run runs m in each way that is possible and returns the exit code for os.Exit.
func Run(m *testing.M) int {
	if os.Getenv(marker) != "" {
		return inside(m)
	}
	code := 0
	if os.Geteuid() == 0 {
		code |= again("root", nil)
	}
	return code | again("user", singleUID())
}

// Unprivileged tells whether the tests run in the user namespace.
func Unprivileged() bool { return os.Getenv(marker) == "user" }

// inside makes mounts private and gives the pid namespace its own /proc and the net namespace its lo.
func inside(m *testing.M) int {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		fmt.Fprintln(os.Stderr, "make mounts private:", err)
		return 1
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		fmt.Fprintln(os.Stderr, "mount /proc:", err)
		return 1
	}
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "set up lo:", err)
		return 1
	}
	return m.Run()
}

func singleUID() *syscall.SysProcAttr {
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = nobody, nobody
	}
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}},
		Credential:  &syscall.Credential{NoSetGroups: true},
	}
}

// again starts the test binary once more. /proc/self/exe is what it executes, because the way to the file may be closed to
// another user.
func again(way string, attr *syscall.SysProcAttr) int {
	if attr == nil {
		attr = &syscall.SysProcAttr{}
	}
	attr.Cloneflags |= syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS
	attr.Pdeathsig = syscall.SIGKILL
	tmp, err := os.MkdirTemp("", "drydock-test-"+way+"-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(tmp)
	if len(attr.UidMappings) > 0 && os.Geteuid() == 0 {
		if err := os.Chown(tmp, attr.UidMappings[0].HostID, attr.GidMappings[0].HostID); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: slices.DeleteFunc(slices.Clone(os.Args), isTestLog), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Env: append(os.Environ(), marker+"="+way, "TMPDIR="+tmp), SysProcAttr: attr,
	}
	fmt.Fprintf(os.Stderr, "as %s:\n", way)
	if err := cmd.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "as %s: %v\n", way, err)
		return 1
	}
	return 0
}

// isTestLog finds the flag that names a file of go test's cache, which another user may not write.
func isTestLog(arg string) bool { return strings.HasPrefix(arg, "-test.testlogfile") }
