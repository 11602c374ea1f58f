package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

var childEnded = func() chan os.Signal {
	c := make(chan os.Signal, 1)
	if os.Getpid() == 1 {
		signal.Notify(c, syscall.SIGCHLD)
	}
	return c
}()

// waitForChild blocks until a child may have ended. The timer is for the one that ended between two looks.
func waitForChild() {
	select {
	case <-childEnded:
	case <-time.After(time.Second):
	}
}

// siginfoPID reads si_pid: the first field after signo, errno and code on every 64-bit Linux (sigaction(2)).
func siginfoPID(info *unix.Siginfo) int {
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(info), 16)))
}
