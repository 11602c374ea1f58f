package doctor

import (
	"slices"
	"syscall"
)

// Pretended is a machine that says this about itself.
type Pretended struct {
	Root, Container, Noexec, Systemd, Newuidmap bool
	Settings                                    map[string]string
}

// Judge is the finding for feature id of such a machine: errno is what the kernel answered, zero that it worked.
func Judge(p Pretended, id ID, errno syscall.Errno, detail string) Finding {
	m := machine{
		root: p.Root, container: p.Container, noexec: p.Noexec, systemd: p.Systemd, newuidmap: p.Newuidmap,
		user: "ada", self: "/home/ada/drydock", state: "/home/ada/state",
		setting: func(name string) string { return p.Settings[name] },
	}
	t := Try(id, detail, nil)
	if errno != 0 {
		t = Try(id, detail, errno)
	}
	return features[slices.IndexFunc(features, func(f feature) bool { return f.id == id })].judge(t, m)
}

// Features are all ids of the table.
func Features() []ID {
	var ids []ID
	for _, f := range features {
		ids = append(ids, f.id)
	}
	return ids
}
