// Package kerneltest runs a package's tests in disposable namespaces: as root and as an ordinary user.
//
// # Part played
//
// The lab's, for the tests of sandbox: their kernel is the real one, and nothing they do may stay on the machine.
//
// # How it works
//
// Main, called by TestMain, starts the test binary again in new mount, pid, net, ipc and uts namespaces and lets that
// process run the tests. As root it does so twice: once as it is, and once as uid 65534 inside a user namespace which
// knows only that uid, as root. An ordinary user has the second way only.
//
//	go test ──► TestMain: prepare ──► "root": the tests
//	                              └─► uid 65534 ──► "user": user namespace 0→65534, the tests
//
// # Left out
//
// Machines that refuse user namespaces: there the tests fail, as drydock would.
//
// # In Kubernetes
//
// runc's integration tests start themselves again with rootless set (tests/rootless.sh).
package kerneltest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	stageEnv = "DRYDOCK_KERNELTEST_STAGE" // empty, user-outside, root or user
	dirEnv   = "DRYDOCK_KERNELTEST_DIR"

	nobody    = 65534
	separated = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS
)

// Main runs m in every way this machine has and returns the exit code for os.Exit. prepare, if any, runs once before,
// outside: it may build programs into dir, which every user may read and which is removed at the end.
func Main(m *testing.M, prepare func(dir string) error) int {
	code, err := run(m, prepare)
	if err != nil {
		fmt.Fprintln(os.Stderr, "kerneltest:", err)
		return 1
	}
	return code
}

// Dir is the directory that prepare filled.
func Dir() string { return os.Getenv(dirEnv) }

// Unprivileged says that the tests run as an ordinary user: one uid, no cgroup.
func Unprivileged() bool { return os.Getenv(stageEnv) == "user" }

func run(m *testing.M, prepare func(dir string) error) (int, error) {
	if slices.ContainsFunc(os.Args, func(a string) bool { return strings.HasPrefix(a, "-test.fuzzworker") }) {
		return m.Run(), nil // a child of a fuzzing test, which has made the namespaces and talks to it through a pipe
	}
	switch os.Getenv(stageEnv) {
	case "user-outside":
		return again("user", userNamespace())
	case "root", "user":
		if err := settle(); err != nil {
			return 1, err
		}
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "kerneltest-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(temporary(dir), 0o755), os.Setenv(dirEnv, dir)); err != nil {
		return 1, err
	}
	if prepare != nil {
		if err := prepare(dir); err != nil {
			return 1, err
		}
	}
	if os.Getuid() != 0 {
		return again("user", userNamespace())
	}
	code, err := again("root", &syscall.SysProcAttr{Cloneflags: separated})
	if err != nil || code != 0 {
		return code, err
	}
	return again("user-outside", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}})
}

func userNamespace() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:  separated | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
}

// again starts this program once more. /proc/self/exe, because the directory that "go test" builds in is root's own.
func again(stage string, attr *syscall.SysProcAttr) (int, error) {
	// The death signal is sent when the thread that forked ends (prctl(2)), so this one must stay.
	runtime.LockOSThread()
	attr.Pdeathsig = syscall.SIGKILL
	cmd := exec.Command("/proc/self/exe", arguments(stage)...)
	cmd.Env = append(os.Environ(), stageEnv+"="+stage)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = attr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	if err != nil {
		return 1, fmt.Errorf("run the tests as %s: %w", stage, err)
	}
	return 0, nil
}

// settle makes the new namespaces usable: private mounts, the proc of this pid namespace, and a temporary directory that
// goes with them.
func settle() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount proc: %w", err)
	}
	tmp := temporary(Dir())
	if err := unix.Mount("tmp", tmp, "tmpfs", 0, "mode=1777"); err != nil {
		return fmt.Errorf("mount tmpfs on %s: %w", tmp, err)
	}
	return os.Setenv("TMPDIR", tmp)
}

func temporary(dir string) string { return filepath.Join(dir, "tmp") }

// arguments leaves out the files that "go test" wants written into its own directory, which an ordinary user cannot reach.
func arguments(stage string) []string {
	if stage == "root" {
		return os.Args[1:]
	}
	return slices.DeleteFunc(slices.Clone(os.Args[1:]), func(a string) bool {
		return strings.HasPrefix(a, "-test.testlogfile=") || strings.HasPrefix(a, "-test.coverprofile=") || strings.HasPrefix(a, "-test.gocoverdir=")
	})
}
