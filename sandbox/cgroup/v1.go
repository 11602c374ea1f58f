package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The controllers of version 1 that we need, each in a hierarchy of its own or together with others.
var controllers = []string{"cpu", "cpuacct", "memory", "pids", "freezer"}

func openV1() (Manager, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("look for cgroup hierarchies: %w", err)
	}
	roots := hierarchiesIn(string(mounts))
	where := map[string]string{} // controller: mount point
	shared := map[string]string{}
	for _, c := range controllers {
		root, ok := roots[c]
		if !ok {
			return nil, fmt.Errorf("no cgroup hierarchy with the %s controller is mounted", c)
		}
		where[c], shared[root] = root, root
	}
	k, err := openKernel(KernelV1, shared, func(dirs map[string]string) Group {
		g := groupV1{}
		for c, root := range where {
			g[c] = dirs[root]
		}
		return g
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// hierarchiesIn finds the mount point of each controller in the lines of /proc/PID/mountinfo (proc(5)):
//
//	36 35 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct
func hierarchiesIn(mountinfo string) map[string]string {
	roots := map[string]string{}
	for line := range strings.Lines(mountinfo) {
		left, right, found := strings.Cut(line, " - ")
		place, kind := strings.Fields(left), strings.Fields(right)
		if !found || len(place) < 5 || len(kind) < 3 || kind[0] != "cgroup" {
			continue
		}
		for _, option := range strings.Split(kind[2], ",") {
			if _, known := roots[option]; !known {
				roots[option] = place[4]
			}
		}
	}
	return roots
}

// groupV1 is a directory per controller (Documentation/admin-guide/cgroup-v1).
type groupV1 map[string]string

// distinct are the directories, each once.
func (g groupV1) distinct() map[string]bool {
	dirs := map[string]bool{}
	for _, d := range g {
		dirs[d] = true
	}
	return dirs
}

func (g groupV1) Add(pid int) error {
	for dir := range g.distinct() {
		if err := write(dir, "cgroup.procs", strconv.Itoa(pid)); err != nil {
			return err
		}
	}
	return nil
}

// Entry opens the group's lists of threads. A thread that moves itself needs no lock over the forks and ends of its process
// (cgroup_procs_write_start in the kernel), and waiting for that lock is what is slow.
func (g groupV1) Entry() (born *os.File, doors []*os.File, err error) {
	for dir := range g.distinct() {
		door, err := os.OpenFile(filepath.Join(dir, "tasks"), os.O_WRONLY, 0)
		if err != nil {
			for _, d := range doors {
				d.Close()
			}
			return nil, nil, fmt.Errorf("open the way into the cgroup: %w", err)
		}
		doors = append(doors, door)
	}
	return nil, doors, nil
}

func (g groupV1) Set(l Limits) error {
	cpu := "-1"
	if l.CPUMillis > 0 {
		cpu = strconv.FormatInt(quota(l), 10)
	}
	var shares error
	if l.CPUShares > 0 {
		shares = write(g["cpu"], "cpu.shares", strconv.FormatInt(max(l.CPUShares, 2), 10))
	}
	return errors.Join(shares,
		write(g["cpu"], "cpu.cfs_period_us", strconv.FormatInt(period.Microseconds(), 10)),
		write(g["cpu"], "cpu.cfs_quota_us", cpu),
		g.setMemory(limitOr(l.MemoryBytes, "-1")),
		write(g["pids"], "pids.max", limitOr(l.Pids, "max")),
	)
}

// setMemory sets the limits of memory and of memory with swap to the same: no swap on top. The second must never be the
// smaller one, so a rising limit is set in the other order. A kernel without swap accounting lacks it.
func (g groupV1) setMemory(limit string) error {
	const memory, both = "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"
	err := write(g["memory"], memory, limit)
	if errors.Is(err, unix.EINVAL) {
		if err = write(g["memory"], both, limit); err == nil {
			err = write(g["memory"], memory, limit)
		}
	}
	if err != nil {
		return err
	}
	if err := write(g["memory"], both, limit); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (g groupV1) Usage() (Usage, error) {
	u := Usage{At: time.Now()}
	cpu, err := readNumber(g["cpuacct"], "cpuacct.usage")
	if err != nil {
		return u, err
	}
	u.CPU = time.Duration(cpu)
	throttled, err := readKey(g["cpu"], "cpu.stat", "throttled_time")
	if err != nil {
		return u, err
	}
	u.Throttled = time.Duration(throttled)
	memory, err := readNumber(g["memory"], "memory.usage_in_bytes")
	if err != nil {
		return u, err
	}
	inactive, err := readKey(g["memory"], "memory.stat", "total_inactive_file")
	if err != nil {
		return u, err
	}
	u.MemoryBytes = max(memory-inactive, 0)
	if u.Pids, err = readNumber(g["pids"], "pids.current"); err != nil {
		return u, err
	}
	u.OOMKills, err = g.oomKills()
	return u, err
}

func (g groupV1) oomKills() (int64, error) {
	return readKey(g["memory"], "memory.oom_control", "oom_kill")
}

func (g groupV1) OOMKilled() (bool, error) {
	n, err := g.oomKills()
	return n > 0, err
}

// Freeze asks again and again: a process that forks just then may keep the group at FREEZING until it is told once more
// (freezer-subsystem.rst).
func (g groupV1) Freeze() error {
	return settle("freezer "+g["freezer"], func() (bool, error) {
		if err := write(g["freezer"], "freezer.state", "FROZEN"); err != nil {
			return false, err
		}
		state, err := read(g["freezer"], "freezer.state")
		return state == "FROZEN", err
	})
}

func (g groupV1) Thaw() error { return write(g["freezer"], "freezer.state", "THAWED") }

func (g groupV1) Kill() error {
	err := signalAll(g["freezer"], unix.SIGKILL)
	if err != nil {
		return err
	}
	// A frozen process dies when it thaws.
	if err := g.Thaw(); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (g groupV1) Remove() error {
	var errs []error
	for dir := range g.distinct() {
		errs = append(errs, removeDir(dir))
	}
	return errors.Join(errs...)
}
