package lab

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// Explain turns an error of Start or Enter into what is missing and the one command that mends it.
// ok is false when the error is not about what this machine allows.
func Explain(err error) (missing, mend string, ok bool) {
	text := err.Error()
	switch {
	case strings.Contains(text, "own namespaces") && errors.Is(err, unix.ENOSPC):
		return "this machine allows no more user namespaces", "sudo sysctl -w user.max_user_namespaces=15000", true
	case strings.Contains(text, "own namespaces") && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES)):
		return "this machine does not let ordinary users make user namespaces", "sudo sysctl -w kernel.unprivileged_userns_clone=1", true
	case strings.Contains(text, "own namespaces") && errors.Is(err, unix.EINVAL):
		return "this kernel is built without user namespaces, or is older than 5.13", "use a newer Linux kernel", true
	case strings.Contains(text, "/proc"):
		return "a new /proc is refused, because parts of this machine's /proc are covered (as in most containers)",
			"start the outer container with unmasked paths, e.g. docker run --security-opt systempaths=unconfined --security-opt seccomp=unconfined", true
	case strings.Contains(text, "make the lab's mounts private"), strings.Contains(text, "read-only"):
		return "AppArmor or a security module forbids mounts in user namespaces",
			"sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0", true
	default:
		return "", "", false
	}
}
