package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"drydock/sandbox/container/handshake"
)

// become gives up everything the container is not to have, and executes its program. The order is the kernel's: raising
// limits needs capabilities; the bounding set can only be cut while CAP_SETPCAP is there; changing the user drops the
// capabilities unless it is told not to; and the filter comes last, when no call that it might refuse is left. Only
// without no_new_privs it has to come first: then it takes CAP_SYS_ADMIN (seccomp(2)).
func become(caller socket, program string, p handshake.Process) error {
	ownStreams(p.UID)
	// Nothing of ours is left open in the program, known or not (CVE-2024-21626). Close on execve and not now: we still talk.
	if err := unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("mark descriptors for closing: %w", err)
	}
	if err := setLimits(p.Rlimits); err != nil {
		return err
	}
	if !p.NoNewPrivs {
		if err := setFilter(p); err != nil {
			return err
		}
	}
	if err := setIdentity(p); err != nil {
		return err
	}
	if p.NoNewPrivs {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("set no_new_privs: %w", err)
		}
		if err := setFilter(p); err != nil {
			return err
		}
	}
	if err := handshake.Write(caller, handshake.Leaving, nil); err != nil {
		return err
	}
	err := unix.Exec(program, p.Args, p.Env)
	kind := errNotExecutable
	if errors.Is(err, unix.ENOENT) {
		kind = errNotFound // of a script's interpreter, or of the dynamic loader
	}
	return &pathError{text: fmt.Sprintf("exec %s: %v", program, err), kind: kind}
}

// ownStreams gives pipes to the user, who could not open /dev/stdout again otherwise. Some files cannot be given away,
// which is their owner's decision and no error.
func ownStreams(uid int) {
	if uid == 0 {
		return
	}
	for fd := range 3 {
		var st unix.Stat_t
		if unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO {
			_ = unix.Fchown(fd, uid, -1)
		}
	}
}

// setLimits sets resource limits. Where raising a hard limit is not ours (EPERM, no CAP_SYS_RESOURCE) it stays what it
// is, and the soft limit goes as high as that.
func setLimits(limits []handshake.Rlimit) error {
	for _, l := range limits {
		want := unix.Rlimit{Cur: l.Soft, Max: l.Hard}
		err := unix.Setrlimit(l.Resource, &want)
		if errors.Is(err, unix.EPERM) {
			var have unix.Rlimit
			if err := unix.Getrlimit(l.Resource, &have); err != nil {
				return fmt.Errorf("read limit %d: %w", l.Resource, err)
			}
			have.Cur = min(l.Soft, have.Max)
			err = unix.Setrlimit(l.Resource, &have)
		}
		if err != nil {
			return fmt.Errorf("set limit %d to %d/%d: %w", l.Resource, l.Soft, l.Hard, err)
		}
	}
	return nil
}

// setIdentity becomes the user and keeps exactly the capabilities of the spec. The raw calls change this thread only;
// syscall.Setuid would change every thread of a process that is about to end anyway.
func setIdentity(p handshake.Process) error {
	if err := dropBounding(p); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("keep capabilities over a change of user: %w", err)
	}
	if err := setUser(p); err != nil {
		return err
	}
	if p.KeepAll {
		return nil
	}
	return setCapabilities(p.Caps)
}

func dropBounding(p handshake.Process) error {
	if p.KeepAll {
		return nil
	}
	for c := range 64 {
		if p.Caps.Bounding&(1<<c) != 0 {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0)
		if errors.Is(err, unix.EINVAL) {
			return nil // beyond the last capability this kernel knows
		}
		if err != nil {
			return fmt.Errorf("drop capability %d from the bounding set: %w", c, err)
		}
	}
	return nil
}

func setUser(p handshake.Process) error {
	if err := setGroups(p.Groups); err != nil {
		return err
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, uintptr(p.GID), uintptr(p.GID), uintptr(p.GID)); errno != 0 {
		return fmt.Errorf("become group %d: %w", p.GID, errno)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(p.UID), uintptr(p.UID), uintptr(p.UID)); errno != 0 {
		return fmt.Errorf("become user %d: %w", p.UID, errno)
	}
	return nil
}

// setGroups sets the supplementary groups. Where the user namespace forbids it (/proc/self/setgroups is "deny"), an empty
// list is no loss: there are then no groups that could be dropped.
func setGroups(groups []int) error {
	ids := make([]uint32, max(len(groups), 1))
	for i, g := range groups {
		ids[i] = uint32(g)
	}
	_, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(unsafe.Pointer(&ids[0])), 0)
	runtime.KeepAlive(ids)
	if errno == unix.EPERM && len(groups) == 0 {
		return nil
	}
	if errno != 0 {
		return fmt.Errorf("set supplementary groups %v: %w", groups, errno)
	}
	return nil
}

func setCapabilities(c handshake.Capabilities) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	for i := range data {
		shift := 32 * i
		data[i] = unix.CapUserData{
			Effective: uint32(c.Effective >> shift), Permitted: uint32(c.Permitted >> shift), Inheritable: uint32(c.Inheritable >> shift),
		}
	}
	if err := unix.Capset(&header, &data[0]); err != nil {
		return fmt.Errorf("set capabilities: %w", err)
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("clear ambient capabilities: %w", err)
	}
	for n := range 64 {
		if c.Ambient&(1<<n) == 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(n), 0, 0); err != nil {
			return fmt.Errorf("raise ambient capability %d: %w", n, err)
		}
	}
	return nil
}

func setFilter(p handshake.Process) error {
	if len(p.Seccomp) == 0 {
		return nil
	}
	instructions := len(p.Seccomp) / int(unsafe.Sizeof(unix.SockFilter{}))
	program := unix.SockFprog{Len: uint16(instructions), Filter: (*unix.SockFilter)(unsafe.Pointer(&p.Seccomp[0]))}
	flags := 0
	if p.SeccompLog {
		flags = unix.SECCOMP_FILTER_FLAG_LOG
	}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(flags), uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(p.Seccomp)
	if errno != 0 {
		return fmt.Errorf("set the seccomp filter: %w", errno)
	}
	return nil
}

// setOOMScore makes the container a likelier victim when memory runs out. It never asks for less than what it has: that
// takes CAP_SYS_RESOURCE, which even root may lack.
func setOOMScore(score *int) error {
	if score == nil {
		return nil
	}
	const file = "/proc/self/oom_score_adj"
	have, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("set the oom score: %w", err)
	}
	if now, err := strconv.Atoi(strings.TrimSpace(string(have))); err != nil || *score <= now {
		return err
	}
	if err := os.WriteFile(file, []byte(strconv.Itoa(*score)), 0o644); err != nil {
		return fmt.Errorf("set the oom score to %d: %w", *score, err)
	}
	return nil
}
