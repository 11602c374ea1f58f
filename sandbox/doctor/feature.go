package doctor

import "syscall"

// feature is one row of what a lab needs, and the words for it.
type feature struct {
	id          ID
	name, tried string
	// failing is what the lack of it means; without says how a lab fares then.
	failing Verdict
	without string
	// mend is the command, where one is always right; explain knows better, where the cause decides.
	mend    string
	explain func(t Trial, m machine) (found, mend string)
	// lesser tells that it worked, but in the lesser of two ways.
	lesser func(t Trial) bool
}

const modules = "sudo modprobe -a nf_tables nft_chain_nat nft_nat nft_masq nft_numgen nft_fib_ipv4 nft_reject_ipv4"

// features is the table, in the order of what builds on what.
var features = []feature{
	{id: Kernel, name: "kernel", tried: "uname(2): Linux 5.13 or newer", failing: Missing, without: "this kernel is too old: a lab needs Linux 5.13", mend: "update this system's kernel, and start it anew"},
	{id: State, name: "state directory", tried: "make a file in the state directory, and see whether programs may run there", failing: Missing, explain: explainState},
	{id: Disk, name: "disk", tried: "statfs(2) of the state directory: 400 MB free", failing: Degraded, without: "less than 400 MB are free: unpacking programs and images may fail", explain: explainSpace},
	{id: Memory, name: "memory", tried: "MemAvailable in /proc/meminfo: 300 MB", failing: Degraded, without: "less than 300 MB are available: a lab of three nodes may be killed", mend: "drydock up --nodes 1"},
	{id: Files, name: "open files", tried: "getrlimit(2) RLIMIT_NOFILE: 1024", failing: Degraded, without: "few open files are allowed: labs with many pods will fail", mend: "ulimit -n 4096"},
	{id: Socket, name: "unix socket", tried: "listen on and call a socket in the state directory, however long its path", failing: Missing, without: "the state directory holds no unix sockets", explain: explainState},
	{id: Userns, name: "namespaces", tried: "clone(2) with new user, mount, pid, net, ipc, uts and cgroup namespaces", failing: Missing, explain: explainNamespaces},
	{id: IDs, name: "user ids", tried: "write the uid map: all ids as root, newuidmap with a subuid range, or our own id alone", failing: Missing, explain: explainIDs, lesser: func(t Trial) bool { return t.Detail == string(singleID) }},
	{id: Mounts, name: "mounts", tried: "make the machine's files read-only, mount tmpfs on /tmp and /run, bring up the loopback", failing: Missing, without: "a lab cannot arrange its own view of the files", explain: explainMounts},
	{id: Proc, name: "/proc", tried: "mount a proc of the lab's own", failing: Missing, without: "a lab cannot have its own /proc", explain: explainProc},
	{id: OverlayOnDisk, name: "overlay on disk", tried: "mount an overlay in the state directory; delete and remake a lower folder through it", failing: Degraded, without: "no overlay here: what containers write is kept in memory instead, or each gets a whole copy of its image", mend: "DRYDOCK_HOME=/var/tmp/drydock drydock up"},
	{id: OverlayOnTmpfs, name: "overlay on tmpfs", tried: "the same on a tmpfs, with userxattr", failing: Degraded, without: "no overlay in memory (Linux 6.6 has it): only needed where the one on disk does not work"},
	{id: Seccomp, name: "seccomp", tried: "seccomp(2) with a filter, on a thread of its own", failing: Missing, without: "this kernel has no seccomp filters, with which containers are confined", mend: "install your distribution's standard kernel"},
	{id: Pidfd, name: "pidfd", tried: "pidfd_open(2) and poll", failing: Missing, without: "a process cannot be held by a descriptor here", explain: explainMounts},
	{id: Terminals, name: "terminals", tried: "mount a devpts of its own and open a terminal in it", failing: Degraded, without: "no terminals in containers: kubectl exec -it will not work", mend: "sudo mount -t devpts devpts /dev/pts"},
	{id: Bridge, name: "bridge", tried: "make a bridge with an address in the lab's network", failing: Missing, without: "no bridge between nodes", explain: withModule("sudo modprobe bridge")},
	{id: Machine, name: "pivot_root", tried: "boot a machine in namespaces of its own: tmpfs root, read-only binds, /proc, pivot_root, exec", failing: Missing, without: "a node's root cannot be entered", explain: explainMounts},
	{id: Veth, name: "veth", tried: "plug the machine into the bridge, with an address and a route", failing: Missing, without: "no cable between a node and the bridge", explain: withModule("sudo modprobe veth")},
	{id: Sysctls, name: "network sysctls", tried: "turn on net.ipv4.ip_forward and conf.all.route_localnet in the machine's own network", failing: Missing, without: "a node cannot forward its pods' packets", explain: explainMounts},
	{id: Nftables, name: "nftables", tried: "one transaction with nat, masquerade, numgen, fib, a verdict map and reject", failing: Degraded, without: "pods run, but Services lead nowhere", explain: withModule(modules)},
	{id: Cgroup, name: "limits", tried: "make a cgroup with CPU, memory and process limits", failing: Degraded, without: "drydock itself stops and kills containers that go over their limits (emulated)", explain: explainLimits, lesser: func(t Trial) bool { return t.Detail == emulated }},
	{id: Inotify, name: "inotify", tried: "open four inotify instances inside a machine", failing: Degraded, without: "programs in pods that watch files will fail; drydock's own do not", mend: "sudo sysctl -w fs.inotify.max_user_instances=1024"},
	{id: Netem, name: "netem", tried: "a netem queue on the machine's loopback (optional)", failing: Degraded, without: "drydock fault makes networks slow or lossy by carrying the packets itself (relay); nothing else needs it", explain: withModule("sudo modprobe sch_netem")},
}

// judge turns a trial into a finding.
func (f feature) judge(t Trial, m machine) Finding {
	out := Finding{Feature: f.name, Tried: f.tried, Verdict: OK, Found: t.Detail, Cause: t.Err}
	lesser := f.lesser != nil && f.lesser(t)
	switch {
	case t.failed():
		out.Verdict = f.failing
	case lesser:
		out.Verdict = Degraded
	default:
		return out
	}
	out.Found, out.Mend = f.without, f.mend
	if f.explain != nil {
		found, mend := f.explain(t, m)
		if found != "" {
			out.Found = found
		}
		out.Mend = mend
	}
	return out
}

// withModule is for what may be a module that is not loaded; in a container nothing can be loaded, and where the kernel
// said "not permitted" a module would not help.
func withModule(command string) func(Trial, machine) (string, string) {
	return func(t Trial, m machine) (string, string) {
		if t.Errno == syscall.EPERM || t.Errno == syscall.EACCES {
			found, mend := explainMounts(t, m)
			return found, mend
		}
		return "", command
	}
}
