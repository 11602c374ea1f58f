package cgroup

import (
	"fmt"
	"os"
	"time"
)

// Limits of one container; zero means no limit.
type Limits struct {
	CPUMillis   int64 // thousandths of a CPU
	CPUShares   int64 // how much of a busy CPU, beside the groups next to it: 1024 is one CPU's worth, 2 the least
	MemoryBytes int64
	Pids        int64
}

// Usage of one container at one moment.
type Usage struct {
	At          time.Time
	CPU         time.Duration // used since the group was made
	MemoryBytes int64         // working set: what cannot be given back easily
	Pids        int64
	Throttled   time.Duration // time the group was kept from running
	OOMKills    int64
}

// Options says where groups are made.
type Options struct {
	// Tier is the tier to use; zero means Detect.
	Tier Tier
	// Parent is the cgroup v2 directory that was delegated, for DelegatedV2; empty means the root of the hierarchy as seen here.
	Parent string
}

// Manager makes the groups of one lab or node. Its methods may be called at the same time.
type Manager interface {
	Tier() Tier
	// New makes a group with limits. Names are unique within the manager. A name with slashes is a group within another, which
	// must be there: kubepods/burstable. A group that has groups in it takes no processes.
	New(name string, l Limits) (Group, error)
	// Close kills and removes every group that is left.
	Close() error
}

// Group is the cgroup of one container. Its methods may be called at the same time.
type Group interface {
	// Add moves a process into the group; its future children follow. On a kernel tier it waits for every processor to pass a
	// quiet state, which takes ten milliseconds or more: Entry is the way for a process that is only being made.
	Add(pid int) error
	// Entry opens the ways in that cost nothing, for the caller to close. With born, a process is cloned straight into the
	// group (CLONE_INTO_CGROUP, clone(2)); else it writes "0" to each of doors itself, which moves the writing thread alone.
	// Where there is neither, it takes Add.
	Entry() (born *os.File, doors []*os.File, err error)
	// Set changes the limits of a running container.
	Set(l Limits) error
	Usage() (Usage, error)
	// OOMKilled says whether the memory limit has ended a process of the group.
	OOMKilled() (bool, error)
	Freeze() error
	Thaw() error
	// Kill sends SIGKILL to every process in the group.
	Kill() error
	// Remove removes the empty group. Removing twice is fine.
	Remove() error
}

// Open removes what dead labs have left behind and returns a manager.
func Open(o Options) (Manager, error) {
	if o.Tier == 0 {
		return detect(o)
	}
	m, err := open(o.Tier, o)
	if err != nil {
		return nil, fmt.Errorf("open cgroups (%s): %w", o.Tier, err)
	}
	return m, nil
}

// open makes a manager of one tier.
func open(t Tier, o Options) (Manager, error) {
	switch t {
	case KernelV2, DelegatedV2:
		return openV2(t, o.Parent)
	case KernelV1:
		return openV1()
	case Emulated:
		return newGovernor(), nil
	}
	return nil, fmt.Errorf("there is no tier %d", t)
}
