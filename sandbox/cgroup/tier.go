package cgroup

import (
	"errors"
	"os"
	"strings"
)

// Tier is the kind of limits a machine offers, best first.
type Tier int

// The tiers.
const (
	// KernelV2: root with a writable cgroup v2 hierarchy.
	KernelV2 Tier = iota + 1
	// KernelV1: root with writable v1 controllers (a hybrid or legacy layout).
	KernelV1
	// DelegatedV2: an ordinary user with a part of the cgroup v2 hierarchy of their own.
	DelegatedV2
	// Emulated: no cgroup can be written; our own governor watches the processes.
	Emulated
)

// String is one word, for status and JSON.
func (t Tier) String() string {
	switch t {
	case KernelV2:
		return "cgroup2"
	case KernelV1:
		return "cgroup1"
	case DelegatedV2:
		return "delegated"
	case Emulated:
		return "emulated"
	}
	return "unknown"
}

// Explain is one sentence for a person: what enforces the limits here.
func (t Tier) Explain() string {
	switch t {
	case KernelV2:
		return "The kernel enforces CPU, memory and process limits (cgroup v2)."
	case KernelV1:
		return "The kernel enforces CPU, memory and process limits (cgroup v1)."
	case DelegatedV2:
		return "The kernel enforces CPU, memory and process limits in the part of cgroup v2 that was delegated to you."
	case Emulated:
		return "This machine gives us no cgroup: drydock itself stops and kills containers that go over their limits (emulated)."
	}
	return "It is not known what enforces limits here."
}

// Detect finds the best tier by trying it: it makes a group, sets a limit and removes it again. It takes some
// milliseconds and never fails; where nothing works the answer is Emulated.
func Detect() Tier {
	m, err := detect(Options{})
	if err != nil {
		return Emulated
	}
	defer func() { _ = m.Close() }() // it has no groups
	return m.Tier()
}

// detect opens the best tier that works.
func detect(o Options) (Manager, error) {
	tiers := []Tier{KernelV2, KernelV1}
	if inUserNamespace() {
		// Its root owns no cgroup but what was handed to the user outside.
		tiers = []Tier{DelegatedV2}
	}
	for _, t := range tiers {
		m, err := open(t, o)
		if err != nil {
			continue
		}
		if err := try(m); err == nil {
			return m, nil
		}
		_ = m.Close() // this tier is no good, and the next one is about to be tried
	}
	return open(Emulated, o)
}

// try sets each limit once, and makes a group within a group.
func try(m Manager) error {
	limits := Limits{CPUMillis: 100, CPUShares: 100, MemoryBytes: 64 << 20, Pids: 64}
	outer, err := m.New("probe", limits)
	if err != nil {
		return err
	}
	inner, err := m.New("probe/inner", limits)
	if err == nil {
		err = inner.Remove()
	}
	return errors.Join(err, outer.Remove())
}

// inUserNamespace says whether uid 0 here is somebody else outside (user_namespaces(7)).
func inUserNamespace() bool {
	m, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(string(m)), " ") != "0 0 4294967295"
}
