// Package nettest runs a package's tests in a user and network namespace of their own.
//
// # Part played
//
// A node's, for the tests of what a node's processes do to rules and links: it ends with the test process.
//
// # How it works
//
// Main, called by TestMain, starts the test binary again in new user, network and mount namespaces, as root of them, and lets
// that process run the tests. It works for root and for an ordinary user alike.
//
// # Left out
//
// More than one user id. A kernel that gives no user namespace skips the tests, with a word; in CI it fails them.
//
// # In Kubernetes
//
// pkg/proxy's tests need no kernel: they compare the text of rules.
package nettest

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// Main runs m and returns the exit code for os.Exit.
func Main(m *testing.M) int {
	const inside = "DRYDOCK_TEST_INSIDE"
	if os.Getenv(inside) != "" {
		return m.Run()
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(os.Stderr, "SKIP: this kernel gives no user namespace: %v\n", err)
		if os.Getenv("DRYDOCK_CI") != "" {
			return 1
		}
		return 0
	}
	if cmd.Wait() != nil {
		return 1
	}
	return 0
}
