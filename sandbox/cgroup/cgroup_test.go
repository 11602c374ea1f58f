package cgroup_test

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"drydock/sandbox/cgroup"
	"drydock/sandbox/internal/kerneltest"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// onEachTier runs a test on the best tier of this machine and on the emulated one, which works everywhere.
func onEachTier(t *testing.T, test func(t *testing.T, m cgroup.Manager)) {
	t.Helper()
	tiers := []cgroup.Tier{cgroup.Detect()}
	if tiers[0] != cgroup.Emulated {
		tiers = append(tiers, cgroup.Emulated)
	}
	for _, tier := range tiers {
		t.Run(tier.String(), func(t *testing.T) {
			m, err := cgroup.Open(cgroup.Options{Tier: tier})
			check(t, err)
			defer func() { check(t, m.Close()) }()
			test(t, m)
		})
	}
}

// process is a program in a group; it waits for a line before it begins.
type process struct {
	cmd *exec.Cmd
	out *bufio.Reader
}

func start(t *testing.T, g cgroup.Group, args ...string) process {
	t.Helper()
	inside := filepath.Join(kerneltest.Dir(), "inside")
	cmd := exec.Command("/bin/sh", append([]string{"-c", `read go; exec "$0" "$@"`, inside}, args...)...)
	in, err := cmd.StdinPipe()
	check(t, err)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	check(t, g.Add(cmd.Process.Pid))
	_, err = io.WriteString(in, "go\n")
	check(t, err)
	return process{cmd: cmd, out: bufio.NewReader(out)}
}

func newGroup(t *testing.T, m cgroup.Manager, l cgroup.Limits) cgroup.Group {
	t.Helper()
	g, err := m.New("web", l)
	check(t, err)
	t.Cleanup(func() { check(t, g.Remove()) })
	return g
}

func usage(t *testing.T, g cgroup.Group) cgroup.Usage {
	t.Helper()
	u, err := g.Usage()
	check(t, err)
	return u
}

func TestCPULimit(t *testing.T) {
	onEachTier(t, func(t *testing.T, m cgroup.Manager) {
		g := newGroup(t, m, cgroup.Limits{CPUMillis: 200})
		start(t, g, "spin")
		<-time.After(200 * time.Millisecond)
		before := usage(t, g)
		<-time.After(time.Second)
		after := usage(t, g)
		// On a busy machine it may get less, but never much more.
		got := float64(after.CPU-before.CPU) / float64(after.At.Sub(before.At))
		if got > 0.3 || got < 0.02 {
			t.Errorf("with a limit of 200 thousandths it uses %.0f", got*1000)
		}
		if after.Throttled == 0 {
			t.Errorf("usage %+v says that it was never throttled", after)
		}
		check(t, g.Set(cgroup.Limits{CPUMillis: 900}))
		<-time.After(200 * time.Millisecond)
		check(t, g.Set(cgroup.Limits{}))
	})
}

func TestMemoryLimit(t *testing.T) {
	onEachTier(t, func(t *testing.T, m cgroup.Manager) {
		g := newGroup(t, m, cgroup.Limits{MemoryBytes: 32 << 20})
		if killed, err := g.OOMKilled(); killed || err != nil {
			t.Errorf("before anything runs: killed %v, %v", killed, err)
		}
		p := start(t, g, "eat", "2000")
		err := p.cmd.Wait()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("the process ended with %v, want SIGKILL", err)
		}
		if killed, err := g.OOMKilled(); !killed || err != nil {
			t.Errorf("killed %v, %v, want true", killed, err)
		}
		if u := usage(t, g); u.OOMKills != 1 {
			t.Errorf("usage %+v, want one OOM kill", u)
		}
	})
}

func TestMemoryUsage(t *testing.T) {
	onEachTier(t, func(t *testing.T, m cgroup.Manager) {
		g := newGroup(t, m, cgroup.Limits{MemoryBytes: 256 << 20})
		p := start(t, g, "hold", "40")
		line, err := p.out.ReadString('\n')
		if line != "ate 40\n" || err != nil {
			t.Fatalf("read %q, %v", line, err)
		}
		u := usage(t, g)
		if u.MemoryBytes < 40<<20 || u.MemoryBytes > 80<<20 {
			t.Errorf("it holds 40 MiB, usage says %d", u.MemoryBytes>>20)
		}
		if u.Pids < 1 {
			t.Errorf("usage counts %d processes", u.Pids)
		}
	})
}

func TestFreeze(t *testing.T) {
	onEachTier(t, func(t *testing.T, m cgroup.Manager) {
		g := newGroup(t, m, cgroup.Limits{})
		start(t, g, "spin")
		check(t, g.Freeze())
		<-time.After(50 * time.Millisecond)
		before := usage(t, g).CPU
		<-time.After(100 * time.Millisecond)
		if after := usage(t, g).CPU; after != before {
			t.Errorf("frozen, it uses %v of CPU time", after-before)
		}
		check(t, g.Thaw())
		<-time.After(200 * time.Millisecond)
		if after := usage(t, g).CPU; after == before {
			t.Error("thawed, it uses no CPU time")
		}
		check(t, g.Freeze())
		check(t, g.Kill())
	})
}

func TestPidsLimit(t *testing.T) {
	onEachTier(t, func(t *testing.T, m cgroup.Manager) {
		// Threads count for the kernel and not for us: leave room for those of a Go program.
		g := newGroup(t, m, cgroup.Limits{Pids: 12})
		start(t, g, "fork", "40")
		<-time.After(400 * time.Millisecond)
		if u := usage(t, g); u.Pids > 12 {
			t.Errorf("with a limit of 12 there are %d", u.Pids)
		}
		check(t, g.Kill())
	})
}

func TestKillReachesChildren(t *testing.T) {
	onEachTier(t, func(t *testing.T, m cgroup.Manager) {
		g := newGroup(t, m, cgroup.Limits{})
		p := start(t, g, "fork", "3")
		for range 3 {
			_, err := p.out.ReadString('\n')
			check(t, err)
		}
		check(t, g.Kill())
		// The pipe ends when the last of them has ended.
		if _, err := io.ReadAll(p.out); err != nil {
			t.Error(err)
		}
	})
}

func TestNames(t *testing.T) {
	onEachTier(t, func(t *testing.T, m cgroup.Manager) {
		newGroup(t, m, cgroup.Limits{})
		if _, err := m.New("web", cgroup.Limits{}); err == nil {
			t.Error("two groups of one name are no error")
		}
	})
}

// A group within a group: the outer limits hold for what is in the inner one, and neighbours share as they were told.
func TestGroupsWithinGroups(t *testing.T) {
	onEachTier(t, func(t *testing.T, m cgroup.Manager) {
		var groups []cgroup.Group
		for _, name := range []string{"kubepods", "kubepods/burstable", "kubepods/burstable/pod1"} {
			g, err := m.New(name, cgroup.Limits{CPUShares: 512, MemoryBytes: 64 << 20})
			check(t, err)
			groups = append(groups, g)
		}
		inner, err := m.New("kubepods/burstable/pod1/container", cgroup.Limits{CPUShares: 256})
		check(t, err)
		if m.Tier() != cgroup.Emulated {
			dir := find(t, "kubepods/burstable/pod1/container")
			if _, err := os.Stat(dir); err != nil {
				t.Error(err)
			}
			if _, err := m.New("kubepods/nosuch/pod1", cgroup.Limits{}); err == nil {
				t.Error("a group within one that is not there is no error")
			}
		}
		for _, name := range []string{"kubepods/../../evil", "/kubepods", "kubepods/"} {
			if _, err := m.New(name, cgroup.Limits{}); err == nil && m.Tier() != cgroup.Emulated {
				t.Errorf("the name %q is no error", name)
			}
		}
		check(t, groups[2].Set(cgroup.Limits{CPUShares: 1024}))
		check(t, inner.Remove())
		for i := range groups {
			check(t, groups[len(groups)-1-i].Remove())
		}
	})
}

func TestSharesOfVersion1(t *testing.T) {
	m, err := cgroup.Open(cgroup.Options{})
	check(t, err)
	defer func() { check(t, m.Close()) }()
	if m.Tier() != cgroup.KernelV1 {
		t.Skip("the best tier of this machine is " + m.Tier().String())
	}
	g, err := m.New("web", cgroup.Limits{CPUShares: 300})
	check(t, err)
	found, _ := filepath.Glob("/sys/fs/cgroup/*/drydock-*/web/cpu.shares")
	if len(found) == 0 {
		t.Fatal("no file cpu.shares")
	}
	text, err := os.ReadFile(found[0])
	check(t, err)
	if got := strings.TrimSpace(string(text)); got != "300" {
		t.Errorf("%s is %s, want 300", found[0], got)
	}
	check(t, g.Remove())
}

// What a killed lab left behind goes at the next start; what a living one has stays.
func TestSweep(t *testing.T) {
	if kerneltest.Unprivileged() {
		t.Skip("no cgroup can be written here, so none can be left behind")
	}
	m, err := cgroup.Open(cgroup.Options{})
	check(t, err)
	if m.Tier() != cgroup.KernelV1 && m.Tier() != cgroup.KernelV2 {
		check(t, m.Close())
		t.Skip("the best tier of this machine is " + m.Tier().String())
	}
	living, err := m.New("web", cgroup.Limits{})
	check(t, err)

	ours := filepath.Dir(find(t, "web"))
	left := filepath.Join(filepath.Dir(ours), "drydock-1-1")
	check(t, os.MkdirAll(filepath.Join(left, "web"), 0o755))
	second, err := cgroup.Open(cgroup.Options{})
	check(t, err)
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", left, err)
	}
	if _, err := living.Usage(); err != nil {
		t.Errorf("the living group is gone: %v", err)
	}
	check(t, second.Close())
	check(t, m.Close())
	if _, err := os.Stat(ours); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close %s is still there: %v", ours, err)
	}
}

// find is the directory of a group in one of the hierarchies.
func find(t *testing.T, name string) string {
	t.Helper()
	for _, pattern := range []string{"/sys/fs/cgroup/drydock-*/", "/sys/fs/cgroup/*/drydock-*/"} {
		if found, _ := filepath.Glob(pattern + name); len(found) > 0 {
			return found[0]
		}
	}
	t.Fatalf("no cgroup %s", name)
	return ""
}

func TestTierSaysWhatItIs(t *testing.T) {
	tier := cgroup.Detect()
	if kerneltest.Unprivileged() && tier != cgroup.Emulated && tier != cgroup.DelegatedV2 {
		t.Errorf("an ordinary user gets %s", tier)
	}
	for _, tier := range []cgroup.Tier{cgroup.KernelV2, cgroup.KernelV1, cgroup.DelegatedV2, cgroup.Emulated} {
		if tier.String() == "unknown" || tier.Explain() == cgroup.Tier(0).Explain() {
			t.Errorf("tier %d has no words", tier)
		}
	}
}
