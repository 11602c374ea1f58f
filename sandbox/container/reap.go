package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Reap waits for the orphans that the kernel gives to pid 1 (or to a subreaper) until ctx ends: a process whose parent
// dies becomes ours, and stays a zombie until somebody waits for it. Run it once per process.
//
// Our own children must be left to whoever started them, or their Wait finds nothing. Those hold a pidfd, as os/exec and
// this package do; an orphan has none, because we never knew of it. Children started by syscall.ForkExec without
// SysProcAttr.PidFD would be taken for orphans.
func Reap(ctx context.Context) error {
	chld := make(chan os.Signal, 1)
	signal.Notify(chld, syscall.SIGCHLD)
	defer signal.Stop(chld)
	for {
		if err := reapOrphans(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-chld:
		}
		// Most often this was a child of our own, whose waiter is just waking up. Orphans are in no hurry.
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(patience):
		}
	}
}

const patience = 20 * time.Millisecond

func reapOrphans() error {
	if none, err := noZombies(); none || err != nil {
		return err
	}
	// In this order: a child of ours that starts after the first question cannot be in its answer, one that ends before
	// the second has been waited for.
	children, err := childPIDs()
	if err != nil {
		return err
	}
	owned, err := ownedPIDs()
	if err != nil {
		return err
	}
	for _, pid := range children {
		if owned[pid] {
			continue
		}
		// Not yet dead, or just waited for: both are fine.
		_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
	}
	return nil
}

// noZombies asks for any dead child without taking it away (WNOWAIT, waitid(2)).
func noZombies() (bool, error) {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	if errors.Is(err, unix.ECHILD) {
		return true, nil
	}
	if err != nil && !errors.Is(err, unix.EINTR) {
		return false, fmt.Errorf("look for orphans: %w", err)
	}
	return info.Signo == 0, nil
}

// ownedPIDs are the processes we hold a pidfd of: "Pid:" in /proc/self/fdinfo/N (pidfd_open(2)).
func ownedPIDs() (map[int]bool, error) {
	entries, err := os.ReadDir("/proc/self/fdinfo")
	if err != nil {
		return nil, fmt.Errorf("look for our own children: %w", err)
	}
	owned := map[int]bool{}
	for _, e := range entries {
		info, err := os.ReadFile("/proc/self/fdinfo/" + e.Name())
		if err != nil {
			continue // closed meanwhile
		}
		if _, rest, found := strings.Cut(string(info), "\nPid:\t"); found {
			number, _, _ := strings.Cut(rest, "\n")
			if pid, err := strconv.Atoi(number); err == nil {
				owned[pid] = true
			}
		}
	}
	return owned, nil
}

// childPIDs are our children, orphans included, of all threads (proc(5), /proc/PID/task/TID/children).
func childPIDs() ([]int, error) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil, fmt.Errorf("look for children: %w", err)
	}
	var pids []int
	for _, t := range tasks {
		list, err := os.ReadFile("/proc/self/task/" + t.Name() + "/children")
		if err != nil {
			continue // the thread has ended; its children moved to another
		}
		for _, field := range strings.Fields(string(list)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids, nil
}
