// Package thread runs a function on an operating system thread that dies afterwards.
//
// # Part played
//
// The small trick below every container runtime written in Go: setns(2) and unshare(2) change one thread, Go moves
// goroutines between threads at will, so whoever enters a namespace needs a thread of its own that nobody uses again.
//
// # How it works
//
// Run starts a goroutine, locks it to its thread and calls the function there. The goroutine ends while still locked,
// and the Go runtime then ends the thread instead of giving it to somebody else (runtime.LockOSThread). Processes that
// the function starts inherit the thread's namespaces.
//
// # Left out
//
// Nothing is undone: there is no way back from some namespaces (a mount namespace needs an unshared fs_struct), so the
// thread is always thrown away.
//
// # In Kubernetes
//
// runc does the same in C before the Go runtime starts (libcontainer/nsenter); CNI plugins use
// containernetworking/plugins/pkg/ns.
package thread

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// Run calls fn on a thread of its own and returns fn's error once fn has returned. fn may change the thread's
// namespaces, capabilities and seccomp filter; goroutines that fn starts run elsewhere and see none of it.
//
// fn must not start a process with Pdeathsig: that signal is sent when this thread ends (prctl(2)).
func Run(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			done <- fn()
			return
		}
		// We sit on the main thread. It cannot end before the process does, and /proc/PID/ns shows its namespaces to
		// everybody: it must stay as it is. Hold it so that the next goroutine lands on another one.
		done <- Run(fn)
		runtime.UnlockOSThread()
	}()
	return <-done
}
