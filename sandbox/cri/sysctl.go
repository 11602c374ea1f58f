package cri

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"drydock/sandbox/thread"
)

// podSysctls are set in every pod's network, as containerd does: programs without privilege may listen on low ports and
// ping (ip(7), icmp(7)).
var podSysctls = map[string]string{
	"net.ipv4.ip_unprivileged_port_start": "0",
	"net.ipv4.ping_group_range":           "0 0",
}

// setSysctls writes the pod's kernel settings. /proc/sys shows the net and ipc namespace of the thread that opens a file
// in it, so a thread goes in and writes.
func (p *pod) setSysctls() error {
	settings := map[string]string{}
	if !p.hostNetwork {
		maps.Copy(settings, podSysctls)
	}
	maps.Copy(settings, p.config.GetLinux().GetSysctls())
	if len(settings) == 0 {
		return nil
	}
	return thread.Run(func() error {
		if err := p.enter(); err != nil {
			return err
		}
		for name, value := range settings {
			// A dot divides the name, a slash stands for a dot that does not: net.ipv4.conf.eth0/100 (sysctl.d(5)).
			path := filepath.Join("/proc/sys", strings.NewReplacer(".", "/", "/", ".").Replace(name))
			if err := os.WriteFile(path, []byte(value), 0); err != nil {
				return fmt.Errorf("set sysctl %s to %q: %w", name, value, err)
			}
		}
		return nil
	})
}

// enter moves the calling thread into the pod's ipc and net namespaces.
func (p *pod) enter() error {
	for name, kind := range map[string]int{"ipc": unix.CLONE_NEWIPC, "net": unix.CLONE_NEWNET} {
		if name == "net" && p.hostNetwork {
			continue
		}
		f, err := os.Open(filepath.Join(p.dir, name))
		if err != nil {
			return fmt.Errorf("enter the pod's %s namespace: %w", name, err)
		}
		err = unix.Setns(int(f.Fd()), kind)
		f.Close()
		if err != nil {
			return fmt.Errorf("enter the pod's %s namespace: %w", name, err)
		}
	}
	return nil
}
