package container

import (
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// DefaultSeccomp is the RuntimeDefault profile for a container with these capabilities in its bounding set: a call that a
// capability guards is allowed with it, and everything the lists below do not name is answered EPERM. Without arguments it
// is the profile for DefaultCapabilities. The caller owns the result.
func DefaultSeccomp(bounding ...string) *specs.LinuxSeccomp {
	if len(bounding) == 0 {
		bounding = DefaultCapabilities()
	}
	s := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno}
	allow := func(names string, args ...specs.LinuxSeccompArg) {
		s.Syscalls = append(s.Syscalls, specs.LinuxSyscall{Names: strings.Fields(names), Action: specs.ActAllow, Args: args})
	}
	allow(harmlessCalls)
	for _, c := range slices.Sorted(slices.Values(bounding)) {
		allow(guardedCalls[c])
	}
	if !slices.Contains(bounding, "CAP_SYS_ADMIN") {
		// clone(2), but not into new namespaces. clone3(2) has its flags in memory, where a filter cannot look: ENOSYS
		// makes C libraries use clone instead.
		allow("clone", specs.LinuxSeccompArg{Index: 0, Op: specs.OpMaskedEqual, Value: namespaceFlags, ValueTwo: 0})
		enosys := uint(unix.ENOSYS)
		s.Syscalls = append(s.Syscalls, specs.LinuxSyscall{Names: []string{"clone3"}, Action: specs.ActErrno, ErrnoRet: &enosys})
	}
	for _, persona := range []uint64{0, 8, 0x20000, 0x20008, 0xffffffff} {
		allow("personality", specs.LinuxSeccompArg{Index: 0, Op: specs.OpEqualTo, Value: persona})
	}
	// Sockets, but not AF_ALG (the kernel's cryptography) and AF_VSOCK (virtual machines on this host, whatever the
	// network namespace): address families 38 and 40. The argument is an int, so its upper half is noise.
	for _, family := range []uint64{unix.AF_ALG, unix.AF_VSOCK} {
		s.Syscalls = append(s.Syscalls, specs.LinuxSyscall{
			Names: []string{"socket"}, Action: specs.ActErrno,
			Args: []specs.LinuxSeccompArg{{Index: 0, Op: specs.OpMaskedEqual, Value: 0xffffffff, ValueTwo: family}},
		})
	}
	allow("socket")
	return s
}

const namespaceFlags = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER |
	unix.CLONE_NEWPID | unix.CLONE_NEWNET

// guardedCalls are allowed together with a capability: the capability is the check, the filter only a second lock.
var guardedCalls = map[string]string{
	"CAP_SYS_ADMIN": `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr
		move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount2 unshare`,
	"CAP_DAC_READ_SEARCH": "open_by_handle_at",
	"CAP_SYS_BOOT":        "reboot",
	"CAP_SYS_CHROOT":      "chroot",
	"CAP_SYS_MODULE":      "delete_module init_module finit_module",
	"CAP_SYS_PACCT":       "acct",
	"CAP_SYS_PTRACE":      "kcmp pidfd_getfd process_madvise",
	"CAP_SYS_RAWIO":       "iopl ioperm",
	"CAP_SYS_TIME":        "settimeofday clock_settime",
	"CAP_SYS_TTY_CONFIG":  "vhangup",
	"CAP_SYS_NICE":        "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
	"CAP_SYSLOG":          "syslog",
	"CAP_BPF":             "bpf",
	"CAP_PERFMON":         "perf_event_open",
}

// harmlessCalls are what containerd's and docker's default profiles allow without a condition, sorted by what they are
// about. A name that this architecture does not have is no error.
const harmlessCalls = `
	read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek close close_range dup dup2 dup3 fcntl ioctl
	open openat openat2 creat access faccessat faccessat2 flock fsync fdatasync sync syncfs sync_file_range truncate ftruncate
	fallocate fadvise64 readahead copy_file_range sendfile splice tee vmsplice cachestat

	stat fstat lstat newfstatat statx statfs fstatfs statmount listmount getdents getdents64 chdir fchdir getcwd umask
	mkdir mkdirat rmdir mknod mknodat link linkat symlink symlinkat unlink unlinkat rename renameat renameat2 readlink
	readlinkat chmod fchmod fchmodat fchmodat2 chown fchown fchownat lchown utime utimes futimesat utimensat
	getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr llistxattr flistxattr listxattrat
	removexattr lremovexattr fremovexattr removexattrat name_to_handle_at inotify_init inotify_init1 inotify_add_watch
	inotify_rm_watch fanotify_mark landlock_create_ruleset landlock_add_rule landlock_restrict_self

	mmap munmap mprotect mremap msync mincore madvise mlock mlock2 mlockall munlock munlockall brk memfd_create memfd_secret
	membarrier pkey_alloc pkey_free pkey_mprotect remap_file_pages map_shadow_stack mseal process_mrelease

	execve execveat fork vfork exit exit_group wait4 waitid kill tkill tgkill pidfd_open pidfd_send_signal
	rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo
	sigaltstack signalfd signalfd4 restart_syscall pause alarm prctl arch_prctl seccomp rseq modify_ldt set_tid_address
	set_thread_area get_thread_area set_robust_list get_robust_list futex futex_waitv futex_wait futex_wake futex_requeue
	ptrace process_vm_readv process_vm_writev uretprobe lsm_get_self_attr lsm_set_self_attr lsm_list_modules

	getpid getppid gettid getpgid getpgrp setpgid getsid setsid getuid geteuid getgid getegid getresuid getresgid getgroups
	setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capget capset getrlimit setrlimit prlimit64
	getrusage getpriority setpriority ioprio_get ioprio_set getcpu sysinfo uname times
	sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam sched_getscheduler
	sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_yield

	time gettimeofday clock_getres clock_gettime clock_nanosleep nanosleep adjtimex clock_adjtime getitimer setitimer
	timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime
	getrandom

	pipe pipe2 poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old
	epoll_pwait epoll_pwait2 eventfd eventfd2 io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents

	socketpair bind connect listen accept accept4 shutdown getsockname getpeername getsockopt setsockopt sendto sendmsg
	sendmmsg recvfrom recvmsg recvmmsg

	msgctl msgget msgrcv msgsnd semctl semget semop semtimedop shmat shmctl shmdt shmget mq_open mq_unlink mq_notify
	mq_getsetattr mq_timedreceive mq_timedsend`

// DefaultCapabilities are the capabilities a container has when its pod says nothing (containerd's and docker's set).
func DefaultCapabilities() []string {
	return []string{
		"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
		"CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
	}
}

// DefaultMounts are the kernel's file systems every container has: /proc, /dev, /dev/pts, /dev/shm, /dev/mqueue, /sys and
// /sys/fs/cgroup. Leave out /dev/shm or replace it when the pod shares one. The caller owns the result.
func DefaultMounts() []specs.Mount {
	return []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
		{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
		{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"ro", "nosuid", "noexec", "nodev"}},
	}
}

// DefaultMaskedPaths are the kernel's files no container may read, as Kubernetes' ProcMount Default has them.
func DefaultMaskedPaths() []string {
	return []string{
		"/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
		"/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
	}
}

// DefaultReadonlyPaths are the kernel's files no container may write.
func DefaultReadonlyPaths() []string {
	return []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
}
