package container

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// A container without a cgroup is known by its mount namespace: each has its own, its processes cannot leave it without
// CAP_SYS_ADMIN, and processes of the same pod that share a pid namespace still differ in it.

// mountsOf is the inode number of a process's mount namespace, its name in the kernel (namespaces(7)).
func mountsOf(pid int) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Stat("/proc/"+strconv.Itoa(pid)+"/ns/mnt", &st); err != nil {
		return 0, err
	}
	return st.Ino, nil
}

// signalMembers sends sig to every process in a mount namespace. New ones may be forked while it looks, by processes not
// yet reached; it looks again until a round finds nobody new.
func signalMembers(mounts uint64, sig syscall.Signal) error {
	reached := map[int]bool{}
	for {
		before := len(reached)
		if err := signalRound(mounts, sig, reached); err != nil {
			return err
		}
		if len(reached) == before {
			return nil
		}
	}
}

func signalRound(mounts uint64, sig syscall.Signal, reached map[int]bool) error {
	proc, err := os.Open("/proc")
	if err != nil {
		return fmt.Errorf("look for the container's processes: %w", err)
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return fmt.Errorf("look for the container's processes: %w", err)
	}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || reached[pid] {
			continue
		}
		if err := signalMember(pid, mounts, sig); err == nil {
			reached[pid] = true
		} else if !errors.Is(err, errNotMember) {
			return err
		}
	}
	return nil
}

var errNotMember = errors.New("not in this container")

// signalMember signals by pidfd, so that the process asked for its namespace is the one that is signalled.
func signalMember(pid int, mounts uint64, sig syscall.Signal) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return errNotMember // gone
	}
	defer shut(fd)
	if ns, err := mountsOf(pid); err != nil || ns != mounts {
		return errNotMember
	}
	if err := unix.PidfdSendSignal(fd, sig, nil, 0); errors.Is(err, unix.ESRCH) {
		return errNotMember
	} else if err != nil {
		return fmt.Errorf("send %s to process %d: %w", sig, pid, err)
	}
	return nil
}
