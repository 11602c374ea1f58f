// Package cgroup limits and measures what a container uses, with the best means this machine offers.
//
// # Part played
//
// The kernel's control groups, and what stands in for them where an ordinary user may not make any.
//
// # How it works
//
// Detect makes a group, sets a limit in it and removes it again: permissions, namespaces and missing controllers cannot be
// judged by reading. The answer is a Tier. Open returns a Manager of that tier, and a container is:
//
//	g, err := m.New("web", cgroup.Limits{CPUMillis: 200, MemoryBytes: 64 << 20, Pids: 100})
//	err = g.Add(pid)         // before its program starts: what it forks is then inside as well; or, faster, by way of Entry
//	u, err := g.Usage()
//	err = g.Remove()
//
// Groups lie in each other as the kubelet wants it: kubepods, in it burstable and besteffort, in these a group for each pod, and in
// that one for each container. The limits of an outer group hold for all that is in it, and shares count among neighbours. The
// emulated tier has groups of containers only.
//
// A kernel tier makes a directory per group and writes files in it: that is all a cgroup is. kernel.go has what both
// versions share, v1.go and v2.go the files of each. The emulated tier is a governor: it looks at the group's processes
// every few milliseconds, stops them (SIGSTOP) when they have used their share of a 100 ms period and kills them (SIGKILL)
// when their memory is over the limit.
//
// A manager's groups lie in one directory named drydock-<pid>-<start time of pid>, because they are the only thing of a
// lab that can outlive it. It holds a lock on that directory for as long as it lives; Open removes those directories whose
// lock is free.
//
// # Left out
//
// I/O, huge page and device limits, memory.high and requests as guarantees under pressure. The emulated tier can be beaten
// by a process that allocates faster than it is looked at.
//
// # In Kubernetes
//
// opencontainers/cgroups, which runc and the kubelet's container manager (pkg/kubelet/cm) use. It is not used here: it links
// D-Bus for systemd and finds its paths through fixed places, and what we need of it is a dozen files.
package cgroup
