// Package lab makes the disposable box that a cluster lives in.
//
// # Part played
//
// The machine room. Kubernetes is installed on machines; drydock makes its own, out of namespaces, inside one box that
// the kernel throws away whole.
//
// # How it works
//
// Start clones a program into new user, mount, pid, network, IPC, UTS and cgroup namespaces. The program's first act is
// Enter, which turns the copied mount table into the lab's view: the machine's files read-only, a private /tmp and /run,
// a fresh /proc, and one writable directory, the lab's own. From then on the program is pid 1 of the lab. When it ends,
// the kernel kills every process of the pid namespace, and with the last of them go the mounts, links and rules.
//
//	keeper (outside)                     lab (inside)
//	Start: clone ───────────────────────▶ pid 1, waiting for its uid map
//	newuidmap, when there is a subuid range
//	one byte on the gate ───────────────▶ Enter: uids, mounts, loopback, host name
//	holds the write end of a pipe         OnOrphaned: reads it; end of file = the keeper is gone = exit
//
// The keeper's death ends the lab twice over: the parent-death signal, and the end of file on the pipe.
//
// # Left out
//
// Egress: a lab has no way to the internet. Nested user namespaces for pods (hostUsers: false).
//
// # In Kubernetes
//
// Nothing: see rootlesskit, or the "docker run --privileged" under kind, for the same idea elsewhere.
// Sources: user_namespaces(7), pid_namespaces(7), mount_setattr(2), pivot_root is not needed because the root stays.
package lab
