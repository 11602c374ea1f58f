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

// period is the length of time over which the CPU limit counts, the kernel's default and Kubernetes'.
const period = 100 * time.Millisecond

const mountpoint = "/sys/fs/cgroup"

func openV2(t Tier, parent string) (Manager, error) {
	root := parent
	if root == "" {
		root = mountpoint
	}
	var st unix.Statfs_t
	if err := unix.Statfs(root, &st); err != nil {
		return nil, fmt.Errorf("look at %s: %w", root, err)
	}
	if st.Type != unix.CGROUP2_SUPER_MAGIC {
		return nil, fmt.Errorf("%s is not a cgroup2 file system", root)
	}
	if err := enable(root); err != nil {
		return nil, err
	}
	k, err := openKernel(t, map[string]string{"": root}, func(dirs map[string]string) Group { return groupV2{dirs[""]} })
	if err != nil {
		return nil, err
	}
	if err := delegate(k.tops[""]); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

// enable makes the controllers usable below root. A group that has processes cannot have children with controllers ("no
// internal processes", cgroups(7)), except the root of all: then the processes, we among them, move to a child first.
func enable(root string) error {
	err := delegate(root)
	if !errors.Is(err, unix.EBUSY) {
		return err
	}
	leaf := filepath.Join(root, "init")
	if err := os.Mkdir(leaf, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make cgroup: %w", err)
	}
	procs, err := read(root, "cgroup.procs")
	if err != nil {
		return err
	}
	for _, pid := range strings.Fields(procs) {
		if err := write(leaf, "cgroup.procs", pid); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("move process %s to %s: %w", pid, leaf, err)
		}
	}
	return delegate(root)
}

func delegate(dir string) error {
	have, err := read(dir, "cgroup.subtree_control")
	if err != nil {
		return err
	}
	for _, c := range []string{"cpu", "memory", "pids"} {
		if strings.Contains(" "+have+" ", " "+c+" ") {
			continue
		}
		if err := write(dir, "cgroup.subtree_control", "+"+c); err != nil {
			return err
		}
	}
	return nil
}

// groupV2 is a directory of the one hierarchy (Documentation/admin-guide/cgroup-v2.rst).
type groupV2 struct{ dir string }

func (g groupV2) Add(pid int) error { return write(g.dir, "cgroup.procs", strconv.Itoa(pid)) }

func (g groupV2) Entry() (born *os.File, doors []*os.File, err error) {
	if born, err = os.Open(g.dir); err != nil {
		return nil, nil, fmt.Errorf("open the way into the cgroup: %w", err)
	}
	return born, nil, nil
}

func (g groupV2) Set(l Limits) error {
	cpu := "max"
	if l.CPUMillis > 0 {
		cpu = strconv.FormatInt(quota(l), 10)
	}
	errs := []error{
		write(g.dir, "cpu.max", fmt.Sprintf("%s %d", cpu, period.Microseconds())),
		write(g.dir, "memory.max", limitOr(l.MemoryBytes, "max")),
		write(g.dir, "pids.max", limitOr(l.Pids, "max")),
	}
	if l.CPUShares > 0 {
		errs = append(errs, write(g.dir, "cpu.weight", strconv.FormatInt(weight(l.CPUShares), 10)))
	}
	if l.MemoryBytes > 0 {
		// No swap on top of the limit, as Kubernetes has it. A kernel without swap has no such file.
		if err := write(g.dir, "memory.swap.max", "0"); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// weight stretches shares, 2 to 262144, over what version 2 counts in, 1 to 10000, as the kubelet does.
func weight(shares int64) int64 { return 1 + (min(max(shares, 2), 262144)-2)*9999/262142 }

// quota is the CPU time per period in microseconds; the kernel takes no less than 1000.
func quota(l Limits) int64 { return max(l.CPUMillis*period.Microseconds()/1000, 1000) }

func limitOr(n int64, none string) string {
	if n <= 0 {
		return none
	}
	return strconv.FormatInt(n, 10)
}

func (g groupV2) Usage() (Usage, error) {
	u := Usage{At: time.Now()}
	cpu, err := read(g.dir, "cpu.stat")
	if err != nil {
		return u, err
	}
	u.CPU = time.Duration(valueOf(cpu, "usage_usec")) * time.Microsecond
	u.Throttled = time.Duration(valueOf(cpu, "throttled_usec")) * time.Microsecond
	memory, err := readNumber(g.dir, "memory.current")
	if err != nil {
		return u, err
	}
	inactive, err := readKey(g.dir, "memory.stat", "inactive_file")
	if err != nil {
		return u, err
	}
	u.MemoryBytes = max(memory-inactive, 0) // the working set, as cAdvisor counts it
	if u.Pids, err = readNumber(g.dir, "pids.current"); err != nil {
		return u, err
	}
	u.OOMKills, err = g.oomKills()
	return u, err
}

func (g groupV2) oomKills() (int64, error) { return readKey(g.dir, "memory.events", "oom_kill") }

func (g groupV2) OOMKilled() (bool, error) {
	n, err := g.oomKills()
	return n > 0, err
}

func (g groupV2) Freeze() error { return g.freeze("1") }
func (g groupV2) Thaw() error   { return g.freeze("0") }

// freeze waits until the kernel says that all processes have stopped, or run again.
func (g groupV2) freeze(state string) error {
	if err := write(g.dir, "cgroup.freeze", state); err != nil {
		return err
	}
	return settle("cgroup "+g.dir, func() (bool, error) {
		events, err := read(g.dir, "cgroup.events")
		return strconv.FormatInt(valueOf(events, "frozen"), 10) == state, err
	})
}

func (g groupV2) Kill() error {
	err := write(g.dir, "cgroup.kill", "1") // since Linux 5.14
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, statErr := os.Stat(g.dir); statErr != nil {
		return nil // the group is gone, and its processes with it
	}
	return signalAll(g.dir, unix.SIGKILL)
}

func (g groupV2) Remove() error { return removeDir(g.dir) }

// settle asks until the answer is yes, for a second at most: processes in the middle of a system call take a moment.
func settle(what string, done func() (bool, error)) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		<-tick.C
	}
	return fmt.Errorf("%s does not settle", what)
}
