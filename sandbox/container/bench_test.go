package container_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"drydock/sandbox/container"
	"drydock/sandbox/network"
	"drydock/sandbox/thread"
)

// podSpec is a container of a pod whose namespaces exist.
func podSpec(b *testing.B) (*specs.Spec, string) {
	dir := b.TempDir()
	check(b, network.NewNamespaces(dir, "pod"))
	b.Cleanup(func() { check(b, network.RemoveNamespaces(dir)) })
	s := newSpec(b, "true")
	s.Linux.Namespaces = []specs.LinuxNamespace{
		{Type: specs.NetworkNamespace, Path: filepath.Join(dir, "net")},
		{Type: specs.IPCNamespace, Path: filepath.Join(dir, "ipc")},
		{Type: specs.UTSNamespace, Path: filepath.Join(dir, "uts")},
		{Type: specs.PIDNamespace},
		{Type: specs.MountNamespace},
	}
	return s, dir
}

// BenchmarkContainerCycle creates, starts, waits for and deletes a container, and in turn runs the same program with nothing
// but clone, pivot_root and exec: once straight from this process, which is the least the kernel asks for, and once by way
// of a second program, which is the least a Go program can do that has to mount /proc from inside a new pid namespace.
// On a busy machine the minimum says more than the mean.
func BenchmarkContainerCycle(b *testing.B) {
	s, dir := podSpec(b)
	r := newRunner(b)
	var ours, bare, helped []time.Duration
	for b.Loop() {
		ours = append(ours, timed(b, func() error { return cycle(b, r, s) }))
		bare = append(bare, timed(b, func() error { return floor(s.Root.Path, dir, "true") }))
		helped = append(helped, timed(b, func() error { return floor(s.Root.Path, dir, "again") }))
	}
	for _, m := range []struct {
		name  string
		times []time.Duration
	}{{"ours", ours}, {"bare", bare}, {"helped", helped}} {
		slices.Sort(m.times)
		b.ReportMetric(float64(m.times[0].Microseconds()), "min-us/"+m.name)
		b.ReportMetric(float64(m.times[len(m.times)/2].Microseconds()), "p50-us/"+m.name)
	}
	b.ReportMetric(float64(ours[0])/float64(bare[0]), "ratio-bare")
	b.ReportMetric(float64(ours[0])/float64(helped[0]), "ratio-helped")
}

func timed(b *testing.B, fn func() error) time.Duration {
	begin := time.Now()
	check(b, fn())
	return time.Since(begin)
}

func cycle(b *testing.B, r *container.Runner, s *specs.Spec) error {
	c, err := r.Create(b.Context(), container.Config{ID: "c", Spec: s})
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	if _, err := c.Wait(b.Context()); err != nil {
		return err
	}
	return c.Delete()
}

// floor is the least that deserves the name: the pod's namespaces, new mount and pid namespaces, a new root, a program.
func floor(root, pod, verb string) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	var pid int
	err = thread.Run(func() (err error) {
		for _, ns := range []string{"net", "ipc", "uts"} {
			fd, err := unix.Open(filepath.Join(pod, ns), unix.O_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer func() { _ = unix.Close(fd) }()
			if err := unix.Setns(fd, 0); err != nil {
				return err
			}
		}
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			return err
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return err
		}
		if err := unix.Mount(root, root, "", unix.MS_BIND, ""); err != nil {
			return err
		}
		if err := unix.Chdir(root); err != nil {
			return err
		}
		if err := unix.PivotRoot(".", "."); err != nil {
			return err
		}
		if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
			return err
		}
		pid, err = syscall.ForkExec("/bin/inside", []string{"inside", verb}, &syscall.ProcAttr{
			Dir: "/", Files: []uintptr{null.Fd(), null.Fd(), null.Fd()}, Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID},
		})
		return err
	})
	if err != nil {
		return err
	}
	var status unix.WaitStatus
	if _, err = unix.Wait4(pid, &status, 0, nil); err == nil && status != 0 {
		err = fmt.Errorf("wait status %#x", status)
	}
	return err
}

// BenchmarkBareFloor is the floor alone.
func BenchmarkBareFloor(b *testing.B) {
	s, dir := podSpec(b)
	for b.Loop() {
		check(b, floor(s.Root.Path, dir, "true"))
	}
}

// BenchmarkExec runs one more program in a container.
func BenchmarkExec(b *testing.B) {
	c := waiting(b, newRunner(b), newSpec(b, "wait"))
	for b.Loop() {
		p, err := c.Exec(b.Context(), container.ExecConfig{Args: []string{"inside", "true"}})
		check(b, err)
		wait(b, p)
	}
}

// BenchmarkRunc does the same with runc, where bin/runc has been built.
func BenchmarkRunc(b *testing.B) {
	runc, err := filepath.Abs("../../bin/runc")
	check(b, err)
	if _, err := os.Stat(runc); err != nil {
		b.Skip("bin/runc is missing")
	}
	s, _ := podSpec(b)
	s.Version = specs.Version
	s.Linux.Seccomp = nil // runc needs libseccomp for it, and this one may be built without
	bundle := b.TempDir()
	writeJSON(b, filepath.Join(bundle, "config.json"), s)
	var number atomic.Int64
	for b.Loop() {
		id := fmt.Sprintf("bench-%d", number.Add(1))
		if out, err := exec.Command(runc, "--root", b.TempDir(), "run", "--bundle", bundle, id).CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
}
