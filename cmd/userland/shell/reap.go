package shell

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// reapOrphans is init's duty (pid 1): processes whose parent ended become its children, and stay zombies until waited for.
func (t *jobTable) reapOrphans() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	for {
		var info unix.Siginfo
		// WNOWAIT only looks: if it is one of ours, its own Wait takes it.
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOWAIT, nil)
		switch pid := siginfoPID(&info); {
		case errors.Is(err, unix.EINTR):
		case err != nil || t.ours(pid): // no child at all, or one that is reported until its Wait has taken it
			select {
			case <-ended:
			case <-time.After(time.Second): // for the one that ended between two looks
			}
		default:
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // gone already is as good
		}
	}
}

func (t *jobTable) ours(pid int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.children[pid]
}

// siginfoPID reads si_pid: the first field after signo, errno and code on every 64-bit Linux (sigaction(2)).
func siginfoPID(info *unix.Siginfo) int {
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(info), 16)))
}
