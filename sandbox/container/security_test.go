package container_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"drydock/sandbox/container"
	"drydock/sandbox/internal/kerneltest"
)

// CVE-2019-5736: a container overwrites the runtime's program through /proc/PID/exe. The first container shares its pid
// namespace with one that is still dockinit and, worse than any real one, has every capability that would let it look.
func TestDockinitCannotBeOverwritten(t *testing.T) {
	// A copy of our own, which only its mount protects: as ordinary users have it in their state directory.
	program, err := os.ReadFile(initPath())
	check(t, err)
	copied := filepath.Join(t.TempDir(), "dockinit")
	check(t, os.WriteFile(copied, program, 0o755))
	r, err := container.New(container.Options{InitPath: copied})
	check(t, err)
	defer func() { check(t, r.Close()) }()
	s := newSpec(t, "wait")
	all := append(container.DefaultCapabilities(), "CAP_SYS_PTRACE", "CAP_SYS_ADMIN", "CAP_DAC_READ_SEARCH")
	s.Process.Capabilities = &specs.LinuxCapabilities{Bounding: all, Effective: all, Permitted: all}
	s.Linux.Seccomp = nil
	attacker := waiting(t, r, s)

	victim := newSpec(t, "true")
	victim.Linux.Namespaces = append(victim.Linux.Namespaces[1:], specs.LinuxNamespace{
		Type: specs.PIDNamespace, Path: "/proc/" + strconv.Itoa(attacker.PID()) + "/ns/pid",
	})
	parked := create(t, r, container.Config{ID: "victim", Spec: victim})
	exe := fmt.Sprintf("/proc/%d/exe", innermostPID(t, parked.PID()))

	// What a container has by default may not even look.
	plain := newSpec(t, "overwrite", exe)
	plain.Linux.Namespaces = victim.Linux.Namespaces
	if got, _ := run(t, plain); got != "open "+exe+": permission denied" && got != "permission denied" {
		t.Errorf("with default capabilities: %q, want permission denied", got)
	}

	// The attacker may look, holds on until nobody executes the file, and writes: its mount is what stands in the way.
	in, word, err := os.Pipe()
	check(t, err)
	answer, out, err := os.Pipe()
	check(t, err)
	defer answer.Close()
	p, err := attacker.Exec(t.Context(), container.ExecConfig{
		Args: []string{"inside", "overwrite", exe}, Stdio: container.Stdio{In: in, Out: out, Err: out},
	})
	check(t, err)
	check(t, errors.Join(in.Close(), out.Close()))
	expect(t, answer, "holding\n")
	check(t, parked.Start())
	wait(t, parked.Process)
	check(t, word.Close())
	expect(t, answer, "read-only file system")
	wait(t, p)
}

// A container whose program is /proc/self/exe gets dockinit again, which has nothing to say to anyone.
func TestProcSelfExeIsNotUs(t *testing.T) {
	s := newSpec(t)
	s.Process.Args = []string{"/proc/self/exe"}
	if _, status := run(t, s); status.Code == 0 {
		t.Error("dockinit ran to its end inside a container")
	}
	c := waiting(t, newRunner(t), newSpec(t, "wait"))
	out, status := execute(t, c, container.ExecConfig{Args: []string{"/proc/self/exe", "-test.list=."}})
	if status.Code == 0 || strings.Contains(out, "Test") {
		t.Errorf("exec of /proc/self/exe ran the caller's own program: %q, %+v", out, status)
	}
}

// innermostPID is the process's number in its own pid namespace: the last of NSpid (proc(5)).
func innermostPID(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	check(t, err)
	_, rest, _ := strings.Cut(string(status), "NSpid:")
	line, _, _ := strings.Cut(rest, "\n")
	numbers := strings.Fields(line)
	n, err := strconv.Atoi(numbers[len(numbers)-1])
	check(t, err)
	return n
}

// CVE-2024-21626: a descriptor of the machine's files that leaks into the container, and a working directory behind it.
func TestNoDescriptorLeaks(t *testing.T) {
	// Not close-on-exec, as a careless library would leave it.
	leak, err := unix.Open("/", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	check(t, err)
	defer func() { _ = unix.Close(leak) }()
	if got, _ := run(t, newSpec(t, "fds")); got != "0\n1\n2" {
		t.Errorf("open in the container: %q, want 0 1 2", got)
	}
	c := waiting(t, newRunner(t), newSpec(t, "wait"))
	if got, _ := execute(t, c, container.ExecConfig{Args: []string{"inside", "fds"}}); got != "0\n1\n2" {
		t.Errorf("open in a further process: %q, want 0 1 2", got)
	}
	for fd := range 64 {
		cwd := fmt.Sprintf("/proc/self/fd/%d", fd)
		if fd == 0 { // our standard input, a directory: it is in the container on purpose, and still outside of it
			continue
		}
		_, err := c.Exec(t.Context(), container.ExecConfig{Args: []string{"inside", "pwd"}, Cwd: cwd})
		if err == nil || !strings.Contains(err.Error(), "chdir to cwd") {
			t.Errorf("cwd %s: error %v", cwd, err)
		}
	}
	in, err := os.Open("/")
	check(t, err)
	defer in.Close()
	_, err = c.Exec(t.Context(), container.ExecConfig{Args: []string{"inside", "pwd"}, Cwd: "/proc/self/fd/0", Stdio: container.Stdio{In: in}})
	want := `exec in container c: chdir to cwd ("/proc/self/fd/0"): it lies outside the container`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// An image's links lead to the image's own files, also where dockinit makes what is missing.
func TestLinksOfTheImageStayInside(t *testing.T) {
	outside := t.TempDir()
	s := newSpec(t, "true")
	check(t, os.Symlink(outside, filepath.Join(s.Root.Path, "link")))
	check(t, os.Symlink("../../../../../../.."+outside, filepath.Join(s.Root.Path, "etc/up")))
	for _, destination := range []string{"/link/one", "/etc/up/two"} {
		s.Mounts = append(s.Mounts, specs.Mount{Destination: destination, Type: "tmpfs", Source: "tmpfs"})
	}
	s.Process.Cwd = "/link/three"
	check(t, os.MkdirAll(filepath.Join(s.Root.Path, outside), 0o755))
	_, status := run(t, s)
	if left, _ := os.ReadDir(outside); len(left) > 0 {
		t.Errorf("made outside the container: %v", left)
	}
	if status.Code != 0 {
		t.Errorf("exit status %+v", status)
	}
}

func TestRuntimeDefaultFilter(t *testing.T) {
	caps := container.DefaultCapabilities()
	for _, c := range []struct {
		name string
		args []uintptr
		want unix.Errno
	}{
		{"getpid", []uintptr{unix.SYS_GETPID}, 0},
		{"unshare a user namespace", []uintptr{unix.SYS_UNSHARE, unix.CLONE_NEWUSER}, unix.EPERM},
		{"mount", []uintptr{unix.SYS_MOUNT}, unix.EPERM},
		{"keyctl", []uintptr{unix.SYS_KEYCTL}, unix.EPERM},
		{"bpf", []uintptr{unix.SYS_BPF}, unix.EPERM},
		{"io_uring_setup", []uintptr{unix.SYS_IO_URING_SETUP}, unix.EPERM},
		{"clone into a user namespace", []uintptr{unix.SYS_CLONE, unix.CLONE_NEWUSER}, unix.EPERM},
		{"clone3", []uintptr{unix.SYS_CLONE3}, unix.ENOSYS},
		{"personality of Linux", []uintptr{unix.SYS_PERSONALITY, 0xffffffff}, 0},
		{"another personality", []uintptr{unix.SYS_PERSONALITY, 0x0040000}, unix.EPERM},
		{"unix socket", []uintptr{unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_STREAM}, 0},
		{"vsock socket", []uintptr{unix.SYS_SOCKET, unix.AF_VSOCK, unix.SOCK_STREAM}, unix.EPERM},
		{"vsock socket, noisy upper half", []uintptr{unix.SYS_SOCKET, 1<<32 | unix.AF_VSOCK, unix.SOCK_STREAM}, unix.EPERM},
		{"a call from the future", []uintptr{2000}, unix.ENOSYS},
		{"x32", []uintptr{0x40000000 | unix.SYS_GETPID}, unix.ENOSYS},
		{"chroot, which goes with CAP_SYS_CHROOT", []uintptr{unix.SYS_CHROOT, 0}, unix.EFAULT},
	} {
		t.Run(c.name, func(t *testing.T) {
			testFilter(t, container.DefaultSeccomp(caps...), c.args, c.want)
		})
	}
}

// testFilter makes one system call in a container with a filter.
func testFilter(t *testing.T, filter *specs.LinuxSeccomp, call []uintptr, want unix.Errno) {
	t.Helper()
	if got := callWith(t, filter, call); got != fmt.Sprintf("errno %d", int(want)) {
		t.Errorf("call %v: %s, want errno %d (%v)", call, got, int(want), want)
	}
}

func callWith(t *testing.T, filter *specs.LinuxSeccomp, call []uintptr) string {
	t.Helper()
	args := []string{"syscall"}
	for _, a := range call {
		args = append(args, fmt.Sprint(uint64(a)))
	}
	s := newSpec(t, args...)
	s.Linux.Seccomp = filter
	got, _ := run(t, s)
	return got
}

// Every comparison of the specification, on both sides of its border and in both halves of an argument. The call is
// personality with a number the kernel takes; the filter turns what matches into EXDEV.
func TestFilterComparisons(t *testing.T) {
	if kerneltest.Unprivileged() {
		t.Skip("the same program for the same kernel: once is enough")
	}
	const big = 5 << 32
	exdev := uint(unix.EXDEV)
	for _, c := range []struct {
		op       specs.LinuxSeccompOperator
		value    uint64
		valueTwo uint64
		yes, no  []uint64
	}{
		{op: specs.OpEqualTo, value: big + 3, yes: []uint64{big + 3}, no: []uint64{3, big, big + 4}},
		{op: specs.OpNotEqual, value: big + 3, yes: []uint64{3, big, big + 4}, no: []uint64{big + 3}},
		{op: specs.OpGreaterThan, value: big + 3, yes: []uint64{big + 4, 6 << 32}, no: []uint64{big + 3, big, 1<<32 + 9}},
		{op: specs.OpGreaterEqual, value: big + 3, yes: []uint64{big + 3, 6 << 32}, no: []uint64{big + 2, 1<<32 + 9}},
		{op: specs.OpLessThan, value: big + 3, yes: []uint64{big + 2, 1<<32 + 9}, no: []uint64{big + 3, 6 << 32}},
		{op: specs.OpLessEqual, value: big + 3, yes: []uint64{big + 3, 1<<32 + 9}, no: []uint64{big + 4, 6 << 32}},
		{op: specs.OpMaskedEqual, value: big | 1, valueTwo: big, yes: []uint64{big, big + 2, 7<<32 + 4}, no: []uint64{big + 1, 4 << 32}},
	} {
		filter := &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{{
			Names: []string{"getpgid"}, Action: specs.ActErrno, ErrnoRet: &exdev,
			Args: []specs.LinuxSeccompArg{
				{Index: 1, Op: specs.OpEqualTo, Value: 1},
				{Index: 0, Op: c.op, Value: c.value, ValueTwo: c.valueTwo},
			},
		}}}
		for _, v := range c.yes {
			testFilter(t, filter, []uintptr{unix.SYS_GETPGID, uintptr(v), 1}, unix.EXDEV)
		}
		for _, v := range c.no {
			// What the kernel says instead depends on which processes there are.
			if got := callWith(t, filter, []uintptr{unix.SYS_GETPGID, uintptr(v), 1}); got == fmt.Sprintf("errno %d", exdev) {
				t.Errorf("%s %#x matches %#x", c.op, c.value, v)
			}
		}
	}
}
