package doctor

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"drydock/sandbox/cgroup"
	"drydock/sandbox/lab"
)

const singleID = lab.SingleID

var emulated = cgroup.Emulated.Explain()

// unconfined is how an outer container must be started for a lab to fit inside.
const unconfined = "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined ..."

// explainNamespaces says why clone(2) refused. One error has many reasons; what the machine says about itself tells them apart.
func explainNamespaces(t Trial, m machine) (found, mend string) {
	switch t.Errno {
	case syscall.ENOSPC: // user_namespaces(7): a limit of this user namespace or of one above is reached
		kind := m.exhausted()
		return fmt.Sprintf("this machine allows no more %s namespaces", kind), "sudo sysctl -w user.max_" + kind + "_namespaces=15000"
	case syscall.EINVAL, syscall.ENOSYS:
		return "this kernel is built without one of the kinds of namespaces", "install your distribution's standard kernel"
	case syscall.EPERM, syscall.EACCES:
		if m.noexec {
			return explainState(t, m)
		}
		return m.forbidden("new namespaces")
	default:
		return "a program cannot be started in namespaces of its own", ""
	}
}

// explainIDs knows a map that failed, and the smallest one that worked.
func explainIDs(t Trial, m machine) (found, mend string) {
	if t.failed() {
		return m.forbidden("writing the uid map of a user namespace")
	}
	found = "a single id: pods run, but chown and runAsUser to another id do not"
	switch {
	case m.root:
		return found, "" // root without the whole range: the container around us decides, and no command inside mends it
	case !m.newuidmap:
		return found, "sudo apt-get install uidmap"
	default:
		return found, fmt.Sprintf("sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s", m.user)
	}
}

// explainMounts is for what root of a user namespace is always allowed to do: a security module forbids it.
func explainMounts(t Trial, m machine) (found, mend string) {
	switch t.Errno {
	case syscall.EPERM, syscall.EACCES:
		return m.forbidden("mounts and other rights in user namespaces")
	case syscall.ENOSYS:
		return "this kernel lacks a system call that a lab needs", "update this system's kernel, and start it anew"
	default:
		return "", ""
	}
}

// explainProc: mount_too_revealing in the kernel's fs/namespace.c.
func explainProc(t Trial, m machine) (found, mend string) {
	if t.Errno != syscall.EPERM {
		return explainMounts(t, m)
	}
	return "a new /proc is refused, because parts of this machine's /proc are covered (as in most containers)", unconfined
}

func explainState(t Trial, m machine) (found, mend string) {
	mend = "DRYDOCK_HOME=/var/tmp/drydock drydock up"
	if m.noexec {
		return fmt.Sprintf("%s is on a file system from which no program may run (noexec)", m.state), mend
	}
	if t.Errno == syscall.EACCES || t.Errno == syscall.EROFS || t.Errno == syscall.EPERM {
		return fmt.Sprintf("%s cannot be written", m.state), mend
	}
	return fmt.Sprintf("%s cannot be used", m.state), mend
}

func explainSpace(_ Trial, m machine) (found, mend string) {
	return "", "DRYDOCK_HOME=<a directory with more room> drydock up   # now in " + m.state
}

func explainLimits(_ Trial, m machine) (found, mend string) {
	switch {
	case m.root:
		return "", "" // root without a writable cgroup: the container around us decides
	case m.systemd:
		return "", "systemd-run --user --scope -p Delegate=yes drydock up"
	default:
		return "", "sudo drydock up   # only root may make cgroups here"
	}
}

// forbidden finds out who forbids what, and how it is allowed.
func (m machine) forbidden(what string) (found, mend string) {
	switch {
	case m.container:
		return "the container around us forbids " + what, unconfined
	case !m.root && m.setting("kernel/unprivileged_userns_clone") == "0":
		return "this machine does not let ordinary users make user namespaces", "sudo sysctl -w kernel.unprivileged_userns_clone=1"
	case !m.root && m.setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
		return "AppArmor forbids ordinary users' programs " + what + ", unless a profile names the program", m.profile()
	case !m.root:
		return "a security policy of this machine forbids ordinary users " + what, "sudo drydock up"
	default:
		return "a security policy of this machine forbids " + what, "run drydock outside of the chroot, jail or sandbox it is in"
	}
}

// profile is the command that tells AppArmor about this program alone. It leaves the machine's own setting as it is:
// turning that off would weaken it for every program.
func (m machine) profile() string {
	text := `abi <abi/4.0>,\ninclude <tunables/global>\nprofile drydock "` + m.self + `" flags=(unconfined) {\n  userns,\n}\n`
	return "printf " + quote(strings.ReplaceAll(text, "%", "%%")) + " | sudo tee /etc/apparmor.d/drydock && sudo apparmor_parser -r /etc/apparmor.d/drydock"
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// kinds are the namespaces a lab makes, as their limits are named.
var kinds = []string{"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"}

// exhausted names the kind of namespace whose limit is the most likely to be reached: the lowest one.
func (m machine) exhausted() string {
	lowest, kind := 1<<31, kinds[0]
	for _, k := range kinds {
		if n, err := strconv.Atoi(m.setting("user/max_" + k + "_namespaces")); err == nil && n < lowest {
			lowest, kind = n, k
		}
	}
	return kind
}
