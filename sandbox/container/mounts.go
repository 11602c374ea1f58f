package container

import (
	"fmt"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"drydock/sandbox/container/handshake"
)

// The options of mount(8) that are bits of mount_setattr(2). The opposite of each ("rw", "suid") takes the bit away.
var attributes = map[string]uint64{
	"ro":            unix.MOUNT_ATTR_RDONLY,
	"nosuid":        unix.MOUNT_ATTR_NOSUID,
	"nodev":         unix.MOUNT_ATTR_NODEV,
	"noexec":        unix.MOUNT_ATTR_NOEXEC,
	"noatime":       unix.MOUNT_ATTR_NOATIME,
	"strictatime":   unix.MOUNT_ATTR_STRICTATIME,
	"nodiratime":    unix.MOUNT_ATTR_NODIRATIME,
	"nosymfollow":   unix.MOUNT_ATTR_NOSYMFOLLOW,
	"relatime":      unix.MOUNT_ATTR_RELATIME,
	"norelatime":    0,
	"nostrictatime": 0,
	"defaults":      0,
	"silent":        0,
	"async":         0,
}

var opposites = map[string]uint64{
	"rw":        unix.MOUNT_ATTR_RDONLY,
	"suid":      unix.MOUNT_ATTR_NOSUID,
	"dev":       unix.MOUNT_ATTR_NODEV,
	"exec":      unix.MOUNT_ATTR_NOEXEC,
	"atime":     unix.MOUNT_ATTR_NOATIME,
	"diratime":  unix.MOUNT_ATTR_NODIRATIME,
	"symfollow": unix.MOUNT_ATTR_NOSYMFOLLOW,
}

// Mount options for the whole tree below a mount, "rro" and its relatives (OCI runtime specification, "Linux mount options").
var treeAttributes = map[string]uint64{
	"rro": unix.MOUNT_ATTR_RDONLY, "rnosuid": unix.MOUNT_ATTR_NOSUID, "rnodev": unix.MOUNT_ATTR_NODEV, "rnoexec": unix.MOUNT_ATTR_NOEXEC,
}

var propagations = map[string]uint64{
	"private": unix.MS_PRIVATE, "rprivate": unix.MS_PRIVATE, "slave": unix.MS_SLAVE, "rslave": unix.MS_SLAVE,
}

func mounts(list []specs.Mount) ([]handshake.Mount, error) {
	out := make([]handshake.Mount, 0, len(list))
	for _, m := range list {
		translated, err := mount(m)
		if err != nil {
			return nil, fmt.Errorf("mount %s on %q: %w", m.Source, m.Destination, err)
		}
		out = append(out, translated)
	}
	return out, nil
}

func mount(m specs.Mount) (handshake.Mount, error) {
	out := handshake.Mount{Destination: m.Destination, Type: m.Type, Source: m.Source}
	if !strings.HasPrefix(m.Destination, "/") {
		return out, fmt.Errorf("%q is not an absolute path", m.Destination)
	}
	if slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind") || m.Type == "bind" || m.Type == "none" {
		out.Type = "bind"
		out.Propagation = unix.MS_PRIVATE
	}
	for _, o := range m.Options {
		if err := option(&out, o); err != nil {
			return out, err
		}
	}
	if out.Set&unix.MOUNT_ATTR__ATIME != 0 {
		out.Clear = unix.MOUNT_ATTR__ATIME // one field of several values, not bits (mount_setattr(2))
	}
	return out, nil
}

func option(m *handshake.Mount, o string) error {
	if bits, ok := attributes[o]; ok {
		m.Set |= bits
		return nil
	}
	if bits, ok := opposites[o]; ok {
		m.Set &^= bits
		return nil
	}
	if bits, ok := treeAttributes[o]; ok {
		m.SetAll |= bits
		return nil
	}
	if p, ok := propagations[o]; ok {
		m.Propagation = p
		return nil
	}
	switch o {
	case "bind":
		return nil
	case "rbind":
		m.Recursive = true
		return nil
	case "shared", "rshared", "unbindable", "runbindable":
		return fmt.Errorf("propagation %q is not supported", o)
	}
	if m.Type == "bind" {
		return fmt.Errorf("option %q is not known for a bind mount", o)
	}
	m.Data = append(m.Data, o)
	return nil
}
