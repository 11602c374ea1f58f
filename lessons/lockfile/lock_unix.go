//go:build unix

// Package lockfile lets one process at a time write the files of a learner's record.
package lockfile

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Lock waits for the exclusive lock on an open file. The kernel gives it back when the file is closed, so a process that
// dies holds nobody up (flock(2)).
func Lock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			if err != nil {
				return fmt.Errorf("lock %s: %w", f.Name(), err)
			}
			return nil
		}
	}
}

// Unlock gives the lock back.
func Unlock(f *os.File) {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) // it cannot go wrong on an open file
}
