package kubelet

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// safeSysctls are the kernel settings that a pod may have without anybody's leave: each pod has its own of them, and they harm no
// neighbour. The value names the namespace that holds the setting.
//
// Kubernetes: --allowed-unsafe-sysctls permits more; here it cannot be set. Settings that an old kernel does not hold per namespace
// are left out there; all kernels that can run a lab do.
var safeSysctls = map[string]string{
	"kernel.shm_rmid_forced":              "ipc",
	"net.ipv4.ip_local_port_range":        "net",
	"net.ipv4.ip_local_reserved_ports":    "net",
	"net.ipv4.ip_unprivileged_port_start": "net",
	"net.ipv4.ping_group_range":           "net",
	"net.ipv4.tcp_fin_timeout":            "net",
	"net.ipv4.tcp_keepalive_intvl":        "net",
	"net.ipv4.tcp_keepalive_probes":       "net",
	"net.ipv4.tcp_keepalive_time":         "net",
	"net.ipv4.tcp_notsent_lowat":          "net",
	"net.ipv4.tcp_rmem":                   "net",
	"net.ipv4.tcp_slow_start_after_idle":  "net",
	"net.ipv4.tcp_syncookies":             "net",
	"net.ipv4.tcp_wmem":                   "net",
}

// refuseSysctls is why a pod may not have the kernel settings it asks for, in upstream's words, or "".
func refuseSysctls(pod *corev1.Pod) (reason, message string) {
	if pod.Spec.SecurityContext == nil {
		return "", ""
	}
	for _, s := range pod.Spec.SecurityContext.Sysctls {
		name := sysctlName(s.Name)
		space, safe := safeSysctls[name]
		switch {
		case !safe:
			return "SysctlForbidden", fmt.Sprintf("forbidden sysctl: %q not allowlisted", name)
		case space == "ipc" && pod.Spec.HostIPC, space == "net" && pod.Spec.HostNetwork:
			return "SysctlForbidden", fmt.Sprintf("forbidden sysctl: %q not allowed with host %s enabled", name, space)
		}
	}
	return "", ""
}

// sysctlName writes a name with dots between its parts. Where slashes are between them, a dot belongs to a part: net/ipv4/conf/eno2.100
// (sysctl.d(5)).
func sysctlName(name string) string {
	separator := strings.IndexAny(name, "./")
	if separator < 0 || name[separator] == '.' {
		return name
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '.':
			return '/'
		case '/':
			return '.'
		}
		return r
	}, name)
}
